//! Signatures according to Standard Webhooks: HMAC-SHA-256 over id, time and body.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oauthctl_core::{Error, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::keys::random;

/// Prefix of every secret, in the form that receivers use.
const PREFIX: &str = "whsec_";

/// A secret that signs. Its `Debug` output is redacted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SigningSecret {
    #[serde(with = "oauthctl_core::secret::exposed")]
    key: Secret,
    /// When it ends, in Unix seconds.
    #[serde(default)]
    ends_at: Option<u64>,
}

impl SigningSecret {
    /// Generates a secret of 32 bytes.
    ///
    /// # Errors
    ///
    /// Returns `Internal` if the random number generator fails.
    pub fn generate() -> Result<Self> {
        Ok(Self { key: Secret::new(STANDARD.encode(&*random(32)?)), ends_at: None })
    }

    /// Sets when the secret ends, in Unix seconds.
    #[must_use]
    pub fn until(self, ends_at: u64) -> Self {
        Self { ends_at: Some(ends_at), ..self }
    }

    /// Returns the secret in the form that receivers use.
    pub fn shown(&self) -> String {
        format!("{PREFIX}{}", self.key.expose())
    }

    fn sign(&self, content: &[u8]) -> Result<String> {
        let key = STANDARD.decode(self.key.expose());
        let key = key.map_err(|_| Error::store("a signing secret is damaged"))?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content);
        Ok(format!("v1,{}", STANDARD.encode(tag)))
    }
}

/// Returns the headers of a message that is sent now: one signature for each secret that has not ended.
///
/// # Errors
///
/// Returns `Store` if a secret is damaged.
pub fn headers(
    secrets: &[SigningSecret],
    id: &str,
    now: u64,
    body: &str,
) -> Result<Vec<(String, String)>> {
    let content = format!("{id}.{now}.{body}");
    let valid = secrets.iter().filter(|secret| secret.ends_at.is_none_or(|end| now < end));
    let signatures: Vec<String> =
        valid.map(|secret| secret.sign(content.as_bytes())).collect::<Result<_>>()?;
    Ok([
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", now.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into())
}
