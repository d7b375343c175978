//! Validation of an id_token (OpenID Connect Core, sections 3.1.3.7 and 12.2; RFC 8725).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::jwks::KeySource;
use super::jws::{self, Alg, Compact};
use super::members::Members;
use crate::error::{Error, Result};
use crate::grant::{Identity, PinnedClaims};
use crate::port::Http;
use crate::secret::Secret;
use crate::text;
use crate::time::{self, Timestamp};

mod algorithm;
mod audience;
mod claims;
mod expectations;
mod issuer;

use algorithm::{Verifier, open};
use audience::audience;
use claims::{Claims, missing, numeric, printable, quoted, string, wrong};

pub(crate) use expectations::Expectations;
pub(crate) use issuer::Issuer;

/// Maximum difference between the server's clock and the local one, in seconds.
pub(crate) const MAX_SKEW: u64 = 300;

/// The result for an id_token that violates no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All checks were made and passed.
    Valid(Box<IdTokenClaims>),
    /// It could not be verified, for this reason: its claims must neither be trusted nor shown as verified.
    Unverifiable(&'static str),
}

/// The claims of a verified id_token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The subject.
    pub sub: String,
    /// The audiences.
    pub aud: Vec<String>,
    /// When it expires.
    pub exp: Timestamp,
    /// When it was issued.
    pub iat: Timestamp,
    /// The email address, sanitized for printing.
    pub email: Option<String>,
    /// Whether the server confirms that the address belongs to the user: see [`email_verified`].
    pub email_verified: Option<bool>,
    /// The user name, sanitized for printing.
    pub preferred_username: Option<String>,
    /// The full name, sanitized for printing.
    pub name: Option<String>,
}

impl IdTokenClaims {
    /// Returns who granted.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            sub: Some(self.sub.clone()),
            email: self.email.clone(),
            email_verified: self.email_verified,
            username: self.preferred_username.clone(),
            name: self.name.clone(),
        }
    }

    /// Returns what a later id_token of the same grant must repeat.
    pub(crate) fn pinned(&self) -> PinnedClaims {
        PinnedClaims { iss: self.iss.clone(), sub: self.sub.clone(), aud: self.aud.clone() }
    }
}

/// Validates an id_token with the keys of its server, which are fetched if necessary.
///
/// # Errors
///
/// Returns [`Validation`](crate::ErrorKind::Validation) with the first rule that it violates, and the
/// errors of [`KeySource`] if the keys are not available.
pub(crate) async fn validate(
    raw: &Secret,
    expected: &Expectations<'_>,
    keys: Option<&KeySource>,
    http: &dyn Http,
) -> Result<Verdict> {
    let Some(issuer) = expected.issuer else {
        return Ok(Verdict::Unverifiable("the profile sets no issuer"));
    };
    let Some(verifier) = Verifier::choose(expected, keys)? else {
        return Ok(Verdict::Unverifiable("no `jwks_uri` is known"));
    };
    let mut token = open(raw.expose(), expected)?;
    token.key_issuers = issuer.of_keys(&token.payload);
    verifier.verify(&token, expected, http).await?;
    check_claims(&token, expected, issuer).map(|claims| Verdict::Valid(Box::new(claims)))
}

fn check_claims(
    token: &Compact<'_>,
    expected: &Expectations<'_>,
    issuer: Issuer<'_>,
) -> Result<IdTokenClaims> {
    let claims: Claims = jws::object(&token.payload).ok_or_else(|| {
        Error::validation("the id_token's payload is not a JSON object with each claim once")
    })?;
    let iss = issuer.check(&claims)?;
    let sub = string(&claims.sub, "sub")?;
    if sub.len() > 255 {
        return Err(wrong("sub", "at most 255 bytes", &format!("{} bytes", sub.len())));
    }
    let aud = audience(&claims, expected)?;
    let (exp, iat) = times(&claims, expected)?;
    authenticated(&claims, expected)?;
    nonce(&claims.nonce, expected)?;
    at_hash(&claims.at_hash, expected.access_token, token.alg)?;
    if let Some(previous) = expected.previous {
        same_as_before(previous, iss, sub, &aud)?;
    }
    Ok(IdTokenClaims {
        iss: iss.to_owned(),
        sub: sub.to_owned(),
        aud,
        exp,
        iat,
        email: printable(&claims.email),
        email_verified: email_verified(claims.email.as_ref(), claims.email_verified.as_ref()),
        preferred_username: printable(&claims.preferred_username),
        name: printable(&claims.name),
    })
}

/// Checks `max_age`: if it was requested, the server must say when the user authenticated, and that must
/// not be longer ago. A refresh involves no authentication.
fn authenticated(claims: &Claims, expected: &Expectations<'_>) -> Result<()> {
    let (Some(max_age), None) = (expected.max_age, expected.previous) else {
        return Ok(());
    };
    let hint =
        "`max_age` in `authorization_params` requires it: remove it, or log in at the server again";
    let at = numeric(&claims.auth_time, "auth_time")?;
    let at = at.ok_or_else(|| missing("auth_time").hint(hint))?;
    let latest = at.unix().saturating_add(max_age).saturating_add(MAX_SKEW);
    if expected.now.unix() > latest {
        let most = format!("at most {max_age} s ago");
        return Err(wrong("auth_time", &most, &at.to_string()).hint(hint));
    }
    Ok(())
}

fn times(claims: &Claims, expected: &Expectations<'_>) -> Result<(Timestamp, Timestamp)> {
    let now = expected.now.unix();
    let exp = numeric(&claims.exp, "exp")?.ok_or_else(|| missing("exp"))?;
    let iat = numeric(&claims.iat, "iat")?.ok_or_else(|| missing("iat"))?;
    if now > exp.unix().saturating_add(MAX_SKEW) {
        return Err(skewed("expired", now - exp.unix(), "ago", exp, expected.now));
    }
    if iat.unix() > now.saturating_add(MAX_SKEW) {
        return Err(skewed("is issued", iat.unix() - now, "in the future", iat, expected.now));
    }
    // An id_token of a login is issued at that moment; at a refresh, some servers repeat the old one.
    if expected.previous.is_none() && now > iat.unix().saturating_add(MAX_SKEW) {
        return Err(skewed("was issued", now - iat.unix(), "ago", iat, expected.now));
    }
    if let Some(nbf) = numeric(&claims.nbf, "nbf")?
        && nbf.unix() > now.saturating_add(MAX_SKEW)
    {
        return Err(skewed("becomes valid", nbf.unix() - now, "in the future", nbf, expected.now));
    }
    Ok((exp, iat))
}

fn skewed(what: &str, seconds: u64, way: &str, at: Timestamp, now: Timestamp) -> Error {
    let apart = time::describe(std::time::Duration::from_secs(seconds));
    Error::validation(format!(
        "the id_token {what} {apart} {way} ({at}; this machine's clock says {now}): more than the \
         allowed clock skew of 5 min"
    ))
    .hint("check the clock of this machine, and that of the server")
}

fn nonce(value: &Option<Value>, expected: &Expectations<'_>) -> Result<()> {
    let Some(sent) = expected.nonce else { return Ok(()) };
    if value.is_none() && expected.nonce_may_be_missing {
        return Ok(());
    }
    let got = string(value, "nonce").map_err(|error| {
        error.hint(
            "without the nonce, nothing binds the id_token to this login; if the server never \
             returns it, remove `openid` from `scopes`",
        )
    })?;
    if Secret::new(got) == Secret::new(sent) {
        return Ok(());
    }
    Err(wrong("nonce", "the one that was sent", "different: it belongs to another login"))
}

fn at_hash(value: &Option<Value>, access_token: Option<&Secret>, alg: Alg) -> Result<()> {
    let (Some(value), Some(access_token)) = (value, access_token) else { return Ok(()) };
    let digest = aws_lc_rs::digest::digest(alg.digest(), access_token.expose().as_bytes());
    let half = &digest.as_ref()[..digest.as_ref().len() / 2];
    if value.as_str() == Some(jws::b64(half).as_str()) {
        return Ok(());
    }
    Err(wrong("at_hash", "the hash of the access token that came with it", "another"))
}

/// Refuses an id_token that names another issuer or subject than the login did, verified or not. One that
/// names several names another; one that cannot be read names none.
///
/// # Errors
///
/// Returns [`Validation`](crate::ErrorKind::Validation) with the claim that differs.
pub(crate) fn same_login(raw: &Secret, first: &PinnedClaims) -> Result<()> {
    let Some(claims) = unverified(raw) else { return Ok(()) };
    let named = |claim: &str, first: &str| {
        let texts = claims.all(claim).filter_map(|value| value.as_str().map(str::to_owned));
        let mut others = texts.filter(|text| !text.is_empty() && text != first);
        others.next().unwrap_or_else(|| first.to_owned())
    };
    let (iss, sub) = (named("iss", &first.iss), named("sub", &first.sub));
    same_as_before(first, &iss, &sub, &first.aud)
}

/// Returns whether an id_token that was once valid expires after this time.
pub(crate) fn expires_after(raw: &Secret, now: Timestamp) -> bool {
    expires_at(raw).is_some_and(|at| at > now)
}

/// Returns when an id_token that was once valid expires; `None` if it does not say so.
pub(crate) fn expires_at(raw: &Secret) -> Option<Timestamp> {
    let exp = unverified(raw)?.any("exp")?.as_f64()?;
    (exp >= 0.0).then(|| Timestamp::from_unix(exp as u64))
}

/// Returns the claims of a signed JWT without verifying it.
fn unverified(raw: &Secret) -> Option<Members> {
    let parts: Vec<&str> = raw.expose().split('.').collect();
    let [_, payload, _] = parts[..] else { return None };
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims = Members::read(&payload);
    claims.defect().is_none().then_some(claims)
}

const AT_LOGIN: &str = "as at the login";

fn same_as_before(previous: &PinnedClaims, iss: &str, sub: &str, aud: &[String]) -> Result<()> {
    for (claim, before, now) in [("iss", &previous.iss, iss), ("sub", &previous.sub, sub)] {
        if before != now {
            return Err(wrong(claim, &format!("{} {AT_LOGIN}", quoted(before)), &quoted(now)));
        }
    }
    let (mut before, mut now) = (previous.aud.clone(), aud.to_vec());
    before.sort();
    now.sort();
    if before != now {
        let list = |aud: &[String]| quoted(&aud.join(", "));
        return Err(wrong("aud", &format!("{} {AT_LOGIN}", list(&before)), &list(&now)));
    }
    Ok(())
}

/// Returns whether a server has verified an email address (OpenID Connect Core, section 5.1); some return
/// that as a string. An address that cannot be shown exactly counts as unverified: it could be mistaken for
/// another.
pub(crate) fn email_verified(email: Option<&Value>, verified: Option<&Value>) -> Option<bool> {
    let address = email?.as_str()?;
    if text::one_line(address) != address {
        return Some(false);
    }
    match verified? {
        Value::Null => None,
        Value::Bool(verified) => Some(*verified),
        Value::String(text) => Some(text == "true"),
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests;
