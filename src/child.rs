//! A command that is started and waited for. Signals that would end this program end the command instead.

use std::process::{Command, ExitStatus};
use std::time::Duration;

use oauthctl_core::{Error, Result};

use crate::signals::{Ending, Signals};

/// Time within which the runtime checks for signals at least once.
const ONE_LOOK: Duration = Duration::from_millis(1);

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
                    let status = status.map_err(|error| failed(error.to_string()))?;
                    if !status.success() {
                        self.note_signal_of_both().await;
                    }
                    return Ok(status);
                }
                signal = self.signals.next() => {
                    self.signal = Some(signal);
                    signal.pass_on(self.id);
                }
            }
        }
    }

    /// Records a signal that ended the command and that this program also received, such as Ctrl-C in a terminal. The
    /// program may notice the exit of the command before the signal.
    async fn note_signal_of_both(&mut self) {
        // The signal has been delivered: the runtime only has to look for it once.
        if let Ok(signal) = tokio::time::timeout(ONE_LOOK, self.signals.next()).await {
            self.signal = Some(signal);
        }
    }
}
