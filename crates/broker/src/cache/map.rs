//! A bounded map from keys of records to values that were derived from them.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// Number of parts, each with its own lock.
const PARTS: usize = 64;

/// A map that removes some entries when it is full.
pub struct Map<K, V> {
    parts: Vec<Part<K, V>>,
    hasher: RandomState,
    most: usize,
}

struct Part<K, V> {
    entries: RwLock<HashMap<K, V>>,
    /// Grows with every change. A value that was read before the last change is not inserted, because it may be
    /// stale.
    epoch: AtomicU64,
}

impl<K: Hash + Eq, V: Clone> Map<K, V> {
    /// Creates a map for at most this many entries.
    pub fn new(most: usize) -> Self {
        let part = || Part { entries: RwLock::default(), epoch: AtomicU64::new(0) };
        let parts = std::iter::repeat_with(part).take(PARTS).collect();
        Self { parts, hasher: RandomState::new(), most: most.div_ceil(PARTS) }
    }

    fn part<Q: Hash + ?Sized>(&self, key: &Q) -> &Part<K, V> {
        let hash = usize::try_from(self.hasher.hash_one(key) % PARTS as u64).unwrap_or(0);
        &self.parts[hash]
    }

    /// Returns the value of a key.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let part = self.part(key).entries.read().unwrap_or_else(PoisonError::into_inner);
        part.get(key).cloned()
    }

    /// Returns the number of changes so far. Call it before reading the value, and pass the result to
    /// [`insert`](Self::insert).
    pub fn epoch(&self, key: &K) -> u64 {
        self.part(key).epoch.load(Ordering::Acquire)
    }

    /// Inserts a value that was read after `epoch`, unless something has changed since.
    pub fn insert(&self, key: K, epoch: u64, value: V) {
        let part = self.part(&key);
        let mut entries = part.entries.write().unwrap_or_else(PoisonError::into_inner);
        if part.epoch.load(Ordering::Acquire) != epoch {
            return;
        }
        if entries.len() >= self.most && !entries.contains_key(&key) {
            // The order of a hash map is random enough to choose the entries to remove.
            let mut kept = 0;
            let half = self.most / 2;
            entries.retain(|_, _| {
                kept += 1;
                kept <= half
            });
        }
        entries.insert(key, value);
    }

    /// Removes a key.
    pub fn forget<Q: Hash + Eq + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let part = self.part(key);
        let mut entries = part.entries.write().unwrap_or_else(PoisonError::into_inner);
        part.epoch.fetch_add(1, Ordering::AcqRel);
        entries.remove(key);
    }

    /// Removes all entries.
    pub fn clear(&self) {
        for part in &self.parts {
            let mut entries = part.entries.write().unwrap_or_else(PoisonError::into_inner);
            part.epoch.fetch_add(1, Ordering::AcqRel);
            entries.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_that_was_read_before_a_change_is_not_kept() {
        let map: Map<String, u8> = Map::new(1_000);
        let key = "k".to_owned();
        let seen = map.epoch(&key);
        map.forget("k");
        map.insert(key.clone(), seen, 1);
        assert_eq!(map.get("k"), None);
        map.insert(key.clone(), map.epoch(&key), 2);
        assert_eq!(map.get("k"), Some(2));
        map.clear();
        assert_eq!(map.get("k"), None);
    }

    #[test]
    fn map_never_holds_more_than_its_limit() {
        let map: Map<u32, u8> = Map::new(640);
        for key in 0..10_000 {
            map.insert(key, map.epoch(&key), 0);
        }
        let held: usize = map.parts.iter().map(|part| part.entries.read().unwrap().len()).sum();
        assert!((64..=640).contains(&held), "{held}");
    }
}
