//! Help texts. The help of a command omits the global options, which the help of the program and `oauthctl
//! help options` list.

pub mod markdown;
pub mod topics;

use std::process::ExitCode;

use clap::{Args, Command, ValueHint};
use oauthctl_core::Result;
use serde_json::json;

use crate::args::Globals;
use crate::commands::help::topics::Found;
use crate::commands::{man, serve};
use crate::context::Context;
use crate::ui;
use crate::wrap::WIDEST;

#[derive(Debug, Args)]
#[command(after_help = format!(
    "{}\n\nExamples:\n  oauthctl help profile add\n  oauthctl help environment",
    topics::list()
))]
pub struct HelpArgs {
    /// Command or topic to show help for
    #[arg(value_name = "COMMAND", value_hint = ValueHint::Other)]
    words: Vec<String>,
}

/// Prints help for a command.
///
/// # Errors
///
/// Returns `Usage` if there is no such command.
pub fn run(args: &HelpArgs, program: Command) -> Result<ExitCode> {
    print(&args.words, program)
}

/// Prints the help of the command that these words name. The broker prints that of its own commands.
///
/// # Errors
///
/// Returns `Usage` for an unknown command.
pub fn print(words: &[String], program: Command) -> Result<ExitCode> {
    if let Some(printed) = serve::help(words) {
        return printed;
    }
    ui::print(&of(words, program)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the version.
///
/// # Errors
///
/// Returns an error if stdout cannot be written.
pub fn version(context: &Context) -> Result<ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    match context.ui.json {
        true => ui::print_json(&json!({ "name": "oauthctl", "version": version }))?,
        false => ui::print_line(&format!("oauthctl {version}"))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the help of the command that these words name, or of the program if there are none.
///
/// # Errors
///
/// Returns `Usage` for an unknown command.
pub fn of(words: &[String], mut program: Command) -> Result<String> {
    if let [topic] = words
        && let Some(found) = topics::find(topic)
    {
        return Ok(match found {
            Found::Text(text) => text,
            Found::Options => options(),
        });
    }
    program.build();
    let Some(command) = man::find(&program, words)?.last().copied() else {
        return Ok(program.render_help().to_string());
    };
    let notes = command.get_after_help().map(|notes| format!("{notes}\n\n")).unwrap_or_default();
    let notes = format!("{notes}See `oauthctl help options` for the global options.");
    let own = command.clone().after_help(notes).mut_args(|arg| match arg.is_global_set() {
        true => arg.hide(true),
        false => arg,
    });
    Ok(own.clone().render_help().to_string())
}

fn options() -> String {
    let about = "Options of every command";
    let command = Command::new("oauthctl").about(about).disable_help_flag(true);
    let command = Globals::augment_args(command)
        .override_usage("oauthctl [OPTIONS] <COMMAND>")
        .max_term_width(WIDEST);
    command.clone().render_help().to_string()
}
