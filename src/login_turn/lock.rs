//! The lock under which one process at a time logs in to an account.

use std::time::Duration;

use oauthctl_core::files::{Dir, Locked};
use oauthctl_core::port::Clock;
use oauthctl_core::store::StateDir;
use oauthctl_core::{Error, GrantKey, Result, Timestamp, time};
use serde::{Deserialize, Serialize};

/// The directory of the locks in the state directory.
const LOCKS: &str = "locks";

/// Version of the format of an outcome.
const VERSION: u32 = 1;

/// The outcome of a login, for the processes that waited for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginOutcome {
    /// When the login ended.
    pub at: Timestamp,
    /// The id of the grant, if the login succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// The word of the error's kind ([`oauthctl_core::ErrorKind::word`]), if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error message, if it failed, in this program's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An outcome, and a number that distinguishes it from a later one.
#[derive(Serialize, Deserialize)]
struct Numbered {
    version: u32,
    number: u64,
    #[serde(flatten)]
    outcome: LoginOutcome,
}

/// The held lock of an account's login. It is not the lock of the account's grant: tokens are handed out and refreshed
/// meanwhile.
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
    ///
    /// # Errors
    ///
    /// Returns `Unavailable` if another process holds it for longer than `wait`, and `Store` if the lock cannot
    /// be created.
    pub async fn acquire(
        state: &StateDir,
        clock: &dyn Clock,
        key: &GrantKey,
        wait: Duration,
    ) -> Result<Self> {
        let locks = Dir::create(&state.place(LOCKS)?, &state.warnings())?;
        let slug = key.slug();
        let name = format!("login-{slug}.lock");
        let record = format!("login-{slug}.json");
        let (file, joined) = match locks.try_lock(&name)? {
            Some(file) => (file, None),
            None => {
                let known = read_outcome(&locks, &record).map(|o| o.number);
                let file = locks.lock(&name, clock, wait).await?;
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

    /// Reports the outcome of this login to the waiting processes. Call it before dropping the lock.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot be written.
    pub fn finish(&mut self, outcome: &LoginOutcome) -> Result<()> {
        let mut number = [0; 8];
        aws_lc_rs::rand::fill(&mut number)
            .map_err(|_| Error::internal("the system did not return random numbers"))?;
        let outcome = outcome.clone();
        let number = u64::from_be_bytes(number);
        let outcome = serde_json::to_vec(&Numbered { version: VERSION, number, outcome })
            .map_err(|_| Error::internal("cannot write the outcome of a login as JSON"))?;
        self.locks.replace_lazily(&self.record, &outcome)?;
        self.locks.sweep(&self.record);
        Ok(())
    }
}

fn login_busy(key: &GrantKey, wait: Duration) -> Error {
    Error::unavailable(format!(
        "another process is logging in to {key} and did not finish within {}",
        time::describe(wait)
    ))
    .hint("finish the login in that process, or stop it")
}

fn read_outcome(locks: &Dir, record: &str) -> Option<Numbered> {
    let bytes = locks.read(record).ok()??;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use oauthctl_core::clock::SystemClock;
    use oauthctl_core::port::{BoxFuture, Coordinator};

    use super::*;

    /// Ends the login in progress once another one waits for it.
    struct WhenWaiting(Mutex<Option<LoginLock>>, Option<LoginOutcome>);

    impl Clock for WhenWaiting {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix(0)
        }

        fn sleep<'a>(&'a self, _: Duration) -> BoxFuture<'a, ()> {
            if let Some(mut lock) = self.0.lock().unwrap().take()
                && let Some(outcome) = &self.1
            {
                lock.finish(outcome).unwrap();
            }
            Box::pin(async {})
        }
    }

    fn outcome(message: &str) -> LoginOutcome {
        LoginOutcome {
            at: Timestamp::from_unix(1),
            grant_id: Some("grant".to_owned()),
            error: None,
            message: Some(message.to_owned()),
        }
    }

    fn state(folder: &tempfile::TempDir) -> StateDir {
        StateDir::open(folder.path().join("state"), Arc::new(SystemClock))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    /// Takes the lock at once.
    fn take(state: &StateDir, key: &GrantKey) -> Result<LoginLock> {
        block_on(LoginLock::acquire(state, &SystemClock, key, Duration::ZERO))
    }

    /// Waits for a login that ends with this outcome, or dies without one.
    fn wait_for(state: &StateDir, key: &GrantKey, outcome: Option<LoginOutcome>) -> LoginLock {
        let clock = WhenWaiting(Mutex::new(Some(take(state, key).unwrap())), outcome);
        block_on(LoginLock::acquire(state, &clock, key, Duration::from_secs(60))).unwrap()
    }

    #[test]
    fn second_login_learns_how_the_first_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (state, key) = (state(&folder), GrantKey::new("profile", "default"));
        let mut earlier = take(&state, &key).unwrap();
        assert!(block_on(state.lock(&key, Duration::ZERO)).is_ok(), "tokens stay available");
        let busy = take(&state, &key).unwrap_err();
        assert_eq!(busy.kind(), oauthctl_core::ErrorKind::Unavailable);
        earlier.finish(&outcome("an earlier one")).unwrap();
        drop(earlier);
        assert_eq!(take(&state, &key).unwrap().joined(), None);
        let joined = wait_for(&state, &key, Some(outcome("in progress")));
        assert_eq!(joined.joined(), Some(&outcome("in progress")));
    }

    #[test]
    fn login_that_died_is_not_joined() {
        let folder = tempfile::tempdir().unwrap();
        let (state, key) = (state(&folder), GrantKey::new("profile", "default"));
        take(&state, &key).unwrap().finish(&outcome("old")).unwrap();
        assert_eq!(wait_for(&state, &key, None).joined(), None);
    }
}
