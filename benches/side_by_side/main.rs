//! Side by side: the program next to what it is measured against, in one run.
//!
//!     cargo bench --package oauthctl                         # everything, 60 pairs a row
//!     cargo bench --package oauthctl -- --pairs 200 cached   # the rows whose names contain "cached"
//!
//! Each row runs A B A B …: A is the yardstick, B the program. What counts is the ratio or the difference
//! of the medians, for both saw the same machine. Nothing is asserted: a figure is to be read next to the
//! machine, which is printed first. Everything runs in homes of its own below `TMPDIR`, against the
//! authorization server of `tests/servers` (`npm ci` there once) and a Secret Service of its own
//! (gnome-keyring, dbus, secret-tool), and for `proxy` nginx and wrk; rows whose tools are missing are skipped and say so.
//! `OAUTHCTL_TEST_PROGRAM` names another binary than an installed release build of this program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod browser;
mod figures;
mod growth;
mod homes;
mod machine;
mod rows;
mod two_phase;
mod ways_out;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut pairs = 60;
    let mut wanted = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Started by the program as its browser.
            "--browse" => return browser::main(&arguments.next().unwrap()),
            "--pairs" => pairs = arguments.next().unwrap().parse().unwrap(),
            // Cargo's own.
            "--bench" => {}
            name => wanted = Some(name.to_owned()),
        }
    }
    if std::env::var_os("OAUTHCTL_TEST_PROGRAM").is_none() {
        return with_installed_program();
    }
    machine::describe();
    rows::all(pairs, wanted.as_deref());
    ExitCode::SUCCESS
}

/// Builds the program, installs it, and measures that one.
///
/// For a benchmark, cargo builds the program with what the tests need, too: it is larger then, loads another library, and
/// starts later. And a program is installed by copying it. The file that the linker has just written starts 0.1 ms later
/// than its copy, until it is read again from the disk.
fn with_installed_program() -> ExitCode {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = ["build", "--locked", "--release", "--package", "oauthctl", "--bin", "oauthctl"];
    let done =
        Command::new(cargo).args(build).current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(done.success(), "the program does not build");
    let folder = tempfile::tempdir().unwrap();
    let installed = folder.path().join("oauthctl");
    std::fs::copy(env!("CARGO_BIN_EXE_oauthctl"), &installed).unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(std::env::args_os().skip(1)).env("OAUTHCTL_TEST_PROGRAM", &installed);
    let measured = again.status().unwrap();
    if measured.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
