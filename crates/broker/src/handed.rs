//! Token responses, kept in memory.

use std::time::Duration;

use axum::body::Bytes;
use oauthctl_core::flow::AccessToken;
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::clock::now_seconds;

/// How long a token without a known lifetime is kept in memory, in seconds.
const UNKNOWN_LIFE: u64 = 60;

/// The body of a token response.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer<'a> {
    /// The access token.
    access_token: &'a str,
    /// How it is sent: `Bearer` or `DPoP`.
    #[schema(example = "Bearer")]
    token_type: &'a str,
    /// When it expires (RFC 3339, UTC); null if the provider did not say.
    expires_at: Option<String>,
    /// The granted scopes, separated by spaces.
    scope: String,
}

/// A token response, and until when it may be repeated. It is wiped when the last response that uses it has
/// been sent.
pub struct Handed {
    body: Bytes,
    /// When the remaining lifetime reaches the provider's `min_ttl`, in Unix seconds.
    usual_end: u64,
    expires_at: Option<u64>,
}

impl Handed {
    /// Prepares the response for this token; `usual` is the provider's `min_ttl`.
    pub fn new(token: &AccessToken, usual: Duration) -> Self {
        let answer = TokenAnswer {
            access_token: token.value.expose(),
            token_type: &token.token_type,
            expires_at: token.expires_at.map(|at| at.to_string()),
            scope: token.scopes.join(" "),
        };
        let body = Zeroizing::new(serde_json::to_vec(&answer).unwrap_or_default());
        let least = match token.lifetime.map(Duration::from_secs) {
            Some(lifetime) if lifetime < usual * 2 => lifetime / 10,
            _ => usual,
        };
        let expires_at = token.expires_at.map(|at| at.unix());
        let usual_end = match expires_at {
            Some(at) => at.saturating_sub(least.as_secs() + 1),
            None => now_seconds() + UNKNOWN_LIFE,
        };
        Self { body: Bytes::from_owner(body), usual_end, expires_at }
    }

    /// Returns the body, whatever the remaining lifetime is.
    pub fn fresh_body(&self) -> Bytes {
        self.body.clone()
    }

    /// Returns the body if the remaining lifetime is at least `min_ttl`.
    pub fn body(&self, min_ttl: Option<Duration>) -> Option<Bytes> {
        let now = now_seconds();
        let is_enough = match (min_ttl, self.expires_at) {
            (Some(least), Some(at)) => now + least.as_secs() < at && now < at,
            _ => now < self.usual_end,
        };
        is_enough.then(|| self.body.clone())
    }
}
