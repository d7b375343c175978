//! The connections of a server on this machine: how many there may be, and what each of them is doing. A connection that
//! waits for its request makes room for new ones, so that idle peers cannot block a real request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reads its request, or discards the rest of it.
    Idle,
    /// Waits for what decides about its request.
    Holding,
    /// Writes its response.
    Answering,
}

/// The connections of a server.
#[derive(Debug)]
pub struct Slots {
    most: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The one that has been idle for the longest time stands before other idle ones.
    entries: Vec<Entry>,
    last: u64,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    phase: Phase,
    task: AbortHandle,
}

/// The slot of a connection. Dropping it frees it.
#[derive(Debug)]
pub struct Slot {
    serial: u64,
    slots: Arc<Slots>,
}

impl Slot {
    /// Enters a phase. Returns whether the connection still has its slot: otherwise, its task ends at its next wait.
    pub fn enter(&self, phase: Phase) -> bool {
        self.enter_from(|_| true, phase)
    }

    /// Becomes idle if the response was being written.
    pub fn end_answer(&self) {
        self.enter_from(|phase| phase == Phase::Answering, Phase::Idle);
    }

    fn enter_from(&self, is_from: impl Fn(Phase) -> bool, phase: Phase) -> bool {
        let mut state = self.slots.state();
        let at = state.entries.iter().position(|entry| entry.serial == self.serial);
        let Some(at) = at else { return false };
        if is_from(state.entries[at].phase) {
            state.entries[at].phase = phase;
            if phase == Phase::Idle {
                state.entries[at..].rotate_left(1);
                self.slots.changed.notify_one();
            }
        }
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.state().entries.retain(|entry| entry.serial != self.serial);
        self.slots.changed.notify_one();
    }
}

impl Slots {
    /// Creates slots for at most so many connections.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default(), changed: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a connection its slot, and starts what serves it. Requires a runtime.
    pub fn admit<F>(self: &Arc<Self>, serve: impl FnOnce(Slot) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Locked while spawning, so that the task cannot end before it is registered.
        let mut state = self.state();
        state.last += 1;
        let (serial, phase) = (state.last, Phase::Idle);
        let task = tokio::spawn(serve(Slot { serial, slots: Arc::clone(self) })).abort_handle();
        state.entries.push(Entry { serial, phase, task });
    }

    /// Returns whether there is room for one more connection, after dropping an idle one if necessary.
    pub fn make_room(&self) -> bool {
        self.state().entries.len() < self.most || self.drop_oldest_idle()
    }

    /// Waits until there is room for one more connection, or a connection is idle that can be dropped.
    pub async fn room(&self) {
        while !self.make_room() {
            self.changed.notified().await;
        }
    }

    /// Drops the connection that has been idle for the longest time. Returns whether there was one.
    pub fn drop_oldest_idle(&self) -> bool {
        let mut state = self.state();
        let idle = state.entries.iter().position(|entry| entry.phase == Phase::Idle);
        let oldest = idle.map(|at| state.entries.remove(at));
        // Not under the lock, which a task acquires when it is dropped.
        drop(state);
        oldest.map(|entry| entry.task.abort()).is_some()
    }

    /// Drops the connections in these phases.
    pub fn abort(&self, which: impl Fn(Phase) -> bool) {
        let wanted = |entry: &&Entry| which(entry.phase);
        let tasks: Vec<_> =
            self.state().entries.iter().filter(wanted).map(|entry| entry.task.clone()).collect();
        tasks.iter().for_each(AbortHandle::abort);
    }

    /// Waits until there are no connections.
    pub async fn emptied(&self) {
        while !self.state().entries.is_empty() {
            self.changed.notified().await;
        }
    }
}
