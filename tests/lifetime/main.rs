//! The life of a grant, seen from outside the built program: races, deaths, signals, full disks, logouts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod agent;
mod clock;
mod descriptors;
mod failures;
mod growth;
mod holders;
mod ignored_signals;
mod keys;
mod locks;
mod logout;
mod pinning;
mod portable;
mod races;
mod scene;
mod short;
mod signals;
mod state_words;
mod stores;
mod sweep;
