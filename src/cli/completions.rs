//! `oauthctl completions`: completion scripts for shells.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use oauthctl_core::{Error, Result};

use super::report;

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell to print a completion script for
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn run(args: &CompletionsArgs, command: &mut Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "oauthctl", &mut script);
    let script = String::from_utf8(script).map_err(|e| Error::internal(e.to_string()))?;
    report::print(&script)?;
    Ok(ExitCode::SUCCESS)
}
