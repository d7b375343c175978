//! The Secret Service (freedesktop.org) as a credential store of `keyring_core`, over libdbus.
//!
//! The session is a plain one: the bus is a local socket, and negotiating keys takes longer than the whole
//! read. Every operation ends in time: the connection is opened without blocking, and all replies share one
//! deadline.
//!
//! A service may answer a creation or deletion with a prompt, even if it then asks the user nothing. That
//! prompt has the same deadline. A prompt that requires the user, such as for unlocking, is not started
//! unless the service [knows its user](SecretService::with_user).

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error as KeyringError};

use super::found::{Found, Inner};
use super::user::KeyringUser;

/// The Secret Service of a session bus.
pub struct SecretService(Arc<Inner>);

impl fmt::Debug for SecretService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretService")
    }
}

impl SecretService {
    /// Returns the service on the bus at this address, which is opened when it is first needed. Each
    /// operation ends within `patience`.
    pub fn new(address: Option<String>, patience: Duration) -> Self {
        let (bus, found) = (Mutex::default(), Mutex::default());
        let (deferred, attended) = (AtomicBool::default(), AtomicBool::default());
        Self(Arc::new(Inner { address, patience, bus, found, user: None, deferred, attended }))
    }

    /// Adds a user who can answer prompts. An operation that requires the user fails, and succeeds if it is
    /// repeated within [`attended`](Self::attended).
    #[must_use]
    pub fn with_user(self, user: KeyringUser) -> Self {
        let Inner { address, patience, .. } = &*self.0;
        let new = Self::new(address.clone(), *patience);
        let inner = Arc::try_unwrap(new.0).unwrap_or_else(|_| unreachable!("just created"));
        Self(Arc::new(Inner { user: Some(user), ..inner }))
    }

    /// Returns whether an operation since the last call failed because it requires the user.
    pub(super) fn deferred_a_prompt(&self) -> bool {
        self.0.deferred.swap(false, Ordering::SeqCst)
    }

    /// Runs an operation that waits for the user if a prompt requires it.
    pub fn attended<T>(&self, act: impl FnOnce() -> T) -> T {
        self.0.attended.store(true, Ordering::SeqCst);
        let done = act();
        self.0.attended.store(false, Ordering::SeqCst);
        done
    }
}

impl CredentialStoreApi for SecretService {
    fn vendor(&self) -> String {
        "freedesktop.org Secret Service".to_owned()
    }

    fn id(&self) -> String {
        self.0.address.clone().unwrap_or_default()
    }

    /// The modifier `label` is the item's label; all others are attributes.
    fn build(
        &self,
        service: &str,
        user: &str,
        modifiers: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<Entry> {
        let mut attributes = HashMap::from([
            ("service".to_owned(), service.to_owned()),
            ("username".to_owned(), user.to_owned()),
        ]);
        let mut label = format!("{service}: {user}");
        for (name, value) in modifiers.into_iter().flatten() {
            if *name == "label" {
                label = (*value).to_owned();
            } else {
                attributes.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        for value in attributes.values().chain([&label]) {
            if value.contains('\0') {
                let what = "a NUL character cannot be sent".to_owned();
                return Err(KeyringError::Invalid("attributes".to_owned(), what));
            }
        }
        Ok(Entry::new_with_credential(Arc::new(Found {
            service: self.0.clone(),
            attributes,
            label,
        })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
