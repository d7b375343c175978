//! The signature of an authorization request (RFC 9101): whether there is one, its key, and the request object.

use std::sync::Arc;

use super::credentials::{credentials, resolve};
use super::turn::{Context, Peer};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::profile::{AuthorizationServer, Jar, Profile};
use crate::protocol::client_auth::Credentials;
use crate::protocol::request_object::{self, RequestKey};
use crate::protocol::signing_key::SigningKey;
use crate::text::one_line;

/// Returns whether the request is signed (RFC 9101).
pub(super) fn is_signed(profile: &Profile, server: &AuthorizationServer) -> Result<bool> {
    let is_required = server.require_signed_request;
    if profile.jar == Jar::Never && is_required {
        let name = one_line(&profile.name);
        let what = format!("the server of profile `{name}` requires signed requests");
        return Err(Error::config(format!("{what}, but `jar` is `never`"))
            .hint(Advice::configure(&["jar"], "set `jar = \"auto\"` in the profile")));
    }
    Ok(profile.jar == Jar::Always || is_required)
}

/// Returns the key that signs requests, else the client's secret. Credentials that were read before have it
/// already, unless it is the key of a certificate.
pub(super) async fn request_key(
    context: Context<'_>,
    known: Option<&Credentials>,
) -> Result<RequestKey> {
    if let Some(key) = known.and_then(|credentials| credentials.key.as_ref()) {
        return Ok(RequestKey::Private(Arc::clone(key)));
    }
    let Some(source) = &context.profile.client.private_key else {
        let secret = match known {
            Some(credentials) => credentials.secret.clone(),
            None => credentials(context).await?.secret,
        };
        if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
            return Ok(RequestKey::Secret(secret));
        }
        let name = one_line(&context.profile.name);
        return Err(Error::config(format!("a signed request of profile `{name}` requires a key"))
            .hint(Advice::configure(&["private_key"], "set `private_key` in the profile")));
    };
    let key = SigningKey::read(&resolve(context, "private_key", source).await?)?;
    Ok(RequestKey::Private(Arc::new(key)))
}

/// Returns the parameters of a request that contains these as a JWT, signed with this key.
pub(super) fn signed(
    peer: Peer<'_>,
    key: &RequestKey,
    endpoint: &str,
    parameters: &[(String, String)],
) -> Result<Vec<(String, String)>> {
    let Peer { profile, server, .. } = peer;
    peer.trace_step("Signing the authorization request", "RFC 9101, section 4");
    let client = &profile.client.id;
    let audience = server.issuer.as_deref().unwrap_or(endpoint);
    let parties = (client.as_str(), audience);
    let request = request_object::sign(key, &server.request_algs, parties, parameters, peer.now());
    Ok(vec![
        ("client_id".to_owned(), client.clone()),
        ("request".to_owned(), request?.expose().to_owned()),
    ])
}
