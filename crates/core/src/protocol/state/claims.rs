//! What a state says.

use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Timestamp;

/// The signature algorithm of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateAlg {
    /// HMAC with SHA-256 (RFC 7518, section 3.2).
    Hs256,
    /// Ed25519 (RFC 8037).
    EdDsa,
}

impl StateAlg {
    /// Both algorithms, with their registered names.
    pub const ALL: [(&'static str, Self); 2] = [("HS256", Self::Hs256), ("EdDSA", Self::EdDsa)];

    /// Returns the registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Returns the algorithm of exactly this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, alg)| *alg)
    }
}

/// The content of a state: claims after draft-bradley-oauth-jwt-encoded-state. A state with more or fewer
/// claims is refused, so that after a change here, old and new processes refuse each other's states.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateClaims {
    /// An unpredictable value, which the record of the flow repeats.
    pub rfp: String,
    /// When the flow was started, in seconds since the epoch.
    pub iat: u64,
    /// When the flow expires, in seconds since the epoch.
    pub exp: u64,
    /// The claim `as`, the authorization server: its issuer, else its authorization endpoint.
    #[serde(rename = "as")]
    pub server: String,
    /// The client.
    pub aud: String,
    /// The flow.
    pub jti: String,
}

crate::redact::debug::redacted_debug!(StateClaims {
    rfp => hidden,
    iat,
    exp,
    server,
    aud,
    jti,
});

impl StateClaims {
    /// Refuses claims that have expired or are not valid yet.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidState`](ErrorKind::InvalidState).
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<()> {
        let lives = now.unix() < self.exp && self.iat <= now.unix().saturating_add(SKEW);
        if lives && self.iat <= self.exp { Ok(()) } else { Err(refused()) }
    }
}

/// The same error for every state that cannot be completed, so that guessing states reveals nothing.
pub(crate) fn refused() -> Error {
    Error::new(
        ErrorKind::InvalidState,
        "the state is invalid: it is unknown, altered, expired, or already used",
    )
    .hint("nothing was redeemed")
    .and_hint(Advice::StartAgain)
}

/// How far the clock of the process that created a state may be ahead, in seconds.
const SKEW: u64 = 300;
