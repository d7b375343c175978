//! JSON Web Signatures in compact form (RFC 7515): the accepted algorithms, the parts of a token, and their
//! assembly.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::text;

/// The signature algorithms that are accepted and produced (RFC 7518, section 3.1; RFC 8037). The symmetric
/// ones verify with the client secret only: no public key matches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Alg {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
    HS256,
    HS384,
    HS512,
}

impl Alg {
    /// All asymmetric algorithms with their registered names.
    pub(crate) const ALL: [(&'static str, Self); 9] = [
        ("RS256", Self::RS256),
        ("RS384", Self::RS384),
        ("RS512", Self::RS512),
        ("PS256", Self::PS256),
        ("PS384", Self::PS384),
        ("PS512", Self::PS512),
        ("ES256", Self::ES256),
        ("ES384", Self::ES384),
        ("EdDSA", Self::EdDSA),
    ];

    /// The symmetric algorithms.
    pub(crate) const SYMMETRIC: [(&'static str, Self); 3] =
        [("HS256", Self::HS256), ("HS384", Self::HS384), ("HS512", Self::HS512)];

    /// Returns the asymmetric algorithm of exactly this name. Names are case-sensitive; `Ed25519` is the
    /// newer name of `EdDSA` with such a key (RFC 9864, section 2.2).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, alg)| *alg)
    }

    /// Returns the algorithm of exactly this name, the symmetric ones included.
    pub(crate) fn parse_any(name: &str) -> Option<Self> {
        let symmetric = || Self::SYMMETRIC.iter().find(|(n, _)| *n == name).map(|(_, alg)| *alg);
        Self::parse(name).or_else(symmetric)
    }

    /// Returns the registered name.
    pub(crate) fn as_str(self) -> &'static str {
        let mut all = Self::ALL.iter().chain(&Self::SYMMETRIC);
        all.find(|(_, alg)| *alg == self).map_or("", |(name, _)| name)
    }

    /// Returns whether the key that verifies is also the one that signs.
    pub(crate) fn is_symmetric(self) -> bool {
        Self::SYMMETRIC.iter().any(|(_, alg)| *alg == self)
    }

    /// Returns the message authentication code of a symmetric algorithm.
    pub(crate) fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::HS256 => Some(hmac::HMAC_SHA256),
            Self::HS384 => Some(hmac::HMAC_SHA384),
            Self::HS512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    /// Returns the hash of the algorithm, as `at_hash` uses it (OpenID Connect Core, section 3.1.3.6; for
    /// Ed25519 the hash inside the algorithm).
    pub(crate) fn digest(self) -> &'static aws_lc_rs::digest::Algorithm {
        match self {
            Self::RS256 | Self::PS256 | Self::ES256 | Self::HS256 => &aws_lc_rs::digest::SHA256,
            Self::RS384 | Self::PS384 | Self::ES384 | Self::HS384 => &aws_lc_rs::digest::SHA384,
            Self::RS512 | Self::PS512 | Self::EdDSA | Self::HS512 => &aws_lc_rs::digest::SHA512,
        }
    }
}

/// A parsed compact JWS. Nothing in it may be trusted before its signature is verified.
pub(crate) struct Compact<'a> {
    /// The algorithm in the header.
    pub alg: Alg,
    /// The key id in the header.
    pub kid: Option<String>,
    /// The accepted issuers of a key that names one; `None` accepts any.
    pub key_issuers: Option<Vec<String>>,
    /// The payload, decoded.
    pub payload: Vec<u8>,
    /// What was signed: header and payload as received.
    pub signed: &'a [u8],
    /// The signature, decoded, never empty.
    pub signature: Vec<u8>,
}

crate::redact::debug::redacted_debug!(Compact<'_> {
    alg,
    kid,
    key_issuers,
    payload => hidden,
    signed => hidden,
    signature => hidden,
});

/// The relevant members of the header. A duplicate of one of them makes the whole header invalid. Keys in
/// the token itself (`jwk`, `jku`, `x5u`, `x5c`) are not among them: they are never used or fetched.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    cty: bool,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

/// Deserializes a member that is refused whatever its value, including null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Parses a JSON object; the deserializer that serde derives would also accept an array.
pub(crate) fn object<T: serde::de::DeserializeOwned>(json: &[u8]) -> Option<T> {
    let starts = json.iter().find(|b| !b.is_ascii_whitespace());
    if starts == Some(&b'{') { serde_json::from_slice(json).ok() } else { None }
}

impl<'a> Compact<'a> {
    /// Parses a token of at most `limit` bytes and validates its header (RFC 8725, section 3). `what` names
    /// it in messages.
    ///
    /// # Errors
    ///
    /// Returns [`Validation`](crate::ErrorKind::Validation) if it is not a compact JWS, is encrypted,
    /// nested or unsigned, is signed with an algorithm that is not in [`Alg`], or declares critical
    /// extensions.
    pub(crate) fn parse(raw: &'a str, what: &str, limit: usize) -> Result<Self> {
        if raw.len() > limit {
            return Err(Error::validation(format!(
                "the {what} has {} bytes, but at most {limit} are accepted",
                raw.len()
            )));
        }
        let parts: Vec<&str> = raw.splitn(6, '.').collect();
        let [header, payload, signature] = match parts[..] {
            [h, p, s] => [h, p, s],
            [_, _, _, _, _] => {
                return Err(Error::validation(format!(
                    "the {what} is encrypted (five parts), which is not supported"
                ))
                .hint(
                    "disable encryption in the client's registration, or remove `openid` from \
                     `scopes`",
                ));
            }
            _ => {
                return Err(Error::validation(format!(
                    "the {what} is not a signed JWT: it does not have three parts"
                )));
            }
        };
        let json = decode(header, what, "header")?;
        let parsed: Header = object(&json).ok_or_else(|| {
            Error::validation(format!("the {what}'s header is not a JSON object with an `alg`"))
        })?;
        let alg = validate(&parsed, what)?;
        if signature.is_empty() {
            return Err(Error::validation(format!("the {what} has an empty signature")));
        }
        Ok(Self {
            alg,
            kid: parsed.kid,
            key_issuers: None,
            payload: decode(payload, what, "payload")?,
            signed: &raw.as_bytes()[..header.len() + 1 + payload.len()],
            signature: decode(signature, what, "signature")?,
        })
    }
}

fn decode(part: &str, what: &str, name: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Error::validation(format!("the {what}'s {name} is not base64url")))
}

fn validate(header: &Header, what: &str) -> Result<Alg> {
    let refused = [(header.crit, "crit"), (header.zip, "zip"), (header.b64, "b64")];
    if let Some((_, name)) = refused.iter().find(|(present, _)| *present) {
        return Err(Error::validation(format!(
            "the {what}'s header has `{name}`, which is not supported"
        )));
    }
    if header.cty {
        return Err(Error::validation(format!(
            "the {what} has a content type (`cty`): nested JWTs are not supported"
        )));
    }
    let alg = Alg::parse_any(&header.alg).ok_or_else(|| {
        let got = text::one_line(&header.alg);
        let unsigned = header.alg.eq_ignore_ascii_case("none");
        let why = if unsigned { "it is unsigned" } else { "the algorithm is not supported" };
        Error::validation(format!("cannot accept the {what}: `alg` is `{got}`, {why}"))
            .hint("register the client for RS256 or ES256, or remove `openid` from `scopes`")
    })?;
    // RFC 8725, section 3.11: a token of one kind must not be accepted as another.
    let other_kind = header.typ.as_deref().is_some_and(|typ| {
        let typ = typ.to_ascii_lowercase();
        typ.ends_with("+jwt") && !typ.ends_with("id_token+jwt")
    });
    if other_kind {
        let typ = text::one_line(header.typ.as_deref().unwrap_or_default());
        return Err(Error::validation(format!("the {what} has the wrong type: `typ` is `{typ}`")));
    }
    Ok(alg)
}

/// Encodes in base64url without padding.
pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Assembles a compact JWS. `sign` receives the text to be signed.
pub(crate) fn compact(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
) -> Result<String> {
    let mut token = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&b64(signature));
    Ok(token)
}

/// Returns a compact JWS that is signed with a secret, whose key is its UTF-8 encoding (OpenID Connect Core, section
/// 10.1).
pub(crate) fn compact_with_secret(
    mut header: Value,
    claims: &Value,
    alg: Alg,
    secret: &Secret,
) -> Result<String> {
    header["alg"] = alg.as_str().into();
    let algorithm = alg.hmac().ok_or_else(|| Error::internal("not a symmetric algorithm"))?;
    let key = hmac::Key::new(algorithm, secret.expose().as_bytes());
    compact(&header, claims, |message| Ok(hmac::sign(&key, message).as_ref().to_vec()))
}

#[cfg(test)]
mod tests;
