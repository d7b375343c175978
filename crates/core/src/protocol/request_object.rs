//! Authorization requests that are one signed JWT (RFC 9101).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::jws::{self, Alg};
use super::random;
use super::signing_key::SigningKey;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::time::Timestamp;

/// Lifetime of a request, in seconds. The user has that long to open its URL.
const LIFE: u64 = 600;

/// Parameters whose value is JSON.
const JSON: [&str; 3] = ["authorization_details", "claims", "max_age"];

/// What signs a request.
pub(crate) enum RequestKey {
    /// The client's private key.
    Private(Arc<SigningKey>),
    /// The client's secret (OpenID Connect Core, section 10.1).
    Secret(Secret),
}

/// Returns the parameters of a request as a JWT for this server, signed with one of the algorithms that it
/// supports.
///
/// # Errors
///
/// Returns `Config` if it supports none for this key. See [`SigningKey::alg_for`] and [`SigningKey::sign_jwt`].
pub(crate) fn sign(
    key: &RequestKey,
    supported: &[String],
    (client_id, audience): (&str, &str),
    parameters: &[(String, String)],
    now: Timestamp,
) -> Result<Secret> {
    let mut claims = Map::new();
    for (name, text) in parameters {
        let parsed = || serde_json::from_str(text).ok();
        let value = match JSON.contains(&name.as_str()).then(parsed).flatten() {
            Some(value) => value,
            None => Value::from(text.as_str()),
        };
        match claims.get_mut(name) {
            None => drop(claims.insert(name.clone(), value)),
            Some(Value::Array(all)) if name == "resource" => all.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    let own = json!({
        "iss": client_id,
        "aud": audience,
        "jti": random::token(16)?,
        "iat": now.unix(),
        "nbf": now.unix(),
        "exp": now.unix().saturating_add(LIFE),
    });
    if let Value::Object(own) = own {
        claims.extend(own);
    }
    let mut header = json!({"typ": "oauth-authz-req+jwt"});
    let claims = Value::Object(claims);
    let signed = match key {
        RequestKey::Private(key) => {
            if let Some(kid) = key.kid() {
                header["kid"] = kid.into();
            }
            key.sign_jwt_as(key.alg_for(supported)?, header, &claims)
        }
        RequestKey::Secret(secret) => {
            jws::compact_with_secret(header, &claims, symmetric_alg(supported)?, secret)
        }
    };
    signed.map(Secret::new)
}

/// Returns the first symmetric algorithm that the server supports; one that names none gets the usual one.
fn symmetric_alg(supported: &[String]) -> Result<Alg> {
    if supported.is_empty() {
        return Ok(Alg::HS256);
    }
    let found = Alg::SYMMETRIC.into_iter().find(|(name, _)| supported.iter().any(|s| s == name));
    found.map(|(_, alg)| alg).ok_or_else(|| {
        Error::config("the server does not accept requests that are signed with a client secret")
            .hint(Advice::configure(&["private_key"], "set `private_key` in the profile"))
    })
}
