//! Keys, generated at start, and signing with them.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::error::{Error, Result};
use super::reply::{Object, Refusal};

/// Encodes without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the SHA-256 hash of a text, in base64url.
pub(super) fn sha256(text: &str) -> String {
    base64url(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Returns an unpredictable value: a word that tells what it is, and 256 random bits.
pub(super) fn random(word: &str) -> Result<String, Refusal> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Refusal::server())?;
    Ok(format!("{word}-{}", base64url(&bytes)))
}

/// How id_tokens are signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    Es256,
    Rs256,
    /// Not at all.
    Unsigned,
    /// HMAC with the public key as secret.
    PublicKeyAsSecret,
    /// With the right key, but over different data.
    Forged,
}

struct RsaKey {
    pair: RsaKeyPair,
    jwk: Value,
}

/// The keys of a sandbox.
pub(super) struct Keyring {
    ec: EcdsaKeyPair,
    ec_jwk: Value,
    /// Generated on first use, because that takes a while.
    rsa: OnceLock<Option<RsaKey>>,
    decoys: OnceLock<Vec<Value>>,
}

impl Keyring {
    /// Generates the keys.
    pub(super) fn new() -> Result<Self> {
        let (ec, ec_jwk) = ec_key().ok_or(Error::Keys)?;
        Ok(Self { ec, ec_jwk, rsa: OnceLock::new(), decoys: OnceLock::new() })
    }

    /// Returns the public keys in use.
    pub(super) fn public(&self) -> Vec<Value> {
        let rsa = self.rsa.get().and_then(Option::as_ref).map(|key| key.jwk.clone());
        [self.ec_jwk.clone()].into_iter().chain(rsa).collect()
    }

    /// Returns public keys that sign nothing.
    pub(super) fn decoys(&self) -> &[Value] {
        self.decoys.get_or_init(|| (0..12).filter_map(|_| Some(ec_key()?.1)).collect())
    }

    /// Generates the RSA key, so that it is among the public ones.
    pub(super) fn need_rsa(&self) {
        self.rsa();
    }

    fn rsa(&self) -> Option<&RsaKey> {
        self.rsa.get_or_init(rsa_key).as_ref()
    }

    /// Creates a JWS in compact form (RFC 7515). `adjust` may change the header that matches the key.
    pub(super) fn sign(
        &self,
        signing: Signing,
        adjust: impl FnOnce(&mut Object),
        claims: &Object,
    ) -> Result<String, Refusal> {
        let (alg, kid) = match signing {
            Signing::Es256 | Signing::Forged => ("ES256", &self.ec_jwk["kid"]),
            Signing::Rs256 => ("RS256", &self.rsa().ok_or_else(Refusal::server)?.jwk["kid"]),
            Signing::Unsigned => ("none", &Value::Null),
            Signing::PublicKeyAsSecret => ("HS256", &self.ec_jwk["kid"]),
        };
        let mut header = Object::new();
        header.insert("alg".to_owned(), json!(alg));
        header.insert("typ".to_owned(), json!("JWT"));
        if !kid.is_null() {
            header.insert("kid".to_owned(), kid.clone());
        }
        adjust(&mut header);
        let encode =
            |object: &Object| base64url(Value::Object(object.clone()).to_string().as_bytes());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.signature(signing, message.as_bytes()).ok_or_else(Refusal::server)?;
        Ok(format!("{message}.{}", base64url(&signature)))
    }

    fn signature(&self, signing: Signing, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        let ec = |message: &[u8]| Some(self.ec.sign(&random, message).ok()?.as_ref().to_vec());
        match signing {
            Signing::Es256 => ec(message),
            Signing::Forged => ec(b"something else"),
            Signing::Unsigned => Some(Vec::new()),
            Signing::Rs256 => {
                let pair = &self.rsa()?.pair;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Signing::PublicKeyAsSecret => {
                let public = self.ec.public_key().as_der().ok()?;
                let key = hmac::Key::new(hmac::HMAC_SHA256, public.as_ref());
                Some(hmac::sign(&key, message).as_ref().to_vec())
            }
        }
    }
}

fn ec_key() -> Option<(EcdsaKeyPair, Value)> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
    // An uncompressed point: 4, x, y (SEC 1, section 2.3.3).
    let point = pair.public_key().as_ref();
    let (x, y) = (base64url(point.get(1..33)?), base64url(point.get(33..65)?));
    let kid = sha256(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    let jwk = json!({"kty": "EC", "use": "sig", "alg": "ES256", "kid": kid, "crv": "P-256", "x": x, "y": y});
    Some((pair, jwk))
}

fn rsa_key() -> Option<RsaKey> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let (n, e) = rsa_components(pair.public_key().as_ref())?;
    let kid = sha256(&format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    let jwk = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e});
    Some(RsaKey { pair, jwk })
}

/// Parses modulus and exponent of an RSAPublicKey (RFC 8017, appendix A.1.1).
fn rsa_components(der: &[u8]) -> Option<(String, String)> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (n, rest) = der_value(sequence, 0x02)?;
    let (e, _) = der_value(rest, 0x02)?;
    let unsigned = |bytes: &[u8]| base64url(bytes.strip_prefix(&[0]).unwrap_or(bytes));
    Some((unsigned(n), unsigned(e)))
}

fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, short], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match short {
        0..0x80 => (usize::from(short), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), rest)
        }
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}
