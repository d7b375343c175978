//! Stores that last as long as the process: for tests, and for programs that have their own store.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{at_once, busy};
use crate::error::Result;
use crate::files;
use crate::grant::{AccountEntry, Grant, GrantKey, Intent};
use crate::port::{
    BoxFuture, Clock, Coordinator, GrantStore, Lock, PendingRecord, PendingStore, SecretItems,
};
use crate::secret::Secret;
use crate::time::Timestamp;

/// Grants and items in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    grants: Mutex<HashMap<GrantKey, Grant>>,
    aside: Mutex<HashMap<GrantKey, Grant>>,
    items: Mutex<HashMap<String, Secret>>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl GrantStore for MemoryStore {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move { Ok(held(&self.grants).get(key).cloned()) })
    }

    fn prepare<'a>(&'a self, _key: &'a GrantKey, _bytes: usize) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            held(&self.grants).insert(grant.key.clone(), grant.clone());
            Ok(())
        })
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move {
            let Some(grant) = held(&self.grants).remove(key) else { return Ok(None) };
            held(&self.aside).insert(key.clone(), grant);
            Ok(Some(format!("the memory of this process, beside {key}")))
        })
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            held(&self.aside).remove(key);
            Ok(held(&self.grants).remove(key).is_some())
        })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Option<Vec<GrantKey>>>> {
        Box::pin(async move { Ok(Some(held(&self.grants).keys().cloned().collect())) })
    }
}

impl SecretItems for MemoryStore {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(async move { Ok(held(&self.items).get(name).cloned()) })
    }

    fn set<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            held(&self.items).insert(name.to_owned(), value.clone());
            Ok(())
        })
    }

    fn unset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(held(&self.items).remove(name).is_some()) })
    }
}

/// Serializes the tasks of one process.
#[derive(Clone)]
pub struct MemoryCoordinator {
    clock: Arc<dyn Clock>,
    slots: Arc<Mutex<BTreeMap<GrantKey, Slot>>>,
}

#[derive(Default)]
struct Slot {
    held: bool,
    intent: Option<Intent>,
    entry: Option<AccountEntry>,
}

impl MemoryCoordinator {
    /// Creates a coordinator that waits on this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, slots: Arc::default() }
    }

    fn try_lock(&self, key: &GrantKey) -> Option<MemoryLock> {
        let mut slots = held(&self.slots);
        let slot = slots.entry(key.clone()).or_default();
        if slot.held {
            return None;
        }
        slot.held = true;
        Some(MemoryLock { key: key.clone(), slots: self.slots.clone() })
    }
}

impl std::fmt::Debug for MemoryCoordinator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryCoordinator")
    }
}

impl Coordinator for MemoryCoordinator {
    fn lock<'a>(
        &'a self,
        key: &'a GrantKey,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Lock>>> {
        Box::pin(async move {
            let lock = files::poll(&*self.clock, wait, || Ok(self.try_lock(key))).await?;
            lock.map(|lock| Box::new(lock) as Box<dyn Lock>).ok_or_else(|| busy(key, wait))
        })
    }

    fn account<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<AccountEntry>>> {
        let entry = held(&self.slots).get(key).and_then(|slot| slot.entry.clone());
        at_once(Ok(entry))
    }

    fn accounts<'a>(&'a self) -> BoxFuture<'a, Result<Vec<AccountEntry>>> {
        at_once(Ok(held(&self.slots).values().filter_map(|slot| slot.entry.clone()).collect()))
    }
}

struct MemoryLock {
    key: GrantKey,
    slots: Arc<Mutex<BTreeMap<GrantKey, Slot>>>,
}

impl MemoryLock {
    fn with<'a, T: Send + 'a>(&self, act: impl FnOnce(&mut Slot) -> T) -> BoxFuture<'a, Result<T>> {
        at_once(Ok(act(held(&self.slots).entry(self.key.clone()).or_default())))
    }
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        if let Some(slot) = held(&self.slots).get_mut(&self.key) {
            slot.held = false;
        }
    }
}

impl Lock for MemoryLock {
    fn intent<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Intent>>> {
        self.with(|slot| slot.intent.clone())
    }

    fn set_intent<'a>(&'a mut self, intent: &'a Intent) -> BoxFuture<'a, Result<()>> {
        self.with(|slot| slot.intent = Some(intent.clone()))
    }

    fn clear_intent<'a>(&'a mut self) -> BoxFuture<'a, Result<()>> {
        self.with(|slot| slot.intent = None)
    }

    fn publish<'a>(&'a mut self, entry: &'a AccountEntry) -> BoxFuture<'a, Result<()>> {
        self.with(|slot| slot.entry = Some(entry.clone()))
    }

    fn retract<'a>(&'a mut self) -> BoxFuture<'a, Result<()>> {
        self.with(|slot| slot.entry = None)
    }
}

/// Number of used states that are remembered for each flow that may be pending.
const USED: usize = 5;

/// Pending flows in memory.
pub struct MemoryPending {
    clock: Arc<dyn Clock>,
    limit: usize,
    flows: Mutex<Flows>,
}

/// The pending flows, and the ids of used flows until they expire.
#[derive(Default)]
struct Flows {
    waiting: HashMap<String, PendingRecord>,
    used: HashMap<String, Timestamp>,
    /// The latest expiry of a used flow that was removed. The clock may be set back before it.
    forgotten: Option<Timestamp>,
}

impl Flows {
    fn is_used(&self, id: &str, expires_at: Timestamp) -> bool {
        self.used.contains_key(id) || self.forgotten.is_some_and(|until| expires_at <= until)
    }
}

impl std::fmt::Debug for MemoryPending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryPending")
    }
}

impl MemoryPending {
    /// Creates a store without flows, for at most `limit` pending flows at a time. Up to five times
    /// as many used flows are recorded until they expire.
    pub fn new(clock: Arc<dyn Clock>, limit: usize) -> Self {
        Self { clock, limit, flows: Mutex::default() }
    }

    fn mark(&self, flows: &mut Flows, id: &str, expires_at: Timestamp) -> Result<()> {
        let limit = self.limit.saturating_mul(USED);
        if flows.used.len() >= limit {
            let now = self.clock.now();
            let forgotten = flows.used.values().filter(|until| **until <= now).max().copied();
            flows.forgotten = flows.forgotten.max(forgotten);
            flows.used.retain(|_, until| *until > now);
        }
        if flows.used.len() >= limit {
            return Err(crate::Error::store("too many used states are recorded"));
        }
        flows.used.insert(id.to_owned(), expires_at);
        Ok(())
    }
}

impl PendingStore for MemoryPending {
    fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Flows { waiting, used, .. } = &mut *held(&self.flows);
            if waiting.len() >= self.limit {
                let now = self.clock.now();
                waiting.retain(|_, record| record.expires_at > now);
            }
            if waiting.contains_key(&record.id) || used.contains_key(&record.id) {
                return Err(crate::Error::store("this authorization already exists"));
            }
            if waiting.len() >= self.limit {
                return Err(crate::Error::store("too many authorizations are pending"));
            }
            waiting.insert(record.id.clone(), record.clone());
            Ok(())
        })
    }

    fn get<'a>(
        &'a self,
        id: &'a str,
        expires_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<PendingRecord>>> {
        Box::pin(async move {
            let found = held(&self.flows).waiting.get(id).cloned();
            Ok(found.filter(|record| record.expires_at == expires_at))
        })
    }

    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut flows = held(&self.flows);
            if flows.waiting.get(id).is_none_or(|record| record.expires_at != expires_at) {
                return Ok(false);
            }
            self.mark(&mut flows, id, expires_at)?;
            Ok(flows.waiting.remove(id).is_some())
        })
    }

    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut flows = held(&self.flows);
            if flows.waiting.contains_key(id) || flows.is_used(id, expires_at) {
                return Ok(false);
            }
            self.mark(&mut flows, id, expires_at).map(|()| true)
        })
    }

    fn is_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(held(&self.flows).is_used(id, expires_at)) })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>> {
        Box::pin(async move {
            let now = self.clock.now();
            let flows = held(&self.flows);
            let living = flows.waiting.values().filter(|record| record.expires_at > now);
            let mut records: Vec<_> = living.cloned().collect();
            records.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
            Ok(records)
        })
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
