//! The store of pending flows, which the core has encrypted already.

use std::sync::Arc;

use oauthctl_core::port::{BoxFuture, PendingRecord, PendingStore};
use oauthctl_core::{Error, Result, Timestamp};

use crate::storage::{Condition, Key, Space, Write, Written};
use crate::vault::Vault;

/// How long the record of a used flow is kept after its expiry, in seconds, because clocks of instances
/// differ.
const LONGER: u64 = 300;

/// The store of pending flows. A used flow has an empty value, and is kept until it has expired.
pub struct Pending {
    vault: Arc<Vault>,
}

impl Pending {
    /// Creates the store.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }

    async fn write(
        &self,
        id: &str,
        value: Vec<u8>,
        expires_at: Timestamp,
        condition: Condition,
    ) -> Result<bool> {
        let expires_at = Some(expires_at.unix() + LONGER);
        let write = Write { expires_at, ..Write::new(key(id), value, condition) };
        Ok(self.vault.storage().put(write).await? != Written::Refused)
    }
}

fn key(id: &str) -> Key {
    Key::new(Space::Pending, "", id)
}

impl PendingStore for Pending {
    fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let sealed = record.sealed.clone();
            match self.write(&record.id, sealed, record.expires_at, Condition::Absent).await? {
                true => Ok(()),
                false => Err(Error::store("this flow already exists")),
            }
        })
    }

    fn get<'a>(
        &'a self,
        id: &'a str,
        expires_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<PendingRecord>>> {
        Box::pin(async move {
            let found = self.vault.storage().get(&key(id)).await?;
            let is_it = |end: Option<u64>| end == Some(expires_at.unix() + LONGER);
            let found = found.filter(|r| !r.value.is_empty() && is_it(r.expires_at));
            Ok(found.map(|r| PendingRecord { id: id.to_owned(), expires_at, sealed: r.value }))
        })
    }

    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let found = self.vault.storage().get(&key(id)).await?;
            let Some(found) = found.filter(|r| !r.value.is_empty()) else { return Ok(false) };
            if found.expires_at != Some(expires_at.unix() + LONGER) {
                return Ok(false);
            }
            // Of all callers that read the same revision, only one can write the next.
            self.write(id, Vec::new(), expires_at, Condition::Revision(found.revision)).await
        })
    }

    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.write(id, Vec::new(), expires_at, Condition::Absent))
    }

    /// Flows belong to tenants; no one lists them all.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}
