//! The command that the proxy serves.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus};

use oauthctl_core::{Error, Result};

use crate::commands::exec::cannot_start;
use crate::signals::Signals;

/// A command that runs.
pub struct Running {
    child: Option<Child>,
    id: u32,
    signals: Signals,
}

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
    let signals = Signals::new()?;
    let child = command.spawn().map_err(|error| cannot_start(program, &error))?;
    Ok(Running { id: child.id(), child: Some(child), signals })
}

impl Running {
    /// Waits for its end, and returns its exit code. Signals are passed on to it.
    ///
    /// # Errors
    ///
    /// Returns an error if the system cannot wait for it.
    pub async fn ended(&mut self) -> Result<ExitCode> {
        let Some(mut child) = self.child.take() else {
            return Err(Error::internal("the command has already exited"));
        };
        let mut waiting = tokio::task::spawn_blocking(move || child.wait());
        loop {
            tokio::select! {
                ended = &mut waiting => {
                    let failed = |why: String| Error::internal(format!("cannot wait for the command: {why}"));
                    let status = ended.map_err(|error| failed(error.to_string()))?;
                    return Ok(code(status.map_err(|error| failed(error.to_string()))?));
                }
                signal = self.signals.next() => signal.pass_on(self.id),
            }
        }
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
