//! What an authorization server granted, and what is stored with it.

mod account;
mod info;
mod key;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::secret::{Secret, exposed, exposed_option};
use crate::time::Timestamp;

pub use account::{AccountEntry, LastError};
pub use info::GrantInfo;
pub(crate) use key::profile_slug;
pub use key::{DEFAULT_ACCOUNT, GrantKey};

/// The version of a stored [`Grant`]. A record with a higher number is refused, not rewritten.
pub const GRANT_VERSION: u32 = 1;

/// The server, endpoint and client that issued a grant. Its refresh token is sent nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The issuer, if known.
    pub issuer: Option<String>,
    /// The token endpoint.
    pub token_endpoint: String,
    /// The refresh endpoint, if it is a different one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_endpoint: Option<String>,
    /// The revocation endpoint, if it was known at the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// The client.
    pub client_id: String,
    /// How the client authenticates (a `token_endpoint_auth_method` of RFC 7591).
    pub client_auth: String,
}

impl Pin {
    /// Returns the first of issuer, token endpoint and client that the configuration sets to a
    /// different value than this pin. Does not contact the server.
    pub fn differs_from(
        &self,
        issuer: Option<&str>,
        token_endpoint: Option<&str>,
        client_id: &str,
    ) -> Option<&'static str> {
        let issuers = self.issuer.as_deref().zip(issuer);
        if issuers.is_some_and(|(pinned, named)| pinned != named) {
            return Some("issuer");
        }
        if token_endpoint.is_some_and(|named| named != self.token_endpoint) {
            return Some("token endpoint");
        }
        (client_id != self.client_id).then_some("client")
    }
}

/// The tokens of a successful token response (RFC 6749, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSet {
    /// The access token.
    #[serde(with = "exposed")]
    pub access_token: Secret,
    /// Its type as sent in requests: `Bearer` or `DPoP`.
    pub token_type: String,
    /// When it expires; `None` if the server set no lifetime.
    pub expires_at: Option<Timestamp>,
    /// The whole lifetime that the server set, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u64>,
    /// The refresh token.
    #[serde(with = "exposed_option", default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the refresh token expires, if the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_expires_at: Option<Timestamp>,
    /// The validated id_token.
    #[serde(with = "exposed_option", default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<Secret>,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// Whether a hook has not allowed the access token yet. Until then, the token counts as expired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

impl TokenSet {
    /// Returns whether the access token is valid for at least this long. A [withheld](Self::withheld)
    /// token is not. A token without a known lifetime is, because only the resource can tell.
    pub fn is_valid_for(&self, now: Timestamp, min_ttl: Duration) -> bool {
        !self.withheld
            && match self.expires_at {
                // The second of `now` has already begun, so up to a second less may be left.
                Some(at) => at.remaining(now) > min_ttl,
                None => true,
            }
    }

    /// Returns the minimum remaining lifetime with which this token is used, if `usual` is the configured
    /// one. A server whose tokens are valid for less than twice that long would be asked for a new token at
    /// every call, or at every other call; such tokens are used until a tenth of their lifetime is left.
    pub fn min_ttl(&self, usual: Duration) -> Duration {
        match self.lifetime.map(Duration::from_secs) {
            Some(lifetime) if lifetime < usual * 2 => lifetime / 10,
            _ => usual,
        }
    }
}

/// The user who granted access, as the server reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The email address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the server has verified that the address belongs to the user; `None` if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The user name (`preferred_username`, `login`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Identity {
    /// Returns the best name for this user, if the server returned any.
    pub fn label(&self) -> Option<&str> {
        [&self.email, &self.username, &self.name, &self.sub].into_iter().find_map(|v| v.as_deref())
    }
}

/// A value that is stored with a grant, for a limited time or for the lifetime of the grant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The value.
    pub value: serde_json::Value,
    /// When it expires; `None` for the lifetime of the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

crate::redact::debug::redacted_debug!(Attribute {
    value => hidden,
    expires_at,
});

/// A grant: an id for its whole lifetime, a generation that increases with the tokens, the tokens, and what
/// is stored with them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The record version, [`GRANT_VERSION`].
    pub version: u32,
    /// The id of this grant, constant across refreshes.
    pub id: String,
    /// The generation of the tokens. It increases whenever new ones are saved, at a refresh by one or more,
    /// and a new login continues from the previous grant. Setting an attribute does not change it, and
    /// neither does marking a grant that the server has ended.
    pub generation: u64,
    /// The key under which it is stored.
    pub key: GrantKey,
    /// The server and client that issued it.
    pub pin: Pin,
    /// The grant type that obtained it.
    pub grant_type: String,
    /// The tokens.
    pub tokens: TokenSet,
    /// The user who granted access.
    #[serde(default)]
    pub identity: Identity,
    /// Claims that a later id_token must repeat (OpenID Connect Core, section 12.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_claims: Option<PinnedClaims>,
    /// Values of the token response and of the callback that the profile stores.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, serde_json::Value>,
    /// The caller's reference for the user who granted access, exactly as it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Attributes, which can be read and written during the grant's lifetime.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Attribute>,
    /// The private key of DPoP proofs, PKCS #8 in base64 (RFC 9449).
    #[serde(with = "exposed_option", default, skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<Secret>,
    /// Tokens with fewer scopes, or for another resource or audience, by what was requested. They have no
    /// refresh token of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub narrowed: BTreeMap<String, TokenSet>,
    /// Whether the server is known to replace the refresh token; `None` before the first refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotates: Option<bool>,
    /// When the user (or the client itself) obtained it.
    pub obtained_at: Timestamp,
    /// When its tokens were last replaced.
    pub refreshed_at: Timestamp,
    /// Set once the server has rejected the refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<Dead>,
}

crate::redact::debug::redacted_debug!(Grant {
    version,
    id,
    generation,
    key,
    pin,
    grant_type,
    tokens,
    identity,
    id_token_claims,
    kept => members,
    user,
    attributes,
    dpop_key,
    narrowed,
    rotates,
    obtained_at,
    refreshed_at,
    dead,
});

impl Grant {
    /// Returns the values of the grant at this time: those from the server's responses, and the unexpired
    /// attributes, which take precedence.
    pub fn attributes_at(&self, now: Timestamp) -> BTreeMap<String, serde_json::Value> {
        unexpired(&self.kept, &self.attributes, now)
    }
}

fn unexpired(
    kept: &BTreeMap<String, serde_json::Value>,
    attributes: &BTreeMap<String, Attribute>,
    now: Timestamp,
) -> BTreeMap<String, serde_json::Value> {
    let mut all = kept.clone();
    let unexpired = attributes.iter().filter(|(_, a)| a.expires_at.is_none_or(|at| now < at));
    all.extend(unexpired.map(|(name, a)| (name.clone(), a.value.clone())));
    all
}

/// Why a grant can no longer be refreshed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// When the server rejected it.
    pub since: Timestamp,
    /// The server's reason.
    pub reason: String,
    /// When the next refresh may be sent; `None` for never. Set if the refusal did not clearly reject
    /// the refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_again_at: Option<Timestamp>,
}

/// The claims of a grant's first id_token that must not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedClaims {
    /// The issuer.
    pub iss: String,
    /// The subject.
    pub sub: String,
    /// The audiences.
    pub aud: Vec<String>,
}

/// A durable record that is written before a refresh token is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The grant.
    pub grant_id: String,
    /// The generation that is being replaced.
    pub generation: u64,
    /// SHA-256 of the refresh token, in hex.
    pub token_hash: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// How many times this token has been sent, this time included.
    pub sends: u32,
}
