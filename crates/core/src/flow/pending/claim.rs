//! The right to redeem a code, which one process gets once.

use crate::error::Result;
use crate::port::PendingStore;
use crate::protocol::state::{StateClaims, refused};
use crate::time::Timestamp;

/// The right to redeem the code of a flow, which one process gets once.
pub(in crate::flow) struct Claim<'a> {
    pub(in crate::flow) store: &'a dyn PendingStore,
    pub(in crate::flow) claims: &'a StateClaims,
    pub(in crate::flow) is_sealed: bool,
}

impl Claim<'_> {
    /// Claims it, durably.
    pub(in crate::flow) async fn take(&self) -> Result<()> {
        let expires_at = Timestamp::from_unix(self.claims.exp);
        let id = &self.claims.jti;
        let taken = match self.is_sealed {
            true => self.store.mark_used(id, expires_at).await?,
            false => self.store.claim(id, expires_at).await?,
        };
        if taken { Ok(()) } else { Err(refused()) }
    }
}
