//! The examples as complete programs, against a third-party server.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod grant_rules;
mod pkce_manager;
mod signed_state;
mod track_consent;
mod walk;
