//! `oauthctl serve` and `oauthctl tenant`: run the broker, which is a program of its own.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;
use oauthctl_core::{Error, Result};

use crate::context::Context;

/// The program that has both commands.
const BROKER: &str = "oauthctl-broker";

/// How to install it.
const HOW_TO_INSTALL: &str =
    "run `cargo install --locked --path crates/broker` in the source directory of oauthctl";

/// Returns a paragraph of the help: which program both commands run.
fn which_program() -> String {
    format!(
        "This command runs `{BROKER}`, from the directory of `oauthctl` or from PATH. To install it, \
         {HOW_TO_INSTALL}."
    )
}

#[derive(Debug, Args)]
#[command(after_help = format!(
    "Example:\n  oauthctl serve --listen 127.0.0.1:8700\n\n{} After that, `oauthctl serve --help` lists \
     its options.",
    which_program()
))]
pub struct ServeArgs {
    #[command(flatten)]
    passed: Passed,
}

#[derive(Debug, Args)]
#[command(after_help = format!(
    "Example:\n  oauthctl tenant create shop --allow-redirect https://shop.example/\n\n{} After that, \
     `oauthctl tenant --help` lists its commands.",
    which_program()
))]
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

/// The commands of the broker.
const COMMANDS: [&str; 2] = ["serve", "tenant"];

/// Prints the help of a command of the broker; `None` if these words name none, or if the broker is not installed.
pub fn help(words: &[String]) -> Option<Result<ExitCode>> {
    if !words.first().is_some_and(|first| COMMANDS.contains(&first.as_str())) {
        return None;
    }
    let mut command = broker();
    command.args(words).arg("--help");
    match start(command) {
        Err(error) if is_absent(&error) => None,
        started => Some(started.map_err(|error| cannot_start(&error))),
    }
}

/// Runs the broker with the arguments of this process, global options included.
fn run() -> Result<ExitCode> {
    let mut command = broker();
    command.args(std::env::args_os().skip(1));
    start(command).map_err(|error| cannot_start(&error))
}

fn broker() -> Command {
    Command::new(beside().unwrap_or_else(|| BROKER.into()))
}

/// Returns the broker in the directory of this program, if it is there.
fn beside() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let name = format!("{BROKER}{}", std::env::consts::EXE_SUFFIX);
    Some(program.parent()?.join(name)).filter(|path| path.is_file())
}

/// Runs a command. On Unix it replaces this process, so that its exit code and every signal are its own.
#[cfg(unix)]
fn start(mut command: Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn start(mut command: Command) -> std::io::Result<ExitCode> {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

fn is_absent(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

fn cannot_start(error: &std::io::Error) -> Error {
    if is_absent(error) {
        return Error::config(format!("`{BROKER}` is not installed"))
            .hint(format!("{HOW_TO_INSTALL}, or put `{BROKER}` beside `oauthctl` or on PATH"));
    }
    Error::config(format!("cannot start `{BROKER}`: {error}")).caused_by(error)
}
