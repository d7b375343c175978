//! Master keys, and the encryption of values with them.
//!
//! Each value is encrypted with AES-256-GCM under a key of its own, which HMAC-SHA-256 derives from the
//! master key and a random salt. The place of the record is authenticated with it, so a value that was moved
//! to another tenant, provider or user cannot be decrypted.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauthctl_core::{Error, Result};
use zeroize::Zeroizing;

use crate::storage::Key;

const FORMAT: u8 = 1;
const ID: usize = 8;
const SALT: usize = 16;
const HEAD: usize = 1 + ID + SALT + NONCE_LEN;

/// Identifies a master key without revealing it.
pub type KeyId = [u8; ID];

/// A master key: 32 bytes, wiped when it is dropped.
pub struct MasterKey {
    bytes: Zeroizing<Vec<u8>>,
    id: KeyId,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// Generates a key.
    ///
    /// # Errors
    ///
    /// Returns `Internal` if the random number generator fails.
    pub fn generate() -> Result<Self> {
        Ok(Self::of_bytes(random(32)?))
    }

    /// Parses a key: 32 bytes in base64url, with or without padding.
    ///
    /// # Errors
    ///
    /// Returns `Config` if it is not one. The message quotes nothing of it.
    pub fn parse(text: &str, source: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('=')).map(Zeroizing::new);
        match bytes {
            Ok(bytes) if bytes.len() == 32 => Ok(Self::of_bytes(bytes)),
            _ => Err(Error::config(format!("{source} must be 32 bytes in base64url"))
                .hint("generate one with `openssl rand -base64 32 | tr '+/' '-_'`")),
        }
    }

    fn of_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"oauthctl broker key id\0");
        context.update(&bytes);
        let mut id = [0; ID];
        id.copy_from_slice(&context.finish().as_ref()[..ID]);
        Self { bytes, id }
    }

    /// Returns the id of the key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the key as text, for the key file and for the record that passes it on.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(&*self.bytes))
    }

    /// Encrypts a value for a record.
    ///
    /// # Errors
    ///
    /// Returns `Internal` if the random number generator or the cipher fails.
    pub fn seal(&self, key: &Key, plain: &[u8]) -> Result<Vec<u8>> {
        let random = random(SALT + NONCE_LEN)?;
        let (salt, nonce) = random.split_at(SALT);
        let mut sealed = Vec::with_capacity(HEAD + plain.len() + 16);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&random);
        let mut body = Zeroizing::new(plain.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let tag = self
            .cipher(salt)?
            .seal_in_place_separate_tag(nonce, Aad::from(place(key)), &mut body)
            .map_err(|_| broken())?;
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Decrypts a value of a record.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it was altered, moved, or sealed with another key.
    pub fn open(&self, key: &Key, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        if key_id(sealed) != Some(self.id) || sealed.len() < HEAD {
            return Err(damaged());
        }
        let (head, body) = sealed.split_at(HEAD);
        let (salt, nonce) = head[1 + ID..].split_at(SALT);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .cipher(salt)?
            .open_in_place(nonce, Aad::from(place(key)), &mut body)
            .map_err(|_| damaged())?
            .len();
        body.truncate(length);
        Ok(body)
    }

    fn cipher(&self, salt: &[u8]) -> Result<LessSafeKey> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.bytes);
        let derived = hmac::sign(&key, salt);
        let key = UnboundKey::new(&AES_256_GCM, derived.as_ref()).map_err(|_| broken())?;
        Ok(LessSafeKey::new(key))
    }
}

/// Returns the id of the key with which a value was encrypted.
pub fn key_id(sealed: &[u8]) -> Option<KeyId> {
    let (format, rest) = sealed.split_first()?;
    (*format == FORMAT).then(|| rest.get(..ID)?.try_into().ok()).flatten()
}

/// Returns the data that is authenticated with a value: its place. The id of a connection contains its
/// provider and its user.
fn place(key: &Key) -> Vec<u8> {
    let mut place = b"oauthctl broker record 1\0".to_vec();
    place.push(key.space.number());
    for part in [&key.tenant, &key.id] {
        place.extend_from_slice(&(part.len() as u64).to_be_bytes());
        place.extend_from_slice(part.as_bytes());
    }
    place
}

/// Returns random bytes.
///
/// # Errors
///
/// Returns `Internal` if the generator fails.
pub fn random(length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    rand::fill(&mut bytes).map_err(|_| broken())?;
    Ok(bytes)
}

/// Returns 32 random bytes in base64url, for keys, links and cookies.
///
/// # Errors
///
/// See [`random`].
pub fn random_text() -> Result<String> {
    random(32).map(|bytes| URL_SAFE_NO_PAD.encode(&*bytes))
}

/// Returns 16 random bytes in base64url, for names that need not be secret.
///
/// # Errors
///
/// See [`random`].
pub fn random_name() -> Result<String> {
    random(16).map(|bytes| URL_SAFE_NO_PAD.encode(&*bytes))
}

fn broken() -> Error {
    Error::internal("the cryptographic library failed")
}

fn damaged() -> Error {
    Error::store("a record cannot be decrypted: wrong key or damaged record")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Space;

    #[test]
    fn value_opens_only_at_its_own_place() {
        let master = MasterKey::generate().unwrap();
        let here = Key::new(Space::Grants, "acme", "github/u1");
        let sealed = master.seal(&here, b"canary").unwrap();
        assert_eq!(&**master.open(&here, &sealed).unwrap(), b"canary");
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        for elsewhere in [
            Key::new(Space::Accounts, "acme", "github/u1"),
            Key::new(Space::Grants, "acm", "egithub/u1"),
            Key::new(Space::Grants, "other", "github/u1"),
            Key::new(Space::Grants, "acme", "github/u2"),
        ] {
            assert!(master.open(&elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
        assert!(MasterKey::generate().unwrap().open(&here, &sealed).is_err());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(master.open(&here, &altered).is_err(), "byte {at}");
            assert!(master.open(&here, &sealed[..at]).is_err(), "first {at} bytes");
        }
    }
}
