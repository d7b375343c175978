//! Google's service-account files, as they are downloaded.

use serde::Deserialize;

use super::signing_key::SigningKey;
use crate::error::{Error, Result};
use crate::profile::endpoint;
use crate::secret::Secret;
use crate::text::one_line;

/// The members of the file that are used.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    private_key: Option<Secret>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

/// A service account: who it is, its key, and where its tokens are requested.
#[derive(Debug)]
pub(crate) struct ServiceAccount {
    /// Its email address, the issuer and subject of its assertions.
    pub email: String,
    /// Its key, with the id of the file.
    pub key: SigningKey,
    /// The token endpoint.
    pub token_uri: String,
}

impl ServiceAccount {
    /// Reads a service-account file.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if it is not one; the message quotes no secret.
    pub(crate) fn read(text: &Secret) -> Result<Self> {
        let text = text.expose().trim_start_matches('\u{feff}').trim();
        let file: File = serde_json::from_str(text)
            .map_err(|_| bad("is not the JSON file of a service account"))?;
        if let Some(kind) = file.kind.as_deref().filter(|kind| *kind != "service_account") {
            let what = format!("has the type `{}` instead of `service_account`", one_line(kind));
            return Err(bad(&what));
        }
        let required = |value: Option<String>, name: &str| {
            value
                .filter(|value| !value.is_empty() && !value.chars().any(char::is_control))
                .ok_or_else(|| bad(&format!("has no `{name}`")))
        };
        let email = required(file.client_email, "client_email")?;
        let token_uri = required(file.token_uri, "token_uri")?;
        endpoint::check(&token_uri).map_err(|why| bad(&format!("has a `token_uri` that {why}")))?;
        let key = file.private_key.ok_or_else(|| bad("has no `private_key`"))?;
        let key = SigningKey::read(&key)?.with_kid(file.private_key_id);
        Ok(Self { email, key, token_uri })
    }
}

fn bad(why: &str) -> Error {
    Error::config(format!("the service-account file {why}"))
        .hint("use the JSON key file that the Google Cloud console creates for a service account")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_of_another_kind_is_refused() {
        for (text, why) in [
            ("", "is not the JSON file"),
            ("[]", "is not the JSON file"),
            ("{}", "has no `client_email`"),
            (r#"{"type":"external_account"}"#, "type `external_account`"),
            (r#"{"client_email":"a@b","token_uri":"http://a.example/"}"#, "`token_uri` that must"),
            (r#"{"client_email":"a\nb","token_uri":"https://a.example/"}"#, "no `client_email`"),
            (r#"{"client_email":"a@b","token_uri":"https://a.example/"}"#, "no `private_key`"),
        ] {
            let error = ServiceAccount::read(&Secret::new(text)).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config);
            assert!(error.message().contains(why), "{text}: {error}");
        }
        let bad_key =
            r#"{"client_email":"a@b","token_uri":"https://a.example/","private_key":"x"}"#;
        let error = ServiceAccount::read(&Secret::new(bad_key)).unwrap_err();
        assert!(error.message().contains("private key"), "{error}");
    }
}
