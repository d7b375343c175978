//! The command line: `serve` and `tenant`, to which `oauthctl` passes its arguments.

mod globals;
mod places;
mod serve;
mod tenant;
mod ui;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use oauthctl_core::{Error, Result};

use globals::Globals;
use ui::Ui;

/// Run the broker, which manages OAuth connections for applications, and manage its tenants.
#[derive(Debug, Parser)]
#[command(
    name = "oauthctl",
    bin_name = "oauthctl",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the broker
    Serve(serve::ServeArgs),
    /// Create, list, disable and enable tenants, and issue their API keys
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
}

/// Returns the description of the command line.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the command line, runs the command, and reports how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ui::usage(&error),
    };
    let ui = Ui { json: cli.globals.json, quiet: cli.globals.quiet };
    let outcome = match &cli.command {
        Command::Serve(args) => on_runtime(serve::run(args, &cli.globals, ui)),
        Command::Tenant(command) => on_runtime(tenant::run(command, &cli.globals, ui)),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => ui.fail(&error),
    }
}

fn on_runtime(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::internal(format!("cannot start the runtime: {e}")).caused_by(&e))?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}
