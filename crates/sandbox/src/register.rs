//! Dynamic registration (RFC 7591).

use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};

use super::issuer::Issuer;
use super::keys::{Signing, random};
use super::reply::{Object, Outcome, Refusal, Reply};
use super::request::Call;
use super::store::Client;

const METHODS: &[&str] =
    &["none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"];

/// The registration endpoint.
pub(super) fn register(issuer: &Issuer, call: &Call) -> Outcome {
    let invalid = |problem: &str| Refusal::new("invalid_client_metadata", problem);
    let Some(Value::Object(asked)) = &call.json else {
        return Err(invalid("the body is not a JSON object"));
    };
    let method = text(asked, "token_endpoint_auth_method").unwrap_or("client_secret_basic");
    if !METHODS.contains(&method) {
        return Err(invalid("unknown token_endpoint_auth_method"));
    }
    let jwks = match asked.get("jwks") {
        Some(jwks) => Some(
            serde_json::from_value::<JwkSet>(jwks.clone())
                .map_err(|_| invalid("jwks is not a JWK Set"))?,
        ),
        None => None,
    };
    if method == "private_key_jwt" && jwks.is_none() {
        return Err(invalid("private_key_jwt requires jwks"));
    }
    let signing = match text(asked, "id_token_signed_response_alg") {
        None | Some("ES256") => Signing::Es256,
        Some("RS256") => {
            issuer.shared.keys.need_rsa();
            Signing::Rs256
        }
        Some(_) => return Err(invalid("id_token_signed_response_alg must be ES256 or RS256")),
    };
    let redirect_uris = redirect_uris(asked)?;
    let id = random("sandbox-client")?;
    let secret =
        method.starts_with("client_secret").then(|| random("sandbox-secret")).transpose()?;
    let mut reply = Reply::json(granted(issuer, asked, &id, method, secret.as_deref()));
    reply.status = 201;
    let method = method.to_owned();
    issuer.store().clients.insert(id, Client { secret, method, redirect_uris, signing, jwks });
    Ok(reply)
}

fn text<'a>(asked: &'a Object, name: &str) -> Option<&'a str> {
    asked.get(name).and_then(Value::as_str)
}

fn redirect_uris(asked: &Object) -> Result<Vec<String>, Refusal> {
    let invalid = |problem: &str| Refusal::new("invalid_redirect_uri", problem);
    let uris: Vec<String> = match asked.get("redirect_uris") {
        Some(uris) => serde_json::from_value(uris.clone())
            .map_err(|_| invalid("redirect_uris is not a list of strings"))?,
        None => Vec::new(),
    };
    let types = asked.get("grant_types").and_then(Value::as_array);
    let by_code = types.is_none_or(|types| types.iter().any(|t| t == "authorization_code"));
    if by_code && uris.is_empty() {
        return Err(invalid("redirect_uris is missing"));
    }
    let good = |uri: &String| url::Url::parse(uri).is_ok_and(|u| u.fragment().is_none());
    if uris.iter().all(good) { Ok(uris) } else { Err(invalid("invalid redirect URI")) }
}

/// Returns the reply: what was requested, completed (section 3.2.1).
fn granted(
    issuer: &Issuer,
    asked: &Object,
    id: &str,
    method: &str,
    secret: Option<&str>,
) -> Object {
    let mut json = asked.clone();
    let mut set = |name: &str, value: Value| json.insert(name.to_owned(), value);
    set("client_id", json!(id));
    set("client_id_issued_at", json!(issuer.now()));
    set("token_endpoint_auth_method", json!(method));
    if let Some(secret) = secret {
        set("client_secret", json!(secret));
        set("client_secret_expires_at", json!(0));
    }
    for (name, usual) in [("grant_types", "authorization_code"), ("response_types", "code")] {
        json.entry(name).or_insert_with(|| json!([usual]));
    }
    json
}
