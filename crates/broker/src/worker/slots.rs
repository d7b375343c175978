//! Slots for concurrent work, shared fairly between tenants.
//!
//! A tenant gets another slot only while it has fewer slots than are free: the first tenant gets at most half of all
//! slots, the next one half of the rest. A tenant with much work or slow servers therefore never takes all slots.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::storage::Key;

/// The slots.
pub(super) struct Slots {
    /// Number of slots.
    count: usize,
    /// Maximum number of slots for one server of a tenant: a provider, or the receiver of a webhook.
    of_server: usize,
    taken: Mutex<Taken>,
}

/// The numbers of slots that are in use.
#[derive(Default)]
struct Taken {
    all: usize,
    /// By `TENANT` and by `TENANT/SERVER`.
    by: HashMap<String, usize>,
}

/// A slot in use. It is free again when this is dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    names: [String; 2],
}

impl Slots {
    /// Creates slots.
    pub(super) fn new(count: usize, of_server: usize) -> Arc<Self> {
        Arc::new(Self { count, of_server, taken: Mutex::default() })
    }

    /// Takes a slot for a record whose id begins with the name of the server. Returns `None` if its tenant or its server
    /// gets no slot now.
    pub(super) fn take(self: &Arc<Self>, key: &Key) -> Option<Slot> {
        let server = key.id.split('/').next().unwrap_or_default();
        let names = [key.tenant.clone(), format!("{}/{server}", key.tenant)];
        let mut taken = self.taken();
        let free = self.count - taken.all;
        for (name, most) in names.iter().zip([free, self.of_server]) {
            if taken.by.get(name).is_some_and(|count| *count >= most) || free == 0 {
                return None;
            }
        }
        taken.all += 1;
        for name in &names {
            *taken.by.entry(name.clone()).or_default() += 1;
        }
        Some(Slot { slots: Arc::clone(self), names })
    }

    /// Returns the names of the tenants and servers that get no slot now; `None` if no tenant gets one.
    pub(super) fn full(&self) -> Option<Vec<String>> {
        let taken = self.taken();
        let free = self.count - taken.all;
        let is_full = |(name, count): &(&String, &usize)| {
            **count >= if name.contains('/') { self.of_server } else { free }
        };
        let full = taken.by.iter().filter(is_full).map(|(name, _)| name.clone());
        (free > 0).then(|| full.collect())
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.all -= 1;
        for name in &self.names {
            if let Some(count) = taken.by.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    taken.by.remove(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Space;

    /// Takes slots until there are no more for this server.
    fn take_all(slots: &Arc<Slots>, tenant: &str, server: &str) -> Vec<Slot> {
        let key = Key::new(Space::Grants, tenant, format!("{server}/user"));
        std::iter::from_fn(|| slots.take(&key)).collect()
    }

    #[test]
    fn tenant_gets_fewer_slots_than_are_free() {
        let slots = Slots::new(64, 24);
        let mut first = take_all(&slots, "a", "p");
        assert_eq!(first.len(), 24);
        assert_eq!(slots.full().unwrap(), ["a/p"]);
        first.extend(take_all(&slots, "a", "q"));
        assert_eq!(first.len(), 32);
        let second = take_all(&slots, "b", "p");
        assert_eq!(second.len(), 16);
        let rest: Vec<_> = ["c", "d", "e", "f"].map(|name| take_all(&slots, name, "p")).into();
        assert_eq!(rest.iter().map(Vec::len).collect::<Vec<_>>(), [8, 4, 2, 1]);
        // The last slot goes to a tenant that has none.
        let mut full = slots.full().unwrap();
        full.sort();
        assert_eq!(full, ["a", "a/p", "b", "c", "d", "e", "f"]);
        let last = take_all(&slots, "g", "p");
        assert_eq!(last.len(), 1);
        assert!(slots.full().is_none());
        assert!(take_all(&slots, "h", "p").is_empty());
        first.clear();
        assert_eq!(take_all(&slots, "h", "p").len(), 16);
        drop((second, rest, last));
        let taken = slots.taken();
        assert_eq!(taken.all, 0);
        assert!(taken.by.is_empty());
    }
}
