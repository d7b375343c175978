//! Limits how many clients are served at once. Each user has slots of its own, and a client that only holds a connection
//! open loses its slot as soon as another client needs it.

use std::collections::{BTreeMap, VecDeque};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Maximum number of concurrent requests of one user.
const REQUESTS: usize = 64;

/// Maximum number of clients of one user that wait for a slot. Further ones are disconnected.
const WAITING: usize = 256;

/// Maximum number of concurrent requests of users who may not use the agent. They receive only a refusal.
const REFUSALS: usize = 8;

/// How long a client may leave its connection idle while others wait for its slot.
pub const GRACE: Duration = Duration::from_millis(250);

/// The process that asks.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its process, where the system tells.
    pub pid: Option<i32>,
    /// Its user.
    pub uid: u32,
}

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its process.
    pub peer: Peer,
    /// The connection.
    pub stream: Arc<UnixStream>,
}

/// Whose slots they are: those of one user, or of all users who may not use the agent.
type Owner = Option<u32>;

/// The slots of all users.
#[derive(Debug, Default)]
pub struct Slots(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    users: BTreeMap<Owner, Queue>,
    last: u64,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct Queue {
    served: Vec<Served>,
    waiting: VecDeque<Client>,
}

#[derive(Debug)]
struct Served {
    id: u64,
    stream: Arc<UnixStream>,
    phase: Phase,
    /// When the phase began.
    since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Receiving,
    Working,
    Sending,
}

/// The slot of a client. Dropping it frees it.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    owner: Owner,
    id: u64,
    /// Who has it.
    pub client: Client,
}

impl Slots {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a client. If too many wait already, it is disconnected.
    pub fn add(&self, client: Client, may_use: bool) {
        let owner = may_use.then_some(client.peer.uid);
        let mut state = self.state();
        let queue = state.users.entry(owner).or_default();
        let limit = if may_use { WAITING } else { REFUSALS };
        if queue.waiting.len() < limit {
            queue.waiting.push_back(client);
        }
    }

    /// Returns whether a client waits for a slot.
    pub fn has_waiting(&self) -> bool {
        self.state().users.values().any(|queue| !queue.waiting.is_empty())
    }

    /// Returns the slot of the next client, if one is free or can be taken from a client that is idle.
    pub fn next(self: &Arc<Self>) -> Option<Slot> {
        let mut state = self.state();
        if state.is_closed {
            return None;
        }
        let id = state.last + 1;
        let (owner, client) = state.users.iter_mut().find_map(|(owner, queue)| {
            let limit = if owner.is_some() { REQUESTS } else { REFUSALS };
            queue.next(limit, id).map(|client| (*owner, client))
        })?;
        state.last = id;
        Some(Slot { slots: Arc::clone(self), owner, id, client })
    }

    /// Accepts no further requests.
    pub fn close(&self) {
        self.state().is_closed = true;
    }

    /// Returns whether a request is being answered.
    pub fn is_busy(&self) -> bool {
        let state = self.state();
        let mut served = state.users.values().flat_map(|queue| &queue.served);
        served.any(|served| served.phase != Phase::Receiving)
    }
}

impl Queue {
    /// Moves the first client that waits to a slot.
    fn next(&mut self, limit: usize, id: u64) -> Option<Client> {
        if self.waiting.is_empty() || (self.served.len() >= limit && !self.free_one()) {
            return None;
        }
        let client = self.waiting.pop_front()?;
        let (stream, phase) = (Arc::clone(&client.stream), Phase::Receiving);
        self.served.push(Served { id, stream, phase, since: Instant::now() });
        Some(client)
    }

    /// Disconnects the client that has been idle for the longest time.
    fn free_one(&mut self) -> bool {
        let idle = self.served.iter().enumerate().filter(|(_, served)| served.is_idle());
        let Some((at, _)) = idle.min_by_key(|(_, served)| served.since) else { return false };
        let _ = self.served.swap_remove(at).stream.shutdown(Shutdown::Both);
        true
    }
}

impl Served {
    /// Returns whether the connection waits for the client, and not the client for this process.
    fn is_idle(&self) -> bool {
        let has_sent = || rustix::io::ioctl_fionread(&self.stream).is_ok_and(|size| size > 0);
        let waits_for_client = match self.phase {
            Phase::Receiving => !has_sent(),
            Phase::Working => false,
            Phase::Sending => true,
        };
        waits_for_client && self.since.elapsed() >= GRACE
    }
}

impl Slot {
    /// Marks the request as received. Returns whether it is to be answered: the slot may be lost, or the agent ending.
    pub fn work(&self) -> bool {
        self.enter(Phase::Working)
    }

    /// Marks the response as ready.
    pub fn send(&self) {
        self.enter(Phase::Sending);
    }

    fn enter(&self, phase: Phase) -> bool {
        let mut state = self.slots.state();
        if state.is_closed && phase == Phase::Working {
            return false;
        }
        let queue = state.users.get_mut(&self.owner);
        let served = queue.and_then(|queue| queue.served.iter_mut().find(|s| s.id == self.id));
        let Some(served) = served else { return false };
        (served.phase, served.since) = (phase, Instant::now());
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        if let Some(queue) = state.users.get_mut(&self.owner) {
            queue.served.retain(|served| served.id != self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client of this user, and its end of the connection.
    fn client(slots: &Slots, uid: u32) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let peer = Peer { pid: None, uid };
        slots.add(Client { peer, stream: Arc::new(ours) }, uid != 9);
        theirs
    }

    #[test]
    fn users_have_slots_of_their_own() {
        let slots = Arc::new(Slots::default());
        let mut held = Vec::new();
        for uid in [1, 2, 9] {
            for _ in 0..400 {
                client(&slots, uid);
                if let Some(slot) = slots.next() {
                    slot.work();
                    held.push(slot);
                }
            }
        }
        let of = |uid| held.iter().filter(|slot| slot.client.peer.uid == uid).count();
        assert_eq!([of(1), of(2), of(9)], [REQUESTS, REQUESTS, REFUSALS]);
        assert_eq!(slots.state().users[&Some(1)].waiting.len(), WAITING);
        held.retain(|slot| slot.client.peer.uid != 2);
        assert_eq!(slots.next().unwrap().client.peer.uid, 2);
    }

    #[test]
    fn client_that_waits_for_us_keeps_its_slot() {
        use std::io::Write;
        let slots = Arc::new(Slots::default());
        let mut theirs: Vec<_> = (0..REQUESTS).map(|_| client(&slots, 1)).collect();
        let held: Vec<_> = (0..REQUESTS).map(|_| slots.next().unwrap()).collect();
        // The first is being answered, the second has sent a part that was not read yet, and the third reads nothing.
        assert!(held[0].work() && held[2].work());
        held[2].send();
        theirs[1].write_all(b"{").unwrap();
        let _next = client(&slots, 1);
        assert!(slots.next().is_none(), "all of them have just connected");
        std::thread::sleep(GRACE);
        let next = slots.next().unwrap();
        assert!(!held[3].work(), "it was idle for the longest time");
        assert!(next.work() && slots.next().is_none(), "nobody waits");
        held[4..].iter().for_each(|slot| assert!(slot.work()));
        let _another = client(&slots, 1);
        assert!(slots.next().unwrap().work() && held[1].work());
        assert!(!held[2].work(), "it left its response unread");
    }

    #[test]
    fn closed_slots_accept_no_request() {
        let slots = Arc::new(Slots::default());
        let _theirs = [client(&slots, 1), client(&slots, 1)];
        let slot = slots.next().unwrap();
        assert!(!slots.is_busy());
        slots.close();
        assert!(!slot.work() && slots.next().is_none() && !slots.is_busy());
    }
}
