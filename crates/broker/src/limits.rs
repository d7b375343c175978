//! Limits that all instances enforce together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_core::{Error, Result};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;

use crate::clock::now_seconds;
use crate::keys::random_name;
use crate::storage::{Condition, Key, Space, Storage, Written};
use crate::vault::{Terms, Vault};

#[derive(Serialize, Deserialize)]
struct Counter {
    count: u32,
}

/// Counts one more event in the current window of `seconds`. Returns the number of seconds until the window
/// ends if `most` were counted already.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn count(vault: &Vault, what: &str, most: u32, seconds: u64) -> Result<Option<u64>> {
    let now = now_seconds();
    let ends = now - now % seconds + seconds;
    let key = Key::new(Space::Limits, "", format!("{what}/{ends}"));
    loop {
        let found = vault.get::<Counter>(&key).await?;
        let (count, condition) = match found {
            Some(found) => (found.document.count, Condition::Revision(found.revision)),
            None => (0, Condition::Absent),
        };
        if count >= most {
            return Ok(Some(ends.saturating_sub(now).max(1)));
        }
        let terms = Terms { expires_at: Some(ends + 60), ..Terms::only_if(condition) };
        if vault.put(key.clone(), &Counter { count: count + 1 }, terms).await? != Written::Refused {
            return Ok(None);
        }
    }
}

/// Maximum duration of a turn.
const TURN: Duration = Duration::from_secs(5);

/// How long to wait for a turn.
const QUEUE: Duration = Duration::from_secs(15);

/// The turn of one writer among all instances: only it adds records of a tenant to a space, so that none comes between
/// counting and writing. The writers of a process queue for it.
pub struct Turn {
    storage: Arc<dyn Storage>,
    name: String,
    owner: String,
    fence: u64,
    has_ended: bool,
    _front: OwnedMutexGuard<()>,
}

impl Turn {
    /// Runs work in a turn. The work gets the condition for its writes: that the turn has not ended.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails or others take too long, and the errors of the work.
    pub async fn run<T, E: From<Error>, F: Future<Output = Result<T, E>>>(
        vault: &Vault,
        space: Space,
        tenant: &str,
        work: impl FnOnce(Condition) -> F,
    ) -> Result<T, E> {
        let turn = Self::wait(vault, space, tenant).await?;
        let outcome = work(turn.condition()).await;
        turn.end().await;
        outcome
    }

    /// Waits for the turn.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails or others take too long.
    pub async fn wait(vault: &Vault, space: Space, tenant: &str) -> Result<Self> {
        let storage = Arc::clone(vault.storage());
        let (name, owner) = (format!("add/{}/{tenant}", space.number()), random_name()?);
        let until = Instant::now() + QUEUE;
        let front = vault.queues().enter(&name, QUEUE).await.ok_or_else(crowded)?;
        loop {
            if let Some(fence) = storage.lock(&name, &owner, TURN).await? {
                let has_ended = false;
                return Ok(Self { storage, name, owner, fence, has_ended, _front: front });
            }
            if Instant::now() >= until {
                return Err(crowded());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the condition for writes in this turn: that it has not ended.
    pub fn condition(&self) -> Condition {
        Condition::Fence(self.name.clone(), self.fence)
    }

    /// Ends the turn.
    pub async fn end(mut self) {
        self.has_ended = true;
        // A turn that is not ended expires.
        let _ = self.storage.unlock(&self.name, &self.owner, self.fence).await;
    }
}

impl Drop for Turn {
    /// Ends the turn of a request whose client has hung up.
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let (storage, name) = (Arc::clone(&self.storage), std::mem::take(&mut self.name));
        let (owner, fence) = (std::mem::take(&mut self.owner), self.fence);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { storage.unlock(&name, &owner, fence).await });
        }
    }
}

fn crowded() -> Error {
    Error::store("too many changes of the tenant are waiting")
}
