//! Replaces the master key while instances run.
//!
//! The new key is stored in a record that the old key encrypts, so every instance adopts it within a second.
//! Then every value is encrypted again, unless it has been changed meanwhile, until no value uses an old key.
//! At the end, the record with the new key is removed. The old key stays in the store for a while, encrypted
//! with the new one, for files that an instance wrote before it adopted the new key.

use std::time::Duration;

use oauthctl_core::{Error, Result};

use crate::keys::{MasterKey, key_id};
use crate::storage::{Condition, Key, Space, Write, Written};
use crate::vault::{SUCCESSOR, Vault};

/// How long instances may take to notice the new key: they read the feed several times a second.
const NOTICE: Duration = Duration::from_secs(2);

/// Number of records per read.
const PAGE: usize = 500;

/// Maximum number of passes over the store. Each leaves only what was written during the one before.
const PASSES: usize = 20;

/// Encrypts everything with `next`. Returns the number of values. An earlier rotation that failed is finished first, even
/// if it was to another key.
///
/// # Errors
///
/// Returns `Store` if the store fails. It can be run again then, with either key as the master key.
pub async fn rotate(vault: &Vault, next: MasterKey) -> Result<usize> {
    let (mut count, mut begun) = (0, None);
    if let Some(found) = vault.successor().await? {
        // The record that passes the key on stays as it is: only the earlier key opens it.
        vault.adopt_successor().await?;
        count += finish(vault).await?;
        begun = Some(found.revision);
    }
    if vault.current().id() != next.id() {
        begun = Some(pass_on(vault, &next, begun).await?);
        vault.make_current(next);
        count += finish(vault).await?;
    }
    if let Some(revision) = begun {
        vault.storage().delete(&successor(), Condition::Revision(revision)).await?;
    }
    Ok(count)
}

/// Encrypts everything with the current key, which was passed on.
async fn finish(vault: &Vault) -> Result<usize> {
    let successor = successor();
    tokio::time::sleep(NOTICE).await;
    let mut count = 0;
    for _ in 0..PASSES {
        let (sealed, missed) = pass(vault, &successor).await?;
        count += sealed;
        if sealed == 0 && missed == 0 {
            return Ok(count);
        }
    }
    Err(Error::store(
        "some records are still encrypted with the old key: an old instance may be running",
    )
    .hint("run it again with the same keys"))
}

fn successor() -> Key {
    Key::new(Space::Meta, "", SUCCESSOR)
}

/// Passes a new key on to the instances, in place of the one that was passed on in this revision. Returns the new revision.
/// The earlier key is kept first, encrypted with the new one, so that an instance with only the new key finds it. Until
/// then, the earlier key opens everything.
async fn pass_on(vault: &Vault, next: &MasterKey, begun: Option<u64>) -> Result<u64> {
    vault.keep_earlier(next).await?;
    let key = successor();
    let value = vault.current().seal(&key, next.expose().as_bytes())?;
    let condition = begun.map_or(Condition::Absent, Condition::Revision);
    match vault.storage().put(Write::new(key, value, condition)).await? {
        Written::Stored(revision) => Ok(revision),
        Written::Refused => Err(Error::store("another rotation of the master key has begun")
            .hint("wait until it has finished, then run the command again")),
    }
}

/// Encrypts all values once. Returns how many were encrypted again, and how many were changed meanwhile.
async fn pass(vault: &Vault, successor: &Key) -> Result<(usize, usize)> {
    let (mut sealed, mut missed) = (0, 0);
    let current = vault.current();
    // The core itself encrypts pending flows.
    for space in Space::ALL.into_iter().filter(|space| *space != Space::Pending) {
        let mut after: Option<Key> = None;
        loop {
            let records = vault.storage().scan(space, after.as_ref(), PAGE).await?;
            let Some(last) = records.last() else { break };
            after = Some(last.key.clone());
            for record in records {
                let is_current = key_id(&record.value) == Some(current.id());
                if is_current || record.key == *successor {
                    continue;
                }
                let plain = match vault.open_value(&record.key, &record.value).await {
                    // It was kept for a rotation that did not begin, and is kept again for this one.
                    Err(_) if vault.is_of_unknown_key(&record) => continue,
                    plain => plain?,
                };
                let value = current.seal(&record.key, &plain)?;
                match vault.storage().reseal(&record.key, &record.value, &value).await? {
                    true => sealed += 1,
                    false => missed += 1,
                }
            }
        }
    }
    Ok((sealed, missed))
}
