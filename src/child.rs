//! A command that is started and waited for. Signals that would end this program end the command instead.

use std::process::{Command, ExitStatus};

use oauthctl_core::{Error, Result};

use crate::signals::{Ending, Signals};

/// A command that runs.
pub struct Running {
    child: Option<std::process::Child>,
    id: u32,
    signals: Signals,
    /// The last signal that was passed on.
    pub signal: Option<Ending>,
}

/// Why a command was not started.
pub enum NotStarted {
    /// Signals cannot be handled.
    Signals(Error),
    /// The system refused.
    System(std::io::Error),
}

/// Starts a command. Requires a runtime.
///
/// # Errors
///
/// Returns why it was not started.
pub fn start(command: &mut Command) -> Result<Running, NotStarted> {
    let signals = Signals::new().map_err(NotStarted::Signals)?;
    let child = command.spawn().map_err(NotStarted::System)?;
    Ok(Running { id: child.id(), child: Some(child), signals, signal: None })
}

impl Running {
    /// Waits for its end. Signals are passed on to it.
    ///
    /// # Errors
    ///
    /// Returns an error if the system cannot wait for it.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let Some(mut child) = self.child.take() else {
            return Err(Error::internal("the command has already exited"));
        };
        let mut waiting = tokio::task::spawn_blocking(move || child.wait());
        loop {
            tokio::select! {
                ended = &mut waiting => {
                    let failed = |why: String| Error::internal(format!("cannot wait for the command: {why}"));
                    let status = ended.map_err(|error| failed(error.to_string()))?;
                    return status.map_err(|error| failed(error.to_string()));
                }
                signal = self.signals.next() => {
                    self.signal = Some(signal);
                    signal.pass_on(self.id);
                }
            }
        }
    }
}
