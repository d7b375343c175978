//! The providers of all tenants, as profiles of the core.

use std::sync::Arc;

use oauthctl_core::flow::{Profiles, check_signing_key};
use oauthctl_core::port::BoxFuture;
use oauthctl_core::profile::{GrantType, Profile, presets};
use oauthctl_core::{Error, Result, Secret};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::cache::Caches;
use crate::model::Provider;
use crate::rules;
use crate::storage::{Key, Space};
use crate::vault::Vault;

/// Keys of a profile that make sense only on the machine of a user, that name files or programs of the server, or
/// that the broker sets itself.
const REFUSED: &[&str] = &[
    "redirect_uri",
    "hooks",
    "write_back",
    "ca_file",
    "store",
    "flow",
    "timeout",
    "client_assertion",
    "client_id_metadata_url",
    "service_account",
    "subject_token",
    "actor_token",
    "username",
    "password",
];

/// Keys with secrets, which contain the secret itself: a reference would name a file, a variable or a program of the
/// server. None is ever shown; a certificate may have its private key beside it.
pub const SECRETS: &[&str] = &["client_secret", "private_key", "certificate"];

/// The path of the common redirect URI.
const CALLBACK: &str = "/callback";

/// The providers.
pub struct Providers {
    vault: Arc<Vault>,
    caches: Arc<Caches>,
    redirect_uri: String,
}

impl Providers {
    /// Creates the source of profiles of a broker with this origin.
    pub fn new(vault: Arc<Vault>, caches: Arc<Caches>, origin: &str) -> Self {
        Self { vault, caches, redirect_uri: format!("{origin}{CALLBACK}") }
    }

    /// Returns the profile of a provider; `None` if the tenant has none of this name.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails, and `Config` for a provider that cannot be read or that this version does not
    /// accept.
    pub async fn profile(&self, tenant: &str, provider: &str) -> Result<Option<Arc<Profile>>> {
        let key = Key::new(Space::Providers, tenant, provider);
        if self.caches.is_fresh()
            && let Some(profile) = self.caches.profiles.get(&key)
        {
            return Ok(Some(profile));
        }
        let seen = self.caches.profiles.epoch(&key);
        let Some(stored) = self.vault.inspect::<Provider>(&key).await? else { return Ok(None) };
        // The store works. Nothing but another provider of this name helps.
        let stored = stored.map_err(|_| Error::config("the stored provider cannot be read"))?;
        let mut stored = stored.document;
        check_keys(&stored.keys)?;
        let rules = rules::moments(&self.vault, tenant, provider).await?;
        // `rules::hooks` runs them, not a command.
        let hooks: Map<String, Value> =
            rules.into_iter().map(|moment| (moment.name().to_owned(), json!(["rule"]))).collect();
        stored.keys.insert("hooks".to_owned(), hooks.into());
        let mut profile = with_keys(tenant, provider, &stored.keys, &self.redirect_uri)?;
        profile.redirect_uris = vec![self.redirect_uri_of(&profile, &stored).parse()?];
        let profile = Arc::new(profile);
        self.caches.profiles.insert(key, seen, Arc::clone(&profile));
        Ok(Some(profile))
    }

    /// Returns the common redirect URI, for servers whose responses identify them.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Returns the redirect URI of this provider alone. It is not below the common one, because some servers
    /// accept every URI below a registered one.
    pub fn own_redirect_uri(&self, tenant: &str, provider: &str) -> String {
        let origin = self.redirect_uri.strip_suffix(CALLBACK).unwrap_or(&self.redirect_uri);
        format!("{origin}/connect/{tenant}/{provider}{CALLBACK}")
    }

    /// Returns the redirect URI of this provider, as far as it is known without a request to the server.
    pub fn redirect_uri_of(&self, profile: &Profile, stored: &Provider) -> String {
        let has_no_iss = stored.without_iss.is_some() && stored.without_iss == profile.issuer;
        match stored.own_callback || has_no_iss || !profile.can_share_redirect_uri(true) {
            true => {
                let (tenant, provider) = profile.name.split_once('/').unwrap_or_default();
                self.own_redirect_uri(tenant, provider)
            }
            false => self.redirect_uri.clone(),
        }
    }
}

impl Profiles for Providers {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Profile>>>> {
        Box::pin(async move {
            let Some((tenant, provider)) = name.split_once('/') else { return Ok(None) };
            self.profile(tenant, provider).await
        })
    }

    /// The core needs no list, because each response says which URI received it. Tenants must not learn the names
    /// of others.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Arc<Profile>>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// Builds the profile of a provider from the tenant's settings.
///
/// # Errors
///
/// Returns `Config` for keys that are unknown, not allowed here, invalid or missing.
pub fn build(
    tenant: &str,
    provider: &str,
    keys: &Map<String, Value>,
    redirect_uri: &str,
) -> Result<Profile> {
    check_keys(keys)?;
    let profile = with_keys(tenant, provider, keys, redirect_uri)?;
    check_signing_key(&profile)?;
    Ok(profile)
}

fn check_keys(keys: &Map<String, Value>) -> Result<()> {
    if let Some(key) = REFUSED.iter().find(|key| keys.contains_key(**key)) {
        return Err(Error::config(format!("`{key}` cannot be set for a provider of the broker")));
    }
    SECRETS.iter().try_for_each(|key| secret(keys, key).map(drop))
}

/// Returns the secret that a key contains: text, or a JWK as an object.
fn secret(keys: &Map<String, Value>, key: &str) -> Result<Option<Secret>> {
    match keys.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(Secret::new(text.as_str()))),
        Some(Value::Object(jwk)) if key == "private_key" && jwk.contains_key("kty") => {
            let text = serde_json::to_string(jwk).map(Zeroizing::new);
            let text = text.map_err(|_| Error::config("`private_key` is not a JWK"))?;
            Ok(Some(Secret::new(text.as_str())))
        }
        Some(_) if key == "private_key" => {
            Err(Error::config("`private_key` must be a string or a JWK"))
        }
        Some(_) => Err(Error::config(format!("`{key}` must be a string"))),
    }
}

fn with_keys(
    tenant: &str,
    provider: &str,
    keys: &Map<String, Value>,
    redirect_uri: &str,
) -> Result<Profile> {
    let text = |key: &str| keys.get(key).and_then(Value::as_str);
    let client_id = text("client_id").unwrap_or_default();
    let mut builder = Profile::builder(format!("{tenant}/{provider}"), client_id);
    builder = builder.redirect_uri(redirect_uri);
    if let Some(preset) = preset(provider, text("provider")) {
        builder = builder.provider(preset);
    }
    for (key, value) in keys {
        if !["client_id", "provider"].contains(&key.as_str()) && !SECRETS.contains(&key.as_str()) {
            builder = builder.key(key, value.clone());
        }
    }
    if let Some(value) = secret(keys, "client_secret")? {
        builder = builder.client_secret(value);
    }
    if let Some(key) = secret(keys, "private_key")? {
        builder = builder.private_key(key);
    }
    if let Some(certificate) = secret(keys, "certificate")? {
        builder = builder.certificate(certificate);
    }
    let profile = builder.build()?;
    match profile.grant {
        GrantType::AuthorizationCode => Ok(profile),
        other => Err(Error::config(format!(
            "a provider of the broker needs the grant `authorization_code`, not `{}`",
            other.as_str()
        ))),
    }
}

/// Returns the preset that is named, else the one with the provider's own name.
fn preset<'a>(provider: &'a str, named: Option<&'a str>) -> Option<&'a str> {
    match named {
        Some(named) if named == provider && presets::find(named).is_none() => None,
        Some(named) => Some(named),
        None => presets::find(provider).map(|_| provider),
    }
}
