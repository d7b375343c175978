//! The examples as whole programs, against a server that the project did not write.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod chromium;
mod grant_rules;
mod person;
mod pkce_manager;
mod signed_state;
mod track_consent;
mod walk;
