//! Records that cannot be read: they are damaged, or written by a newer version.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use oauthctl_core::Error;

use crate::clock::now_seconds;
use crate::storage::Key;

/// The most records that are remembered. Beyond, further ones are neither reported nor shown.
const MOST: usize = 1_000;

/// The records that this process could not read, and since when, in Unix seconds. Each is reported once in the log.
#[derive(Default)]
pub struct Unreadable(Mutex<BTreeMap<Key, u64>>);

impl Unreadable {
    /// Records that a record could not be read.
    pub(super) fn add(&self, key: &Key, error: &Error) {
        let mut found = self.found();
        if found.len() >= MOST || found.contains_key(key) {
            return;
        }
        found.insert(key.clone(), now_seconds());
        drop(found);
        tracing::error!(
            tenant = key.tenant,
            kind = ?key.space,
            id = key.id,
            reason = error.message(),
            "a record cannot be read"
        );
    }

    /// Records that a record could be read, or is gone.
    pub(super) fn remove(&self, key: &Key) {
        self.found().remove(key);
    }

    /// Returns the records.
    pub fn all(&self) -> Vec<(Key, u64)> {
        self.found().iter().map(|(key, since)| (key.clone(), *since)).collect()
    }

    /// Returns the number of records.
    pub fn count(&self) -> usize {
        self.found().len()
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<Key, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
