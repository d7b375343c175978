//! What the requests of a grant contain besides the client and the scopes: tokens, passwords, hints. Also
//! the list of all secrets that a profile refers to.

use super::{Profile, SecretSource};

/// The URI that a short name of a token type is short for.
const TYPE_PREFIX: &str = "urn:ietf:params:oauth:token-type:";

/// The type of an identity assertion (RFC 8693, section 2.2.1; OAuth Identity Assertion Authorization Grant).
pub(crate) const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// The registered token types by their short names.
const TYPES: [(&str, &str); 8] = [
    ("access_token", "access_token"),
    ("refresh_token", "refresh_token"),
    ("id_token", "id_token"),
    ("saml1", "saml1"),
    ("saml2", "saml2"),
    ("jwt", "jwt"),
    ("id_jag", "id-jag"),
    ("id-jag", "id-jag"),
];

/// Returns the URI of a token type that is written in full or by its short name.
///
/// # Errors
///
/// Returns why it is neither.
pub(crate) fn token_type(text: &str) -> Result<String, String> {
    if let Some((_, short)) = TYPES.iter().find(|(name, _)| *name == text) {
        return Ok(format!("{TYPE_PREFIX}{short}"));
    }
    let is_uri = text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty() && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    if is_uri && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    let names: Vec<String> =
        TYPES.iter().filter(|(n, _)| *n != "id-jag").map(|(n, _)| format!("`{n}`")).collect();
    Err(format!("must be {} or a URI", names.join(", ")))
}

/// Returns the type of a token whose type is not configured.
pub(crate) fn type_of(source: &SecretSource, token: &str) -> String {
    let short = match source {
        SecretSource::Profile { id_token: true, .. } => "id_token",
        SecretSource::Profile { .. } => "access_token",
        _ if is_jwt(token) => "jwt",
        _ => "access_token",
    };
    format!("{TYPE_PREFIX}{short}")
}

/// Returns whether a token looks like a signed JWT: three parts, the first of which is a JSON object.
fn is_jwt(token: &str) -> bool {
    token.starts_with("eyJ") && token.split('.').count() == 3
}

impl Profile {
    /// Returns every secret that the profile refers to, with its configuration key.
    pub(crate) fn secret_sources(&self) -> impl Iterator<Item = (&'static str, &SecretSource)> {
        let (client, inputs) = (&self.client, &self.inputs);
        [
            ("client_secret", &client.secret),
            ("private_key", &client.private_key),
            ("client_assertion", &client.assertion),
            ("certificate", &client.certificate),
            ("service_account", &inputs.service_account),
            ("subject_token", &inputs.subject_token),
            ("actor_token", &inputs.actor_token),
            ("username", &inputs.username),
            ("password", &inputs.password),
        ]
        .into_iter()
        .filter_map(|(key, source)| Some((key, source.as_ref()?)))
    }

    /// Returns the profiles whose tokens this one is obtained with, with the keys that name them.
    pub fn sources(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let tokens = self.secret_sources().filter_map(|(key, source)| match source {
            SecretSource::Profile { name, .. } => Some((key, name.as_str())),
            _ => None,
        });
        tokens.chain(self.inputs.idp.as_deref().map(|idp| ("idp", idp)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_type_is_a_short_name_or_a_uri() {
        let full = "urn:ietf:params:oauth:token-type:jwt";
        assert_eq!(token_type("jwt").as_deref(), Ok(full));
        assert_eq!(token_type(full).as_deref(), Ok(full));
        assert_eq!(token_type("id_jag").as_deref(), Ok(ID_JAG));
        assert_eq!(token_type("https://as.example/t").as_deref(), Ok("https://as.example/t"));
        for bad in ["", "jwts", "urn:", ":x", "urn:a b", "1:x"] {
            assert!(token_type(bad).is_err(), "{bad}");
        }
    }
}
