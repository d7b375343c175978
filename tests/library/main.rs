//! The crate as another program uses it: only its public items, custom stores, no command line.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod attributes;
mod blocking;
mod careless_ports;
mod changed_profiles;
mod denials;
mod failures;
mod hints;
mod loose_names;
mod narrowed;
mod newer_records;
mod overtaken;
mod own_stores;
mod scene;
mod service;
mod states;
mod waiting_ports;
