//! What an id_token must say.

use super::issuer::Issuer;
use crate::grant::PinnedClaims;
use crate::profile::TrustedAudiences;
use crate::protocol::jws::Alg;
use crate::secret::Secret;
use crate::time::Timestamp;

/// What an id_token must contain.
#[derive(Clone, Copy)]
pub(crate) struct Expectations<'a> {
    /// The issuer; without one, nothing can be verified.
    pub issuer: Option<Issuer<'a>>,
    /// The client, which must be the audience.
    pub client_id: &'a str,
    /// Additional audiences that are accepted.
    pub trusted_audiences: &'a TrustedAudiences,
    /// The nonce of the authorization request, if one was sent.
    pub nonce: Option<&'a str>,
    /// Whether the server is known to omit it.
    pub nonce_may_be_missing: bool,
    /// The only algorithm that is accepted, if the profile sets one.
    pub alg: Option<Alg>,
    /// The metadata's `id_token_signing_alg_values_supported`; empty if it is omitted.
    pub algs: &'a [String],
    /// The client secret, which verifies a symmetric algorithm that the profile sets.
    pub client_secret: Option<&'a Secret>,
    /// The access token that was issued with it, for `at_hash`.
    pub access_token: Option<&'a Secret>,
    /// At a refresh: the claims that must be the same as in the first id_token.
    pub previous: Option<&'a PinnedClaims>,
    /// The `max_age` of the authorization request, in seconds: the user must have authenticated at most
    /// this long ago (OpenID Connect Core, section 3.1.2.1).
    pub max_age: Option<u64>,
    /// The current time.
    pub now: Timestamp,
}

crate::redact::debug::redacted_debug!(Expectations<'_> {
    issuer,
    client_id,
    trusted_audiences,
    nonce => hidden,
    nonce_may_be_missing,
    alg,
    algs,
    client_secret,
    access_token,
    previous,
    max_age,
    now,
});
