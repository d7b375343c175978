//! The token that is handed out.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Secret;
use crate::error::{Error, Result};
use crate::grant::{Grant, GrantKey, Identity, Pin, TokenSet};
use crate::protocol::signing_key::SigningKey;
use crate::protocol::{dpop, id_token};
use crate::time::Timestamp;

/// An access token that was handed out, and the account that it is for. It does not contain the refresh token.
///
/// ```
/// # fn show(token: &oauthctl_core::flow::AccessToken) -> String {
/// format!("Authorization: {} {}", token.token_type, token.value.expose())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token itself.
    pub value: Secret,
    /// The token type to send: `Bearer` or `DPoP`.
    pub token_type: String,
    /// When it expires; `None` if the server set no lifetime.
    pub expires_at: Option<Timestamp>,
    /// The whole lifetime that the server set, in seconds.
    pub lifetime: Option<u64>,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// The id_token that came with it, validated.
    pub id_token: Option<Secret>,
    /// When the id_token expires.
    pub id_token_expires_at: Option<Timestamp>,
    /// The account.
    pub account: Account,
    /// A warning: a refresh that failed although a stored token could be handed out, or a failure that
    /// accompanied a successful one.
    pub warning: Option<Error>,
    /// Deviations of the server that changed nothing, for verbose output.
    pub notes: Vec<String>,
    /// Whether this call requested the token.
    pub fresh: bool,
    /// The key that the token is bound to.
    pub(super) dpop_key: Option<Secret>,
}

/// The account that a token is for: what is known of its grant, without its secrets.
#[derive(Clone)]
#[non_exhaustive]
pub struct Account {
    /// The key of the grant.
    pub key: GrantKey,
    /// The id of the grant, constant across refreshes.
    pub grant_id: String,
    /// Which tokens of the grant are stored ([`Grant::generation`]); `None` if another process stores them.
    pub generation: Option<u64>,
    /// The server and the client of the grant; `None` if another process stores it.
    pub pin: Option<Pin>,
    /// The user who granted access, as the server reports it.
    pub identity: Identity,
    /// The caller's reference for the user who granted access.
    pub user: Option<String>,
    /// What is known with the grant ([`Grant::attributes_at`]): what was kept, and the attributes that have not
    /// expired.
    pub attributes: BTreeMap<String, Value>,
    /// Values of the token response and of the callback that the profile asks to keep.
    pub kept: BTreeMap<String, Value>,
}

crate::redact::debug::redacted_debug!(Account {
    key,
    grant_id,
    generation,
    pin,
    identity,
    user,
    attributes => names_of,
    kept => members,
});

impl AccessToken {
    /// Returns a token of a grant that another process stores. It has only the fields of every token;
    /// the caller sets the others.
    pub fn from_elsewhere(
        value: Secret,
        token_type: String,
        key: GrantKey,
        grant_id: String,
    ) -> Self {
        Self {
            value,
            token_type,
            expires_at: None,
            lifetime: None,
            scopes: Vec::new(),
            id_token: None,
            id_token_expires_at: None,
            account: Account {
                key,
                grant_id,
                generation: None,
                pin: None,
                identity: Identity::default(),
                user: None,
                attributes: BTreeMap::new(),
                kept: BTreeMap::new(),
            },
            warning: None,
            notes: Vec::new(),
            fresh: false,
            dpop_key: None,
        }
    }

    /// The access token among these tokens of a grant.
    pub(super) fn of(grant: &Grant, tokens: &TokenSet, now: Timestamp) -> Self {
        Self {
            value: tokens.access_token.clone(),
            token_type: tokens.token_type.clone(),
            expires_at: tokens.expires_at,
            lifetime: tokens.lifetime,
            scopes: tokens.scopes.clone(),
            id_token: tokens.id_token.clone(),
            id_token_expires_at: tokens.id_token.as_ref().and_then(id_token::expires_at),
            account: Account {
                key: grant.key.clone(),
                grant_id: grant.id.clone(),
                generation: Some(grant.generation),
                pin: Some(grant.pin.clone()),
                identity: grant.identity.clone(),
                user: grant.user.clone(),
                attributes: grant.attributes_at(now),
                kept: grant.kept.clone(),
            },
            warning: None,
            notes: Vec::new(),
            fresh: false,
            dpop_key: grant.dpop_key.clone().filter(|_| tokens.token_type == "DPoP"),
        }
    }

    /// Returns a proof for one request with this token, the value of its `DPoP` header (RFC 9449, section 7),
    /// or `None` if the token is not bound to a key. A proof is valid for one request.
    ///
    /// `nonce` is the last `DPoP-Nonce` that the resource's server sent, if it sent any.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for a method that is not an HTTP method or a URL that is not `http` or `https`, and
    /// `Store` if the stored key is damaged.
    pub fn dpop_proof(
        &self,
        method: &str,
        url: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Secret>> {
        let url = dpop::target(method, url)?;
        let Some(key) = &self.dpop_key else { return Ok(None) };
        let key = SigningKey::from_stored(key)?;
        let access_token = Some(&self.value);
        let request = dpop::Request { method, url: &url, nonce, access_token };
        let proof = dpop::proof(&key, request, now)?;
        Ok(Some(Secret::new(proof)))
    }
}

/// Tokens that a server has just issued, and their grant as it is stored with them.
pub(super) struct NewTokens {
    pub(super) grant: Grant,
    /// The grant's own, or narrowed ones.
    pub(super) tokens: TokenSet,
    pub(super) warning: Option<Error>,
    pub(super) notes: Vec<String>,
}

impl NewTokens {
    /// The part of them that is handed out.
    pub(super) fn access_token(self, now: Timestamp) -> AccessToken {
        let Self { grant, tokens, warning, notes } = self;
        let token = AccessToken::of(&grant, &tokens, now);
        AccessToken { warning, notes, fresh: true, ..token }
    }
}

/// The outcome of an attempt to get new tokens, if it did not fail.
pub(super) enum Renewed {
    /// With tokens.
    Tokens(Box<NewTokens>),
    /// Another machine has replaced the stored tokens: load them again.
    Overtaken,
    /// Nothing was sent, for this reason; the stored tokens are unchanged.
    Withheld(Error),
}
