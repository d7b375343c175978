//! Attributes: values that a caller stores with a grant, for a limited time or for its whole lifetime.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::commit::{Held, lock_recovered, prove_store};
use super::critical::CriticalPart;
use super::index::refuse_older;
use super::load::load;
use super::turn::{LOCK_WAIT, Shared};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{AccountEntry, Attribute, Grant, GrantKey};
use crate::protocol::json::{DEEPEST_KEPT, is_flat};
use crate::time::Timestamp;

/// Maximum size of an attribute's name, in bytes.
const LONGEST_NAME: usize = 256;

/// Maximum size of all attributes of a grant, in bytes: a record has room for little more.
const LARGEST: usize = 32 * 1024;

/// Changes of attributes by name: a new value with its lifetime, or `None` to remove it.
pub type AttributeChanges = BTreeMap<String, Option<(Value, Option<Duration>)>>;

/// Sets an attribute of a grant, for so long, or for as long as the grant lives.
pub(super) async fn set(
    shared: &Shared,
    key: &GrantKey,
    name: &str,
    value: Value,
    ttl: Option<Duration>,
) -> Result<()> {
    let expires_at = ttl.map(|ttl| shared.ports.now().plus(ttl));
    let attribute = Attribute { value, expires_at };
    change(shared, key, None, |all| {
        all.insert(name.to_owned(), attribute);
        check(all)
    })
    .await
    .map(drop)
}

/// Changes several attributes at once, if the grant is still as the caller knows it. Returns whether it was.
pub(super) async fn change_all(
    shared: &Shared,
    key: &GrantKey,
    changes: AttributeChanges,
    known: Option<&Grant>,
) -> Result<bool> {
    let now = shared.ports.now();
    let changed = change(shared, key, known, |all| {
        for (name, change) in changes {
            match change {
                None => drop(all.remove(&name)),
                Some((value, ttl)) => {
                    let expires_at = ttl.map(|ttl| now.plus(ttl));
                    all.insert(name, Attribute { value, expires_at });
                }
            }
        }
        check(all)
    });
    Ok(changed.await?.is_some())
}

/// Removes an attribute of a grant. Returns whether there was one.
pub(super) async fn unset(shared: &Shared, key: &GrantKey, name: &str) -> Result<bool> {
    let removed = change(shared, key, None, |all| Ok(all.remove(name).is_some())).await?;
    Ok(removed == Some(true))
}

/// Changes attributes while holding the lock of the grant: no refresh and no other change is in
/// progress. The generation stays the same, because the tokens do. Returns `None`, with nothing changed, if the grant
/// is not `known`.
async fn change<T>(
    shared: &Shared,
    key: &GrantKey,
    known: Option<&Grant>,
    act: impl FnOnce(&mut BTreeMap<String, Attribute>) -> Result<T>,
) -> Result<Option<T>> {
    let ports = &shared.ports;
    let Held { mut lock, .. } = lock_recovered(shared, key, LOCK_WAIT).await?;
    let found = load(ports, key).await?;
    let mut grant = found.ok_or_else(|| Error::not_logged_in(key))?;
    refuse_older(ports, Some(&grant)).await?;
    if known.is_some_and(|known| *known != grant) {
        return Ok(None);
    }
    drop_expired(&mut grant.attributes, ports.now());
    let outcome = act(&mut grant.attributes)?;
    let _room = prove_store(ports, key).await?;
    let _critical = shared.critical.enter(CriticalPart::Save);
    ports.store.save(&grant).await?;
    // Keep what the index knows beyond the grant, such as a failed refresh.
    let index = ports.coordinator.account(key).await.ok().flatten();
    let mut entry = AccountEntry::of(&grant, &ports.store.name());
    if let Some(index) = index {
        entry.login_required |= index.login_required && index.grant_id == entry.grant_id;
        entry.last_error = index.last_error;
    }
    // The index is a convenience: the attribute is saved, and the next commit publishes it again.
    let _ = lock.publish(&entry).await;
    Ok(Some(outcome))
}

/// Removes expired attributes.
pub(super) fn drop_expired(attributes: &mut BTreeMap<String, Attribute>, now: Timestamp) {
    attributes.retain(|_, attribute| attribute.expires_at.is_none_or(|at| now < at));
}

/// Refuses invalid names and values of attributes.
pub(super) fn check_each<'a>(mut all: impl Iterator<Item = (&'a String, &'a Value)>) -> Result<()> {
    all.try_for_each(|(name, value)| {
        if name.is_empty() || name.len() > LONGEST_NAME {
            let what = format!("an attribute's name must be 1 to {LONGEST_NAME} bytes long");
            return Err(Error::usage(what));
        }
        if !is_flat(value) {
            let what = format!(
                "an attribute's value must not be nested more than {DEEPEST_KEPT} \
                                levels deep"
            );
            return Err(Error::usage(what));
        }
        Ok(())
    })
}

/// Refuses attributes that do not fit into a record.
pub(super) fn check(attributes: &BTreeMap<String, Attribute>) -> Result<()> {
    check_each(attributes.iter().map(|(name, attribute)| (name, &attribute.value)))?;
    let size = |(name, a): (&String, &Attribute)| name.len() + a.value.to_string().len();
    if attributes.iter().map(size).sum::<usize>() > LARGEST {
        return Err(Error::usage(format!(
            "the attributes of a grant must not exceed {LARGEST} bytes in total"
        ))
        .hint(Advice::UnsetAttribute));
    }
    Ok(())
}
