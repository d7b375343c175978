//! Locks of grants across all instances.
//!
//! Within a process, callers wait for a mutex. Its holder acquires the lock of the store, which has an owner,
//! expires, and is renewed after a third of its lifetime. Every write requires its fencing token, so a holder
//! that was paused for too long can no longer write. An intent of another instance prevents a second request
//! for as long as the first may still be in progress.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oauthctl_core::grant::Intent;
use oauthctl_core::port::{BoxFuture, Coordinator, Lock};
use oauthctl_core::{AccountEntry, Error, Grant, GrantKey, Result};
use serde::Serialize;
use tokio::sync::OwnedMutexGuard;
use tokio::task::AbortHandle;

use super::http::LONGEST_EXCHANGE;
use super::place::Place;
use super::punctual;
use super::spool::Left;
use crate::cache::Caches;
use crate::clock::now_seconds;
use crate::events::{self, Event};
use crate::keys::random_text;
use crate::metrics::METRICS;
use crate::queues::Queues;
use crate::storage::{Addition, Condition, Key, Space, Written};
use crate::vault::{Terms, Vault};

/// Lifetime of a lock that is not renewed.
const TTL: Duration = Duration::from_secs(30);

/// The first and the longest pause between attempts to acquire a lock.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// How long the store must have responded without a break before an intent of another instance counts as
/// abandoned: that instance may hold tokens, and stores them as soon as it can.
const SETTLED: Duration = Duration::from_secs(5);

tokio::task_local! {
    static WAS_BUSY: Cell<bool>;
}

/// A lock that this process holds.
#[derive(Clone, Copy)]
struct Fence {
    token: u64,
    /// Whether a refresh token is being used under it.
    is_spending: bool,
}

/// The locks that this process holds.
type Fences = Arc<Mutex<HashMap<String, Fence>>>;

/// The locks.
pub struct Locks {
    vault: Arc<Vault>,
    caches: Arc<Caches>,
    owner: String,
    queues: Queues,
    fences: Fences,
}

impl Locks {
    /// Creates the locks of this process.
    ///
    /// # Errors
    ///
    /// Returns `Internal` if the random number generator fails.
    pub fn new(vault: Arc<Vault>, caches: Arc<Caches>) -> Result<Self> {
        let (queues, fences) = Default::default();
        Ok(Self { vault, caches, owner: random_text()?, queues, fences })
    }

    /// Runs work, and also returns whether it gave up because another task or instance holds a lock for too long. That
    /// says nothing about the provider, although the error is of the same kind as if the provider did not respond.
    pub async fn watch<F: Future>(work: F) -> (F::Output, bool) {
        let watched = async {
            let output = work.await;
            (output, WAS_BUSY.with(Cell::get))
        };
        WAS_BUSY.scope(Cell::new(false), watched).await
    }

    /// Returns the condition that the lock of this name is still the one that this process holds.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it holds none.
    pub fn held(&self, name: &str) -> Result<Condition> {
        let fences = self.fences.lock().unwrap_or_else(PoisonError::into_inner);
        let fence = fences.get(name).ok_or_else(|| Error::store("no lock is held"))?;
        Ok(Condition::Fence(name.to_owned(), fence.token))
    }

    /// Returns whether a refresh token is being used under the lock of this name.
    pub fn is_spending(&self, name: &str) -> bool {
        let fences = self.fences.lock().unwrap_or_else(PoisonError::into_inner);
        fences.get(name).is_some_and(|fence| fence.is_spending)
    }

    async fn acquire(&self, key: &GrantKey, wait: Duration) -> Result<Box<dyn Lock>> {
        let place = Place::of(key);
        let name = place.lock(&self.vault);
        let until = Instant::now() + wait;
        let turn = self.queues.enter(&name, wait).await.ok_or_else(busy)?;
        let mut pause = PAUSES.0;
        loop {
            if let Some(fence) = self.vault.storage().lock(&name, &self.owner, TTL).await? {
                let lock = self.hold(&place, &name, fence, turn);
                if !self.may_be_sending(&lock.record(Space::Intents)).await? {
                    return Ok(Box::new(lock));
                }
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(busy());
                }
                // The lock is kept meanwhile: no other instance could do anything else.
                return self.wait_for_sender(lock, left).await;
            }
            if Instant::now() >= until {
                return Err(busy());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn wait_for_sender(&self, lock: Held, left: Duration) -> Result<Box<dyn Lock>> {
        let until = Instant::now() + left;
        while self.may_be_sending(&lock.record(Space::Intents)).await? {
            if Instant::now() >= until {
                return Err(busy());
            }
            tokio::time::sleep(PAUSES.1).await;
        }
        Ok(Box::new(lock))
    }

    /// Returns whether another instance may still be sending the refresh token that it announced.
    async fn may_be_sending(&self, intent: &Key) -> Result<bool> {
        if !self.vault.storage().is_shared() {
            return Ok(false);
        }
        let left = self.vault.get::<Left>(intent).await?;
        Ok(left.is_some_and(|left| {
            let Left { owner, intent } = left.document;
            let may_live = now_seconds() < intent.at.plus(LONGEST_EXCHANGE + TTL).unix();
            owner != self.owner && (may_live || !self.caches.are_fresh_since(SETTLED))
        }))
    }

    fn hold(&self, place: &Place, name: &str, fence: u64, turn: OwnedMutexGuard<()>) -> Held {
        let mut fences = self.fences.lock().unwrap_or_else(PoisonError::into_inner);
        fences.insert(name.to_owned(), Fence { token: fence, is_spending: false });
        drop(fences);
        let (vault, owner, name) = (Arc::clone(&self.vault), self.owner.clone(), name.to_owned());
        let renewal = tokio::spawn(renew(Arc::clone(&vault), name.clone(), owner.clone(), fence));
        Held {
            vault,
            owner,
            name,
            fence,
            place: place.clone(),
            fences: Arc::clone(&self.fences),
            renewal: renewal.abort_handle(),
            spending_since: None,
            _turn: turn,
        }
    }
}

fn busy() -> Error {
    let _ = WAS_BUSY.try_with(|was_busy| was_busy.set(true));
    Error::unavailable("another instance is refreshing this connection")
}

async fn renew(vault: Arc<Vault>, name: String, owner: String, fence: u64) {
    loop {
        tokio::time::sleep(TTL / 3).await;
        if matches!(vault.storage().renew(&name, &owner, fence, TTL).await, Ok(false)) {
            return;
        }
    }
}

impl Coordinator for Locks {
    fn lock<'a>(
        &'a self,
        key: &'a GrantKey,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Lock>>> {
        Box::pin(self.acquire(key, wait))
    }

    fn account<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<AccountEntry>>> {
        Box::pin(async move {
            let key = Place::of(key).record(&self.vault, Space::Accounts);
            Ok(self.vault.get(&key).await?.map(|stored| stored.document))
        })
    }

    /// The broker lists connections by tenant, not through the core.
    fn accounts<'a>(&'a self) -> BoxFuture<'a, Result<Vec<AccountEntry>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// A lock that is held.
struct Held {
    vault: Arc<Vault>,
    owner: String,
    name: String,
    fence: u64,
    place: Place,
    fences: Fences,
    renewal: AbortHandle,
    spending_since: Option<Instant>,
    _turn: OwnedMutexGuard<()>,
}

impl Held {
    fn record(&self, space: Space) -> Key {
        self.place.record(&self.vault, space)
    }

    fn condition(&self) -> Condition {
        Condition::Fence(self.name.clone(), self.fence)
    }

    async fn write<T: Serialize + Sync>(
        &self,
        space: Space,
        document: &T,
        due_at: Option<u64>,
        also: Vec<Addition>,
    ) -> Result<()> {
        let terms = Terms { due_at, ..Terms::only_if(self.condition()) };
        match self.vault.put_with(self.record(space), document, terms, also).await? {
            Written::Stored(_) => Ok(()),
            Written::Refused => Err(Error::store("the lock of the connection was lost")),
        }
    }

    /// Records how long a refresh took, if one is in progress. Returns whether one was.
    fn note_end(&mut self) -> bool {
        let since = self.spending_since.take();
        since.inspect(|since| METRICS.took(since.elapsed())).is_some()
    }

    fn note_spending(&self, is_spending: bool) {
        let mut fences = self.fences.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fence) = fences.get_mut(&self.name) {
            fence.is_spending = is_spending;
        }
    }

    /// Returns the events that an entry reports and the previous one did not, and since when its refreshes have
    /// failed.
    async fn events(&self, entry: &AccountEntry) -> Result<(Vec<Event>, Option<u64>)> {
        let last = entry.last_error.as_ref();
        if last.is_none() && !entry.login_required {
            return Ok((Vec::new(), None));
        }
        let before = self.vault.get_readable::<AccountEntry>(&self.record(Space::Accounts)).await?;
        let grant = self.vault.get_readable::<Grant>(&self.place.grant(&self.vault)).await?;
        let is_dead = grant.is_some_and(|stored| stored.document.dead.is_some());
        let since = before.as_ref().and_then(|stored| stored.due_at);
        let before = before.map(|stored| stored.document);
        let known = before.as_ref().and_then(|before| before.last_error.as_ref());
        if let Some(last) = last.filter(|last| Some(*last) != known) {
            METRICS.refreshed(&self.place.provider, last.error.as_deref().unwrap_or("internal"));
        }
        let is_failing = last.is_some() && !entry.login_required;
        let failing_since = is_failing.then(|| since.unwrap_or_else(now_seconds));
        Ok((events::of_failure(&self.place, before.as_ref(), entry, is_dead), failing_since))
    }

    async fn remove(&self, space: Space) -> Result<()> {
        let key = self.record(space);
        self.vault.storage().delete(&key, self.condition()).await.map(drop)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
        self.fences.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
        let (vault, name) = (Arc::clone(&self.vault), std::mem::take(&mut self.name));
        let (owner, fence) = (std::mem::take(&mut self.owner), self.fence);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // If this fails, the lock expires.
            runtime.spawn(async move { vault.storage().unlock(&name, &owner, fence).await });
        }
    }
}

impl Lock for Held {
    fn intent<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Intent>>> {
        Box::pin(async move {
            let left = self.vault.get::<Left>(&self.record(Space::Intents)).await?;
            Ok(left.map(|left| left.document.intent))
        })
    }

    fn set_intent<'a>(&'a mut self, intent: &'a Intent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let left = Left { owner: self.owner.clone(), intent: intent.clone() };
            let announced_at = Instant::now();
            self.write(Space::Intents, &left, None, Vec::new()).await?;
            self.note_spending(true);
            // A second entry reports a failure.
            if !self.note_end() {
                self.spending_since = Some(announced_at);
            }
            punctual::announce(announced_at);
            Ok(())
        })
    }

    fn clear_intent<'a>(&'a mut self) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.note_spending(false);
            self.note_end();
            self.remove(Space::Intents).await
        })
    }

    fn publish<'a>(&'a mut self, entry: &'a AccountEntry) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (events, failing_since) = self.events(entry).await?;
            let also = events::additions(&self.vault, &self.place, &events).await?;
            self.write(Space::Accounts, entry, failing_since, also).await?;
            events::log(&self.place, &events);
            Ok(())
        })
    }

    fn retract<'a>(&'a mut self) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.remove(Space::Accounts).await })
    }
}
