//! The credential helpers: their protocols, what they refuse, and the real programs that use them.

mod aws;
mod cargo;
mod configuration;
mod docker;
mod git;
mod kubernetes;
mod links;
mod netrc;
mod npm;
mod real;
mod setup;

use std::fs;

use crate::fixture::{PROFILE, Sandbox, TOKEN, grant, plant, with_sandbox};
use crate::support::Home;

/// A home with profile `p`, whose token is this, and these `[credential]` tables.
#[track_caller]
fn planted_with(credential: &str) -> Home {
    let home = Home::new();
    home.config(&format!("{PROFILE}{credential}"));
    plant(&home, &grant("default", TOKEN, |_| ()));
    home
}

/// A home that is logged in to a sandbox as profile `s`, and these `[credential]` tables.
#[track_caller]
fn logged_in_with(credential: &str) -> (Home, Sandbox) {
    let (mut home, sandbox) = with_sandbox(None);
    let before = fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{before}{credential}"));
    home.login("s");
    (home, sandbox)
}
