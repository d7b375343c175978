//! Flows that are started by one process and completed by another, through the built program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod attributes;
mod client_secrets;
mod confusion;
mod crowd;
mod damage;
mod honest;
mod hooks;
mod identity;
mod inputs;
mod once;
mod owners;
mod races;
mod rules;
mod scene;
mod sealed;
mod states;
mod sweep;
mod web_application;
