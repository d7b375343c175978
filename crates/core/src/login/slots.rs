//! The connections of a listener: how many there may be, and what each of them is doing.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use super::candidate::Candidate;
use super::rejected::Meter;

/// Maximum number of connections at a time. One more replaces the oldest that waits for its request, so
/// that idle peers cannot block the real callback.
const CONNECTIONS: usize = 64;

/// The state that a listener's connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) form_post: bool,
    pub(super) meter: Arc<Meter>,
    pub(super) candidates: mpsc::Sender<Candidate>,
    slots: Mutex<Vec<Entry>>,
    freed: Notify,
    serial: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    phase: Arc<AtomicU8>,
    task: AbortHandle,
}

/// Reads its request, or discards the rest of it.
pub(super) const IDLE: u8 = 0;
/// Waits for the caller's decision.
const HOLDING: u8 = 1;
/// Writes its page.
const ANSWERING: u8 = 2;

/// A connection's slot; released when dropped.
pub(super) struct Slot {
    serial: u64,
    phase: Arc<AtomicU8>,
    shared: Arc<Shared>,
}

impl Slot {
    pub(super) fn idle(&self) {
        self.phase.store(IDLE, Ordering::Relaxed);
    }

    pub(super) fn holding(&self) {
        self.phase.store(HOLDING, Ordering::Relaxed);
    }

    pub(super) fn answering(&self) {
        self.phase.store(ANSWERING, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.entries().retain(|entry| entry.serial != self.serial);
        self.shared.freed.notify_one();
    }
}

impl Shared {
    /// Returns what is common to the connections of a listener at this place.
    pub(super) fn new(
        place: (String, String),
        form_post: bool,
        meter: Meter,
        candidates: mpsc::Sender<Candidate>,
    ) -> Self {
        let (authority, path) = place;
        let (slots, freed, serial) = (Mutex::default(), Notify::new(), AtomicU64::new(0));
        let meter = Arc::new(meter);
        Self { authority, path, form_post, meter, candidates, slots, freed, serial }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a connection its place, and starts what serves it.
    pub(super) fn admit<F>(self: &Arc<Self>, serve: impl FnOnce(Slot) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let phase = Arc::new(AtomicU8::new(IDLE));
        let slot = Slot { serial, phase: Arc::clone(&phase), shared: Arc::clone(self) };
        // Locked while spawning, so that the task cannot end before it is registered.
        let mut entries = self.entries();
        let task = tokio::spawn(serve(slot)).abort_handle();
        entries.push(Entry { serial, phase, task });
    }

    /// Returns whether there is room for one more connection, after dropping an idle one if necessary.
    pub(super) fn make_room(&self) -> bool {
        self.entries().len() < CONNECTIONS || self.drop_oldest_idle()
    }

    pub(super) fn drop_oldest_idle(&self) -> bool {
        let mut entries = self.entries();
        let idle = entries.iter().position(|entry| entry.phase.load(Ordering::Relaxed) == IDLE);
        let oldest = idle.map(|at| entries.remove(at));
        drop(entries);
        oldest.map(|entry| entry.task.abort()).is_some()
    }

    pub(super) fn abort(&self, which: impl Fn(u8) -> bool) {
        // Not under the lock, which a task acquires when it is dropped.
        let wanted = |entry: &&Entry| which(entry.phase.load(Ordering::Relaxed));
        let tasks: Vec<_> = self.entries().iter().filter(wanted).map(|e| e.task.clone()).collect();
        tasks.iter().for_each(AbortHandle::abort);
    }

    pub(super) async fn emptied(&self) {
        while !self.entries().is_empty() {
            self.freed.notified().await;
        }
    }
}
