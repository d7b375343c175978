//! The algorithm and the key with which an id_token must be signed (OpenID Connect Core, section 3.1.3.7;
//! RFC 8725, sections 3.1 and 3.2).

use aws_lc_rs::hmac;

use super::expectations::Expectations;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::port::Http;
use crate::protocol::jwks::KeySource;
use crate::protocol::jws::{Alg, Compact};
use crate::secret::Secret;

/// Maximum size of an id_token, in bytes.
const MAX_BYTES: usize = 256 * 1024;

pub(super) const WHAT: &str = "id_token";

/// Parses a token and compares its algorithm with that of the profile, else with those of the metadata.
pub(super) fn open<'a>(raw: &'a str, expected: &Expectations<'_>) -> Result<Compact<'a>> {
    let token = Compact::parse(raw, WHAT, MAX_BYTES)?;
    let alg = token.alg;
    if let Some(only) = expected.alg {
        return if alg == only { Ok(token) } else { Err(not_the_configured(alg, only)) };
    }
    if alg.is_symmetric() {
        return Err(Error::validation(format!(
            "the id_token is signed with {}, which is accepted only if the profile sets it",
            alg.as_str()
        ))
        .hint(with_secret(alg)));
    }
    let announced: Vec<Alg> = expected.algs.iter().filter_map(|name| Alg::parse(name)).collect();
    if expected.algs.is_empty() || announced.contains(&alg) {
        return Ok(token);
    }
    let names: Vec<&str> = announced.into_iter().map(Alg::as_str).collect();
    let names = if names.is_empty() { "none usable".to_owned() } else { names.join(", ") };
    Err(Error::validation(format!(
        "the id_token's `alg` is `{}`, but the server's metadata allows {names}",
        alg.as_str()
    ))
    .hint(registered(alg)))
}

fn not_the_configured(alg: Alg, only: Alg) -> Error {
    let hint = if alg.is_symmetric() { with_secret(alg) } else { registered(alg) };
    Error::validation(format!(
        "the id_token's `alg` is `{}`, but the profile accepts only {}",
        alg.as_str(),
        only.as_str()
    ))
    .hint(hint)
}

fn registered(alg: Alg) -> String {
    format!(
        "if the client is registered for it, set `id_token_signed_response_alg = \"{}\"` in the profile",
        alg.as_str()
    )
}

fn with_secret(alg: Alg) -> String {
    format!("{}; it needs a `client_secret`", registered(alg))
}

/// What verifies a signature.
pub(super) enum Verifier<'a> {
    /// The client secret.
    Secret(&'a Secret),
    /// The server's public keys.
    Keys(&'a KeySource),
}

impl<'a> Verifier<'a> {
    /// Chooses by the profile, never by the token. Returns `None` if there is neither.
    pub(super) fn choose(
        expected: &Expectations<'a>,
        keys: Option<&'a KeySource>,
    ) -> Result<Option<Self>> {
        if !expected.alg.is_some_and(Alg::is_symmetric) {
            return Ok(keys.map(Self::Keys));
        }
        // An empty key is known to everyone.
        let secret = expected.client_secret.filter(|secret| !secret.is_empty());
        secret.map(|secret| Some(Self::Secret(secret))).ok_or_else(|| {
            Error::config("the profile's `id_token_signed_response_alg` needs a `client_secret`")
        })
    }

    pub(super) async fn verify(
        &self,
        token: &Compact<'_>,
        expected: &Expectations<'_>,
        http: &dyn Http,
    ) -> Result<()> {
        match self {
            Self::Keys(keys) => keys.verify(http, token, WHAT, expected.now).await,
            Self::Secret(secret) => verify_mac(token, secret),
        }
    }
}

/// The key is the UTF-8 encoding of the secret (OpenID Connect Core, section 10.1).
fn verify_mac(token: &Compact<'_>, secret: &Secret) -> Result<()> {
    let algorithm = token.alg.hmac().ok_or_else(|| Error::internal("not a symmetric algorithm"))?;
    let key = hmac::Key::new(algorithm, secret.expose().as_bytes());
    hmac::verify(&key, token.signed, &token.signature).map_err(|_| {
        Error::validation(format!(
            "invalid signature of the id_token: it was not created with the client secret ({})",
            token.alg.as_str()
        ))
        .hint(Advice::configure(&["client_secret"], "check `client_secret` in the profile"))
    })
}
