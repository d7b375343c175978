//! Tokens that are not stored are revoked, so that nothing of a failed login stays valid at the server.

use super::pin::unpinned;
use super::revoke::{is_unsupported, send_revocation};
use super::turn::Peer;
use crate::Secret;
use crate::error::Error;
use crate::grant::{Grant, Pin};
use crate::profile::discovery::Purpose;

/// Tokens that a server has issued, as far as its response could be read.
pub(super) struct Issued<'a> {
    pub(super) pin: &'a Pin,
    pub(super) access_token: Option<&'a Secret>,
    pub(super) refresh_token: Option<&'a Secret>,
    pub(super) dpop_key: Option<&'a Secret>,
}

impl<'a> Issued<'a> {
    /// Returns the tokens of a grant.
    pub(super) fn of(grant: &'a Grant) -> Self {
        Self {
            pin: &grant.pin,
            access_token: Some(&grant.tokens.access_token),
            refresh_token: grant.tokens.refresh_token.as_ref(),
            dpop_key: grant.dpop_key.as_ref(),
        }
    }
}

/// Revokes tokens that are not stored, if a revocation endpoint is known: the refresh token, with which
/// the server also revokes the access token (RFC 7009, section 2.1), else the access token. If that
/// fails, the tokens expire unused; the hint of the login's error then says so.
pub(super) async fn discard(peer: Peer<'_>, issued: Issued<'_>, error: Error) -> Error {
    match try_discard(peer, issued).await {
        Ok(()) => error,
        Err(why) => not_revoked(error, &why),
    }
}

async fn try_discard(peer: Peer<'_>, issued: Issued<'_>) -> Result<(), Error> {
    let Issued { pin, access_token, refresh_token, dpop_key } = issued;
    let tokens = [(refresh_token, "refresh_token"), (access_token, "access_token")];
    let mut tokens = tokens.into_iter().filter_map(|(token, hint)| Some((token?, hint)));
    let Some((token, hint)) = tokens.next() else { return Ok(()) };
    let endpoint = match peer.server.endpoints.revocation.clone() {
        Some(endpoint) => Some(endpoint),
        None => {
            let whole = peer.context().server(Purpose::Optional).await;
            whole.ok().and_then(|server| server.endpoints.revocation)
        }
    };
    let is_its_own = |endpoint: &String| unpinned(pin, endpoint).is_none();
    let Some(endpoint) = endpoint.filter(is_its_own) else { return Ok(()) };
    peer.trace_step("Revoking the tokens that are not stored", "RFC 7009, section 2.1");
    let revoked = send_revocation(peer, &endpoint, (token, hint), dpop_key).await;
    match (revoked, tokens.next()) {
        (Err(error), Some((token, hint))) if is_unsupported(&error) => {
            send_revocation(peer, &endpoint, (token, hint), dpop_key).await
        }
        (revoked, _) => revoked,
    }
}

/// Adds to the failure why the discarded tokens stay valid.
fn not_revoked(error: Error, why: &Error) -> Error {
    let what = format!("the tokens that were issued could not be revoked: {}", why.message());
    error.and_hint(what)
}
