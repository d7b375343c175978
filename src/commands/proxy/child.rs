//! The command that the proxy serves.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use oauthctl_core::{Error, Result};

use crate::child::{self, NotStarted};
use crate::commands::exec::cannot_start;

/// A command that runs.
pub struct Running(child::Running);

/// Starts a command with the URL of the proxy in its environment, and without the variables that hold keys.
///
/// # Errors
///
/// Returns `Usage` if it cannot be started.
pub fn start(
    words: &[OsString],
    url: &str,
    socket: Option<&Path>,
    hidden: &[String],
) -> Result<Running> {
    let [program, arguments @ ..] = words else {
        return Err(Error::internal("there is no command to start"));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in hidden {
        command.env_remove(name);
    }
    command.env_remove("OAUTHCTL_AGENT");
    command.env("OAUTHCTL_PROXY_URL", url);
    match socket {
        Some(path) => command.env("OAUTHCTL_PROXY_SOCKET", path),
        None => command.env_remove("OAUTHCTL_PROXY_SOCKET"),
    };
    child::start(&mut command).map(Running).map_err(|why| match why {
        NotStarted::Signals(error) => error,
        NotStarted::System(error) => cannot_start(program, &error),
    })
}

impl Running {
    /// Waits for its end, and returns its exit code. Signals are passed on to it.
    ///
    /// # Errors
    ///
    /// Returns an error if the system cannot wait for it.
    pub async fn ended(&mut self) -> Result<ExitCode> {
        self.0.ended().await.map(code)
    }
}

/// Returns the exit code of a shell for this end.
fn code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
