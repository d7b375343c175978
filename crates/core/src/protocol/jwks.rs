//! A server's public keys (RFC 7517): parsed, selected, fetched, and fetched again when they rotate.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::jws::{Alg, Compact};
use super::public_key::PublicKey;
use super::weak_rsa::Weakness;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::port::{Http, HttpRequest, Method};
use crate::profile::{Endpoint, endpoint};
use crate::text;
use crate::time::Timestamp;

/// Maximum size of a JWK Set, in bytes.
pub(crate) const MAX_SET_BYTES: usize = 1024 * 1024;
/// Maximum number of keys in a JWK Set.
pub(crate) const MAX_KEYS: usize = 100;
/// How long fetched keys are used before they are fetched again.
const MAX_AGE: Duration = Duration::from_secs(3_600);
/// Minimum time between two fetches caused by keys that do not match, in seconds.
const REFETCH_PAUSE: u64 = 30;

/// The hint if the address has no keys.
const WHERE: &str = "check `jwks_uri` in the server's metadata, or set it in the profile";

/// A JWK Set, reduced to the keys that can verify.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Jwk {
    kid: Option<String>,
    alg: Option<Alg>,
    /// The only issuer for which it signs, at a multi-tenant server.
    issuer: Option<String>,
    key: PublicKey,
}

/// The result of verifying a signature with a set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// A key of the set created the signature.
    Verified,
    /// No key of the set matches the token's `kid` and `alg`.
    NoKey,
    /// The only matching keys are weak RSA keys, such as this one.
    Weak(Weakness),
    /// Keys match, but none of them created this signature.
    BadSignature,
}

impl JwkSet {
    /// Parses a JWK Set. Unknown, symmetric, encryption and incomplete keys are ignored (RFC 7517, section
    /// 5).
    ///
    /// # Errors
    ///
    /// Returns [`Validation`](crate::ErrorKind::Validation) if this is not a JWK Set, is larger than
    /// [`MAX_SET_BYTES`], or has more than [`MAX_KEYS`] keys.
    pub(crate) fn parse(json: &[u8]) -> Result<Self> {
        if json.len() > MAX_SET_BYTES {
            return Err(Error::validation(format!(
                "the JWK Set has {} bytes, but at most {MAX_SET_BYTES} are accepted",
                json.len()
            )));
        }
        let set: Value = serde_json::from_slice(json)
            .map_err(|_| Error::validation("the JWK Set is not JSON"))?;
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or_else(|| Error::validation("the JWK Set has no array `keys`"))?;
        if keys.len() > MAX_KEYS {
            return Err(Error::validation(format!(
                "the JWK Set has {} keys, but at most {MAX_KEYS} are accepted",
                keys.len()
            )));
        }
        Ok(Self { keys: keys.iter().filter_map(Jwk::read).collect() })
    }

    /// Verifies a signature with each key that matches the algorithm. A `kid` selects first the keys of
    /// that name, then those without a name; without a `kid`, all are tried.
    pub(crate) fn verify(&self, token: &Compact<'_>) -> Check {
        let mut outcome = Check::NoKey;
        for jwk in self.candidates(token) {
            match jwk.key.weakness() {
                Some(weakness) => {
                    if outcome == Check::NoKey {
                        outcome = Check::Weak(weakness);
                    }
                }
                None if jwk.key.verify(token.alg, token.signed, &token.signature) => {
                    return Check::Verified;
                }
                None => outcome = Check::BadSignature,
            }
        }
        outcome
    }

    fn candidates<'a>(&'a self, token: &'a Compact<'_>) -> impl Iterator<Item = &'a Jwk> + 'a {
        let kid = token.kid.as_deref();
        let is_named = move |jwk: &&Jwk| kid.is_none() || jwk.kid.as_deref() == kid;
        let is_nameless = move |jwk: &&Jwk| kid.is_some() && jwk.kid.is_none();
        let named = self.keys.iter().filter(is_named);
        named.chain(self.keys.iter().filter(is_nameless)).filter(move |jwk| jwk.may_sign(token))
    }
}

impl Jwk {
    fn may_sign(&self, token: &Compact<'_>) -> bool {
        let is_for = |issuer: &String| {
            token.key_issuers.as_ref().is_none_or(|issuers| issuers.contains(issuer))
        };
        self.alg.is_none_or(|own| own == token.alg)
            && self.key.fits(token.alg)
            && self.issuer.as_ref().is_none_or(is_for)
    }

    fn read(value: &Value) -> Option<Self> {
        let jwk = value.as_object()?;
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        let for_other_ends = jwk
            .get("key_ops")
            .and_then(Value::as_array)
            .is_some_and(|ops| !ops.iter().any(|op| op == "verify"));
        if for_other_ends {
            return None;
        }
        let alg = match text("alg") {
            Some(name) => Some(Alg::parse(name)?),
            None => None,
        };
        let owned = |name: &str| text(name).map(str::to_owned);
        let (kid, issuer) = (owned("kid"), owned("issuer"));
        Some(Self { kid, alg, issuer, key: PublicKey::from_jwk(jwk)? })
    }
}

/// Fetches a JWK Set, without following redirects. Returns the set, and the document from which it was
/// parsed.
///
/// # Errors
///
/// Returns [`Unavailable`](crate::ErrorKind::Unavailable) if the network or the server fails, and
/// [`Validation`](crate::ErrorKind::Validation) for any status but 200 or an invalid set.
async fn fetch_document(http: &dyn Http, jwks_uri: &Url) -> Result<(JwkSet, Vec<u8>)> {
    let request = HttpRequest {
        purpose: Endpoint::Jwks.purpose(),
        method: Method::Get,
        url: jwks_uri.clone(),
        headers: vec![("accept".into(), "application/jwk-set+json, application/json".into())],
        body: Vec::new().into(),
    };
    let at = text::one_line(jwks_uri.as_str());
    let response = http
        .send(&request)
        .await
        .map_err(|e| e.told(format!("cannot fetch the keys at {at}: {}", e.message)))?;
    match response.status {
        200 => match JwkSet::parse(&response.body) {
            Ok(set) => Ok((set, response.body.to_vec())),
            Err(error) => Err(error.context(format!("the keys at {at}")).hint(WHERE)),
        },
        status @ (429 | 500..) => Err(Error::unavailable(format!(
            "the server returned status {status} for its keys at {at}"
        ))),
        status @ 300..400 => Err(Error::validation(format!(
            "the server returned status {status} for its keys at {at}: redirects are not followed"
        ))
        .hint(WHERE)),
        status => Err(Error::validation(format!(
            "the server returned status {status} for its keys at {at}"
        ))
        .hint(WHERE)),
    }
}

/// The keys behind a `jwks_uri`: fetched when first needed, cached for at most an hour, and fetched again
/// when a token does not match them, once per verification and at most every 30 s.
#[derive(Debug)]
pub(crate) struct KeySource {
    jwks_uri: Url,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    set: Option<Arc<JwkSet>>,
    /// Distinguishes one fetched set from the next.
    serial: u64,
    fetched_at: Option<Timestamp>,
    refetched_at: Option<Timestamp>,
    /// The document that was last fetched here.
    document: Option<Vec<u8>>,
}

impl KeySource {
    /// Creates a source for this address. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if it is not an https URL (http is accepted only on the
    /// loopback interface), or contains a user name.
    pub(crate) fn new(jwks_uri: &str) -> Result<Self> {
        let refused =
            |why: &str| Error::config(format!("`jwks_uri` {why}: `{}`", text::one_line(jwks_uri)));
        let url = Url::parse(jwks_uri).map_err(|_| refused("is not a URL"))?;
        let loopback = endpoint::is_loopback(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(refused("is neither https nor http on the loopback interface"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::config("`jwks_uri` contains a user name or a password"));
        }
        Ok(Self { jwks_uri: url, state: Mutex::default() })
    }

    /// Uses this document, which another source fetched at that time, as if it had been fetched here. An
    /// invalid set, or one from the future, is ignored.
    pub(crate) fn start_with(&mut self, document: &[u8], fetched_at: Timestamp, now: Timestamp) {
        if let Ok(set) = JwkSet::parse(document)
            && fetched_at <= now
        {
            let state = self.state.get_mut();
            state.set = Some(Arc::new(set));
            state.fetched_at = Some(fetched_at);
        }
    }

    /// Returns the document that was last fetched here, and when; each is returned once.
    pub(crate) async fn take_fetched(&self) -> Option<(Vec<u8>, Timestamp)> {
        let mut state = self.state.lock().await;
        state.document.take().zip(state.fetched_at)
    }

    /// Verifies the signature of a token; `what` names it in messages.
    ///
    /// # Errors
    ///
    /// Returns [`Validation`](crate::ErrorKind::Validation) if no key of the server created it, and the
    /// errors of [`fetch`] if the keys are not available.
    pub(crate) async fn verify(
        &self,
        http: &dyn Http,
        token: &Compact<'_>,
        what: &str,
        now: Timestamp,
    ) -> Result<()> {
        require_valid(self.check(http, token, now).await?, token, what)
    }

    /// Returns whether a key of the server created the signature of a token.
    ///
    /// # Errors
    ///
    /// See [`fetch_document`].
    pub(crate) async fn check(
        &self,
        http: &dyn Http,
        token: &Compact<'_>,
        now: Timestamp,
    ) -> Result<Check> {
        let (set, serial, fresh) = self.current(http, now).await?;
        let mut check = set.verify(token);
        if check != Check::Verified && !fresh {
            match self.newer(http, serial, now).await {
                Ok(Some(set)) => check = set.verify(token),
                Ok(None) => {}
                // If the key is unknown, the server may be right: trying again later can help.
                Err(error) if check == Check::NoKey => return Err(error),
                Err(_) => {}
            }
        }
        Ok(check)
    }

    /// Returns the known keys, their serial, and whether they were fetched just now. Concurrent callers
    /// wait for one fetch.
    async fn current(&self, http: &dyn Http, now: Timestamp) -> Result<(Arc<JwkSet>, u64, bool)> {
        let mut state = self.state.lock().await;
        let young =
            state.fetched_at.is_some_and(|at| now.unix().abs_diff(at.unix()) < MAX_AGE.as_secs());
        match &state.set {
            Some(set) if young => Ok((set.clone(), state.serial, false)),
            _ => {
                let set = state.replace(fetch_document(http, &self.jwks_uri).await?, now);
                Ok((set, state.serial, true))
            }
        }
    }

    /// Returns keys newer than those of `serial`, if there are any or it is time to fetch them.
    async fn newer(
        &self,
        http: &dyn Http,
        serial: u64,
        now: Timestamp,
    ) -> Result<Option<Arc<JwkSet>>> {
        let mut state = self.state.lock().await;
        if state.serial != serial {
            return Ok(state.set.clone());
        }
        let too_soon =
            state.refetched_at.is_some_and(|at| now.unix().abs_diff(at.unix()) < REFETCH_PAUSE);
        if too_soon {
            return Ok(None);
        }
        state.refetched_at = Some(now);
        let fetched = fetch_document(http, &self.jwks_uri).await?;
        Ok(Some(state.replace(fetched, now)))
    }
}

impl State {
    fn replace(&mut self, fetched: (JwkSet, Vec<u8>), now: Timestamp) -> Arc<JwkSet> {
        let (set, document) = (Arc::new(fetched.0), fetched.1);
        self.document = Some(document);
        self.set = Some(set.clone());
        self.serial += 1;
        self.fetched_at = Some(now);
        set
    }
}

/// Converts the result into an error.
pub(crate) fn require_valid(check: Check, token: &Compact<'_>, what: &str) -> Result<()> {
    let alg = token.alg.as_str();
    let key = match &token.kid {
        Some(kid) => format!("`kid` `{}`", text::one_line(kid)),
        None => "no `kid`".to_owned(),
    };
    Err(match check {
        Check::Verified => return Ok(()),
        Check::NoKey => Error::validation(format!(
            "the {what} refers to a key that the server does not publish ({key}, {alg})"
        ))
        .hint(Advice::configure(
            &["jwks_uri"],
            "set `jwks_uri` in the profile, if the server publishes its keys elsewhere",
        )),
        Check::Weak(weakness) => Error::validation(format!(
            "the {what} is signed with a weak RSA key ({key}, {weakness})"
        )),
        Check::BadSignature => Error::validation(format!(
            "invalid signature of the {what}: no published key created it ({key}, {alg})"
        )),
    })
}

#[cfg(test)]
mod tests;
