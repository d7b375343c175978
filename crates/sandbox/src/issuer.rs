//! One issuer: its scenarios and its state.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::unix;
use super::keys::Keyring;
use super::options::SandboxOptions;
use super::scenario::{Cue, Effects};
use super::store::Store;

/// What all issuers of a sandbox share.
pub(super) struct Shared {
    /// `http://127.0.0.1:PORT`.
    pub(super) origin: String,
    pub(super) options: SandboxOptions,
    pub(super) keys: Keyring,
}

/// One issuer.
pub(super) struct Issuer {
    /// The issuer identifier (RFC 8414).
    pub(super) identifier: String,
    pub(super) effects: Effects,
    pub(super) shared: Arc<Shared>,
    store: Mutex<Store>,
    jwks_fetches: AtomicU64,
}

impl Issuer {
    /// Creates an issuer at this path, without any state.
    pub(super) fn new(shared: Arc<Shared>, path: &str, effects: Effects) -> Self {
        let identifier = format!("{}{path}", shared.origin);
        Self {
            identifier,
            effects,
            shared,
            store: Mutex::default(),
            jwks_fetches: AtomicU64::new(0),
        }
    }

    /// Returns the time, in seconds since 1970.
    pub(super) fn now(&self) -> u64 {
        unix(self.shared.options.clock.now())
    }

    /// Returns the state. Do not wait for anything while holding it.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the URL of an endpoint.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.identifier)
    }

    /// Returns what effects may know.
    pub(super) fn cue(&self) -> Cue<'_> {
        Cue {
            issuer: &self.identifier,
            origin: &self.shared.origin,
            now: self.now(),
            keys: &self.shared.keys,
            jwks_fetches: self.jwks_fetches.load(Ordering::Relaxed),
            argument: "",
        }
    }

    /// Counts a request for the key set.
    pub(super) fn count_jwks_fetch(&self) {
        self.jwks_fetches.fetch_add(1, Ordering::Relaxed);
    }
}
