//! The open connections: how many an address has, and which are closed in favor of new ones.
//!
//! A connection that waits for a request costs its client nothing, so a few clients could occupy all places.
//! If there is no place for a new connection, the connections that have waited longest are therefore closed.
//! Requests in progress are never interrupted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::rates::network;

/// The value of [`State::idle_since`] during a request.
const BUSY: u64 = u64::MAX;

/// Its value once the connection is to be closed.
const CLOSED: u64 = u64::MAX - 1;

/// The part of a limit that is closed at a time, so that not every new connection has to search for the
/// oldest.
const SHARE: usize = 64;

/// The open connections of a process.
pub(super) struct Connections {
    open: Mutex<Open>,
    started: Instant,
    most: usize,
    per_address: Option<usize>,
}

#[derive(Default)]
struct Open {
    last: u64,
    all: HashMap<u64, (IpAddr, Arc<State>)>,
    of_address: HashMap<IpAddr, usize>,
}

struct State {
    /// Milliseconds since the start of the process.
    idle_since: AtomicU64,
    closed: Notify,
}

impl Open {
    fn count(&self, address: IpAddr) -> usize {
        self.of_address.get(&address).copied().unwrap_or_default()
    }

    fn remove(&mut self, id: u64) {
        let Some((address, _)) = self.all.remove(&id) else { return };
        if let Some(count) = self.of_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&address);
            }
        }
    }

    /// Closes up to `count` connections, of this address or of all: those that have waited longest for a request.
    fn close_oldest(&mut self, count: usize, of: Option<IpAddr>) {
        let of_it = self.all.iter().filter(|(_, (address, _))| of.is_none_or(|of| of == *address));
        let idle = of_it.map(|(id, (_, state))| (state.idle_since.load(Ordering::Acquire), *id));
        let mut idle: Vec<_> = idle.filter(|(since, _)| *since < CLOSED).collect();
        if idle.len() > count {
            idle.select_nth_unstable(count);
            idle.truncate(count);
        }
        for (since, id) in idle {
            let Some((_, state)) = self.all.get(&id) else { continue };
            // A request may have started in the meantime.
            let (order, or) = (Ordering::AcqRel, Ordering::Relaxed);
            if state.idle_since.compare_exchange(since, CLOSED, order, or).is_ok() {
                state.closed.notify_one();
                self.remove(id);
            }
        }
    }
}

impl Connections {
    /// Creates the list, with a maximum number of connections, and of connections of one address.
    pub(super) fn new(most: usize, per_address: Option<usize>) -> Arc<Self> {
        let open = Mutex::default();
        Arc::new(Self { open, started: Instant::now(), most, per_address })
    }

    /// Adds a connection from this address, and closes others if necessary. Returns `None` if requests are in
    /// progress on all connections of the address.
    pub(super) fn add(self: &Arc<Self>, peer: IpAddr) -> Option<Connection> {
        let address = network(peer);
        let mut open = self.open();
        if let Some(most) = self.per_address
            && open.count(address) >= most
        {
            open.close_oldest(most.div_ceil(SHARE), Some(address));
            if open.count(address) >= most {
                return None;
            }
        }
        if open.all.len() >= self.most {
            open.close_oldest(self.most.div_ceil(SHARE), None);
        }
        let idle_since = AtomicU64::new(self.now());
        let state = Arc::new(State { idle_since, closed: Notify::new() });
        open.last += 1;
        let id = open.last;
        open.all.insert(id, (address, Arc::clone(&state)));
        *open.of_address.entry(address).or_default() += 1;
        Some(Connection { connections: Arc::clone(self), id, state })
    }

    /// Closes some idle connections, because the system has no room for another one.
    pub(super) fn make_room(&self) {
        let mut open = self.open();
        let count = open.all.len().div_ceil(SHARE);
        open.close_oldest(count, None);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or_default()
    }
}

/// A connection in the list, until it is dropped.
pub(super) struct Connection {
    connections: Arc<Connections>,
    id: u64,
    state: Arc<State>,
}

impl Connection {
    /// Records that a request is in progress. Returns `false` if the connection is to be closed before it.
    pub(super) fn begin(&self) -> bool {
        let begun = |since| (since != CLOSED).then_some(BUSY);
        self.state.idle_since.fetch_update(Ordering::AcqRel, Ordering::Acquire, begun).is_ok()
    }

    /// Records that the request was answered.
    pub(super) fn end(&self) {
        self.state.idle_since.store(self.connections.now(), Ordering::Release);
    }

    /// Waits until the connection is to be closed.
    pub(super) async fn closed(&self) {
        self.state.closed.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.open().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn is_closed(connection: &Connection) -> bool {
        connection.state.idle_since.load(Ordering::Acquire) == CLOSED
    }

    #[test]
    fn connection_over_the_limit_closes_the_oldest() {
        let connections = Connections::new(3, None);
        let open: Vec<_> = (0..3).map(|n| connections.add(address(n)).unwrap()).collect();
        for (connection, since) in open.iter().zip([5, 1, 3]) {
            connection.state.idle_since.store(since, Ordering::Release);
        }
        let _fourth = connections.add(address(9)).unwrap();
        assert_eq!(open.iter().map(is_closed).collect::<Vec<_>>(), [false, true, false]);
        assert!(!open[1].begin(), "a request of a closed connection is not carried out");
        assert_eq!(connections.open().all.len(), 3);
    }

    #[test]
    fn requests_in_progress_are_never_closed() {
        let connections = Connections::new(100, Some(2));
        let open: Vec<_> = (0..2).map(|_| connections.add(address(1)).unwrap()).collect();
        assert!(open.iter().all(Connection::begin));
        assert!(connections.add(address(1)).is_none());
        connections.make_room();
        assert!(!open.iter().any(is_closed));
        assert!(connections.add(address(2)).is_some(), "another address is not affected");
        open[0].end();
        let _third = connections.add(address(1)).unwrap();
        assert_eq!(open.iter().map(is_closed).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn ended_connections_are_not_counted() {
        let connections = Connections::new(100, Some(2));
        for _ in 0..10 {
            let connection = connections.add(address(1)).unwrap();
            assert!(connection.begin());
        }
        let open = connections.open();
        assert!(open.all.is_empty() && open.of_address.is_empty());
    }
}
