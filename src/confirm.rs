//! Asks a command of the user whether a token may be used.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};

/// A command that decides: a failure refuses.
pub struct Confirm {
    command: String,
    /// How long a consent lasts; for as long as the process without it.
    lasts: Option<Duration>,
    hidden: Vec<String>,
    /// The end of the last consent, and the number of answers.
    state: Mutex<State>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    consented: Option<Instant>,
    answers: u64,
}

impl Confirm {
    /// Creates it. The command line is for the shell; it does not inherit the hidden variables.
    pub fn new(command: &str, lasts: Option<Duration>, hidden: Vec<String>) -> Self {
        Self {
            command: command.to_owned(),
            lasts,
            hidden,
            state: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Returns whether the user consents, now or recently. However many requests wait, the command runs
    /// once, and all of them get its answer. It gets these variables.
    ///
    /// # Errors
    ///
    /// Returns an error if the command cannot be started.
    pub async fn ask(&self, about: &[(&'static str, String)]) -> Result<bool> {
        let (is_valid, answers) = self.state();
        if is_valid {
            return Ok(true);
        }
        let _asking = self.asking.lock().await;
        let (is_valid, now) = self.state();
        // Refused while this request waited.
        if is_valid || now != answers {
            return Ok(is_valid);
        }
        let consents = self.run(about).await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.answers += 1;
        state.consented = consents.as_ref().is_ok_and(|yes| *yes).then(Instant::now);
        consents
    }

    /// Forgets the consent.
    pub fn forget(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).consented = None;
    }

    fn state(&self) -> (bool, u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = |at: Instant| self.lasts.is_none_or(|lasts| at.elapsed() < lasts);
        (state.consented.is_some_and(lives), state.answers)
    }

    async fn run(&self, about: &[(&'static str, String)]) -> Result<bool> {
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = Command::new(shell);
        command.arg(option).arg(&self.command).stdin(Stdio::null()).stdout(Stdio::null());
        for name in &self.hidden {
            command.env_remove(name);
        }
        command.envs(about.iter().map(|(name, value)| (name, value)));
        let ended = tokio::task::spawn_blocking(move || command.status()).await;
        let failed = |why: String| {
            let what = format!("cannot run the `--confirm` command: {}", one_line(&why));
            Error::config(what)
        };
        match ended {
            Ok(Ok(status)) => Ok(status.success()),
            Ok(Err(error)) => Err(failed(error.to_string()).caused_by(&error)),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}
