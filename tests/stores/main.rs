//! One suite that runs over every store, and additional tests for each kind.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[cfg(target_os = "linux")]
mod bus;
mod contract;
mod cut_off;
mod files;
#[cfg(target_os = "linux")]
mod keepassxc;
mod keyrings;
mod lines;
mod migration;
#[cfg(target_os = "linux")]
mod prompts;
mod scene;
#[cfg(target_os = "linux")]
mod secret_service;
mod state;
#[path = "../support/mod.rs"]
mod support;

/// Not a test itself: the part of other tests that runs in another process. See [`scene::Helper`].
#[test]
fn helper_process_runs_its_part() {
    scene::run_helper();
}
