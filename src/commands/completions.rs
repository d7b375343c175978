//! `oauthctl completions`: completion scripts for shells. They are static, except that those of bash, zsh and
//! fish ask the program itself for the names of profiles and accounts.

mod bash;
mod fish;
pub mod names;
mod values;
mod zsh;

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use oauthctl_core::Result;

use crate::ui;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
oauthctl completions bash \\\n    > ~/.local/share/bash-completion/completions/oauthctl")]
pub struct CompletionsArgs {
    /// Shell to print a completion script for
    shell: Shell,
}

/// Prints the completion script.
///
/// # Errors
///
/// Returns an error if stdout cannot be written.
pub fn run(args: &CompletionsArgs, mut command: Command) -> Result<ExitCode> {
    command.build();
    let script = match args.shell {
        Shell::Bash => bash::script(&command),
        Shell::Fish => fish::script(&command)?,
        Shell::Zsh => zsh::script(&command)?,
        other => values::generated(other, command)?,
    };
    ui::print(&script)?;
    Ok(ExitCode::SUCCESS)
}
