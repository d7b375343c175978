//! Parses private keys from PEM and JWK.

use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{CURVES, Pair, SigningKey, ec, from_pkcs8, rsa};
use crate::error::{Error, Result};
use crate::protocol::jws::Alg;
use crate::secret::Secret;

/// The supported private keys, for messages.
const EXPECTED: &str = "use an unencrypted private key, RSA of 2048 to 8192 bits, EC on P-256 or \
                        P-384, or Ed25519, as PEM (PKCS #8, SEC 1 or PKCS #1) or as a JWK";

impl SigningKey {
    /// Parses a key from PEM or JWK. RSA signs with RS256 unless the JWK's `alg` says otherwise.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if it is not a supported private key; the message
    /// does not quote it.
    pub(crate) fn read(text: &Secret) -> Result<Self> {
        let text = text.expose().trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(unreadable("is empty"));
        }
        if text.starts_with('{') { from_jwk(text) } else { from_pem(text) }
    }
}

fn unreadable(why: &str) -> Error {
    Error::config(format!("the private key {why}")).hint(EXPECTED)
}

fn from_sec1(der: &[u8]) -> Option<SigningKey> {
    CURVES.into_iter().find_map(|(curve, alg)| {
        EcdsaKeyPair::from_private_key_der(curve, der).ok().map(|k| ec(k, alg))
    })
}

/// Parses the first private key of a PEM text; anything around it (certificates, curve parameters, bag
/// attributes) is ignored.
fn from_pem(text: &str) -> Result<SigningKey> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let Some((label, body)) = after.split_once("-----") else { break };
        rest = body;
        if !label.ends_with("PRIVATE KEY") {
            continue;
        }
        let Some((body, _)) = body.split_once(&format!("-----END {label}-----")) else {
            return Err(unreadable("is truncated: its PEM has no end line"));
        };
        if label == "ENCRYPTED PRIVATE KEY" || body.contains("Proc-Type:") {
            return Err(unreadable("is encrypted with a passphrase"));
        }
        let packed = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
        let der = STANDARD
            .decode(&*packed)
            .map(Zeroizing::new)
            .map_err(|_| unreadable("is damaged: its PEM is not base64"))?;
        return match label {
            "PRIVATE KEY" => from_pkcs8(&der),
            "EC PRIVATE KEY" => from_sec1(&der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok().map(rsa),
            _ => None,
        }
        .ok_or_else(|| unreadable("is damaged or of an unsupported type"));
    }
    if text.contains("-----BEGIN ") {
        return Err(unreadable("is missing: the PEM contains something else"));
    }
    Err(unreadable("is neither PEM nor a JWK"))
}

/// The members of a private JWK (RFC 7518, section 6; RFC 8037).
#[derive(Deserialize)]
struct PrivateJwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    d: Option<Secret>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    p: Option<Secret>,
    q: Option<Secret>,
    dp: Option<Secret>,
    dq: Option<Secret>,
    qi: Option<Secret>,
}

fn from_jwk(text: &str) -> Result<SigningKey> {
    let jwk: PrivateJwk = serde_json::from_str(text)
        .map_err(|_| unreadable("is JSON, but not a JWK (a JWK Set is not accepted)"))?;
    if jwk.d.is_none() {
        return Err(unreadable("is missing: the JWK has no `d`, so it is a public key"));
    }
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return Err(unreadable("is not for signing: the JWK's `use` is not `sig`"));
    }
    let bad = || unreadable("is damaged or of an unsupported type");
    let mut key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => jwk_rsa(&jwk),
        ("EC", Some("P-256")) => jwk_ec(&jwk, 0, 32),
        ("EC", Some("P-384")) => jwk_ec(&jwk, 1, 48),
        ("OKP", Some("Ed25519")) => jwk_ed(&jwk),
        _ => None,
    }
    .ok_or_else(bad)?;
    if let Some(name) = &jwk.alg {
        let public = key.public()?;
        key.alg = Alg::parse(name).filter(|alg| public.fits(*alg)).ok_or_else(|| {
            unreadable("is inconsistent: the JWK's `alg` does not match its `kty`")
        })?;
    }
    key.kid = jwk.kid;
    Ok(key)
}

fn bytes(value: Option<&str>) -> Option<Zeroizing<Vec<u8>>> {
    URL_SAFE_NO_PAD.decode(value?).ok().map(Zeroizing::new)
}

fn secret(value: &Option<Secret>) -> Option<Zeroizing<Vec<u8>>> {
    bytes(value.as_ref().map(Secret::expose))
}

fn jwk_rsa(jwk: &PrivateJwk) -> Option<SigningKey> {
    let (n, e) = (bytes(jwk.n.as_deref())?, bytes(jwk.e.as_deref())?);
    RsaKeyPair::from_components(&KeyPairComponents {
        public_key: RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() },
        d: secret(&jwk.d)?.as_slice(),
        p: secret(&jwk.p)?.as_slice(),
        q: secret(&jwk.q)?.as_slice(),
        dP: secret(&jwk.dp)?.as_slice(),
        dQ: secret(&jwk.dq)?.as_slice(),
        qInv: secret(&jwk.qi)?.as_slice(),
    })
    .ok()
    .map(rsa)
}

fn jwk_ec(jwk: &PrivateJwk, curve: usize, size: usize) -> Option<SigningKey> {
    let (x, y) = (bytes(jwk.x.as_deref())?, bytes(jwk.y.as_deref())?);
    let d = secret(&jwk.d)?;
    if x.len() != size || y.len() != size || d.len() != size {
        return None;
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let (curve, alg) = CURVES[curve];
    EcdsaKeyPair::from_private_key_and_public_key(curve, &d, &point).ok().map(|k| ec(k, alg))
}

fn jwk_ed(jwk: &PrivateJwk) -> Option<SigningKey> {
    let (seed, public) = (secret(&jwk.d)?, bytes(jwk.x.as_deref())?);
    if seed.len() != 32 {
        return None;
    }
    let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &public).ok()?;
    Some(SigningKey { pair: Pair::Ed(pair), alg: Alg::EdDSA, kid: None })
}
