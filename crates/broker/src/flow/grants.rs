//! The store of grants: one encrypted document each, written only under the lock of the grant.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::port::{BoxFuture, GrantStore};
use oauthctl_core::{Error, Grant, GrantKey, Result};

use super::first_save;
use super::locks::Locks;
use super::place::Place;
use super::spool::{Settled, Spool};
use crate::cache::Caches;
use crate::events;
use crate::schedule;
use crate::storage::{Condition, Key, Written};
use crate::vault::{Terms, Vault};

/// How long saving may take before received tokens are also written to a file.
const SOON: Duration = Duration::from_millis(150);

/// The largest grant that is stored, in bytes: attributes have up to 32 KiB.
const LARGEST: usize = 128 * 1024;

/// The store of grants.
pub struct Grants {
    vault: Arc<Vault>,
    locks: Arc<Locks>,
    caches: Arc<Caches>,
    spool: Arc<Spool>,
}

impl Grants {
    /// Creates the store.
    pub fn new(
        vault: Arc<Vault>,
        locks: Arc<Locks>,
        caches: Arc<Caches>,
        spool: Arc<Spool>,
    ) -> Self {
        Self { vault, locks, caches, spool }
    }

    async fn load_grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        let record = Place::of(key).grant(&self.vault);
        if !self.spool.is_settled(&record).await {
            return Err(Error::store("the new tokens of this connection are not stored yet"));
        }
        let found = self.vault.get::<Grant>(&record).await?;
        Ok(found.map(|stored| stored.document))
    }

    async fn save_grant(&self, grant: &Grant) -> Result<()> {
        let place = Place::of(&grant.key);
        let (record, lock) = (place.grant(&self.vault), place.lock(&self.vault));
        let condition = self.locks.held(&lock)?;
        let is_spending = self.locks.is_spending(&lock);
        let (fitting, too_large) = match fitting(grant) {
            Ok(fitting) => (fitting, None),
            Err(error) if is_spending => match self.rotated(&record, grant).await? {
                Some(rotated) => (Some(rotated), Some(error)),
                None => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let grant = fitting.as_ref().unwrap_or(grant);
        let saved = match is_spending {
            true => self.save_received(&record, grant, condition).await,
            false => match self.write(&record, grant, condition).await? {
                Written::Stored(_) => Ok(()),
                Written::Refused => Err(lost()),
            },
        };
        self.caches.forget(&record);
        saved?;
        too_large.map_or(Ok(()), Err)
    }

    /// Returns the stored grant with the refresh token that replaces its own, for a grant that is too large with all of
    /// its new tokens: the server accepts no other refresh token any more. `None` if there is nothing to keep.
    async fn rotated(&self, record: &Key, newer: &Grant) -> Result<Option<Grant>> {
        let stored = self.vault.get::<Grant>(record).await?.map(|stored| stored.document);
        let Some(mut grant) = stored.filter(|stored| stored.id == newer.id) else {
            return Ok(None);
        };
        grant.generation = newer.generation;
        grant.rotates = newer.rotates;
        grant.dead.clone_from(&newer.dead);
        grant.tokens.refresh_token.clone_from(&newer.tokens.refresh_token);
        grant.tokens.refresh_expires_at = newer.tokens.refresh_expires_at;
        Ok(Some(grant).filter(|grant| size(grant) <= LARGEST))
    }

    async fn write(&self, record: &Key, grant: &Grant, condition: Condition) -> Result<Written> {
        let place = Place::of(&grant.key);
        let due_at = schedule::first_look(grant, place.is_unconfirmed());
        let removes = first_save::required();
        let has_place = !removes.is_empty();
        let terms = Terms { due_at, removes, ..Terms::only_if(condition) };
        let before = self.vault.get::<Grant>(record).await?;
        if let Some(known) = before.as_ref().filter(|known| is_same(&known.document, grant))
            && has_place
        {
            // An earlier attempt has saved it, although it seemed to fail.
            first_save::succeeded();
            return Ok(Written::Stored(known.revision));
        }
        let before = before.map(|stored| stored.document);
        let written = events::save(&self.vault, &place, before.as_ref(), grant, terms).await?;
        if written != Written::Refused {
            first_save::succeeded();
        }
        Ok(written)
    }

    /// Saves tokens that exist nowhere else. If the store does not accept them at once, the spool keeps them.
    async fn save_received(&self, record: &Key, grant: &Grant, condition: Condition) -> Result<()> {
        let mut write = pin!(self.write(record, grant, condition));
        let written = tokio::select! {
            biased;
            written = &mut write => written,
            () = tokio::time::sleep(SOON) => {
                tokio::join!(write, self.spool.keep(record, grant)).0
            }
        };
        let settled = match written {
            Ok(Written::Stored(_)) => Ok(Settled::Stored),
            // The lock was lost to an instance that waits for these tokens.
            Ok(Written::Refused) => self.spool.settle(record, grant).await,
            Err(error) => Err(error),
        };
        match settled {
            Ok(settled) => {
                self.spool.forget(record, grant.generation).await;
                if settled == Settled::Stored { Ok(()) } else { Err(lost()) }
            }
            Err(error) => {
                self.spool.keep_refused(record, grant).await;
                Err(error)
            }
        }
    }

    async fn remove_grant(&self, key: &GrantKey) -> Result<bool> {
        let place = Place::of(key);
        let record = place.grant(&self.vault);
        let condition = self.locks.held(&place.lock(&self.vault))?;
        // A record that cannot be read is removed too.
        let before = self.vault.get::<Grant>(&record).await.ok().flatten();
        let events = events::of_removal(&place, before.as_ref().map(|stored| &stored.document));
        let also = events::additions(&self.vault, &place, &events).await?;
        let removed = self.vault.storage().delete_with(&record, condition, also).await?;
        self.caches.forget(&record);
        if removed {
            events::log(&place, &events);
        }
        if !removed && self.vault.storage().get(&record).await?.is_some() {
            return Err(lost());
        }
        Ok(removed)
    }
}

/// Returns a grant without what can be spared, if it is too large with it. Tenants choose the providers whose tokens
/// are stored.
fn fitting(grant: &Grant) -> Result<Option<Grant>> {
    if size(grant) <= LARGEST {
        return Ok(None);
    }
    let mut smaller = grant.clone();
    smaller.tokens.id_token = None;
    match size(&smaller) <= LARGEST {
        true => Ok(Some(smaller)),
        false => Err(Error::validation("the provider's tokens are too large to be stored")),
    }
}

/// Returns the number of bytes of a stored grant.
fn size(grant: &Grant) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, grant) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

fn is_same(one: &Grant, other: &Grant) -> bool {
    (&one.id, one.generation) == (&other.id, other.generation)
}

fn lost() -> Error {
    Error::store(
        "the lock of the connection, or its place among those of the tenant, was lost: nothing was written",
    )
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

#[cfg(test)]
mod tests {
    use oauthctl_core::Timestamp;
    use serde_json::json;

    use super::*;

    fn grant(access_token: usize, id_token: usize) -> Grant {
        let now = Timestamp::now();
        serde_json::from_value(json!({
            "version": 1, "id": "g", "generation": 1, "key": { "profile": "acme/p", "account": "u" },
            "grant_type": "authorization_code",
            "pin": { "issuer": null, "token_endpoint": "https://as.example/token", "client_id": "c", "client_auth": "none" },
            "tokens": {
                "access_token": "a".repeat(access_token), "token_type": "Bearer", "expires_at": null, "scopes": [],
                "id_token": "i".repeat(id_token),
            },
            "obtained_at": now, "refreshed_at": now,
        }))
        .unwrap()
    }

    #[test]
    fn large_id_token_is_dropped_and_large_token_refused() {
        assert!(fitting(&grant(1_000, 60_000)).unwrap().is_none());
        let fitting = |access_token, id_token| fitting(&grant(access_token, id_token));
        let smaller = fitting(100_000, 100_000).unwrap().unwrap();
        assert!(smaller.tokens.id_token.is_none());
        assert_eq!(smaller.tokens.access_token.expose().len(), 100_000);
        assert!(fitting(LARGEST, 0).is_err());
    }
}
