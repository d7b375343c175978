//! What the user asks for in a login by URL.

use oauthctl_core::Secret;
use oauthctl_core::protocol::challenge::ResourceChallenge;

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The challenge of the resource, if it was asked already.
    pub challenge: Option<ResourceChallenge>,
    /// Whether the scopes of the challenge are requested in addition to those that were requested before.
    pub is_step_up: bool,
    /// The scopes, if the user names any.
    pub scopes: Vec<String>,
    /// The scopes that the user adds to those that were requested before.
    pub more: Vec<String>,
    /// A client that was registered before, and its secret.
    pub client: Option<(String, Option<Secret>)>,
    /// The port of the loopback listener.
    pub port: Option<u16>,
    /// Whether a loopback listener receives the response.
    pub listens: bool,
}
