//! Authorization requests that are one signed JWT (RFC 9101).

use serde_json::{Map, Value, json};

use super::random;
use super::signing_key::SigningKey;
use crate::error::Result;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Lifetime of a request, in seconds. The user has that long to open its URL.
const LIFE: u64 = 600;

/// Parameters whose value is JSON.
const JSON: [&str; 3] = ["authorization_details", "claims", "max_age"];

/// Returns the parameters of a request as a JWT for this server, signed with one of the algorithms that it
/// supports.
///
/// # Errors
///
/// See [`SigningKey::alg_for`] and [`SigningKey::sign_jwt`].
pub(crate) fn sign(
    key: &SigningKey,
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
    if let Some(kid) = key.kid() {
        header["kid"] = kid.into();
    }
    key.sign_jwt_as(key.alg_for(supported)?, header, &Value::Object(claims)).map(Secret::new)
}
