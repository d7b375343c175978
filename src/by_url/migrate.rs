//! Moves logins by URL to another store, with the secrets of their clients.

use std::collections::BTreeSet;

use oauthctl_core::Result;
use oauthctl_core::store::migrate::{Original, migrate_secret};
use oauthctl_core::store::{Store, StoreSpec};

use super::forget::items;
use super::login::{UrlClient, UrlLogin};
use super::logins::{LockedUrlLogins, UrlLogins};

/// Moves a login by URL, whose accounts are in the new store already. Returns whether a secret was moved with it.
///
/// # Errors
///
/// Returns `Store` if a store fails, or if the new one holds another secret of the same name. Then the login stays.
pub async fn migrate(
    logins: &UrlLogins,
    login: &UrlLogin,
    from: &Store,
    (to_spec, to): (&StoreSpec, &Store),
) -> Result<bool> {
    let mut has_moved = false;
    let all: BTreeSet<String> =
        login.clients_in(&login.store).flat_map(|one| owned(&one.client)).collect();
    for item in &all {
        has_moved |= migrate_secret(&*from.items, &*to.items, item, Original::Keep).await?;
    }
    let lock = logins.lock().await?;
    // Another login may have ended meanwhile.
    let Some(mut moved) = lock.find(&login.url)?.filter(|now| now.client == login.client) else {
        return Ok(false);
    };
    let (issuer, old, new) = (moved.issuer.clone(), login.store.clone(), to_spec.to_string());
    if lock.client(&issuer, &new)?.is_none() {
        lock.keep_client(&issuer, &new, &moved.client)?;
    }
    for former in moved.former.iter_mut().filter(|one| one.store.as_ref() == Some(&new)) {
        former.store = None;
    }
    moved.store.clone_from(&new);
    lock.keep(&moved)?;
    let unused = forget_there(&lock, login, &old)?;
    drop(lock);
    for item in all.intersection(&unused) {
        migrate_secret(&*from.items, &*to.items, item, Original::Remove).await?;
    }
    Ok(has_moved)
}

fn owned(client: &UrlClient) -> Vec<String> {
    items(client).cloned().collect()
}

/// Forgets in the old store which of the clients of a login no other login there uses. Returns their items.
fn forget_there(lock: &LockedUrlLogins, login: &UrlLogin, old: &str) -> Result<BTreeSet<String>> {
    let others = lock.complete()?;
    let mut unused = BTreeSet::new();
    for one in login.clients_in(old) {
        let mut used = others.iter().flat_map(|other| other.clients_in(old));
        if !used.any(|used| used.is(&one.issuer, &one.client.id)) {
            lock.forget_client(&one.issuer, old, &one.client.id)?;
            unused.extend(owned(&one.client));
        }
    }
    Ok(unused)
}
