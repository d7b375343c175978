//! `oauthctl serve` and `oauthctl tenant`: run the broker, which is a program of its own.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;
use oauthctl_core::{Error, Result};

use crate::context::Context;

/// The program that has both commands.
const BROKER: &str = "oauthctl-broker";

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  oauthctl serve --listen 127.0.0.1:8700\n\n\
This command runs `oauthctl-broker`, which must be installed beside `oauthctl`\nor on PATH. \
`oauthctl-broker serve --help` describes its options.")]
pub struct ServeArgs {
    #[command(flatten)]
    passed: Passed,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  oauthctl tenant create shop --allow-redirect https://shop.example/done\n\n\
This command runs `oauthctl-broker`, which must be installed beside `oauthctl`\nor on PATH. \
`oauthctl-broker tenant --help` describes its commands."
)]
pub struct TenantArgs {
    #[command(flatten)]
    passed: Passed,
}

#[derive(Debug, Args)]
struct Passed {
    /// Arguments for `oauthctl-broker`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// Runs `oauthctl-broker serve`.
///
/// # Errors
///
/// Returns `Config` if the broker is not installed.
pub fn serve(args: &ServeArgs, _: &Context) -> Result<ExitCode> {
    let _ = &args.passed.arguments;
    run()
}

/// Runs `oauthctl-broker tenant`.
///
/// # Errors
///
/// As [`serve`].
pub fn tenant(args: &TenantArgs, _: &Context) -> Result<ExitCode> {
    let _ = &args.passed.arguments;
    run()
}

/// Runs the broker with the arguments of this process, global options included. On Unix it replaces this process, so
/// that its exit code and every signal are its own.
fn run() -> Result<ExitCode> {
    let beside = beside();
    let mut command = Command::new(beside.unwrap_or_else(|| BROKER.into()));
    command.args(std::env::args_os().skip(1));
    start(command)
}

/// Returns the broker in the directory of this program, if it is there.
fn beside() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let name = format!("{BROKER}{}", std::env::consts::EXE_SUFFIX);
    Some(program.parent()?.join(name)).filter(|path| path.is_file())
}

#[cfg(unix)]
fn start(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(cannot_start(&command.exec()))
}

#[cfg(not(unix))]
fn start(mut command: Command) -> Result<ExitCode> {
    let status = command.status().map_err(|e| cannot_start(&e))?;
    let code = status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

fn cannot_start(error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Error::config(format!("`{BROKER}` is not installed")).hint(format!(
            "run `cargo install {BROKER}`, or put `{BROKER}` beside `oauthctl` or on PATH"
        ));
    }
    Error::config(format!("cannot start `{BROKER}`: {error}")).caused_by(error)
}
