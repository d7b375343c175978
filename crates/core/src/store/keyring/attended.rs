//! A keyring whose prompts the user can answer.
//!
//! A keyring operation blocks and ends soon: nothing else runs meanwhile, so it must not wait for the user.
//! If the Secret Service prompts, the operation is repeated on a separate thread, which waits.

use std::sync::Arc;

use super::grants::KeyringStore;
use super::secret_service::SecretService;
use crate::error::Result;
use crate::grant::{Grant, GrantKey};
use crate::port::{BoxFuture, GrantStore, SecretItems};
use crate::secret::Secret;

/// A keyring store that waits for the user when the keyring prompts.
#[derive(Debug)]
pub struct AttendedKeyring {
    store: Arc<KeyringStore>,
    service: Arc<SecretService>,
}

impl AttendedKeyring {
    /// Wraps a store over this service, which must [know its user](SecretService::with_user).
    pub fn new(store: Arc<KeyringStore>, service: Arc<SecretService>) -> Self {
        Self { store, service }
    }

    /// Runs an operation on the store, and a second time if it requires the user.
    async fn attend<T: Send + 'static>(
        &self,
        act: impl Fn(&KeyringStore) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let outcome = act(&self.store);
        if !self.service.deferred_a_prompt() {
            return outcome;
        }
        let (tell, told) = tokio::sync::oneshot::channel();
        let (store, service) = (Arc::clone(&self.store), Arc::clone(&self.service));
        std::thread::spawn(move || {
            // The receiver may be gone by then.
            let _ = tell.send(service.attended(|| act(&store)));
        });
        told.await.unwrap_or(outcome)
    }
}

impl GrantStore for AttendedKeyring {
    fn name(&self) -> String {
        self.store.name()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        let key = key.clone();
        Box::pin(self.attend(move |store| store.load_now(&key)))
    }

    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>> {
        let key = key.clone();
        Box::pin(self.attend(move |store| store.prepare_now(&key, bytes)))
    }

    fn release(&self, key: &GrantKey) {
        self.store.release(key);
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        let grant = grant.clone();
        Box::pin(self.attend(move |store| store.save_now(&grant)))
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        let key = key.clone();
        Box::pin(self.attend(move |store| store.set_aside_now(&key)))
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        let key = key.clone();
        Box::pin(self.attend(move |store| store.remove_now(&key)))
    }
}

impl SecretItems for AttendedKeyring {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        let name = name.to_owned();
        Box::pin(self.attend(move |store| store.get_now(&name)))
    }

    fn set<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        let (name, value) = (name.to_owned(), value.clone());
        Box::pin(self.attend(move |store| store.set_now(&name, &value)))
    }

    fn unset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool>> {
        let name = name.to_owned();
        Box::pin(self.attend(move |store| store.unset_now(&name)))
    }
}
