//! Queues of this process: whoever waits for the same name waits in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

/// How many queues there may be before those in which nobody is are removed.
const MANY: usize = 1_024;

/// The queues, by name.
#[derive(Default)]
pub struct Queues(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queues")
    }
}

impl Queues {
    /// Waits for the front of a queue, and holds it until the guard is dropped; `None` if that takes longer than this.
    pub async fn enter(&self, name: &str, wait: Duration) -> Option<OwnedMutexGuard<()>> {
        tokio::time::timeout(wait, self.queue(name).lock_owned()).await.ok()
    }

    fn queue(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(name).and_then(Weak::upgrade) {
            return queue;
        }
        if queues.len() > MANY {
            queues.retain(|_, queue| queue.strong_count() > 0);
        }
        let queue = Arc::default();
        queues.insert(name.to_owned(), Arc::downgrade(&queue));
        queue
    }
}
