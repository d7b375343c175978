//! The master keys of a process.

use std::sync::{Arc, PoisonError, RwLock};

use crate::keys::{KeyId, MasterKey};

/// The keys, the current one first.
pub(super) struct Ring(RwLock<Keys>);

type Keys = Arc<Vec<Arc<MasterKey>>>;

impl Ring {
    pub(super) fn new(master: MasterKey) -> Self {
        Self(RwLock::new(Arc::new(vec![Arc::new(master)])))
    }

    /// Returns the key that encrypts.
    pub(super) fn current(&self) -> Arc<MasterKey> {
        Arc::clone(&self.all()[0])
    }

    pub(super) fn find(&self, id: Option<KeyId>) -> Option<Arc<MasterKey>> {
        self.all().iter().find(|key| Some(key.id()) == id).cloned()
    }

    pub(super) fn all(&self) -> Keys {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes this key the current one. The others are kept.
    pub(super) fn make_current(&self, next: MasterKey) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let earlier = keys.iter().filter(|key| key.id() != next.id()).cloned().collect::<Vec<_>>();
        *keys = Arc::new(std::iter::once(Arc::new(next)).chain(earlier).collect());
    }

    /// Adds a key that only decrypts.
    pub(super) fn add(&self, earlier: Arc<MasterKey>) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.iter().all(|key| key.id() != earlier.id()) {
            *keys = Arc::new(keys.iter().cloned().chain([earlier]).collect());
        }
    }
}
