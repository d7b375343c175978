//! Options that all commands have.

use std::path::PathBuf;

use clap::Args;

/// The global options of `oauthctl`, as far as they apply here.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Configuration file [env: OAUTHCTL_CONFIG]
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Store of the broker: `sqlite:PATH`, `postgres://…` or `redis://…`; a URL with a password is only
    /// accepted in the configuration [default: an SQLite file in the state directory]
    #[arg(long, global = true, value_name = "STORE")]
    pub store: Option<String>,
    /// Print results and errors as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Accepted and ignored
    #[arg(long, global = true, hide = true)]
    pub trace: bool,
    /// Accepted and ignored
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    pub trace_har: Option<PathBuf>,
    /// Accepted and ignored
    #[arg(long, global = true, hide = true, value_name = "WHEN")]
    pub color: Option<String>,
    /// Accepted and ignored
    #[arg(long, global = true, hide = true)]
    pub no_input: bool,
}
