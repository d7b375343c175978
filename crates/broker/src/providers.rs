//! The providers of a tenant, as they are set and shown.

use std::time::Duration;

use oauthctl_core::http::Reach;
use oauthctl_core::profile::Profile;
use oauthctl_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::{Map, Value, json};
use url::Url;
use utoipa::ToSchema;

use crate::broker::Broker;
use crate::caller::Caller;
use crate::clock::now_seconds;
use crate::flow::{SECRETS, build_profile};
use crate::limits::Turn;
use crate::model::{Link, Provider, Tenant};
use crate::problem::Problem;
use crate::quota;
use crate::storage::{Condition, Key, Space, Written};
use crate::tenants::check_name;
use crate::vault::{Stored, Terms};

/// The key with which a tenant requests a redirect URI for this provider alone.
const OWN_CALLBACK: &str = "own_callback";

/// How long a server may take to show whether its responses have `iss`.
const LONGEST_QUESTION: Duration = Duration::from_secs(3);

/// A page of providers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderPage {
    /// The providers, by name.
    #[schema(value_type = Vec<Object>)]
    pub providers: Vec<Value>,
    /// The cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

fn key_of(tenant: &str, name: &str) -> Key {
    Key::new(Space::Providers, tenant, name)
}

/// Returns the names of all providers of a tenant.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn names(broker: &Broker, tenant: &str) -> Result<Vec<String>> {
    let records =
        broker.vault.storage().list(Space::Providers, tenant, "", None, quota::PROVIDERS).await?;
    Ok(records.into_iter().map(|record| record.key.id).collect())
}

/// Creates or replaces a provider. Returns it, and whether it is new.
///
/// # Errors
///
/// Returns 400 for an invalid name or invalid keys, 403 for too many providers, and 503 if the store fails.
pub async fn put(
    broker: &Broker,
    caller: &Caller,
    name: &str,
    mut keys: Map<String, Value>,
) -> Result<(Value, bool), Problem> {
    check_name("the name of a provider", name)?;
    let tenant = &caller.tenant.name;
    let own_callback = take_own_callback(&mut keys)?;
    let redirect_uri = broker.flow.providers.redirect_uri();
    let built = build_profile(tenant, name, &keys, redirect_uri);
    let profile = built.map_err(|error| Problem::invalid(error.message()))?;
    refuse_out_of_reach(&profile, broker.settings.reach())?;
    let checked = broker.flow.certificates.check(&profile).await;
    checked.map_err(|error| Problem::invalid(error.message()))?;
    let key = key_of(tenant, name);
    let work = |condition| write(broker, &caller.tenant, &key, (keys, own_callback), condition);
    let (mut provider, revision, is_new) =
        Turn::run(&broker.vault, Space::Providers, tenant, work).await?;
    if is_iss_unknown(broker, &profile, &provider) && lacks_iss(broker, &profile).await {
        provider.without_iss = profile.issuer.clone();
        save(broker, &key, &provider, Condition::Revision(revision)).await?;
    }
    Ok((shown(broker, name, &profile, &provider), is_new))
}

/// Writes a provider in the turn of its tenant. Returns it, its revision, and whether it is new.
async fn write(
    broker: &Broker,
    tenant: &Tenant,
    key: &Key,
    (keys, own_callback): (Map<String, Value>, bool),
    condition: Condition,
) -> Result<(Provider, u64, bool), Problem> {
    let existing = broker.vault.inspect::<Provider>(key).await?;
    let is_new = existing.is_none();
    // One that cannot be read is replaced.
    let existing = existing.and_then(Result::ok).map(|stored| stored.document);
    if is_new {
        quota::check_provider(&broker.vault, tenant).await?;
    }
    let created_at = existing.as_ref().map_or_else(now_seconds, |provider| provider.created_at);
    let without_iss = existing.and_then(|provider| provider.without_iss);
    let provider = Provider { keys, created_at, own_callback, without_iss };
    match save(broker, key, &provider, condition).await? {
        Written::Stored(revision) => Ok((provider, revision, is_new)),
        Written::Refused => Err(Error::store("the store took too long").into()),
    }
}

/// Writes a provider. If another request has replaced it meanwhile, that one wins.
async fn save(
    broker: &Broker,
    key: &Key,
    provider: &Provider,
    condition: Condition,
) -> Result<Written> {
    let written = broker.vault.put(key.clone(), provider, Terms::only_if(condition)).await?;
    forget(broker, key);
    Ok(written)
}

/// Removes the only key that is not a key of profiles, and returns its value.
fn take_own_callback(keys: &mut Map<String, Value>) -> Result<bool, Problem> {
    match keys.remove(OWN_CALLBACK) {
        None => Ok(false),
        Some(Value::Bool(own)) => Ok(own),
        Some(_) => Err(Problem::invalid("`own_callback` must be true or false")),
    }
}

/// Returns whether the redirect URI depends on what the server's metadata says.
fn is_iss_unknown(broker: &Broker, profile: &Profile, provider: &Provider) -> bool {
    let providers = &broker.flow.providers;
    !profile.can_share_redirect_uri(false)
        && providers.redirect_uri_of(profile, provider) == providers.redirect_uri()
}

/// Checks whether the responses of a server lack `iss`. If the server does not respond, the check is repeated
/// when a user connects.
async fn lacks_iss(broker: &Broker, profile: &Profile) -> bool {
    let server = broker.flow.manager.server(&profile.name);
    let server = tokio::time::timeout(LONGEST_QUESTION, server).await;
    matches!(server, Ok(Ok(server)) if !server.iss_parameter_supported)
}

/// Records the redirect URI of a flow, because it is registered at the server.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn keep_redirect_uri(broker: &Broker, link: &Link, used: &str) -> Result<()> {
    let profile = broker.flow.providers.profile(&link.tenant, &link.provider).await?;
    let Some(profile) = profile else { return Ok(()) };
    if profile.redirect_uris.iter().any(|uri| uri.text == used) {
        return Ok(());
    }
    let key = key_of(&link.tenant, &link.provider);
    let Some(stored) = broker.vault.get::<Provider>(&key).await? else { return Ok(()) };
    let provider = Provider { without_iss: profile.issuer.clone(), ..stored.document };
    save(broker, &key, &provider, Condition::Revision(stored.revision)).await.map(drop)
}

/// Refuses endpoints whose hosts are addresses that are not allowed. Host names are checked when they are
/// resolved.
fn refuse_out_of_reach(profile: &Profile, reach: Reach) -> Result<(), Problem> {
    let mut urls = profile.endpoints.urls().chain(&profile.issuer);
    let is_allowed = |text: &String| Url::parse(text).is_ok_and(|url| reach.allows_host(&url));
    match urls.all(is_allowed) {
        true => Ok(()),
        false => Err(Problem::invalid(
            "an endpoint has a private, link-local, loopback or other special-purpose address, and the operator has not \
             set `allow_private_endpoints`",
        )),
    }
}

/// Returns a provider without its secrets; `None` if there is none.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn get(broker: &Broker, tenant: &str, name: &str) -> Result<Option<Value>> {
    let profile = broker.flow.providers.profile(tenant, name).await?;
    let found: Option<Stored<Provider>> = broker.vault.get(&key_of(tenant, name)).await?;
    let (Some(found), Some(profile)) = (found, profile) else { return Ok(None) };
    Ok(Some(shown(broker, name, &profile, &found.document)))
}

/// Returns the providers of a tenant that follow this name, as they are shown, with the name to continue from. One that
/// cannot be read or that this version does not accept has its name and an error.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn list(
    broker: &Broker,
    tenant: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<ProviderPage> {
    let storage = broker.vault.storage();
    // One more says whether there is a next page.
    let mut found = storage.list(Space::Providers, tenant, "", after, limit + 1).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| has_more).map(|record| record.key.id.clone());
    let mut providers = Vec::with_capacity(found.len());
    for record in found {
        let name = &record.key.id;
        match get(broker, tenant, name).await {
            Ok(provider) => providers.extend(provider),
            Err(error) if error.kind() == ErrorKind::Config => {
                // Which of its keys are secret is not known either.
                let word = Problem::from(error).error();
                providers.push(json!({ "provider": name, "error": word }));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(ProviderPage { providers, next_cursor })
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
    forget(broker, &key);
    Ok(removed)
}

/// Drops what this process keeps of a provider that was written or removed.
fn forget(broker: &Broker, key: &Key) {
    broker.caches.forget(key);
    broker.flow.certificates.forget(&format!("{}/{}", key.tenant, key.id));
}

/// Returns a provider without its secrets.
fn shown(broker: &Broker, name: &str, profile: &Profile, provider: &Provider) -> Value {
    let mut shown = Map::new();
    shown.insert("provider".to_owned(), name.into());
    let redirect_uri = broker.flow.providers.redirect_uri_of(profile, provider);
    shown.insert("redirect_uri".to_owned(), redirect_uri.into());
    if provider.own_callback {
        shown.insert(OWN_CALLBACK.to_owned(), true.into());
    }
    for (key, value) in &provider.keys {
        match key.as_str() {
            secret if SECRETS.contains(&secret) => {
                shown.insert(format!("has_{secret}"), true.into());
            }
            "provider" => drop(shown.insert("preset".to_owned(), value.clone())),
            _ => drop(shown.insert(key.clone(), value.clone())),
        }
    }
    Value::Object(shown)
}
