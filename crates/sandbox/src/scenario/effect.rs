//! The places where a scenario can take hold, and what it can do there.

use super::super::endpoint::Endpoint;
use super::super::keys::{Keyring, Signing};
use super::super::reply::{Answer, Object, Reply};
use super::super::request::Call;
use super::super::transport::Transport;

/// Which requests an effect concerns.
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

/// What an effect may know.
pub(crate) struct Cue<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) origin: &'a str,
    pub(crate) now: u64,
    pub(crate) keys: &'a Keyring,
    /// How often the key set was asked for before.
    pub(crate) jwks_fetches: u64,
    /// The argument of the scenario.
    pub(crate) argument: &'a str,
}

/// Parameters of an authorization response.
pub(crate) type Response = Vec<(&'static str, String)>;

/// One thing that a scenario does.
pub(crate) enum Effect {
    /// Waits for as many seconds as the argument says before anything is answered.
    Delay(On),
    /// Answers in place of the endpoint, which does nothing.
    Instead(On, fn(&Cue) -> Reply),
    /// The same, the first time only.
    Once(On, fn(&Cue) -> Reply),
    /// Edits the JSON of a good answer.
    Edit(On, fn(&mut Object, &Cue)),
    /// Edits any answer before it is sent.
    Rewrite(On, fn(&mut Answer, &Cue)),
    /// Sends the answer in another way than HTTP would.
    Send(On, Transport),
    /// Changes an access token before it is issued.
    Mint(fn(String) -> String),
    /// Edits the authorization response.
    Respond(fn(&mut Response, &Cue)),
    /// Edits the claims of id_tokens.
    Claims(On, fn(&mut Object, &Cue)),
    /// Edits the JOSE header of id_tokens.
    Header(fn(&mut Object, &Cue)),
    /// Signs id_tokens in another way.
    Sign(Signing),
    /// Edits the published keys.
    Keys(fn(&mut Vec<serde_json::Value>, &Cue)),
    /// Changes a decision of the server.
    Rule(Rule),
}

/// Decisions of the server that scenarios change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Refresh replies carry no refresh token, and the old one goes on.
    KeepSilently,
    /// Refresh replies carry the old refresh token.
    Repeat,
    /// No refresh token at all.
    NoRefreshToken,
    /// A replaced refresh token still works for a minute.
    Grace,
    /// Access tokens live two seconds.
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
    /// DPoP proofs need a nonce (RFC 9449, section 8).
    ProofNonce,
}
