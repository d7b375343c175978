//! Decodes a JWT for display (RFC 7519). Decoding proves nothing: see
//! [`FlowManager::verify`](crate::FlowManager::verify).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::id_token::Issuer;
use super::jws::{Alg, Compact};
use crate::error::{Error, Result};
use crate::profile::Profile;
use crate::profile::metadata::Unique;
use crate::secret::Secret;
use crate::text::one_line;
use crate::time::Timestamp;

/// Maximum size of a token, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// What a token is called in messages.
const WHAT: &str = "token";

/// A JWT as it was received: decoded, but not verified.
#[derive(Clone)]
#[non_exhaustive]
pub struct Jwt {
    /// The members of its header.
    pub header: Map<String, Value>,
    /// Its claims; `None` if it is encrypted.
    pub claims: Option<Map<String, Value>>,
    raw: Secret,
}

crate::redact::debug::redacted_debug!(Jwt { header => hidden, claims => hidden, raw });

/// The result of verifying a token's signature with the keys of its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// A key of the issuer created the signature.
    Valid,
    /// The signature is invalid or missing, for this reason: nothing in the token can be trusted.
    Invalid(String),
    /// The signature was not checked, for this reason.
    NotVerified(String),
}

impl Jwt {
    /// Decodes a token. An encrypted one shows only its header.
    ///
    /// # Errors
    ///
    /// Returns [`Validation`](crate::ErrorKind::Validation) if it is not a JWT in compact form, or if a member occurs
    /// twice. The message does not quote the token.
    pub fn decode(raw: &Secret) -> Result<Self> {
        let text = raw.expose();
        if text.len() > MAX_BYTES {
            let size = text.len();
            return Err(Error::validation(format!(
                "the token has {size} bytes, but at most {MAX_BYTES} are accepted"
            )));
        }
        let parts: Vec<&str> = text.splitn(6, '.').collect();
        let (header, payload) = match parts[..] {
            [header, payload, _] => (header, Some(payload)),
            [header, _, _, _, _] => (header, None),
            _ => return Err(opaque()),
        };
        // Many opaque tokens contain dots: only a JSON header makes a JWT.
        let header = object(header, "header").map_err(|_| opaque())?;
        // RFC 7516, section 4.1.2. Two tokens, one after the other, have five parts too.
        if payload.is_none() && !header.contains_key("enc") {
            return Err(Error::validation(
                "the token is not a JWT: it has five parts, but its header lacks `enc`",
            ));
        }
        let claims = payload.map(|part| object(part, "payload")).transpose()?;
        Ok(Self { header, claims, raw: raw.clone() })
    }

    /// Returns a member of the header that is a string.
    pub(crate) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// Returns the issuer that the token names.
    pub fn issuer(&self) -> Option<&str> {
        self.claim("iss").and_then(Value::as_str)
    }

    /// Returns whether it names the issuer of this profile. A token can name any server: only a valid
    /// signature proves the claim.
    pub fn names_issuer_of(&self, profile: &Profile) -> bool {
        let of_tenant = profile.quirks.tenant_issuer.as_deref().map(Issuer::OfTenant);
        let issuer = profile.issuer.as_deref().map(Issuer::Exactly).or(of_tenant);
        let tenant = self.claim("tid").and_then(Value::as_str);
        self.issuer().is_some_and(|iss| issuer.is_some_and(|issuer| issuer.is(iss, tenant)))
    }

    /// Returns a claim.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.as_ref()?.get(name)
    }

    /// Returns a claim that is a time (`exp`, `nbf`, `iat`).
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        time_of(self.claim(name)?)
    }

    /// Returns the reason if no public key can verify its signature.
    pub fn unverifiable(&self) -> Option<Signature> {
        self.signed().err()
    }

    /// Returns the parts that a signature is verified with, or why it cannot be.
    pub(crate) fn signed(&self) -> Result<Compact<'_>, Signature> {
        let invalid = |why: &str| Err(Signature::Invalid(why.to_owned()));
        let not_verified = |why: String| Err(Signature::NotVerified(why));
        let (Some(_), text) = (&self.claims, self.raw.expose()) else {
            return not_verified(
                "the token is encrypted: only its recipient can read it".to_owned(),
            );
        };
        let Some(name) = self.header_text("alg") else {
            return invalid("the header has no `alg`");
        };
        if name.eq_ignore_ascii_case("none") {
            return invalid(
                "the token is unsigned (`alg` is `none`): anyone could have created it",
            );
        }
        let refused =
            ["crit", "zip", "b64"].into_iter().find(|name| self.header.contains_key(*name));
        if let Some(member) = refused {
            return not_verified(format!("`{member}` in the header is not supported"));
        }
        let Some(alg) = Alg::parse_any(name) else {
            return not_verified(format!("the algorithm `{}` is not supported", one_line(name)));
        };
        if alg.is_symmetric() {
            return not_verified(format!(
                "{} requires a secret that only the issuer and its client have",
                alg.as_str()
            ));
        }
        let (signed, signature) = text.rsplit_once('.').unwrap_or((text, ""));
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
            return invalid("the signature is not base64url");
        };
        if signature.is_empty() {
            return invalid("the signature is empty");
        }
        let payload = signed.rsplit_once('.').map_or("", |(_, payload)| payload);
        Ok(Compact {
            alg,
            kid: self.header_text("kid").map(str::to_owned),
            key_issuers: None,
            payload: URL_SAFE_NO_PAD.decode(payload).unwrap_or_default(),
            signed: signed.as_bytes(),
            signature,
        })
    }
}

/// Returns a time in seconds since 1970, with or without a fraction (RFC 7519, section 2).
fn time_of(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    Some(Timestamp::from_unix(seconds as u64))
}

fn opaque() -> Error {
    Error::validation(format!(
        "the {WHAT} is not a JWT: it is opaque, and only the server that issued it can read it"
    ))
}

fn object(part: &str, name: &str) -> Result<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Error::validation(format!("the {WHAT}'s {name} is not base64url")))?;
    match serde_json::from_slice::<Unique>(&json) {
        Ok(Unique(members)) => Ok(members),
        Err(_) => Err(Error::validation(format!(
            "the {WHAT}'s {name} is not a JSON object with each member once"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::jws::b64;

    fn token(header: &str, payload: &str, signature: &str) -> Secret {
        Secret::new(format!("{}.{}.{signature}", b64(header), b64(payload)))
    }

    #[test]
    fn only_a_json_header_makes_a_jwt() {
        for text in ["", "opaque", "a.b", "ya29.a0.b1", "v2.local.x", "a.b.c.d", "....."] {
            let error = Jwt::decode(&Secret::new(text)).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Validation, "{text}");
        }
        let jwt =
            Jwt::decode(&token(r#"{"alg":"RS256"}"#, r#"{"iss":"i","exp":9.5}"#, "")).unwrap();
        assert_eq!(jwt.issuer(), Some("i"));
        assert_eq!(jwt.time("exp"), Some(Timestamp::from_unix(9)));
        assert!(
            Jwt::decode(&token(r#"{"alg":"RS256"}"#, r#"{"iss":"i","iss":"j"}"#, "x")).is_err()
        );
        assert!(Jwt::decode(&Secret::new("x".repeat(MAX_BYTES + 1))).is_err());
    }

    #[test]
    fn encrypted_token_shows_its_header() {
        let raw = Secret::new(format!("{}.a.b.c.d", b64(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#)));
        let jwt = Jwt::decode(&raw).unwrap();
        assert_eq!((jwt.header_text("enc"), &jwt.claims), (Some("A256GCM"), &None));
        assert!(matches!(jwt.signed(), Err(Signature::NotVerified(_))));
        let one = token(r#"{"alg":"ES256"}"#, "{}", "YQ");
        let two = Secret::new(format!("{0}\n{0}", one.expose()));
        let error = Jwt::decode(&two).unwrap_err();
        assert!(error.message().contains("lacks `enc`"), "{error:?}");
    }

    #[test]
    fn unverifiable_token_says_why() {
        let signed = |header: &str, signature: &str| {
            let jwt = Jwt::decode(&token(header, "{}", signature)).unwrap();
            jwt.signed().map(|compact| compact.alg).map_err(|why| match why {
                Signature::Invalid(_) => "invalid",
                _ => "not verified",
            })
        };
        assert_eq!(signed(r#"{"alg":"ES256","typ":"at+jwt"}"#, "YQ"), Ok(Alg::ES256));
        for (header, signature, outcome) in [
            (r#"{"alg":"nOnE"}"#, "", "invalid"),
            (r#"{"typ":"JWT"}"#, "YQ", "invalid"),
            (r#"{"alg":"RS256"}"#, "", "invalid"),
            (r#"{"alg":"RS256"}"#, "!", "invalid"),
            (r#"{"alg":"HS256"}"#, "YQ", "not verified"),
            (r#"{"alg":"RS999"}"#, "YQ", "not verified"),
            (r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, "YQ", "not verified"),
        ] {
            assert_eq!(signed(header, signature), Err(outcome), "{header}");
        }
    }
}
