//! Builds profiles in code, for programs without a configuration file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::config_file::ConfigFile;
use super::{GrantType, Profile, SecretSource};
use crate::Secret;
use crate::error::{Error, Result};

/// Builds a [`Profile`] from the keys that a configuration file has, with the same presets, defaults and checks.
///
/// ```
/// use oauthctl_core::profile::Profile;
///
/// let profile = Profile::builder("gitlab", "4711")
///     .issuer("https://gitlab.example")
///     .scopes(["openid", "read_api"])
///     .redirect_uri("https://app.example/callback")
///     .key("par", "always")
///     .build()?;
/// assert_eq!(profile.name, "gitlab");
/// # Ok::<(), oauthctl_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct ProfileBuilder {
    name: String,
    keys: Map<String, Value>,
    /// The sources of the client's secrets, by their keys.
    secrets: BTreeMap<&'static str, SecretSource>,
}

impl std::fmt::Debug for ProfileBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProfileBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Profile {
    /// Starts a profile of this name, for a client of this id.
    pub fn builder(name: impl Into<String>, client_id: impl Into<String>) -> ProfileBuilder {
        ProfileBuilder { name: name.into(), keys: Map::new(), secrets: BTreeMap::new() }
            .key("client_id", client_id.into())
    }
}

impl ProfileBuilder {
    /// Bases the profile on a provider's preset.
    pub fn provider(self, preset: impl Into<String>) -> Self {
        self.key("provider", preset.into())
    }

    /// Sets the issuer.
    pub fn issuer(self, url: impl Into<String>) -> Self {
        self.key("issuer", url.into())
    }

    /// Sets the authorization endpoint, for a server without metadata.
    pub fn authorization_endpoint(self, url: impl Into<String>) -> Self {
        self.key("authorization_endpoint", url.into())
    }

    /// Sets the token endpoint, for a server without metadata.
    pub fn token_endpoint(self, url: impl Into<String>) -> Self {
        self.key("token_endpoint", url.into())
    }

    /// Sets the client secret.
    pub fn client_secret(self, secret: Secret) -> Self {
        self.secret("client_secret", SecretSource::Inline(secret))
    }

    /// Sets where the client secret is read from each time it is needed. The manager's
    /// [`Secrets`](crate::flow::Secrets) resolve it.
    pub fn client_secret_from(self, source: SecretSource) -> Self {
        self.secret("client_secret", source)
    }

    /// Sets the private key, PEM or JWK: of `private_key_jwt`, DPoP and the client certificate.
    pub fn private_key(self, key: Secret) -> Self {
        self.secret("private_key", SecretSource::Inline(key))
    }

    /// Sets the client certificate, PEM (RFC 8705).
    pub fn certificate(self, certificate: Secret) -> Self {
        self.secret("certificate", SecretSource::Inline(certificate))
    }

    fn secret(mut self, key: &'static str, source: SecretSource) -> Self {
        self.secrets.insert(key, source);
        self
    }

    /// Sets the grant type; without it, it is `authorization_code`, or that of the preset.
    pub fn grant(self, grant: GrantType) -> Self {
        self.key("grant", grant.as_str())
    }

    /// Sets the scopes to request.
    pub fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.key("scopes", scopes.into_iter().map(Into::into).collect::<Vec<String>>())
    }

    /// Sets the redirect URI.
    pub fn redirect_uri(self, uri: impl Into<String>) -> Self {
        self.key("redirect_uri", uri.into())
    }

    /// Sets another key of a profile to a value as in a configuration file: `par` to `"always"`, or `hooks` to an
    /// object. A key that is set twice has the last value.
    pub fn key(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.keys.insert(name.into(), value.into());
        self
    }

    /// Validates the profile, and returns it.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an unknown key, an invalid value, and keys that are missing or contradict each other.
    pub fn build(self) -> Result<Profile> {
        let Self { name, mut keys, secrets } = self;
        for key in secrets.keys() {
            // A secret has no place in the text that is validated: a reference stands for it.
            keys.insert((*key).to_owned(), json!({ "env": "CLIENT_SECRET" }));
        }
        let profiles = json!({ "profiles": { name.as_str(): keys } });
        let invalid = |why: String| Error::config(format!("the profile is invalid: {why}"));
        let text = toml::to_string(&profiles).map_err(|error| invalid(error.to_string()))?;
        let file = ConfigFile::of_text(Path::new("the profile"), &text);
        let config =
            file.parse_unsaved().map_err(|error| error.context("the profile is invalid"))?;
        let mut profile = config.profile(&name)?.clone();
        for (key, source) in secrets {
            let place = match key {
                "private_key" => &mut profile.client.private_key,
                "certificate" => &mut profile.client.certificate,
                _ => &mut profile.client.secret,
            };
            *place = Some(source);
        }
        Ok(profile)
    }
}
