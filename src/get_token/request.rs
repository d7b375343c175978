//! What a command requests.

use std::time::Duration;

use clap::{Args, ValueHint};
use oauthctl_core::TokenRequest;
use oauthctl_core::time;

use crate::args::AccountOption;

/// Which account to use, and what its token must satisfy.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    #[command(flatten)]
    pub account: AccountOption,
    /// Minimum remaining lifetime of the token [default: from the profile, else 60s]
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, value_hint = ValueHint::Other)]
    pub min_ttl: Option<Duration>,
    /// Limit the token to this scope; can be repeated
    #[arg(long = "scope", value_name = "SCOPE", value_hint = ValueHint::Other)]
    pub scopes: Vec<String>,
    /// Request a token for this resource (RFC 8707)
    #[arg(long, value_name = "URI", value_hint = ValueHint::Url)]
    pub resource: Option<String>,
    /// Request a token for this audience
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub audience: Option<String>,
}

/// What a command requests in addition to the [`Selection`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Request {
    /// Refresh whatever is stored.
    pub force: bool,
    /// Use no network.
    pub cached: bool,
    /// Log in if needed.
    pub login: bool,
    /// Return an id_token with the remaining lifetime.
    pub id_token: bool,
    /// Return what is known with the token too, such as its attributes.
    pub whole: bool,
}

/// Returns the request to the library. `of_profile` is the minimum remaining lifetime that the profile sets.
pub fn to_library(selection: &Selection, request: &Request, of_profile: Duration) -> TokenRequest {
    let Request { force, cached, id_token, .. } = *request;
    let mut request = TokenRequest::default().default_min_ttl(of_profile);
    request = request.scopes(selection.scopes.clone());
    request.min_ttl = selection.min_ttl;
    (request.force, request.cached, request.id_token) = (force, cached, id_token);
    request.resource.clone_from(&selection.resource);
    request.audience.clone_from(&selection.audience);
    request
}
