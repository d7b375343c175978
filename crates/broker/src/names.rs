//! The ids of records. They contain no user reference and no secret: both are hashed with a key of the
//! installation, so a list of ids cannot be tested against guesses.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// Length of a hashed user, in bytes.
const USER: usize = 24;

/// Creates the ids of records.
pub struct Names {
    key: hmac::Key,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names(…)")
    }
}

impl Names {
    /// Creates the ids of an installation from its secret.
    pub fn new(secret: &Zeroizing<Vec<u8>>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// Returns the id of a connection: the provider, and the hashed user.
    pub fn connection(&self, tenant: &str, provider: &str, user: &str) -> String {
        format!("{provider}/{}", self.hashed("user", &[tenant, user]))
    }

    /// Returns a hash that only a caller who knows exactly these parts can compute.
    pub fn hashed(&self, purpose: &str, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for part in std::iter::once(&purpose).chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(&context.sign().as_ref()[..USER])
    }
}

/// Returns the id under which a random secret is stored: its SHA-256, in base64url.
pub fn of_secret(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, secret.as_bytes()))
}
