//! A second way to the key of a file, for this program alone.
//!
//! A file is encrypted to the recipient of the store (X25519), so that the `age` program decrypts it. The two scalar
//! multiplications for that take most of the time in which a stored record is read. Each header therefore has another
//! stanza as well, with the same file key, encrypted with a symmetric key that is derived from the identity. `age` ignores
//! stanzas that it does not know. A file without the stanza is decrypted through X25519.

use std::collections::HashSet;

use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::aead_encrypt;
use age_core::secrecy::ExposeSecret;
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use zeroize::Zeroizing;

use crate::digest::derive_key;
use crate::store::age_file::decrypt_chunk;

/// The type of the stanza.
const TAG: &str = "oauthctl-symmetric";
/// Length of the salt, in bytes.
const SALT: usize = 16;
const INFO: &[u8] = b"oauthctl file store: wrapping of a file key, version 1";

/// A symmetric key that encrypts file keys. Each is encrypted with a key of its own, derived with a random salt (HKDF,
/// RFC 5869).
pub(super) struct Wrapping(Zeroizing<[u8; 32]>);

impl Wrapping {
    pub(super) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    fn derived(&self, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, Unspecified> {
        derive_key(salt, INFO, self.0.as_slice())
    }
}

impl age::Recipient for Wrapping {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let mut salt = [0; SALT];
        let key = aws_lc_rs::rand::fill(&mut salt).and_then(|()| self.derived(&salt));
        let key =
            key.map_err(|_| EncryptError::Io(std::io::Error::other("no key for the file key")))?;
        let body = aead_encrypt(&key, file_key.expose_secret());
        let stanza = Stanza { tag: TAG.to_owned(), args: vec![BASE64.encode(salt)], body };
        Ok((vec![stanza], HashSet::new()))
    }
}

impl age::Identity for Wrapping {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let [salt] = stanza.args.as_slice() else { return None };
        if stanza.tag != TAG {
            return None;
        }
        let salt = BASE64.decode(salt).ok().filter(|salt| salt.len() == SALT)?;
        // A stanza of another key does not decrypt. The one for X25519 may do so all the same.
        let mut opened = Zeroizing::new([0; FILE_KEY_BYTES]);
        let key = self.derived(&salt).ok()?;
        decrypt_chunk(&key, [0; 12], &stanza.body, opened.as_mut())?;
        Some(Ok(FileKey::init_with_mut(|key| key.copy_from_slice(opened.as_slice()))))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn encrypted(recipients: &[&dyn age::Recipient]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let to = age::Encryptor::with_recipients(recipients.iter().copied()).unwrap();
        let mut writer = to.wrap_output(&mut bytes).unwrap();
        writer.write_all(b"text").unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn decrypted(identity: &dyn age::Identity, file: &[u8]) -> Option<String> {
        let file = age::Decryptor::new_buffered(file).unwrap();
        let mut text = String::new();
        file.decrypt(std::iter::once(identity)).ok()?.read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn file_key_is_unwrapped_with_its_key_alone() {
        let identity = age::x25519::Identity::generate();
        let wrapping = Wrapping::new(Zeroizing::new([7; 32]));
        let file = encrypted(&[&identity.to_public(), &wrapping]);
        assert_eq!(decrypted(&wrapping, &file).as_deref(), Some("text"));
        assert_eq!(decrypted(&identity, &file).as_deref(), Some("text"));
        assert_eq!(decrypted(&Wrapping::new(Zeroizing::new([8; 32])), &file), None);
    }

    #[test]
    fn each_file_has_a_salt_of_its_own() {
        let wrapping = Wrapping::new(Zeroizing::new([7; 32]));
        let salt = |file: Vec<u8>| {
            let text = String::from_utf8_lossy(&file).into_owned();
            let line = text.lines().find(|line| line.starts_with("-> oauthctl")).unwrap();
            line.rsplit(' ').next().unwrap().to_owned()
        };
        assert_ne!(salt(encrypted(&[&wrapping])), salt(encrypted(&[&wrapping])));
    }

    #[test]
    fn malformed_stanza_is_passed_over() {
        let wrapping = Wrapping::new(Zeroizing::new([7; 32]));
        let stanza = |tag: &str, args: &[&str], body: &[u8]| Stanza {
            tag: tag.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            body: body.to_vec(),
        };
        let salt = "AAAAAAAAAAAAAAAAAAAAAA";
        for odd in [
            stanza("X25519", &[salt], &[0; 32]),
            stanza(TAG, &[], &[0; 32]),
            stanza(TAG, &[salt, salt], &[0; 32]),
            stanza(TAG, &["AAAA"], &[0; 32]),
            stanza(TAG, &["*"], &[0; 32]),
            stanza(TAG, &[salt], &[0; 31]),
            stanza(TAG, &[salt], &[0; 32]),
        ] {
            assert!(age::Identity::unwrap_stanza(&wrapping, &odd).is_none(), "{odd:?}");
        }
    }
}
