//! Private keys for `private_key_jwt` and DPoP: parsed from PEM or JWK, generated, stored.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::jws::{self, Alg};
use super::public_key::PublicKey;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::text::one_line;

/// The supported private keys, for messages.
const EXPECTED: &str = "use an unencrypted private key, RSA of 2048 to 8192 bits, EC on P-256 or \
                        P-384, or Ed25519, as PEM (PKCS #8, SEC 1 or PKCS #1) or as a JWK";

/// A private key that signs JWTs. `Debug` shows only the algorithm.
pub(crate) struct SigningKey {
    pair: Pair,
    alg: Alg,
    kid: Option<String>,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.alg.as_str())
    }
}

impl SigningKey {
    /// Parses a key from PEM or JWK. RSA signs with RS256 unless the JWK's `alg` says otherwise.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if it is not a supported private key; the message
    /// quotes nothing of it.
    pub(crate) fn read(text: &Secret) -> Result<Self> {
        let text = text.expose().trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(unreadable("is empty"));
        }
        if text.starts_with('{') { from_jwk(text) } else { from_pem(text) }
    }

    /// Generates a key on P-256.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if the generator fails.
    pub(crate) fn generate() -> Result<Self> {
        let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| Error::internal("cannot generate a key"))?;
        Ok(Self { pair: Pair::Ec(pair), alg: Alg::ES256, kid: None })
    }

    /// Parses a key as [`to_stored`](Self::to_stored) writes it.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if it is invalid.
    pub(crate) fn from_stored(stored: &Secret) -> Result<Self> {
        let der = STANDARD.decode(stored.expose()).map(Zeroizing::new).ok();
        der.and_then(|der| from_pkcs8(&der))
            .ok_or_else(|| Error::store("the stored DPoP key is damaged").hint("log in again"))
    }

    /// Returns the key as PKCS #8 in base64, for the encrypted record.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if the key cannot be written.
    pub(crate) fn to_stored(&self) -> Result<Secret> {
        let failed = |_| Error::internal("cannot write a private key");
        let encode = |der: &[u8]| Secret::new(STANDARD.encode(der));
        match &self.pair {
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der>::as_der(pair).map(|d| encode(d.as_ref())),
            Pair::Ec(pair) => pair.to_pkcs8v1().map(|d| encode(d.as_ref())),
            Pair::Ed(pair) => pair.to_pkcs8v1().map(|d| encode(d.as_ref())),
        }
        .map_err(failed)
    }

    /// Returns the algorithm to sign with for a server: the key's own, else the first other one that fits and is
    /// supported. An empty list supports every algorithm.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if the server supports none that fits.
    pub(crate) fn alg_for(&self, supported: &[String]) -> Result<Alg> {
        let is_supported = |alg: Alg| supported.iter().any(|name| Alg::parse(name) == Some(alg));
        if supported.is_empty() || is_supported(self.alg) {
            return Ok(self.alg);
        }
        let public = self.public()?;
        let mut fitting = Alg::ALL.iter().map(|(_, alg)| *alg).filter(|alg| public.fits(*alg));
        fitting.find(|alg| is_supported(*alg)).ok_or_else(|| {
            let names = supported.iter().map(|name| one_line(name)).collect::<Vec<_>>().join(", ");
            let own = self.alg.as_str();
            Error::config(format!("the key signs with {own}, but the server supports {names}"))
                .hint("register another key with the server, and set it as `private_key`")
        })
    }

    /// Returns the key as PKCS #8 in PEM.
    ///
    /// # Errors
    ///
    /// See [`to_stored`](Self::to_stored).
    pub(crate) fn to_pem(&self) -> Result<Secret> {
        let stored = self.to_stored()?;
        let mut pem = Zeroizing::new(String::from("-----BEGIN PRIVATE KEY-----\n"));
        for (at, character) in stored.expose().char_indices() {
            pem.push(character);
            if at % 64 == 63 {
                pem.push('\n');
            }
        }
        pem.push_str("\n-----END PRIVATE KEY-----\n");
        Ok(Secret::new(pem.as_str()))
    }

    /// Returns the same key with this id, if there is one.
    pub(crate) fn with_kid(mut self, kid: Option<String>) -> Self {
        self.kid = kid.or(self.kid);
        self
    }

    /// Returns the key's id, if its JWK has one.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Returns the public half.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if the cryptographic library returns no such key.
    pub(crate) fn public(&self) -> Result<PublicKey> {
        let key = match &self.pair {
            Pair::Rsa(pair) => rsa_public(pair.public_key().as_ref()),
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                point
                    .try_into()
                    .map(PublicKey::P256)
                    .or_else(|_| point.try_into().map(PublicKey::P384))
                    .ok()
            }
            Pair::Ed(pair) => pair.public_key().as_ref().try_into().ok().map(PublicKey::Ed25519),
        };
        key.ok_or_else(|| Error::internal("a private key has no public half"))
    }

    /// Signs a JWT with these claims and this header, to which `alg` is added.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if signing fails.
    pub(crate) fn sign_jwt(&self, header: Value, claims: &Value) -> Result<String> {
        self.sign_jwt_as(self.alg, header, claims)
    }

    /// Does the same with another algorithm that fits the key ([`alg_for`](Self::alg_for)).
    ///
    /// # Errors
    ///
    /// See [`sign_jwt`](Self::sign_jwt).
    pub(crate) fn sign_jwt_as(
        &self,
        alg: Alg,
        mut header: Value,
        claims: &Value,
    ) -> Result<String> {
        header["alg"] = alg.as_str().into();
        jws::compact(&header, claims, |message| self.sign(alg, message))
    }

    fn sign(&self, alg: Alg, message: &[u8]) -> Result<Vec<u8>> {
        let rng = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut out = vec![0; pair.public_modulus_len()];
                rsa_encoding(alg)
                    .ok_or(aws_lc_rs::error::Unspecified)
                    .and_then(|encoding| pair.sign(encoding, &rng, message, &mut out))
                    .map(|()| out)
            }
            Pair::Ec(pair) => pair.sign(&rng, message).map(|s| s.as_ref().to_vec()),
            Pair::Ed(pair) => pair.try_sign(message).map(|s| s.as_ref().to_vec()),
        }
        .map_err(|_| Error::internal("signing failed"))
    }
}

fn unreadable(why: &str) -> Error {
    Error::config(format!("the private key {why}")).hint(EXPECTED)
}

fn rsa_encoding(alg: Alg) -> Option<&'static dyn RsaEncoding> {
    Some(match alg {
        Alg::RS256 => &signature::RSA_PKCS1_SHA256,
        Alg::RS384 => &signature::RSA_PKCS1_SHA384,
        Alg::RS512 => &signature::RSA_PKCS1_SHA512,
        Alg::PS256 => &signature::RSA_PSS_SHA256,
        Alg::PS384 => &signature::RSA_PSS_SHA384,
        Alg::PS512 => &signature::RSA_PSS_SHA512,
        _ => return None,
    })
}

fn rsa(pair: RsaKeyPair) -> SigningKey {
    SigningKey { pair: Pair::Rsa(pair), alg: Alg::RS256, kid: None }
}

fn ec(pair: EcdsaKeyPair, alg: Alg) -> SigningKey {
    SigningKey { pair: Pair::Ec(pair), alg, kid: None }
}

const CURVES: [(&signature::EcdsaSigningAlgorithm, Alg); 2] = [
    (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, Alg::ES256),
    (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, Alg::ES384),
];

fn from_pkcs8(der: &[u8]) -> Option<SigningKey> {
    if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
        return Some(rsa(pair));
    }
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
        return Some(SigningKey { pair: Pair::Ed(pair), alg: Alg::EdDSA, kid: None });
    }
    CURVES
        .into_iter()
        .find_map(|(curve, alg)| EcdsaKeyPair::from_pkcs8(curve, der).ok().map(|k| ec(k, alg)))
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

/// Parses an `RSAPublicKey` (RFC 8017, appendix A.1.1): a sequence of two integers.
fn rsa_public(der: &[u8]) -> Option<PublicKey> {
    let (body, _) = der_value(der, 0x30)?;
    let (n, rest) = der_value(body, 0x02)?;
    let (e, _) = der_value(rest, 0x02)?;
    let plain = |b: &[u8]| b.iter().copied().skip_while(|b| *b == 0).collect();
    Some(PublicKey::Rsa { n: plain(n), e: plain(e) })
}

/// Returns the value of a DER element with this tag, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = match *length {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let (size, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            if size.len() > 4 {
                return None;
            }
            (size.iter().fold(0, |sum, b| sum << 8 | usize::from(*b)), rest)
        }
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests;
