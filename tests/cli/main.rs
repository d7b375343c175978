//! The command line as users and scripts see it: transcripts, formats, exit codes, configuration, unusual
//! environments. `OAUTHCTL_UPDATE_SNAPSHOTS=1` rewrites the snapshots; review the difference afterwards.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod api;
mod ci;
mod completions;
mod config;
mod credential;
mod doctor;
mod documented;
mod environment;
mod errors;
mod exec;
mod fixture;
mod followed;
mod formats;
mod guided;
mod help;
mod hints;
mod inspection;
mod keyring;
mod large;
mod ledger;
mod man;
mod mended;
mod notifications;
#[path = "../../src/docs/page.rs"]
#[allow(dead_code, reason = "the tests of the program use more of it")]
mod page;
mod permissions;
mod profile_show;
mod profiles;
mod sandbox;
mod selected;
mod serve;
mod shells;
mod snapshot;
mod status;
mod stores;
mod streams;
mod trace;
mod uninstall;
mod widths;
