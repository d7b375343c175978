//! Moves grants from one store to another, losing nothing on the way.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::grant::{AccountEntry, Grant, GrantKey};
use crate::port::{self, Coordinator, GrantStore, SecretItems};
use crate::text;

/// How long to wait for the lock of each account.
const WAIT: Duration = Duration::from_secs(60);

/// The result for each account.
#[derive(Debug, Default)]
pub struct Migration {
    /// Moved.
    pub moved: Vec<GrantKey>,
    /// Not in the old store.
    pub absent: Vec<GrantKey>,
    /// Left in the old store, and why.
    pub failed: Vec<(GrantKey, Error)>,
}

/// Moves grants. Each grant is copied under its lock, read back, and only then removed from the old store;
/// the index then names the new one. A grant that fails stays in the old store and does not stop the
/// others.
///
/// # Errors
/// Returns [`Usage`](crate::ErrorKind::Usage) if both stores have the same name.
pub async fn migrate(
    from: &dyn GrantStore,
    to: &dyn GrantStore,
    keys: &[GrantKey],
    coordinator: &dyn Coordinator,
) -> Result<Migration> {
    if from.name() == to.name() {
        return Err(Error::usage(format!("the records are already in `{}`", to.name())));
    }
    let mut migration = Migration::default();
    for key in keys {
        match one(from, to, key, coordinator).await {
            Ok(true) => migration.moved.push(key.clone()),
            Ok(false) => migration.absent.push(key.clone()),
            Err(error) => migration.failed.push((key.clone(), error)),
        }
    }
    Ok(migration)
}

/// Accepts the records of a file store that have no valid authentication, of one profile or of all, and
/// returns them. Each is rewritten in place, with authentication.
///
/// # Errors
/// Returns [`Store`](crate::ErrorKind::Store) if one cannot be read or written; those before it are
/// accepted.
#[cfg(feature = "file")]
pub async fn accept_unauthenticated(
    store: &super::FileStore,
    profile: Option<&str>,
    coordinator: &dyn Coordinator,
) -> Result<Vec<super::file::Claimed>> {
    use super::file::Claimed;
    let mut accepted = Vec::new();
    for claimed in store.unauthenticated()? {
        let lock = match &claimed {
            Claimed::Grant(key) if profile.is_none_or(|name| *name == key.profile) => {
                Some(coordinator.lock(key, WAIT).await?)
            }
            Claimed::Item(_) if profile.is_none() => None,
            _ => continue,
        };
        if store.accept(&claimed)? {
            accepted.push(claimed);
        }
        drop(lock);
    }
    Ok(accepted)
}

/// Whether the secret stays in the old store as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Original {
    /// It is removed.
    Remove,
    /// It stays, for another profile that reads it from there.
    Keep,
}

/// Moves a named secret, and returns whether there was one. It is copied and read back before it is removed
/// from the old store. A different secret of this name in the new store is not replaced.
///
/// # Errors
/// Returns [`Store`](crate::ErrorKind::Store) if one of the stores fails, or if the new one holds a different
/// secret of this name. Then the secret stays in the old store.
pub async fn migrate_secret(
    from: &dyn SecretItems,
    to: &dyn SecretItems,
    name: &str,
    original: Original,
) -> Result<bool> {
    let Some(secret) = from.get(name).await? else { return Ok(false) };
    let name_shown = text::one_line(name);
    match to.get(name).await? {
        Some(there) if there == secret => {}
        Some(_) => {
            return Err(Error::store(format!(
                "the new store already holds a different secret `{name_shown}`"
            )));
        }
        None => to.set(name, &secret).await?,
    }
    if to.get(name).await?.as_ref() != Some(&secret) {
        return Err(Error::store(format!("the new store did not keep the secret `{name_shown}`")));
    }
    if original == Original::Remove {
        from.unset(name).await?;
        // Two names can lead to the same place: then the old item was the new one.
        if to.get(name).await?.is_none() {
            to.set(name, &secret).await?;
        }
    }
    Ok(true)
}

async fn one(
    from: &dyn GrantStore,
    to: &dyn GrantStore,
    key: &GrantKey,
    coordinator: &dyn Coordinator,
) -> Result<bool> {
    let mut lock = coordinator.lock(key, WAIT).await?;
    port::recover(from, lock.intent().await, key).await?;
    let Some(grant) = from.load(key).await? else { return Ok(false) };
    if grant.key != *key {
        return Err(Error::store(format!(
            "`{}` returned the record of {} for {key}",
            from.name(),
            grant.key
        ))
        .hint("the store must compare names byte for byte"));
    }
    let known = coordinator.account(key).await?;
    if let Some(known) = &known {
        known.refuse_older(&grant, &from.name())?;
    }
    if let Some(there) = to.load(key).await?
        && there.generation >= grant.generation
        && there != grant
    {
        return Err(Error::store(format!(
            "`{}` already holds another grant of {key} that is not older",
            to.name()
        ))
        .hint("log out of the account in one of the two stores first"));
    }
    copy(to, &grant).await?;
    let last_error = known.and_then(|entry| entry.last_error);
    lock.publish(&AccountEntry { last_error, ..AccountEntry::of(&grant, &to.name()) }).await?;
    from.remove(key).await?;
    // Two names can lead to the same store: then the old record was the new one.
    if to.load(key).await?.as_ref() != Some(&grant) {
        copy(to, &grant).await?;
        return Err(Error::store(format!(
            "`{}` and `{}` are the same store: the record of {key} was restored",
            from.name(),
            to.name()
        )));
    }
    Ok(true)
}

async fn copy(to: &dyn GrantStore, grant: &Grant) -> Result<()> {
    to.save(grant).await?;
    if to.load(&grant.key).await?.as_ref() == Some(grant) {
        return Ok(());
    }
    Err(Error::store(format!("`{}` returned a different record than was saved", to.name())))
}
