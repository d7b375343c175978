//! Queues of due records.
//!
//! All instances share the work. An instance claims a due record by changing its due time, which only one instance can
//! do. If that instance dies, the record is due again after the lease. If the store fails, the instance returns the record
//! as soon as the store responds. If the process is shutting down, it returns records whose work has not begun.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_core::Result;
use tokio::task::JoinSet;

use super::backoff::below;
use super::slots::{Slot, Slots};
use crate::broker::{Broker, Work};
use crate::clock::now_seconds;
use crate::storage::{Key, Record, Space, Storage};
use crate::tenants;

/// Maximum number of records that are read at once.
const BATCH: usize = 256;

/// Pause before the next round while due records wait for slots.
const CROWDED: Duration = Duration::from_millis(100);

/// Shortest pause after a scan past the records that get no slot that has found all others, and the pause as a multiple
/// of the time that the scan took: the more records get no slot, the longer a scan takes.
const SCANS: (Duration, u32) = (Duration::from_secs(1), 10);

/// Pause in seconds before a record is due again that cannot be read, or that needs such a record.
pub(super) const UNREADABLE: u64 = 3_600;

/// Pause in seconds before a record is due again if the store failed. The random addition is shorter.
const SOON: u64 = 5;

/// Pause between two attempts to return a record to a store that fails.
const RETURN: Duration = Duration::from_secs(1);

/// What becomes of a record after the work on it.
pub(super) enum Next {
    /// The work has written or removed it.
    Written,
    /// It is due then; with `None`, it is not due any more.
    Due(Option<u64>),
    /// It or a record that it needs cannot be read: another attempt has the same result.
    Unreadable,
}

/// The times of a queue.
pub(super) struct Times {
    /// Lease of a claimed record in seconds: longer than the work can take.
    pub(super) lease: u64,
    /// Pause in seconds before a record of a disabled tenant is due again.
    pub(super) disabled: u64,
    /// Pause between two rounds.
    pub(super) pause: Duration,
}

/// The due records of a space.
pub(super) struct Queue {
    broker: Arc<Broker>,
    space: Space,
    slots: Arc<Slots>,
    times: Times,
    /// Time of the next scan past the records that get no slot.
    next_scan: Instant,
}

/// The result of starting due records.
#[derive(Default)]
struct Started {
    /// Whether more records may be due.
    is_more: bool,
    /// Number of started records.
    count: usize,
    /// Number of records that got no slot.
    refused: usize,
}

impl Queue {
    /// Creates a queue.
    pub(super) fn new(broker: Arc<Broker>, space: Space, slots: Arc<Slots>, times: Times) -> Self {
        Self { broker, space, slots, times, next_scan: Instant::now() }
    }

    /// Claims due records, the earliest first, and starts work on each. Work fails if the store does. Returns the pause
    /// before the next round.
    pub(super) async fn round<W>(&mut self, work: impl Fn(Record) -> W) -> Duration
    where
        W: Future<Output = Result<Next>> + Send + 'static,
    {
        if self.slots.full().is_none() {
            return CROWDED;
        }
        let first = self.start(&[], &work).await;
        if first.refused == 0 {
            let is_more = first.is_more && first.count > 0;
            return if is_more { Duration::ZERO } else { self.times.pause };
        }
        if first.is_more
            && Instant::now() >= self.next_scan
            && let Some(full) = self.slots.full()
        {
            let begun = Instant::now();
            let others = self.start(&full, &work).await;
            let took = begun.elapsed();
            let pause = if others.is_more { took } else { SCANS.0.max(took * SCANS.1) };
            self.next_scan = Instant::now() + pause;
        }
        CROWDED
    }

    /// Starts the due records that get slots, except those of these tenants and servers.
    async fn start<W>(&self, except: &[String], work: &impl Fn(Record) -> W) -> Started
    where
        W: Future<Output = Result<Next>> + Send + 'static,
    {
        let storage = self.broker.vault.storage();
        // A failing store is not asked more often. `/readyz` reports it.
        let due = storage.due_except(self.space, now_seconds(), except, BATCH).await;
        let Ok(mut due) = due else { return Started::default() };
        let mut started = Started { is_more: due.len() == BATCH, ..Started::default() };
        if storage.is_shared() {
            // Instances that read at the same time claim different records first.
            shuffle(&mut due);
        }
        let mut claims = JoinSet::new();
        for record in due {
            let Some(begun) = self.broker.begin_work() else { break };
            let Some(slot) = self.slots.take(&record.key) else {
                started.refused += 1;
                continue;
            };
            claims.spawn(claim(Arc::clone(storage), record, self.times.lease, (slot, begun)));
        }
        while let Some(claimed) = claims.join_next().await {
            let Ok(Some((record, lease, (slot, begun)))) = claimed else { continue };
            started.count += 1;
            let (key, due_at) = (record.key.clone(), record.due_at);
            let (broker, disabled) = (Arc::clone(&self.broker), self.times.disabled);
            let work = work(record);
            tokio::spawn(async move {
                let _begun = begun;
                let next = match postponed_until(&broker, &key, disabled).await {
                    _ if broker.is_draining() => Ok(Next::Due(due_at)),
                    Ok(None) => work.await,
                    Ok(Some(later)) => Ok(Next::Due(Some(later))),
                    Err(error) => Err(error),
                };
                drop(slot);
                if let Some(next) = due_after(next) {
                    give_back(&broker, &key, lease, next).await;
                }
            });
        }
        started
    }
}

/// Returns when a record is due after the work on it; `None` if its claim is not given back. If the store fails, that
/// is soon. For a record that cannot be read, a retry does not help.
fn due_after(next: Result<Next>) -> Option<Option<u64>> {
    match next {
        Ok(Next::Written) => None,
        Ok(Next::Due(next)) => Some(next),
        Ok(Next::Unreadable) => Some(Some(now_seconds() + UNREADABLE + below(UNREADABLE))),
        Err(_) => Some(Some(now_seconds() + SOON + below(SOON))),
    }
}

/// Ends a claim: the record is due at `next`, unless it was written meanwhile and has its own due time. If the store
/// fails, this is repeated until the lease ends, but not while the process is shutting down.
async fn give_back(broker: &Broker, key: &Key, lease: u64, next: Option<u64>) {
    while broker.vault.storage().reschedule(key, Some(lease), next).await.is_err() {
        if broker.is_draining() || now_seconds() >= lease {
            return;
        }
        tokio::time::sleep(RETURN).await;
    }
}

/// Claims a record, unless another instance was faster. Also returns the end of the lease.
async fn claim(
    storage: Arc<dyn Storage>,
    record: Record,
    lease: u64,
    held: (Slot, Work),
) -> Option<(Record, u64, (Slot, Work))> {
    let until = now_seconds() + lease;
    let claimed = storage.reschedule(&record.key, record.due_at, Some(until)).await;
    matches!(claimed, Ok(true)).then_some((record, until, held))
}

/// Returns until when a claimed record is postponed: that of a disabled tenant is.
async fn postponed_until(broker: &Broker, key: &Key, disabled: u64) -> Result<Option<u64>> {
    let is_disabled = tenants::is_disabled(&broker.vault, &key.tenant).await?;
    Ok(is_disabled.then(|| now_seconds() + disabled + below(disabled)))
}

fn shuffle(records: &mut [Record]) {
    for at in (1..records.len()).rev() {
        let other = usize::try_from(below(at as u64 + 1)).unwrap_or(0);
        records.swap(at, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failing_store_is_asked_again_soon() {
        assert_eq!(due_after(Ok(Next::Written)), None);
        assert_eq!(due_after(Ok(Next::Due(Some(7)))), Some(Some(7)));
        let later = due_after(Ok(Next::Unreadable)).flatten().unwrap();
        let soon = due_after(Err(oauthctl_core::Error::store("x"))).flatten().unwrap();
        assert!(soon < now_seconds() + 60 && now_seconds() + 3_000 < later, "{soon} {later}");
    }
}
