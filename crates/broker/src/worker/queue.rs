//! Records that are due: claimed, and begun in slots.
//!
//! All instances share the work. A record that is due is claimed by moving the time at which it is due, which only one
//! of them can do; if that one dies, the record is due again after the lease.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::backoff::below;
use super::slots::{Slot, Slots};
use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::storage::{Key, Record, Space, Storage};
use crate::tenants;

/// The most records that are read at once.
const BATCH: usize = 256;

/// How soon the store is asked again while more is due than gets slots.
const CROWDED: Duration = Duration::from_millis(100);

/// How long to wait at least before what is due is looked for behind the records of those that get no slot, and how many
/// times as long as that took: it takes the longer the more of them there are.
const BEHIND: (Duration, u32) = (Duration::from_secs(1), 10);

/// The times of a queue.
pub(super) struct Times {
    /// How long a claimed record is left alone, in seconds: longer than the work can take.
    pub(super) lease: u64,
    /// How long the records of a disabled tenant are left alone before it is looked at again, in seconds.
    pub(super) disabled: u64,
    /// How often the store is asked what is due.
    pub(super) pause: Duration,
}

/// The records of a space that are due.
pub(super) struct Queue {
    broker: Arc<Broker>,
    space: Space,
    slots: Arc<Slots>,
    times: Times,
    /// When it may next look behind the records of those that get no slot.
    next_behind: Instant,
}

/// What a look at the store has found.
#[derive(Default)]
struct Found {
    /// There may be more.
    is_more: bool,
    /// How many are begun.
    begun: usize,
    /// How many got no slot.
    refused: usize,
}

impl Queue {
    /// Creates a queue.
    pub(super) fn new(broker: Arc<Broker>, space: Space, slots: Arc<Slots>, times: Times) -> Self {
        Self { broker, space, slots, times, next_behind: Instant::now() }
    }

    /// Claims what is due, the earliest first, and starts to work on it. The work gets the record and the time until
    /// which it is left alone. Returns how long to wait before the next round.
    pub(super) async fn round<W>(&mut self, work: impl Fn(Record, u64) -> W) -> Duration
    where
        W: Future<Output = ()> + Send + 'static,
    {
        if self.slots.full().is_none() {
            return CROWDED;
        }
        let first = self.look(&[], &work).await;
        if first.refused == 0 {
            let is_more = first.is_more && first.begun > 0;
            return if is_more { Duration::ZERO } else { self.times.pause };
        }
        if first.is_more
            && Instant::now() >= self.next_behind
            && let Some(full) = self.slots.full()
        {
            let begun = Instant::now();
            let behind = self.look(&full, &work).await;
            if !behind.is_more {
                let pause = BEHIND.0.max(begun.elapsed() * BEHIND.1);
                self.next_behind = Instant::now() + pause;
            }
        }
        CROWDED
    }

    /// Begins what is due and gets a slot, except for these tenants and servers.
    async fn look<W>(&self, except: &[String], work: &impl Fn(Record, u64) -> W) -> Found
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let storage = self.broker.vault.storage();
        // A failing store is not asked harder: `/readyz` tells of it.
        let due = storage.due_except(self.space, now_seconds(), except, BATCH).await;
        let Ok(mut due) = due else { return Found::default() };
        let mut found = Found { is_more: due.len() == BATCH, ..Found::default() };
        if storage.is_shared() {
            // Instances that ask at the same time begin at different ends.
            shuffle(&mut due);
        }
        let mut claims = JoinSet::new();
        for record in due {
            if self.broker.is_draining() {
                break;
            }
            let Some(slot) = self.slots.take(&record.key) else {
                found.refused += 1;
                continue;
            };
            claims.spawn(claim(Arc::clone(storage), record, self.times.lease, slot));
        }
        while let Some(claimed) = claims.join_next().await {
            let Ok(Some((record, lease, slot))) = claimed else { continue };
            found.begun += 1;
            let (broker, key, disabled) =
                (Arc::clone(&self.broker), record.key.clone(), self.times.disabled);
            let work = work(record, lease);
            tokio::spawn(async move {
                let _slot = slot;
                if is_allowed(&broker, &key, lease, disabled).await {
                    work.await;
                }
            });
        }
        found
    }
}

/// Claims a record, if no other instance was faster. Returns also until when.
async fn claim(
    storage: Arc<dyn Storage>,
    record: Record,
    lease: u64,
    slot: Slot,
) -> Option<(Record, u64, Slot)> {
    let until = now_seconds() + lease;
    let claimed = storage.reschedule(&record.key, record.due_at, Some(until)).await;
    matches!(claimed, Ok(true)).then_some((record, until, slot))
}

/// Returns whether a claimed record may be worked on. That of a disabled tenant waits; so does any, if the store fails.
async fn is_allowed(broker: &Broker, key: &Key, lease: u64, disabled: u64) -> bool {
    match tenants::is_disabled(&broker.vault, &key.tenant).await {
        Ok(false) => true,
        Ok(true) => {
            let next = now_seconds() + disabled + below(disabled);
            let _ = broker.vault.storage().reschedule(key, Some(lease), Some(next)).await;
            false
        }
        Err(_) => false,
    }
}

fn shuffle(records: &mut [Record]) {
    for at in (1..records.len()).rev() {
        let other = usize::try_from(below(at as u64 + 1)).unwrap_or(0);
        records.swap(at, other);
    }
}
