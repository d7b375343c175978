//! One key, which signs and encrypts states and the records of flows.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::claims::{StateAlg, StateClaims};
use crate::error::{Error, Result};
use crate::protocol::jws::{self, b64};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The type in the headers, so that no other token is accepted as a state (RFC 8725, section 3.11).
pub(super) const TYP: &str = "oauth-state+jwt";

const SECRET: usize = 32;

pub(super) const TAG: usize = 16;

/// A key for states, and for the records of flows. Everything is derived from one secret of 32 bytes (HKDF,
/// RFC 5869), with one key per purpose. `Debug` shows only the key's id.
pub struct StateKey {
    kid: String,
    alg: StateAlg,
    /// The encoded headers, each with the following period.
    pub(super) signed_header: String,
    sealed_header: String,
    signer: Signer,
    state_cipher: LessSafeKey,
    record_cipher: LessSafeKey,
}

enum Signer {
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl std::fmt::Debug for StateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StateKey({} {})", self.alg.as_str(), self.kid)
    }
}

impl StateKey {
    /// Generates a secret: 32 random bytes in base64url.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if the generator fails.
    pub fn generate() -> Result<Secret> {
        crate::protocol::random::token(SECRET).map(Secret::new)
    }

    /// Derives the key from a secret: 32 bytes in base64url, with or without padding.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if it is invalid; the message does not quote it.
    pub fn read(secret: &Secret, alg: StateAlg) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD
            .decode(secret.expose().trim().trim_end_matches('='))
            .map(Zeroizing::new)
            .ok()
            .filter(|bytes| bytes.len() == SECRET)
            .ok_or_else(|| Error::config("a key for states must be 32 bytes in base64url"))?;
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"oauthctl state 1").extract(&bytes);
        let sign = derive::<32>(&root, &format!("sign {}", alg.as_str()))?;
        let signer = match alg {
            StateAlg::Hs256 => Signer::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &sign[..]))),
            StateAlg::EdDsa => Ed25519KeyPair::from_seed_unchecked(&sign[..])
                .map(|pair| Signer::Ed25519(Box::new(pair)))
                .map_err(|_| Error::internal("cannot derive a key for states"))?,
        };
        let kid = b64(&derive::<9>(&root, &format!("name {}", alg.as_str()))?[..]);
        let header = |alg: &str, more: &str| {
            let json = format!(r#"{{"alg":"{alg}",{more}"typ":"{TYP}","kid":"{kid}"}}"#);
            format!("{}.", b64(json))
        };
        Ok(Self {
            signed_header: header(alg.as_str(), ""),
            sealed_header: header("dir", r#""enc":"A256GCM","#),
            state_cipher: cipher(&derive::<32>(&root, "state")?[..])?,
            record_cipher: cipher(&derive::<32>(&root, "record")?[..])?,
            kid,
            alg,
            signer,
        })
    }

    /// Returns the key's id, which reveals nothing about the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the signature algorithm.
    pub fn alg(&self) -> StateAlg {
        self.alg
    }

    /// Creates a signed state with these claims. [`FlowManager::start`](crate::FlowManager::start)
    /// does so for each flow.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if the claims cannot be written.
    pub fn sign(&self, claims: &StateClaims) -> Result<String> {
        let json = serde_json::to_vec(claims).map_err(|e| Error::internal(e.to_string()))?;
        let mut state = format!("{}{}", self.signed_header, b64(json));
        let signature = match &self.signer {
            Signer::Hmac(key) => b64(hmac::sign(key, state.as_bytes())),
            Signer::Ed25519(pair) => b64(pair.sign(state.as_bytes())),
        };
        state.push('.');
        state.push_str(&signature);
        Ok(state)
    }

    /// Encrypts a state (JWE, `dir` with A256GCM): without the key, it can be neither read nor changed.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if the cryptographic operation fails.
    pub(crate) fn encrypt(&self, payload: &[u8]) -> Result<String> {
        let header = self.sealed_header.trim_end_matches('.');
        let sealed = seal(&self.state_cipher, header.as_bytes(), payload)?;
        let (nonce, rest) = sealed.split_at(NONCE_LEN);
        let (text, tag) = rest.split_at(rest.len() - TAG);
        Ok(format!("{header}..{}.{}.{}", b64(nonce), b64(text), b64(tag)))
    }

    /// Encrypts the record of a flow, bound to the flow's id and expiry.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if the cryptographic operation fails.
    pub(crate) fn seal(&self, id: &str, expires_at: Timestamp, plain: &[u8]) -> Result<Vec<u8>> {
        seal(&self.record_cipher, &bound_to(id, expires_at), plain)
    }

    /// Decrypts what [`StateKey::seal`] encrypted under this id; `None` for anything else.
    pub(crate) fn open(
        &self,
        id: &str,
        expires_at: Timestamp,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.record_cipher, &bound_to(id, expires_at), sealed)
    }

    pub(super) fn verify(&self, state: &str) -> Option<StateClaims> {
        let (payload, signature) = state.strip_prefix(&self.signed_header)?.split_once('.')?;
        let signed = &state.as_bytes()[..self.signed_header.len() + payload.len()];
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        match &self.signer {
            Signer::Hmac(key) => hmac::verify(key, signed, &signature).ok()?,
            Signer::Ed25519(pair) => UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref())
                .verify(signed, &signature)
                .ok()?,
        }
        jws::object(&URL_SAFE_NO_PAD.decode(payload).ok()?)
    }

    pub(super) fn decrypt(&self, state: &str) -> Option<Zeroizing<Vec<u8>>> {
        let rest = state.strip_prefix(&self.sealed_header)?.strip_prefix('.')?;
        let mut parts = rest.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let (nonce, text, tag) = (parts.next()??, parts.next()??, parts.next()??);
        if parts.next().is_some() || nonce.len() != NONCE_LEN || tag.len() != TAG {
            return None;
        }
        let header = self.sealed_header.trim_end_matches('.');
        open(&self.state_cipher, header.as_bytes(), &[nonce, text, tag].concat())
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

pub(super) fn derive<const N: usize>(
    root: &hkdf::Prk,
    purpose: &str,
) -> Result<Zeroizing<[u8; N]>> {
    let failed = |_| Error::internal("cannot derive a key for states");
    let mut out = Zeroizing::new([0; N]);
    root.expand(&[purpose.as_bytes()], Length(N))
        .map_err(failed)?
        .fill(&mut out[..])
        .map_err(failed)?;
    Ok(out)
}

fn cipher(key: &[u8]) -> Result<LessSafeKey> {
    let unbound = UnboundKey::new(&AES_256_GCM, key);
    unbound.map(LessSafeKey::new).map_err(|_| Error::internal("the key has the wrong length"))
}

fn bound_to(id: &str, expires_at: Timestamp) -> Vec<u8> {
    format!("oauthctl pending flow 1\0{id}\0{}", expires_at.unix()).into_bytes()
}

/// Returns a random nonce, the ciphertext, and the tag.
fn seal(key: &LessSafeKey, bound: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let failed = |_| Error::internal("encryption failed");
    let mut nonce = [0; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).map_err(failed)?;
    let mut text = Vec::with_capacity(plain.len() + TAG);
    text.extend_from_slice(plain);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut text)
        .map_err(failed)?;
    Ok([&nonce[..], &text].concat())
}

fn open(key: &LessSafeKey, bound: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key.open_in_place(nonce, Aad::from(bound), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}
