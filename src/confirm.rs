//! Asks a command of the user whether a token may be used.

use std::collections::HashMap;
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
    state: Mutex<State>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    subjects: HashMap<String, Subject>,
    /// How often consents were forgotten.
    forgotten: u64,
}

/// What the user said about one subject.
#[derive(Default, Clone, Copy)]
struct Subject {
    consented: Option<Instant>,
    answers: u64,
}

/// Maximum number of subjects to remember.
const MAX_SUBJECTS: usize = 1_000;

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

    /// Returns whether the user consents to this subject, now or recently. However many requests with the same subject
    /// wait, the command runs once, and all of them get its answer. It gets these variables.
    ///
    /// # Errors
    ///
    /// Returns an error if the command cannot be started.
    pub async fn ask(&self, subject: &str, about: &[(&'static str, String)]) -> Result<bool> {
        let (before, _) = self.known(subject);
        if self.is_valid(before) {
            return Ok(true);
        }
        let _asking = self.asking.lock().await;
        let (now, forgotten) = self.known(subject);
        // Refused while this request waited.
        if self.is_valid(now) || now.answers != before.answers {
            return Ok(self.is_valid(now));
        }
        let consents = self.run(about).await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // An answer to a question from before consents were forgotten counts no more than they do.
        let consents = consents.map(|consents| consents && state.forgotten == forgotten);
        if state.subjects.len() >= MAX_SUBJECTS {
            state.subjects.clear();
        }
        let subject = state.subjects.entry(subject.to_owned()).or_default();
        subject.answers += 1;
        subject.consented = consents.as_ref().is_ok_and(|yes| *yes).then(Instant::now);
        consents
    }

    /// Forgets all consents.
    pub fn forget(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.forgotten += 1;
        state.subjects.values_mut().for_each(|subject| subject.consented = None);
    }

    fn known(&self, subject: &str) -> (Subject, u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.subjects.get(subject).copied().unwrap_or_default(), state.forgotten)
    }

    fn is_valid(&self, subject: Subject) -> bool {
        let lives = |at: Instant| self.lasts.is_none_or(|lasts| at.elapsed() < lasts);
        subject.consented.is_some_and(lives)
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
