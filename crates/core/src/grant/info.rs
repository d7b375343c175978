//! A grant without its secrets.

use std::collections::BTreeMap;

use super::{Attribute, Dead, Grant, GrantKey, Identity, Pin, PinnedClaims, unexpired};
use crate::time::Timestamp;

/// The public view of a stored grant. It contains no token and no key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantInfo {
    /// The id of the grant, constant across refreshes.
    pub id: String,
    /// The generation of its tokens ([`Grant::generation`]).
    pub generation: u64,
    /// The key under which it is stored.
    pub key: GrantKey,
    /// The server and client that issued it.
    pub pin: Pin,
    /// The grant type that obtained it.
    pub grant_type: String,
    /// The type of its access token: `Bearer` or `DPoP`.
    pub token_type: String,
    /// When its access token expires; `None` if the server set no lifetime.
    pub expires_at: Option<Timestamp>,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// Whether a hook has not allowed its access token yet.
    pub withheld: bool,
    /// Whether there is a refresh token.
    pub has_refresh_token: bool,
    /// When the refresh token expires, if the server says so.
    pub refresh_expires_at: Option<Timestamp>,
    /// The user who granted access, as the server reports it.
    pub identity: Identity,
    /// Claims of the first id_token, which later ones must repeat.
    pub id_token_claims: Option<PinnedClaims>,
    /// Values of the token response and of the callback that the profile stores.
    pub kept: BTreeMap<String, serde_json::Value>,
    /// The caller's reference for the user who granted access, exactly as it was set.
    pub user: Option<String>,
    /// Attributes, expired ones included. [`attributes_at`](Self::attributes_at) omits those.
    pub attributes: BTreeMap<String, Attribute>,
    /// Whether the server is known to replace the refresh token; `None` before the first refresh.
    pub rotates: Option<bool>,
    /// When the user (or the client itself) obtained it.
    pub obtained_at: Timestamp,
    /// When its tokens were last replaced.
    pub refreshed_at: Timestamp,
    /// Set once the server has rejected the refresh token.
    pub dead: Option<Dead>,
}

crate::redact::debug::redacted_debug!(GrantInfo {
    id,
    generation,
    key,
    pin,
    grant_type,
    token_type,
    expires_at,
    scopes,
    withheld,
    has_refresh_token,
    refresh_expires_at,
    identity,
    id_token_claims,
    kept => members,
    user,
    attributes,
    rotates,
    obtained_at,
    refreshed_at,
    dead,
});

impl GrantInfo {
    /// Returns the values of the grant at this time: those from the server's responses, and the unexpired
    /// attributes, which take precedence.
    pub fn attributes_at(&self, now: Timestamp) -> BTreeMap<String, serde_json::Value> {
        unexpired(&self.kept, &self.attributes, now)
    }
}

impl From<Grant> for GrantInfo {
    fn from(grant: Grant) -> Self {
        Self {
            id: grant.id,
            generation: grant.generation,
            key: grant.key,
            pin: grant.pin,
            grant_type: grant.grant_type,
            token_type: grant.tokens.token_type,
            expires_at: grant.tokens.expires_at,
            scopes: grant.tokens.scopes,
            withheld: grant.tokens.withheld,
            has_refresh_token: grant.tokens.refresh_token.is_some(),
            refresh_expires_at: grant.tokens.refresh_expires_at,
            identity: grant.identity,
            id_token_claims: grant.id_token_claims,
            kept: grant.kept,
            user: grant.user,
            attributes: grant.attributes,
            rotates: grant.rotates,
            obtained_at: grant.obtained_at,
            refreshed_at: grant.refreshed_at,
            dead: grant.dead,
        }
    }
}
