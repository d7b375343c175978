//! The note that a refresh token is being spent: how the next holder of the lock learns that it may be spent already.

use crate::Secret;
use crate::digest::hex_sha256;
use crate::error::Result;
use crate::grant::Intent;
use crate::port::Lock;

/// The intent of an earlier sending of this very token.
pub(super) fn unanswered(lock: &dyn Lock, token: &Secret) -> Result<Option<Intent>> {
    let token_hash = hash(token);
    Ok(lock.intent()?.filter(|intent| intent.token_hash == token_hash))
}

pub(super) fn hash(token: &Secret) -> String {
    hex_sha256(&[token.expose().as_bytes()])
}
