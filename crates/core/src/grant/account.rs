//! What is known about an account without its store.

use serde::{Deserialize, Serialize};

use super::{Grant, GrantKey, Identity, Pin};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// What is known about an account without opening its store. Contains no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEntry {
    /// The key of the account.
    pub key: GrantKey,
    /// The store of the grant, as in `--store`.
    pub store: String,
    /// The grant's id.
    pub grant_id: String,
    /// The generation that was saved last.
    pub generation: u64,
    /// The user who granted access.
    pub identity: Identity,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// When the access token expires.
    pub expires_at: Option<Timestamp>,
    /// Whether a hook has not allowed the access token yet ([`TokenSet::withheld`](super::TokenSet::withheld)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// Whether there is a refresh token.
    pub has_refresh_token: bool,
    /// The grant type that obtained it, by its name in the configuration.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub grant_type: String,
    /// When the account was logged in.
    pub obtained_at: Timestamp,
    /// When the tokens were last replaced.
    pub refreshed_at: Timestamp,
    /// The caller's reference for the user who granted access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether values are stored with the grant. They are in its store, not here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_attributes: bool,
    /// Whether the server is known to replace the refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotates: Option<bool>,
    /// The server and client that issued the grant; `None` in an entry of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// Whether a login by the user is required.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login_required: bool,
    /// The error of the last refresh, until one succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
}

/// A failed refresh, for `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// When it failed.
    pub at: Timestamp,
    /// The error message, in this program's own words.
    pub message: String,
    /// Distinguishes this failure from any other.
    #[serde(default)]
    pub id: String,
    /// The word of the error's kind ([`crate::ErrorKind::word`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The server's error code, if it is a known one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_error: Option<String>,
    /// The request that the failure is limited to, if it was for something else than the grant's own token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrowing: Option<String>,
}

impl AccountEntry {
    /// Returns the entry of this grant in this store.
    pub fn of(grant: &Grant, store: &str) -> Self {
        Self {
            key: grant.key.clone(),
            store: store.to_owned(),
            grant_id: grant.id.clone(),
            generation: grant.generation,
            identity: grant.identity.clone(),
            scopes: grant.tokens.scopes.clone(),
            expires_at: grant.tokens.expires_at,
            withheld: grant.tokens.withheld,
            has_refresh_token: grant.tokens.refresh_token.is_some(),
            grant_type: grant.grant_type.clone(),
            obtained_at: grant.obtained_at,
            refreshed_at: grant.refreshed_at,
            user: grant.user.clone(),
            has_attributes: !grant.attributes.is_empty() || !grant.kept.is_empty(),
            rotates: grant.rotates,
            pin: Some(grant.pin.clone()),
            login_required: grant.dead.is_some(),
            last_error: None,
        }
    }

    /// Returns an error for a record that is older than the one that was committed last: a restored copy in its
    /// own store or, if the server is known to replace refresh tokens, a copy in any store. The server may have
    /// replaced the refresh token of that record, and could end the whole login if it is sent again (RFC 9700,
    /// section 4.14.2). If the server does not replace refresh tokens, an old record is as good as a new one. So
    /// is a record without a refresh token, and a record that is not in this index.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Store`](crate::ErrorKind::Store).
    pub fn refuse_older(&self, grant: &Grant, store: &str) -> Result<()> {
        let is_older = self.grant_id == grant.id
            && self.generation > grant.generation
            && grant.tokens.refresh_token.is_some();
        let is_older = match self.rotates {
            Some(rotates) => is_older && rotates,
            None => is_older && self.store == store,
        };
        if !is_older {
            return Ok(());
        }
        Err(Error::store(format!(
            "the record of {} is an older copy: its refresh token has since been replaced",
            grant.key
        ))
        .hint(Advice::RestoreGrant(self.key.clone())))
    }
}
