//! The lock under which one process at a time logs in to an account.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::versioned::{Versioned, json};
use crate::error::{Error, Result};
use crate::files::{self, Dir, Locked};
use crate::grant::GrantKey;
use crate::port::Clock;
use crate::time::Timestamp;

/// The outcome of a login, for the processes that waited for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginOutcome {
    /// When the login ended.
    pub at: Timestamp,
    /// The id of the grant, if the login succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// The word of the error's kind ([`crate::ErrorKind::word`]), if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error message, if it failed, in this program's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An outcome, and a number that distinguishes it from a later one.
#[derive(Serialize, Deserialize)]
struct Numbered {
    number: u64,
    #[serde(flatten)]
    outcome: LoginOutcome,
}

/// A held login lock.
pub struct LoginLock {
    _file: Locked,
    locks: Dir,
    record: String,
    joined: Option<LoginOutcome>,
}

impl std::fmt::Debug for LoginLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoginLock({})", self.record)
    }
}

impl LoginLock {
    /// Acquires the lock, and reads the outcome of the login that was waited for.
    pub(super) async fn acquire(
        locks: Dir,
        clock: &dyn Clock,
        key: &GrantKey,
        wait: Duration,
    ) -> Result<Self> {
        let slug = key.slug();
        let name = format!("login-{slug}.lock");
        let record = format!("login-{slug}.json");
        let (file, joined) = match locks.try_lock(&name)? {
            Some(file) => (file, None),
            None => {
                let known = read_outcome(&locks, &record).map(|o| o.number);
                let file = files::poll(clock, wait, || locks.try_lock(&name)).await?;
                let file = file.ok_or_else(|| login_busy(key, wait))?;
                let joined = read_outcome(&locks, &record).filter(|o| Some(o.number) != known);
                (file, joined.map(|o| o.outcome))
            }
        };
        Ok(Self { _file: file, locks, record, joined })
    }

    /// Returns the outcome of the login that this one waited for: `None` if it did not wait, or if that one
    /// died without reporting.
    pub fn joined(&self) -> Option<&LoginOutcome> {
        self.joined.as_ref()
    }

    /// Reports how this login ended to those that wait. Call it before dropping the lock.
    pub fn finish(&mut self, outcome: &LoginOutcome) -> Result<()> {
        let mut number = [0; 8];
        aws_lc_rs::rand::fill(&mut number)
            .map_err(|_| Error::internal("the system did not return random numbers"))?;
        let outcome = outcome.clone();
        let outcome = json(Numbered { number: u64::from_be_bytes(number), outcome })?;
        self.locks.replace_lazily(&self.record, &outcome)?;
        self.locks.sweep(&self.record);
        Ok(())
    }
}

fn login_busy(key: &GrantKey, wait: Duration) -> Error {
    Error::unavailable(format!(
        "another process is logging in to {key} and did not finish within {}",
        crate::time::describe(wait)
    ))
    .hint("finish the login in that process, or stop it")
}

fn read_outcome(locks: &Dir, record: &str) -> Option<Numbered> {
    let bytes = locks.read(record).ok()??;
    serde_json::from_slice::<Versioned<Numbered>>(&bytes).ok().map(|v| v.value)
}
