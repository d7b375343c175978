//! Tenants and their API keys.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::{Error, Result, Secret, text};

use crate::cache::Caches;
use crate::caller::Caller;
use crate::clock::now_seconds;
use crate::keys::random_text;
use crate::model::{ApiKey, Quota, Tenant};
use crate::names::of_secret;
use crate::redirects;
use crate::storage::{Condition, Key, Space, Written};
use crate::vault::{Terms, Vault};

/// Prefix of every API key, by which scanners for leaked secrets recognize it.
const PREFIX: &str = "oak_";

/// Maximum number of tenants and keys in a list.
const MOST: usize = 10_000;

/// Validates the name of a tenant, a provider or a webhook.
///
/// # Errors
///
/// Returns `Usage` for a name that is not 1 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or digit.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let is_inner = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    let begins = name.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if begins && name.len() <= 64 && name.bytes().all(is_inner) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{what} must consist of 1 to 64 letters, digits, `.`, `_` and `-`, and begin with a letter or a digit"
    )))
}

/// Validates the name of an application for its end users, and returns it.
fn check_title(title: &str) -> Result<String> {
    let is_short = (1..=80).contains(&title.chars().count());
    if is_short && !title.chars().any(char::is_control) && !title.trim().is_empty() {
        return Ok(title.to_owned());
    }
    Err(Error::usage("the title must be 1 to 80 characters long, without control characters"))
}

/// Returns the record of a tenant.
pub fn tenant_record(name: &str) -> Key {
    Key::new(Space::Tenants, "", name)
}

fn unknown(name: &str) -> Error {
    Error::config(format!("unknown tenant `{}`", text::one_line(name)))
}

/// Creates a tenant with its first API key.
///
/// # Errors
///
/// Returns `Usage` for an invalid name or redirect URL, `Config` for a name that exists, and `Store` if the store
/// fails.
pub async fn create(
    vault: &Vault,
    name: &str,
    redirects: &[String],
    title: Option<&str>,
) -> Result<(ApiKey, Secret)> {
    check_name("the name of a tenant", name)?;
    let title = title.map(check_title).transpose()?;
    let redirects = redirects.iter().map(|url| redirects::parse(url)).collect::<Result<_>>()?;
    let tenant = Tenant { title, redirects, ..Tenant::new(name) };
    let record = tenant_record(name);
    // A tenant that cannot be read is created again: it keeps its API keys and its connections.
    let condition = match vault.storage().get(&record).await? {
        Some(found) => {
            let revision = found.revision;
            match vault.examine::<Tenant>(found).await? {
                Ok(_) => Condition::Absent,
                Err(_) => Condition::Revision(revision),
            }
        }
        None => Condition::Absent,
    };
    if vault.put(record, &tenant, Terms::only_if(condition)).await? == Written::Refused {
        return Err(Error::config(format!("the tenant `{name}` already exists")));
    }
    issue_key(vault, name, "").await
}

/// Creates a tenant without an API key.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn found(vault: &Vault, name: &str, quota: Quota) -> Result<()> {
    let tenant = Tenant { quota, ..Tenant::new(name) };
    vault.put(tenant_record(name), &tenant, Terms::only_if(Condition::Absent)).await.map(drop)
}

/// Returns a tenant.
///
/// # Errors
///
/// Returns `Config` for an unknown tenant.
pub async fn get(vault: &Vault, name: &str) -> Result<Tenant> {
    let found = vault.get::<Tenant>(&tenant_record(name)).await?;
    found.map(|stored| stored.document).ok_or_else(|| unknown(name))
}

/// Returns whether nothing may be done for this tenant: it is disabled, does not exist, or cannot be
/// read.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn is_disabled(vault: &Vault, name: &str) -> Result<bool> {
    let found = vault.get_readable::<Tenant>(&tenant_record(name)).await?;
    Ok(found.is_none_or(|stored| stored.document.disabled))
}

/// Returns all tenants that can be read, by name.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn list(vault: &Vault) -> Result<Vec<Tenant>> {
    let all = vault.list::<Tenant>(Space::Tenants, "", "", None, MOST).await?;
    Ok(all.into_iter().map(|stored| stored.document).collect())
}

/// Changes a tenant.
///
/// # Errors
///
/// Returns `Config` for an unknown tenant, and `Store` if the store fails.
pub async fn change(vault: &Vault, name: &str, change: impl Fn(&mut Tenant)) -> Result<Tenant> {
    loop {
        let found =
            vault.get::<Tenant>(&tenant_record(name)).await?.ok_or_else(|| unknown(name))?;
        let mut tenant = found.document;
        change(&mut tenant);
        let terms = Terms::only_if(Condition::Revision(found.revision));
        if vault.put(found.key, &tenant, terms).await? != Written::Refused {
            return Ok(tenant);
        }
    }
}

/// Issues an API key. It is returned once; the store has its hash.
///
/// # Errors
///
/// Returns `Config` for an unknown tenant, and `Store` if the store fails.
pub async fn issue_key(vault: &Vault, tenant: &str, name: &str) -> Result<(ApiKey, Secret)> {
    get(vault, tenant).await?;
    let (secret, key) = new_key(tenant, name)?;
    write_key(vault, &key, Condition::Always).await?;
    Ok((key, secret))
}

/// Issues an API key that a tenant has requested with the password of its account, under a condition.
///
/// # Errors
///
/// Returns `Config` for an unknown tenant, and `Store` if the store fails or the condition does not hold.
pub async fn issue_key_by_password(
    vault: &Vault,
    tenant: &str,
    condition: Condition,
) -> Result<Secret> {
    get(vault, tenant).await?;
    let (secret, key) = new_key(tenant, "")?;
    write_key(vault, &ApiKey { by_password: true, ..key }, condition).await?;
    Ok(secret)
}

fn new_key(tenant: &str, name: &str) -> Result<(Secret, ApiKey)> {
    let (secret, hash) = random_key()?;
    let key = ApiKey {
        tenant: tenant.to_owned(),
        id: hash[..12].to_owned(),
        name: name.to_owned(),
        hash,
        by_password: false,
        created_at: now_seconds(),
        expires_at: None,
    };
    Ok((secret, key))
}

/// Writes a new key. Until the last write, it is not valid.
async fn write_key(vault: &Vault, key: &ApiKey, condition: Condition) -> Result<()> {
    let named = Key::new(Space::KeyNames, &key.tenant, &key.id);
    for record in [named, Key::new(Space::ApiKeys, "", &key.hash)] {
        let terms = Terms::only_if(condition.clone());
        if vault.put(record, key, terms).await? == Written::Refused {
            return Err(Error::store("the store took too long"));
        }
    }
    Ok(())
}

/// Returns a new API key and its hash. The id of the key is the beginning of the hash. Users pass it on
/// command lines, so it must not look like an option.
fn random_key() -> Result<(Secret, String)> {
    loop {
        let secret = Secret::new(format!("{PREFIX}{}", random_text()?));
        let hash = of_secret(secret.expose());
        if !hash.starts_with('-') {
            return Ok((secret, hash));
        }
    }
}

/// Returns the API key of this id; `None` if there is none.
///
/// # Errors
///
/// Returns `Config` for an unknown tenant, and `Store` if the store fails.
pub async fn find_key(vault: &Vault, tenant: &str, id: &str) -> Result<Option<ApiKey>> {
    get(vault, tenant).await?;
    let found = vault.get::<ApiKey>(&Key::new(Space::KeyNames, tenant, id)).await?;
    Ok(found.map(|stored| stored.document))
}

/// Lets an API key expire after `grace`, unless it expires earlier.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn end_key(vault: &Vault, key: &ApiKey, grace: Duration) -> Result<()> {
    let ends = now_seconds() + grace.as_secs();
    let named = Key::new(Space::KeyNames, &key.tenant, &key.id);
    for record in [Key::new(Space::ApiKeys, "", &key.hash), named] {
        // A key that is revoked meanwhile must not come back, and one that ends earlier is not prolonged.
        while let Some(stored) = vault.get::<ApiKey>(&record).await? {
            let ends = stored.document.expires_at.map_or(ends, |at| at.min(ends));
            let old = ApiKey { expires_at: Some(ends), ..stored.document };
            let condition = Condition::Revision(stored.revision);
            let terms = Terms { expires_at: Some(ends), ..Terms::only_if(condition) };
            if vault.put(record.clone(), &old, terms).await? != Written::Refused {
                break;
            }
        }
    }
    Ok(())
}

/// Returns the API keys of a tenant, without the keys themselves.
///
/// # Errors
///
/// Returns `Config` for an unknown tenant, and `Store` if the store fails.
pub async fn list_keys(vault: &Vault, tenant: &str) -> Result<Vec<ApiKey>> {
    get(vault, tenant).await?;
    let all = vault.list::<ApiKey>(Space::KeyNames, tenant, "", None, MOST).await?;
    Ok(all.into_iter().map(|stored| stored.document).collect())
}

/// Revokes an API key. Returns whether there was one of this id.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn revoke_key(vault: &Vault, tenant: &str, id: &str) -> Result<bool> {
    let named = Key::new(Space::KeyNames, tenant, id);
    let Some(found) = vault.get::<ApiKey>(&named).await? else { return Ok(false) };
    vault.delete(&Key::new(Space::ApiKeys, "", found.document.hash)).await?;
    vault.delete(&named).await
}

/// Revokes the API keys that a tenant has issued to itself with the password of its account.
///
/// # Errors
///
/// Returns `Config` for an unknown tenant, and `Store` if the store fails.
pub async fn revoke_keys_by_password(vault: &Vault, caches: &Caches, tenant: &str) -> Result<()> {
    let all = list_keys(vault, tenant).await?;
    for key in all.into_iter().filter(|key| key.by_password) {
        revoke_key(vault, tenant, &key.id).await?;
        caches.forget(&Key::new(Space::ApiKeys, "", key.hash));
    }
    Ok(())
}

/// Returns the owner of this API key; `None` if there is none.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn authenticate(
    vault: &Vault,
    caches: &Caches,
    secret: &str,
) -> Result<Option<Arc<Caller>>> {
    // Timing attacks could at most find the hash of a random key, which does not reveal the key.
    let record = key_record(secret);
    if caches.is_fresh()
        && let Some(caller) = caches.callers.get(&record)
        && caller.has_valid_key()
    {
        return Ok(Some(caller));
    }
    if !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    let seen = caches.callers.epoch(&record);
    let Some(found) = vault.get::<ApiKey>(&record).await? else { return Ok(None) };
    let key = found.document;
    if Secret::new(key.hash.as_str()) != Secret::new(record.id.as_str()) {
        return Ok(None);
    }
    let Some(tenant) = vault.get::<Tenant>(&tenant_record(&key.tenant)).await? else {
        return Ok(None);
    };
    let caller =
        Arc::new(Caller { tenant: tenant.document, key_id: key.id, expires_at: key.expires_at });
    caches.callers.insert(record, seen, Arc::clone(&caller));
    Ok(Some(caller))
}

/// Returns the record of an API key.
pub fn key_record(secret: &str) -> Key {
    Key::new(Space::ApiKeys, "", of_secret(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_of_a_key_is_no_option() {
        assert!((0..1_000).all(|_| !random_key().unwrap().1.starts_with('-')));
    }
}
