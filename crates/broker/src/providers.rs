//! The providers of a tenant, as they are put and shown.

use oauthctl_core::Result;
use oauthctl_core::http::Reach;
use oauthctl_core::profile::Profile;
use serde_json::{Map, Value};
use url::Url;

use crate::broker::Broker;
use crate::caller::Caller;
use crate::clock::now_seconds;
use crate::flow::build_profile;
use crate::model::Provider;
use crate::problem::Problem;
use crate::storage::{Condition, Key, Space};
use crate::tenants::check_name;
use crate::vault::{Stored, Terms};

/// The most providers of a tenant.
const MOST: usize = 500;

/// Members that are never shown.
const SECRET: &[&str] = &["client_secret", "private_key"];

fn key_of(tenant: &str, name: &str) -> Key {
    Key::new(Space::Providers, tenant, name)
}

/// Returns the names of all providers of a tenant.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn names(broker: &Broker, tenant: &str) -> Result<Vec<String>> {
    let records = broker.vault.storage().list(Space::Providers, tenant, "", None, MOST).await?;
    Ok(records.into_iter().map(|record| record.key.id).collect())
}

/// Creates or replaces a provider. Returns it, and whether it is new.
///
/// # Errors
///
/// Returns 400 for an invalid name or invalid keys, 429 for too many providers, and 503 if the store fails.
pub async fn put(
    broker: &Broker,
    caller: &Caller,
    name: &str,
    keys: Map<String, Value>,
) -> Result<(Value, bool), Problem> {
    check_name("the name of a provider", name)?;
    let tenant = &caller.tenant.name;
    let redirect_uri = broker.flow.providers.redirect_uri();
    let built = build_profile(tenant, name, &keys, redirect_uri);
    let profile = built.map_err(|error| Problem::invalid(error.message()))?;
    refuse_out_of_reach(&profile, broker.settings.reach())?;
    let key = key_of(tenant, name);
    let existing = broker.vault.get::<Provider>(&key).await?;
    let is_new = existing.is_none();
    if is_new && broker.vault.storage().count(Space::Providers, tenant, MOST).await? >= MOST {
        return Err(Problem::too_many("too many providers", 60));
    }
    let created_at = existing.map_or_else(now_seconds, |stored| stored.document.created_at);
    let provider = Provider { keys, created_at };
    broker.vault.put(key.clone(), &provider, Terms::default()).await?;
    broker.caches.forget(&key);
    Ok((shown(name, &provider), is_new))
}

/// Refuses endpoints whose hosts are addresses out of reach. Names are checked when they are resolved.
fn refuse_out_of_reach(profile: &Profile, reach: Reach) -> Result<(), Problem> {
    let e = &profile.endpoints;
    let endpoints = [
        &e.authorization,
        &e.token,
        &e.revocation,
        &e.userinfo,
        &e.pushed_authorization_request,
        &e.jwks_uri,
    ];
    let mut urls = endpoints.into_iter().chain([&profile.issuer]).flatten();
    let is_allowed = |text: &String| Url::parse(text).is_ok_and(|url| reach.allows_host(&url));
    match urls.all(is_allowed) {
        true => Ok(()),
        false => Err(Problem::invalid(
            "an endpoint has a private, link-local, loopback or other special-purpose address",
        )),
    }
}

/// Returns a provider as it is shown; `None` if there is none.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn get(broker: &Broker, tenant: &str, name: &str) -> Result<Option<Value>> {
    let found: Option<Stored<Provider>> = broker.vault.get(&key_of(tenant, name)).await?;
    Ok(found.map(|stored| shown(name, &stored.document)))
}

/// Removes a provider that has no connections. Returns whether there was one.
///
/// # Errors
///
/// Returns 409 if it has connections, and 503 if the store fails.
pub async fn delete(broker: &Broker, tenant: &str, name: &str) -> Result<bool, Problem> {
    let storage = broker.vault.storage();
    let prefix = format!("{name}/");
    if !storage.list(Space::Grants, tenant, &prefix, None, 1).await?.is_empty() {
        return Err(Problem::conflict("provider_in_use", "The provider has connections")
            .detail("delete its connections first"));
    }
    let key = key_of(tenant, name);
    let removed = storage.delete(&key, Condition::Always).await?;
    broker.caches.forget(&key);
    Ok(removed)
}

/// Returns a provider without its secrets.
fn shown(name: &str, provider: &Provider) -> Value {
    let mut shown = Map::new();
    shown.insert("provider".to_owned(), name.into());
    for (key, value) in &provider.keys {
        match key.as_str() {
            secret if SECRET.contains(&secret) => {
                shown.insert(format!("has_{secret}"), true.into());
            }
            "provider" => drop(shown.insert("preset".to_owned(), value.clone())),
            _ => drop(shown.insert(key.clone(), value.clone())),
        }
    }
    Value::Object(shown)
}
