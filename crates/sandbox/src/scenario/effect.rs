//! The points where a scenario can take effect, and what it can do there.

use super::super::endpoint::Endpoint;
use super::super::keys::{Keyring, Signing};
use super::super::reply::{Answer, Object, Reply, Transport};
use super::super::request::Call;

/// The requests that an effect applies to.
#[derive(Clone, Copy)]
pub(crate) enum On {
    Every,
    Metadata,
    ResourceMetadata,
    Pushed,
    Token,
    Refresh,
    DeviceAuthorization,
    Userinfo,
    Revocation,
    Introspection,
    Registration,
    Jwks,
}

impl On {
    pub(super) fn concerns(self, call: &Call) -> bool {
        let endpoint = match self {
            // The index and the journal are for the user who runs the test.
            Self::Every => {
                return !matches!(call.endpoint, Endpoint::Index | Endpoint::Journal);
            }
            Self::Refresh => return call.grant_type() == Some("refresh_token"),
            Self::Metadata => Endpoint::Metadata,
            Self::ResourceMetadata => Endpoint::ResourceMetadata,
            Self::Pushed => Endpoint::PushedAuthorization,
            Self::Token => Endpoint::Token,
            Self::DeviceAuthorization => Endpoint::DeviceAuthorization,
            Self::Userinfo => Endpoint::Userinfo,
            Self::Revocation => Endpoint::Revocation,
            Self::Introspection => Endpoint::Introspection,
            Self::Registration => Endpoint::Registration,
            Self::Jwks => Endpoint::Jwks,
        };
        call.endpoint == endpoint
    }
}

/// What an effect can depend on.
pub(crate) struct Cue<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) origin: &'a str,
    pub(crate) now: u64,
    pub(crate) keys: &'a Keyring,
    /// How many times the key set was requested before.
    pub(crate) jwks_fetches: u64,
    /// The argument of the scenario.
    pub(crate) argument: &'a str,
}

/// Parameters of an authorization response.
pub(crate) type Response = Vec<(&'static str, String)>;

/// One effect of a scenario.
pub(crate) enum Effect {
    /// Waits for the number of seconds in the argument before any response.
    Delay(On),
    /// Responds instead of the endpoint, which does nothing.
    Instead(On, fn(&Cue) -> Reply),
    /// Does the same, only the first time.
    Once(On, fn(&Cue) -> Reply),
    /// Edits the JSON of a successful response.
    Edit(On, fn(&mut Object, &Cue)),
    /// Edits any response before it is sent.
    Rewrite(On, fn(&mut Answer, &Cue)),
    /// Sends the response in a different way than HTTP would.
    Send(On, Transport),
    /// Changes an access token before it is issued.
    Mint(fn(String) -> String),
    /// Edits the authorization response.
    Respond(fn(&mut Response, &Cue)),
    /// Edits the claims of id_tokens.
    Claims(On, fn(&mut Object, &Cue)),
    /// Edits the JOSE header of id_tokens.
    Header(fn(&mut Object, &Cue)),
    /// Signs id_tokens in a different way.
    Sign(Signing),
    /// Edits the published keys.
    Keys(fn(&mut Vec<serde_json::Value>, &Cue)),
    /// Changes a decision of the server.
    Rule(Rule),
}

/// Decisions of the server that scenarios change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Refresh responses contain no refresh token, and the old one stays valid.
    KeepSilently,
    /// Refresh responses contain the old refresh token.
    Repeat,
    /// No refresh token is issued.
    NoRefreshToken,
    /// A replaced refresh token stays valid for a minute.
    Grace,
    /// Access tokens are valid for two seconds.
    ShortLife,
    /// Consent is denied at once.
    Deny,
    /// Authorization requests must be pushed.
    RequirePushed,
    /// Pushed requests expire at once.
    PushedExpires,
    /// The first two polls of a device are told to slow down.
    SlowDown,
    /// Device authorizations are denied.
    DeviceDenied,
    /// Device codes expire at once.
    DeviceExpires,
    /// DPoP proofs require a nonce (RFC 9449, section 8).
    ProofNonce,
}
