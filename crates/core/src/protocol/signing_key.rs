//! Private keys for `private_key_jwt` and DPoP: parsed from PEM or JWK, generated, stored.

mod parse;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::jws::{self, Alg};
use super::public_key::PublicKey;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::text::one_line;

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
