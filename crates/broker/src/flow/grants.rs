//! The store of grants: one sealed document each, written only under the lock of the grant.

use std::sync::Arc;

use oauthctl_core::port::{BoxFuture, GrantStore};
use oauthctl_core::{Error, Grant, GrantKey, Result};

use super::locks::Locks;
use super::place::Place;
use crate::cache::Caches;
use crate::schedule;
use crate::storage::Written;
use crate::vault::{Terms, Vault};

/// The store of grants.
pub struct Grants {
    vault: Arc<Vault>,
    locks: Arc<Locks>,
    caches: Arc<Caches>,
}

impl Grants {
    /// Creates the store.
    pub fn new(vault: Arc<Vault>, locks: Arc<Locks>, caches: Arc<Caches>) -> Self {
        Self { vault, locks, caches }
    }

    async fn load_grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        let record = Place::of(key).grant(&self.vault);
        let found = self.vault.get::<Grant>(&record).await?;
        Ok(found.map(|stored| stored.document))
    }

    async fn save_grant(&self, grant: &Grant) -> Result<()> {
        let place = Place::of(&grant.key);
        let record = place.grant(&self.vault);
        let terms = Terms {
            due_at: schedule::first_look(grant, place.is_unconfirmed()),
            expires_at: None,
            condition: self.locks.held(&place.lock(&self.vault))?,
        };
        let written = self.vault.put(record.clone(), grant, terms).await?;
        self.caches.forget(&record);
        match written {
            Written::Stored(_) => Ok(()),
            Written::Refused => Err(lost()),
        }
    }

    async fn remove_grant(&self, key: &GrantKey) -> Result<bool> {
        let place = Place::of(key);
        let record = place.grant(&self.vault);
        let condition = self.locks.held(&place.lock(&self.vault))?;
        let removed = self.vault.storage().delete(&record, condition).await?;
        self.caches.forget(&record);
        if !removed && self.vault.storage().get(&record).await?.is_some() {
            return Err(lost());
        }
        Ok(removed)
    }
}

fn lost() -> Error {
    Error::store("the lock of the connection was lost: nothing was written")
}

impl GrantStore for Grants {
    fn name(&self) -> String {
        self.vault.storage().kind().to_owned()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(self.load_grant(key))
    }

    fn prepare<'a>(&'a self, _: &'a GrantKey, _bytes: usize) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.vault.storage().check())
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.save_grant(grant))
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.remove_grant(key))
    }
}
