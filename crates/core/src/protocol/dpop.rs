//! Proofs of possession (RFC 9449): a JWT for each request, which proves that the sender holds the key to
//! which its tokens are bound.

use serde_json::json;
use url::Url;

use super::jws::b64;
use super::random;
use super::signing_key::SigningKey;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::text::one_line;
use crate::time::Timestamp;

/// The request that a proof is for.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Its method.
    pub(crate) method: &'a str,
    /// Its URL. A proof omits the query and the fragment.
    pub(crate) url: &'a Url,
    /// The most recent `DPoP-Nonce` of the server.
    pub(crate) nonce: Option<&'a str>,
    /// The access token that it contains.
    pub(crate) access_token: Option<&'a Secret>,
}

/// Returns a proof for one request (RFC 9449, section 4.2), the value of its `DPoP` header.
///
/// # Errors
///
/// Returns [`Internal`](crate::ErrorKind::Internal) if signing fails.
pub(crate) fn proof(key: &SigningKey, request: Request<'_>, now: Timestamp) -> Result<String> {
    let Request { method, url, nonce, access_token } = request;
    let mut target = url.clone();
    target.set_query(None);
    target.set_fragment(None);
    // A name or password in the URL is no part of it either (RFC 9110, section 4.2.4).
    let _ = target.set_username("");
    let _ = target.set_password(None);
    let mut claims = json!({
        "jti": random::token(16)?,
        "htm": method,
        "htu": target.as_str(),
        "iat": now.unix(),
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    if let Some(token) = access_token {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.expose().as_bytes());
        claims["ath"] = b64(hash).into();
    }
    key.sign_jwt(json!({"typ": "dpop+jwt", "jwk": key.public()?.to_jwk()}), &claims)
}

/// Parses the target of a request for which a caller requests a proof.
///
/// # Errors
///
/// Returns [`Usage`](crate::ErrorKind::Usage) if there can be no such request.
pub(crate) fn target(method: &str, url: &str) -> Result<Url> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(Error::usage(format!("`{}` is not an HTTP method", one_line(method))));
    }
    let parsed = Url::parse(url).ok();
    parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()).ok_or_else(
        || Error::usage(format!("`{}` is not an absolute http or https URL", one_line(url))),
    )
}

/// Returns the thumbprint of the key's public half, for `dpop_jkt` (RFC 9449, section 10).
///
/// # Errors
///
/// See [`SigningKey::public`].
pub(crate) fn thumbprint(key: &SigningKey) -> Result<String> {
    Ok(key.public()?.thumbprint())
}

#[cfg(test)]
mod tests;
