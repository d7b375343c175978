//! Clients and their authentication (RFC 6749, section 2.3; RFC 7523, section 2.2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;

use super::issuer::Issuer;
use super::reply::{Object, Refusal};
use super::request::Call;
use super::store::{Client, Store};

/// The confidential client that every issuer knows.
pub const CONFIDENTIAL_CLIENT: &str = "sandbox-confidential";
/// Its secret, which is sent with HTTP Basic or in the body.
pub const CONFIDENTIAL_SECRET: &str = "sandbox-secret";

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The sender of a request.
pub(super) struct Caller {
    pub(super) id: String,
    /// Whether it sent a credential; that of an unknown client is not checked.
    pub(super) authenticated: bool,
}

struct Presented<'a> {
    id: String,
    method: &'static str,
    secret: Option<String>,
    assertion: Option<&'a str>,
}

/// Identifies the sender of a request.
pub(super) fn authenticate(
    issuer: &Issuer,
    store: &mut Store,
    call: &Call,
) -> Result<Caller, Refusal> {
    let presented = read(call)?;
    if presented.id == CONFIDENTIAL_CLIENT {
        let right = presented.secret.as_deref() == Some(CONFIDENTIAL_SECRET);
        return finish(presented, right, "this client requires its secret");
    }
    if let Some(assertion) = presented.assertion {
        check_assertion(issuer, store, &presented.id, assertion)?;
    }
    let Some(client) = store.clients.get(&presented.id) else {
        return finish(presented, true, "");
    };
    if client.method != presented.method {
        let text = format!("the client is registered for {}", client.method);
        return finish(presented, false, &text);
    }
    let right = presented.assertion.is_some() || client.secret == presented.secret;
    finish(presented, right || client.method == "none", "invalid client secret")
}

fn finish(presented: Presented, right: bool, problem: &str) -> Result<Caller, Refusal> {
    if right {
        return Ok(Caller { id: presented.id, authenticated: presented.method != "none" });
    }
    let refusal = invalid_client(problem);
    Err(if presented.method == "client_secret_basic" {
        refusal.header("www-authenticate", "Basic realm=\"sandbox\"")
    } else {
        refusal
    })
}

fn invalid_client(problem: &str) -> Refusal {
    Refusal::new("invalid_client", problem).status(401)
}

fn read(call: &Call) -> Result<Presented<'_>, Refusal> {
    if call.query.get("client_secret").is_some() || call.query.get("client_assertion").is_some() {
        return Err(Refusal::request("credentials must not be in the URL"));
    }
    let form = &call.form;
    let basic = match call.header("authorization") {
        Some(value) => Some(read_basic(value).ok_or_else(|| {
            invalid_client("the Authorization header is not HTTP Basic with form-encoded parts")
                .header("www-authenticate", "Basic realm=\"sandbox\"")
        })?),
        None => None,
    };
    let (secret, assertion) = (form.get("client_secret"), form.get("client_assertion"));
    if [basic.is_some(), secret.is_some(), assertion.is_some()].iter().filter(|p| **p).count() > 1 {
        return Err(Refusal::request("the client authenticated in more than one way"));
    }
    if let Some((id, secret)) = basic {
        if form.get("client_id").is_some_and(|other| other != id) {
            return Err(Refusal::request("the body and the header name different clients"));
        }
        let secret = Some(secret);
        return Ok(Presented { id, method: "client_secret_basic", secret, assertion: None });
    }
    if let Some(assertion) = assertion {
        return read_assertion(call, assertion);
    }
    let id =
        form.get("client_id").ok_or_else(|| invalid_client("client_id is missing"))?.to_owned();
    let method = if secret.is_some() { "client_secret_post" } else { "none" };
    Ok(Presented { id, method, secret: secret.map(str::to_owned), assertion: None })
}

fn read_assertion<'a>(call: &'a Call, assertion: &'a str) -> Result<Presented<'a>, Refusal> {
    if call.form.get("client_assertion_type") != Some(JWT_BEARER) {
        return Err(Refusal::request("client_assertion_type must be that of a JWT"));
    }
    let bad = || invalid_client("the client assertion is not a JWT from a known client");
    let claims = unverified_claims(assertion).ok_or_else(bad)?;
    let id = claims.get("sub").and_then(Value::as_str).ok_or_else(bad)?.to_owned();
    if call.form.get("client_id").is_some_and(|other| other != id) {
        return Err(Refusal::request("the body and the assertion name different clients"));
    }
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| bad())?;
    let symmetric = header.alg == jsonwebtoken::Algorithm::HS256;
    let method = if symmetric { "client_secret_jwt" } else { "private_key_jwt" };
    Ok(Presented { id, method, secret: None, assertion: Some(assertion) })
}

/// RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
fn read_basic(header: &str) -> Option<(String, String)> {
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        let parsed = url::form_urlencoded::parse(part.as_bytes()).next();
        parsed.map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    let encoded = |part: &str| part.bytes().all(|b| b.is_ascii_graphic() && !b"&=".contains(&b));
    (!id.is_empty() && encoded(id) && encoded(secret)).then(|| (decode(id), decode(secret)))
}

/// Returns the claims of an unverified JWT.
pub(super) fn unverified_claims(jwt: &str) -> Option<Object> {
    let mut parts = jwt.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// Returns whether a JWT is intended for this issuer and has not expired (RFC 7523, section 3).
pub(super) fn is_for(issuer: &Issuer, claims: &Object) -> bool {
    let ours = |v: &Value| {
        v.as_str().is_some_and(|aud| aud == issuer.identifier || aud == issuer.url("/token"))
    };
    let aud = match claims.get("aud") {
        Some(Value::Array(values)) => values.iter().any(ours),
        Some(value) => ours(value),
        None => false,
    };
    aud && claims.get("exp").and_then(Value::as_f64).is_some_and(|exp| exp > issuer.now() as f64)
}

fn check_assertion(
    issuer: &Issuer,
    store: &mut Store,
    id: &str,
    assertion: &str,
) -> Result<(), Refusal> {
    let claims = unverified_claims(assertion).unwrap_or_default();
    if claims.get("iss").and_then(Value::as_str) != Some(id) || !is_for(issuer, &claims) {
        return Err(invalid_client("the client assertion is expired or not for this server"));
    }
    let jti = claims.get("jti").and_then(Value::as_str).unwrap_or(assertion);
    let jti = format!("assertion {jti}");
    if store.proofs.get(&jti).is_some() {
        return Err(invalid_client("the client assertion has already been used"));
    }
    if let Some(client) = store.clients.get(id)
        && !is_signed_by(client, assertion)
    {
        return Err(invalid_client("invalid signature of the client assertion"));
    }
    store.proofs.insert(jti, ());
    Ok(())
}

/// Returns whether a JWT is signed with a key of this client.
pub(super) fn is_signed_by(client: &Client, jwt: &str) -> bool {
    let Ok(header) = jsonwebtoken::decode_header(jwt) else { return false };
    let mut validation = Validation::new(header.alg);
    // Times and audience are validated separately, by the sandbox's own clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let good = |key: &DecodingKey| jsonwebtoken::decode::<Value>(jwt, key, &validation).is_ok();
    let by_secret =
        client.secret.as_ref().is_some_and(|s| good(&DecodingKey::from_secret(s.as_bytes())));
    let keys = client.jwks.iter().flat_map(|set| &set.keys);
    by_secret || keys.filter_map(|jwk| DecodingKey::from_jwk(jwk).ok()).any(|key| good(&key))
}
