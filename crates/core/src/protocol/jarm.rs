//! Authorization responses that are one signed JWT (JARM: JWT Secured Authorization Response Mode for OAuth
//! 2.0).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::id_token::MAX_SKEW;
use super::jws::{self, Compact};
use crate::error::{Error, Result};
use crate::profile::Unique;
use crate::text::one_line;
use crate::time::Timestamp;

/// The parameter that contains the JWT.
pub(crate) const RESPONSE: &str = "response";

/// Maximum size of a response, in bytes.
const LONGEST: usize = 64 * 1024;

/// Returns the state of a response, before anything of it is verified: it only says which flow may be meant.
pub(crate) fn state(response: &str) -> Option<String> {
    let payload = response.split('.').nth(1).filter(|_| response.len() <= LONGEST)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Map<String, Value> = jws::object(&payload)?;
    let state = claims.get("state")?.as_str()?;
    (!state.is_empty()).then(|| state.to_owned())
}

/// Reads a response whose signature is to be verified next.
///
/// # Errors
///
/// Returns [`Validation`](crate::ErrorKind::Validation) if it is not a JWT that a public key can verify.
pub(crate) fn read(response: &str) -> Result<Compact<'_>> {
    let token = Compact::parse(response, WHAT, LONGEST)?;
    if token.alg.is_symmetric() {
        let what = format!("the {WHAT} is signed with {}, no public key", token.alg.as_str());
        return Err(Error::validation(what).hint("register the client for RS256, PS256 or ES256"));
    }
    Ok(token)
}

/// What the JWT is called in messages.
pub(crate) const WHAT: &str = "authorization response";

/// Returns the parameters of a verified response.
///
/// # Errors
///
/// Returns [`Validation`](crate::ErrorKind::Validation) if it was made by another issuer, for another
/// client, or has expired.
pub(crate) fn parameters(
    token: &Compact<'_>,
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<Vec<(String, String)>> {
    let refused = |why: String| {
        Error::validation(format!("the {WHAT} {why}")).hint("the response was not used")
    };
    let claims: Unique = jws::object(&token.payload)
        .ok_or_else(|| refused("is not a JSON object with each claim once".to_owned()))?;
    match claims.0.get("iss") {
        Some(Value::String(iss)) if iss == issuer => {}
        Some(Value::String(iss)) => {
            return Err(refused(format!("names the issuer {}, not {issuer}", one_line(iss))));
        }
        _ => return Err(refused("has no `iss`".to_owned())),
    }
    let is_for_client = match claims.0.get("aud") {
        Some(Value::String(aud)) => aud == client_id,
        Some(Value::Array(all)) => all.iter().any(|aud| aud == client_id),
        _ => false,
    };
    if !is_for_client {
        return Err(refused("was made for another client (`aud`)".to_owned()));
    }
    match claims.0.get("exp").and_then(Value::as_f64) {
        Some(exp) if now.unix() as f64 <= exp + MAX_SKEW as f64 => {}
        Some(_) => return Err(refused("has expired".to_owned())),
        None => return Err(refused("has no `exp`".to_owned())),
    }
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Some((name, text)),
        Value::Number(_) | Value::Bool(_) => Some((name, value.to_string())),
        _ => None,
    };
    let is_parameter = |(name, _): &(String, Value)| !["aud", "exp"].contains(&name.as_str());
    let pairs: Vec<_> = claims.0.into_iter().filter(is_parameter).filter_map(text).collect();
    let is_plain = |name: &str, text: &str| {
        !["state", "code", "error"].contains(&name) || !text.chars().any(char::is_control)
    };
    match pairs.iter().find(|(name, text)| !is_plain(name, text)) {
        Some((name, _)) => Err(refused(format!("has a `{name}` with control characters"))),
        None => Ok(pairs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::jws::Alg;

    const ISSUER: &str = "https://as.example";

    fn validated(claims: &str) -> Result<Vec<(String, String)>> {
        let token = Compact {
            alg: Alg::ES256,
            kid: None,
            key_issuers: None,
            payload: claims.as_bytes().to_vec(),
            signed: b"",
            signature: vec![1],
        };
        parameters(&token, ISSUER, "client", Timestamp::from_unix(1_000))
    }

    #[test]
    fn claims_become_the_parameters() {
        let good = r#"{"iss":"https://as.example","aud":["x","client"],"exp":900,"code":"c","state":"s","n":1}"#;
        let pairs = validated(good).unwrap();
        let has = |name: &str, value: &str| pairs.contains(&(name.to_owned(), value.to_owned()));
        assert!(has("code", "c") && has("state", "s") && has("iss", ISSUER) && has("n", "1"));
        assert!(!pairs.iter().any(|(name, _)| name == "aud" || name == "exp"));
    }

    #[test]
    fn response_of_others_is_refused() {
        for (claims, why) in [
            ("[]", "not a JSON object"),
            (r#"{"iss":"https://as.example","iss":"https://as.example"}"#, "each claim once"),
            (r#"{"aud":"client","exp":2000}"#, "no `iss`"),
            (r#"{"iss":"https://as.example/","aud":"client","exp":2000}"#, "names the issuer"),
            (r#"{"iss":"https://as.example","exp":2000}"#, "another client"),
            (r#"{"iss":"https://as.example","aud":["other"],"exp":2000}"#, "another client"),
            (r#"{"iss":"https://as.example","aud":"client"}"#, "no `exp`"),
            (r#"{"iss":"https://as.example","aud":"client","exp":"2000"}"#, "no `exp`"),
            (r#"{"iss":"https://as.example","aud":"client","exp":699}"#, "has expired"),
            (
                r#"{"iss":"https://as.example","aud":"client","exp":2000,"code":"a\nb"}"#,
                "control characters",
            ),
        ] {
            let error = validated(claims).unwrap_err();
            assert!(error.message().contains(why), "{claims}: {error}");
        }
    }

    #[test]
    fn state_is_read_from_anything() {
        let of = |payload: &str| state(&format!("h.{}.s", jws::b64(payload)));
        assert_eq!(of(r#"{"state":"s"}"#).as_deref(), Some("s"));
        for bad in ["", "[]", r#"{"state":5}"#, r#"{"state":""}"#, "{"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        for bad in ["", ".", "a.b.c", &"x".repeat(100_000)] {
            assert_eq!(state(bad), None, "{bad}");
        }
    }
}
