//! The life cycle of a grant: start, redeem, refresh, revoke.
//!
//! [`FlowManager`] starts and completes authorizations, hands out tokens, lists and revokes them. PKCE,
//! state, validation, locking, rotation and crash safety happen inside. Everything external is reached
//! through the traits of [`crate::port`], collected in [`Ports`].
//!
//! | to | call |
//! | --- | --- |
//! | start an authorization whose response arrives in another process or later | [`start`](FlowManager::start), then [`complete`](FlowManager::complete) |
//! | list and cancel pending authorizations | [`pending`](FlowManager::pending), [`cancel`](FlowManager::cancel) |
//! | get a valid token | [`token`](FlowManager::token) |
//! | let a part of the program get tokens, and nothing else | pass it a [`TokenSource`] |
//! | list grants, read a grant | [`list`](FlowManager::list), [`grant`](FlowManager::grant), [`export_grant`](FlowManager::export_grant) |
//! | ask the server about a user or a token | [`userinfo`](FlowManager::userinfo), [`introspect`](FlowManager::introspect), [`verify`](FlowManager::verify) |
//! | store values with a grant | [`set_attribute`](FlowManager::set_attribute), [`unset_attribute`](FlowManager::unset_attribute) |
//! | revoke a grant | [`revoke`](FlowManager::revoke), or [`forget`](FlowManager::forget) to only remove it |
//! | log in on another device (RFC 8628) | [`authorize_device`](FlowManager::authorize_device), then [`complete_device`](FlowManager::complete_device) or [`poll_device`](FlowManager::poll_device) |
//! | receive the response in this process (what `oauthctl_core::login` builds on) | [`authorize`](FlowManager::authorize), [`Authorization::validate`], [`redeem`](FlowManager::redeem) |

mod access_token;
mod accounts;
mod attributes;
mod authorize;
mod by_url;
mod claims;
mod commit;
mod credentials;
mod critical;
mod device;
mod discard;
mod dpop_nonce;
mod exchange;
mod first_tokens;
mod gate;
mod grant_request;
mod granted;
mod hooks;
mod identity;
mod index;
mod intent;
mod introspect;
mod jwks_cache;
mod load;
mod login_required;
mod manager;
mod mix_up;
mod obtain;
mod opened;
mod other_profiles;
mod ownership;
mod pending;
mod pin;
mod ports;
mod profiles;
mod prover;
mod push;
mod redeem;
mod refresh;
mod refreshed;
mod request;
mod request_signature;
mod required;
mod revoke;
mod token;
mod token_source;
mod tokens;
mod turn;
mod userinfo;

pub use access_token::{AccessToken, Account};
pub use attributes::AttributeChanges;
#[cfg(feature = "login")]
pub(crate) use authorize::check_extra;
pub use authorize::{Authorization, AuthorizeRequest, DEFAULT_TTL};
pub use by_url::{Located, Registration};
pub use claims::Userinfo;
pub use credentials::check_signing_key;
pub use critical::{Critical, CriticalPart};
pub use device::{DeviceAuthorization, DevicePoll, DeviceRequest};
pub use first_tokens::Completed;
pub use granted::{extended_scopes, login_again, lost_scopes};
pub use hooks::{HOOK_TIMEOUT, Hooks, MAX_HOOK_ANSWER};
pub use introspect::Introspected;
pub use manager::FlowManager;
pub use pending::{
    Expected, MAX_TTL, MAX_USER_BYTES, PendingFlows, PendingInfo, Recognized, StartRequest, Started,
};
pub use ports::{Committed, InlineSecrets, Ports, Secrets};
pub use profiles::{FixedProfiles, Profiles};
pub use prover::Prover;
pub use request::TokenRequest;
pub use required::RequiredIdentity;
pub use revoke::{AtServer, Revoked};
pub use token_source::TokenSource;
pub use tokens::ASSUMED_LIFETIME;
pub use tokens::stored;

pub use crate::protocol::authorization::Validation;
