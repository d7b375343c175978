//! Ready-made ports: the real transport and clock, everything else in memory.

use std::sync::Arc;

use crate::clock::SystemClock;
use crate::flow::Ports;
use crate::http::{HttpClient, Options};
use crate::port::{Clock, Http};
use crate::protocol::state::StateKeys;
use crate::store::{MemoryCoordinator, MemoryPending, MemoryStore};

/// Maximum number of started authorizations in memory.
const PENDING: usize = 10_000;

impl Ports {
    /// Returns ports with the real transport and the system clock; grants, started authorizations and locks
    /// are in the memory of this process, with a new key for states. Replace what must outlive the process
    /// with [`with_store`](Self::with_store) and [`with_pending`](Self::with_pending); if several processes
    /// share it, set a common [`with_coordinator`](Self::with_coordinator) too.
    ///
    /// Requests are sent with [`HttpClient`], which requires a tokio runtime with timer and I/O enabled.
    pub fn in_memory() -> Self {
        Self::in_memory_with(Arc::new(HttpClient::new(Options::default())), Arc::new(SystemClock))
    }

    /// Same as [`in_memory`](Self::in_memory), with another transport and another clock, which the stores
    /// in memory share.
    pub fn in_memory_with(http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        let coordinator = Arc::new(MemoryCoordinator::new(clock.clone()));
        let pending = Arc::new(MemoryPending::new(clock.clone(), PENDING));
        // Without a key, starting a flow fails with a clear error.
        let keys = StateKeys::generate().unwrap_or_else(|_| StateKeys::none());
        Self::new(http, clock, Arc::new(MemoryStore::new()), coordinator)
            .with_pending(pending, keys)
    }
}
