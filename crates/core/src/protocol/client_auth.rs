//! Client authentication at the token endpoint and related endpoints (RFC 6749, section 2.3; RFC 7523,
//! section 2.2; RFC 8705; OpenID Connect Core, section 9).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::jws::Alg;
use super::signing_key::SigningKey;
use super::{certificate, jws, random};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::profile::ClientAuth;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The `client_assertion_type` of RFC 7523.
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The `client_assertion_type` of a JWT-SVID (draft-ietf-oauth-spiffe-client-auth). It is a separate type because a
/// JWT-SVID may lack `iss` and `jti`.
const SVID_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";

/// Lifetime of a client assertion, in seconds.
const ASSERTION_LIFE: u64 = 60;

/// The credentials of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    /// The client secret.
    pub secret: Option<Secret>,
    /// The private key.
    pub key: Option<Arc<SigningKey>>,
    /// A federated assertion, which `private_key_jwt` sends instead of its own.
    pub assertion: Option<Secret>,
    /// Whether that assertion is a SPIFFE JWT-SVID.
    pub is_svid: bool,
    /// The certificate of the private key, in DER.
    pub certificate: Option<Vec<u8>>,
}

/// A client, and how it authenticates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client<'a> {
    /// The method.
    pub method: ClientAuth,
    /// The `client_id`.
    pub id: &'a str,
    /// What the method sends, or signs with.
    pub credentials: &'a Credentials,
}

/// What a server requires of assertions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// The issuer, or an endpoint if the issuer is unknown or the profile says so.
    pub audience: &'a str,
    /// The signature algorithms that the server supports; empty if it does not say.
    pub algs: &'a [String],
    /// The time.
    pub now: Timestamp,
}

/// Adds client authentication to a request: to its headers or to its form, never to both. A `client_id`
/// that is already in the form stays; HTTP Basic adds none, because some servers refuse it at the token
/// endpoint.
///
/// # Errors
///
/// Returns [`Config`](crate::ErrorKind::Config) if the required credential is missing or empty, or if the
/// request already has one or another client's id.
pub(crate) fn authenticate(
    client: Client<'_>,
    terms: Terms<'_>,
    headers: &mut Vec<(String, String)>,
    form: &mut Vec<(String, String)>,
) -> Result<()> {
    let Client { method, id: client_id, credentials } = client;
    refuse_other_credentials(client_id, headers, form)?;
    if method != ClientAuth::ClientSecretBasic {
        form.retain(|(name, _)| name != "client_id");
    }
    let mut add = |name: &str, value: &str| form.push((name.to_owned(), value.to_owned()));
    match method {
        // A grant whose assertion says who the client is needs no id (RFC 7521, section 4.1).
        ClientAuth::None if client_id.is_empty() => {}
        ClientAuth::None | ClientAuth::TlsClientAuth | ClientAuth::SelfSignedTlsClientAuth => {
            add("client_id", client_id);
        }
        ClientAuth::ClientSecretBasic => {
            let secret = secret(method, credentials)?;
            headers.push(("authorization".to_owned(), basic(client_id, secret)));
        }
        ClientAuth::ClientSecretPost => {
            let secret = secret(method, credentials)?;
            add("client_id", client_id);
            add("client_secret", secret.expose());
        }
        ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt => {
            let assertion = assertion(client, terms)?;
            let is_svid = credentials.is_svid && method == ClientAuth::PrivateKeyJwt;
            add("client_id", client_id);
            add("client_assertion_type", if is_svid { SVID_TYPE } else { ASSERTION_TYPE });
            add("client_assertion", assertion.expose());
        }
    }
    Ok(())
}

/// Refuses a second credential: a client authenticates in only one way (RFC 6749, section 2.3).
fn refuse_other_credentials(
    client_id: &str,
    headers: &[(String, String)],
    form: &[(String, String)],
) -> Result<()> {
    let own = ["client_secret", "client_assertion", "client_assertion_type"];
    if let Some((name, _)) = form.iter().find(|(name, _)| own.contains(&name.as_str())) {
        return Err(Error::config(format!("the profile sets the parameter `{name}`")).hint(
            Advice::configure(&["client_auth"], "set `client_auth` and its credential instead"),
        ));
    }
    if form.iter().any(|(name, value)| name == "client_id" && value != client_id) {
        return Err(Error::config(
            "the profile sets a parameter `client_id` that differs from its client",
        ));
    }
    if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        return Err(Error::internal("the request is already authenticated"));
    }
    Ok(())
}

/// Returns the `Authorization` header for HTTP Basic, for which id and secret are first form-urlencoded
/// (RFC 6749, section 2.3.1 and appendix B).
pub(crate) fn basic(client_id: &str, secret: &Secret) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encode(client_id), encode(secret.expose())));
    format!("Basic {}", STANDARD.encode(pair.expose()))
}

fn secret(method: ClientAuth, credentials: &Credentials) -> Result<&Secret> {
    let problem = match &credentials.secret {
        Some(secret) if !secret.is_empty() => return Ok(secret),
        Some(_) => "is empty",
        None => "is missing",
    };
    let method = method.as_str();
    Err(Error::config(format!("`client_auth` is `{method}`, but the client secret {problem}"))
        .hint(Advice::configure(
            &["client_secret", "client_auth"],
            "set `client_secret`, or `client_auth = \"none\"` for a public client",
        )))
}

fn assertion(client: Client<'_>, terms: Terms<'_>) -> Result<Secret> {
    let Client { method, id, credentials } = client;
    let claims = || claims(id, terms.audience, terms.now);
    if method == ClientAuth::ClientSecretJwt {
        let key = secret(method, credentials)?;
        let header = json!({"typ": "JWT"});
        return jws::compact_with_secret(header, &claims()?, Alg::HS256, key).map(Secret::new);
    }
    if let Some(given) = &credentials.assertion {
        let given = given.expose().trim();
        if given.is_empty() {
            return Err(Error::config("the client assertion is empty"));
        }
        return Ok(Secret::new(given));
    }
    let key = credentials.key.as_ref().ok_or_else(|| {
        Error::config("`client_auth` is `private_key_jwt`, but there is no private key").hint(
            Advice::configure(
                &["private_key", "client_assertion"],
                "set `private_key`, or `client_assertion` for a federated one",
            ),
        )
    })?;
    let mut header = json!({"typ": "JWT"});
    if let Some(kid) = key.kid() {
        header["kid"] = kid.into();
    }
    if let Some(der) = &credentials.certificate {
        certificate::identify(&mut header, der);
    }
    key.sign_jwt_as(key.alg_for(terms.algs)?, header, &claims()?).map(Secret::new)
}

/// Returns the claims of RFC 7523, section 3.
fn claims(client_id: &str, audience: &str, now: Timestamp) -> Result<Value> {
    Ok(json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": random::token(16)?,
        "iat": now.unix(),
        "exp": now.unix().saturating_add(ASSERTION_LIFE),
    }))
}

#[cfg(test)]
mod tests;
