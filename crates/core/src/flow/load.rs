//! Reading a grant, and believing what the store gives only where it is what was asked for.

use super::ports::Ports;
use crate::error::Error;
use crate::grant::{GRANT_VERSION, Grant, GrantKey};

/// Why a grant was not loaded.
pub(super) enum Unloaded {
    /// In the store's own words: it fails, or the record is damaged.
    Failed(Error),
    /// A newer version of this crate wrote the record.
    Newer(Error),
    /// The store gave another key's record. It is not touched: whatever is written or removed under
    /// this key could be that one.
    Foreign(Error),
}

impl From<Unloaded> for Error {
    fn from(unloaded: Unloaded) -> Self {
        match unloaded {
            Unloaded::Failed(error) | Unloaded::Newer(error) | Unloaded::Foreign(error) => error,
        }
    }
}

/// Reads the grant of this key, and no other: all of the flow reads grants here.
pub(super) async fn load(ports: &Ports, key: &GrantKey) -> Result<Option<Grant>, Unloaded> {
    match ports.store.load(key).await.map_err(Unloaded::Failed)? {
        Some(grant) if grant.key != *key => Err(Unloaded::Foreign(foreign(key, &grant.key))),
        Some(grant) if grant.version > GRANT_VERSION => Err(Unloaded::Newer(newer(&grant))),
        found => Ok(found),
    }
}

fn foreign(asked: &GrantKey, given: &GrantKey) -> Error {
    Error::store(format!("the store was asked for the record of {asked}, and gave that of {given}"))
        .hint(
            "nothing was sent or changed: the store compares names loosely, and has to compare \
             profile and account byte for byte",
        )
}

fn newer(grant: &Grant) -> Error {
    Error::store(format!(
        "the record of {} has version {}, and this program knows {GRANT_VERSION}",
        grant.key, grant.version
    ))
    .hint("a newer oauthctl wrote it: use that one; nothing was changed")
}
