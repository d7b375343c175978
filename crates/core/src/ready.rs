//! Ports that are ready to use: the real transport and clock, everything else in memory.

use std::sync::Arc;

use crate::clock::SystemClock;
use crate::flow::Ports;
use crate::http::{HttpClient, Options};
use crate::port::{Clock, Http};
use crate::protocol::state::StateKeys;
use crate::store::{MemoryCoordinator, MemoryPending, MemoryStore};

/// How many started authorizations wait in memory at most.
const PENDING: usize = 10_000;

impl Ports {
    /// The real transport and the machine's clock; grants, started authorizations and locks in the
    /// memory of this process, with a new key for states. What shall outlive the process is replaced:
    /// [`with_store`](Self::with_store), [`with_pending`](Self::with_pending); what several processes
    /// share needs a common [`with_coordinator`](Self::with_coordinator) too.
    ///
    /// It sends with [`HttpClient`], which needs a tokio runtime with its timer and its I/O.
    pub fn in_memory() -> Self {
        Self::in_memory_with(Arc::new(HttpClient::new(Options::default())), Arc::new(SystemClock))
    }

    /// The same over another transport and another clock, which the stores in memory share.
    pub fn in_memory_with(http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        let coordinator = Arc::new(MemoryCoordinator::new(clock.clone()));
        let pending = Arc::new(MemoryPending::new(clock.clone(), PENDING));
        // Without a key, starting a flow fails, and says so.
        let keys = StateKeys::generate().unwrap_or_else(|_| StateKeys::none());
        Self::new(http, clock, Arc::new(MemoryStore::new()), coordinator)
            .with_pending(pending, keys)
    }
}
