//! Reads a grant, and checks that the store returned the one that was requested.

use super::ports::Ports;
use crate::error::Error;
use crate::grant::{GRANT_VERSION, Grant, GrantKey};

/// Why a grant was not loaded.
pub(super) enum Unloaded {
    /// The store's own error: it fails, or the record is damaged.
    Failed(Error),
    /// A newer version of this crate wrote the record.
    Newer(Error),
    /// The store returned the record of another key. It is not touched: writing or removing under this key
    /// could affect that record.
    Foreign(Error),
}

impl From<Unloaded> for Error {
    fn from(unloaded: Unloaded) -> Self {
        match unloaded {
            Unloaded::Failed(error) | Unloaded::Newer(error) | Unloaded::Foreign(error) => error,
        }
    }
}

/// Reads the grant of exactly this key. All of the flow reads grants through this function.
pub(super) async fn load(ports: &Ports, key: &GrantKey) -> Result<Option<Grant>, Unloaded> {
    match ports.store.load(key).await.map_err(Unloaded::Failed)? {
        Some(grant) if grant.key != *key => Err(Unloaded::Foreign(foreign(key, &grant.key))),
        Some(grant) if grant.version > GRANT_VERSION => Err(Unloaded::Newer(newer(&grant))),
        found => Ok(found),
    }
}

fn foreign(asked: &GrantKey, given: &GrantKey) -> Error {
    Error::store(format!(
        "the record of {asked} was requested, but the store returned that of {given}"
    ))
    .hint(
        "nothing was sent or changed; use a store that compares profile and account byte for \
             byte",
    )
}

fn newer(grant: &Grant) -> Error {
    Error::store(format!(
        "the record of {} has version {}, but this program supports only {GRANT_VERSION}",
        grant.key, grant.version
    ))
    .hint("use the newer oauthctl that wrote the record; nothing was changed")
}
