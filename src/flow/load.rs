//! Reading a grant, and believing what the store gives only where it is what was asked for.

use super::FlowManager;
use crate::error::Error;
use crate::grant::{Grant, GrantKey};

/// Why a grant was not loaded.
pub(super) enum Unloaded {
    /// In the store's own words: it fails, or the record is damaged.
    Failed(Error),
    /// The store gave another key's record. It is not touched: whatever is written or removed under
    /// this key could be that one.
    Foreign(Error),
}

impl From<Unloaded> for Error {
    fn from(unloaded: Unloaded) -> Self {
        let (Unloaded::Failed(error) | Unloaded::Foreign(error)) = unloaded;
        error
    }
}

impl FlowManager {
    /// Reads the grant of this key, and no other: all of the flow reads grants here.
    pub(super) async fn load(&self, key: &GrantKey) -> Result<Option<Grant>, Unloaded> {
        match self.ports.store.load(key).await.map_err(Unloaded::Failed)? {
            Some(grant) if grant.key != *key => Err(Unloaded::Foreign(foreign(key, &grant.key))),
            found => Ok(found),
        }
    }
}

fn foreign(asked: &GrantKey, given: &GrantKey) -> Error {
    Error::store(format!("the store was asked for the record of {asked}, and gave that of {given}"))
        .hint(
            "nothing was sent or changed: the store compares names loosely, and has to compare \
             profile and account byte for byte",
        )
}
