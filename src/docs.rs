//! The documentation for users, `README.md` and `docs/`, against the program: generated parts are current, links lead
//! somewhere, command lines are accepted, and examples of configuration are valid.
//!
//! `OAUTHCTL_UPDATE_SNAPSHOTS=1 cargo test docs --bin oauthctl` writes the generated parts.

mod commands;
mod examples;
mod generated;
mod links;
mod page;
mod shell;

use page::{Page, pages, root};

/// A cell of a table: a bar would end it.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Fails with everything that is wrong.
#[track_caller]
fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
