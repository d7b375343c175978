//! Flows that are started by one process and completed by another, through the built program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod attributes;
mod damage;
mod honest;
mod hooks;
mod identity;
mod once;
mod races;
mod scene;
mod sealed;
mod states;
mod sweep;
