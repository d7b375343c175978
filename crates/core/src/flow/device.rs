//! The device authorization grant (RFC 8628): the user logs in on any device, while this program polls.

mod pace;
pub(super) mod poll;
pub(super) mod request;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::pace::Pace;
use super::commit::{Reservation, Warnings};
use super::first_tokens::{Completed, Requested};
use crate::Secret;
use crate::grant::{Attribute, GrantKey, Pin};
use crate::profile::{AuthorizationServer, GrantType, Profile};
use crate::protocol::client_auth::Credentials;
use crate::time::Timestamp;

/// A request to [`FlowManager::authorize_device`](crate::FlowManager::authorize_device).
#[derive(Clone)]
#[non_exhaustive]
pub struct DeviceRequest {
    /// The key under which the grant will be stored.
    pub key: GrantKey,
    /// The scopes, one per element or several separated by spaces. If empty, those of the profile are used.
    pub scopes: Vec<String>,
    /// Additional parameters of the device authorization request that are not reserved.
    pub extra: Vec<(String, String)>,
    /// The maximum time to wait for the user. The server's codes may expire earlier.
    pub ttl: Option<Duration>,
}

crate::redact::debug::redacted_debug!(DeviceRequest {
    key,
    scopes,
    extra => pairs,
    ttl,
});

impl DeviceRequest {
    /// Creates a request with the settings of the profile, which ends when the server's codes expire.
    pub fn new(key: GrantKey) -> Self {
        Self { key, scopes: Vec::new(), extra: Vec::new(), ttl: None }
    }
}

/// A pending device authorization. Show [`user_code`](Self::user_code) and
/// [`verification_uri`](Self::verification_uri) to the user: both are safe for a terminal. `Debug` omits the device
/// code, which is never shown.
#[non_exhaustive]
pub struct DeviceAuthorization {
    /// The code that the user enters.
    pub user_code: String,
    /// The page where the user enters it: https, or http on a loopback host.
    pub verification_uri: String,
    /// The same page with the code filled in, on the same server. Show the code even where this page is opened,
    /// so that the user can compare it (RFC 8628, section 3.3.1).
    pub verification_uri_complete: Option<String>,
    /// The key under which the grant will be stored.
    pub key: GrantKey,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// When polling ends.
    pub expires_at: Timestamp,
    /// The id that the grant will have.
    pub grant_id: String,
    handle: Handle,
    dpop_key: Option<Secret>,
    credentials: Credentials,
    server: Arc<AuthorizationServer>,
    pin: Pin,
    attributes: BTreeMap<String, Attribute>,
    pace: Pace,
    /// Whether the wait ends before the codes expire.
    is_cut: bool,
    prepared: Option<Prepared>,
    _reservation: Reservation,
}

/// What is polled for.
enum Handle {
    /// A device code (RFC 8628).
    DeviceCode(Secret),
    /// An authentication request that the server sends to the user (OpenID Connect CIBA).
    Backchannel(Secret),
}

impl Handle {
    /// Returns the grant type of the polls.
    fn grant(&self) -> GrantType {
        match self {
            Self::DeviceCode(_) => GrantType::DeviceCode,
            Self::Backchannel(_) => GrantType::Ciba,
        }
    }

    /// Returns its parameter in a poll.
    fn parameter(&self) -> (String, String) {
        let (name, value) = match self {
            Self::DeviceCode(code) => ("device_code", code),
            Self::Backchannel(id) => ("auth_req_id", id),
        };
        (name.to_owned(), value.expose().to_owned())
    }
}

/// What happens once, before the first poll.
struct Prepared {
    /// What the hooks add to the requests.
    params: BTreeMap<String, String>,
    /// The generation of the grant that the new one replaces.
    replaces: u64,
    warnings: Warnings,
}

impl std::fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("grant_id", &self.grant_id)
            .field("key", &self.key)
            .field("verification_uri", &self.verification_uri)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl DeviceAuthorization {
    /// Returns the authorization server.
    pub fn server(&self) -> &AuthorizationServer {
        &self.server
    }

    /// Returns whether the server contacts the user on a device that it knows (OpenID Connect CIBA).
    /// In that case there is no code and no page.
    pub fn is_backchannel(&self) -> bool {
        matches!(self.handle, Handle::Backchannel(_))
    }

    /// Returns the time until the next poll.
    pub fn wait(&self) -> Duration {
        self.pace.wait()
    }

    fn requested(&self) -> Requested<'_> {
        Requested {
            key: &self.key,
            grant_id: &self.grant_id,
            scopes: &self.scopes,
            user: None,
            attributes: &self.attributes,
            // No message of this grant carries a nonce.
            nonce: None,
            dpop_key: self.dpop_key.as_ref(),
            pin: &self.pin,
            is_claimed: false,
        }
    }
}

/// The outcome of one poll.
#[derive(Debug)]
#[non_exhaustive]
pub enum DevicePoll {
    /// The user has not decided yet: poll again.
    Pending,
    /// The server did not respond, for this reason: poll again.
    Unanswered(String),
    /// The user has granted access, and the tokens are stored.
    Completed(Box<Completed>),
}

/// Returns the profile as one of this grant type: a login of any profile may use the device flow, unless the
/// server asks the user by itself.
pub(super) fn of_device(profile: &Profile) -> Profile {
    if profile.grant == GrantType::Ciba {
        return profile.clone();
    }
    Profile { grant: GrantType::DeviceCode, ..profile.clone() }
}
