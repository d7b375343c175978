//! `oauthctl exec`: runs a command with a fresh token in its environment.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use clap::{Args, ValueHint};
use oauthctl_core::{Error, Result, hook};

use crate::agent::client::Agent;
use crate::context::Context;
use crate::format::TOKEN_VARIABLE;
use crate::get_token;
use crate::get_token::remarks::remark_renewal;
use crate::get_token::request::{Request, Selection};

#[derive(Debug, Args)]
#[command(
    after_help = "The token never appears in an argument list. On Unix, the command replaces the \
oauthctl process.\n\nExample:\n  oauthctl exec -p github --env GH_TOKEN -- gh issue list"
)]
pub struct ExecArgs {
    /// Profile to use [env: OAUTHCTL_PROFILE]
    #[arg(short, long, value_name = "PROFILE", value_hint = ValueHint::Other)]
    profile: Option<String>,
    #[command(flatten)]
    selection: Selection,
    /// Environment variable that holds the token
    #[arg(long, value_name = "NAME", default_value = TOKEN_VARIABLE, value_hint = ValueHint::Other)]
    env: String,
    /// Command to run, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    command: Vec<OsString>,
}

/// Runs the command. On Unix the command replaces this process, so that its exit code and every signal are
/// its own.
///
/// # Errors
///
/// See [`get_token::get`]; also returns `Usage` if the command cannot be started.
pub fn run(args: &ExecArgs, context: &Context) -> Result<ExitCode> {
    let name_is_fit = !args.env.is_empty() && !args.env.contains(['=', '\0']);
    if !name_is_fit {
        return Err(Error::usage("`--env` must name an environment variable"));
    }
    let [program, arguments @ ..] = args.command.as_slice() else {
        return Err(Error::usage("`exec` requires a command after `--`"));
    };
    let token =
        get_token::get(context, args.profile.as_deref(), &args.selection, &Request::default())?;
    remark_renewal(context, &token);
    let mut command = Command::new(program);
    command.args(arguments);
    // The command gets a token, but neither the keys of the store nor the client's credentials.
    let hidden = match Agent::named()? {
        Some(_) => hook::private_variables().collect(),
        None => hook::hidden_variables(context.profile(&token.account.key.profile)?),
    };
    for secret in hidden {
        command.env_remove(secret);
    }
    command.env(&args.env, token.value.expose());
    context.finish_trace();
    start(command, program)
}

#[cfg(unix)]
fn start(mut command: Command, program: &OsString) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(cannot_start(program, &command.exec()))
}

#[cfg(not(unix))]
fn start(mut command: Command, program: &OsString) -> Result<ExitCode> {
    let status = command.status().map_err(|e| cannot_start(program, &e))?;
    let code = status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Returns the error, with the exit codes of shells: 127 for a missing command, 126 for one that cannot be
/// executed.
pub fn cannot_start(program: &OsString, error: &std::io::Error) -> Error {
    let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
    Error::usage(format!("cannot start `{}`: {error}", program.to_string_lossy()))
        .caused_by(error)
        .hint("check its name and PATH")
        .with_exit_code(code)
}
