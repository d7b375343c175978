//! Makes a new generation durable, and only then visible.

use std::sync::Arc;
use std::time::Duration;

use super::load::{Unloaded, load};
use super::ports::Ports;
use super::turn::{Context, Shared, Turn};
use crate::error::{Error, Result};
use crate::grant::{AccountEntry, Grant, GrantKey};
use crate::port::{self, GrantStore, Lock};

/// Space that is reserved for a record before a code or refresh token is spent.
const RECORD_ROOM: usize = 64 * 1024;

/// Maximum number of attempts to save while the tokens exist nowhere else.
const SAVE_ATTEMPTS: u32 = 5;

/// The outcome of replacing a stored generation.
pub(super) enum Commit {
    /// It is durable.
    Saved,
    /// Another grant is stored instead, or none.
    Overtaken(Option<Box<Grant>>),
}

/// Warnings of a commit; none of them undoes it.
pub(super) type Warnings = Vec<Error>;

/// The reservation that a store keeps for a record. It is given back when this is dropped.
#[must_use]
pub(crate) struct Reservation {
    store: Arc<dyn GrantStore>,
    key: GrantKey,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.store.release(&self.key);
    }
}

/// Checks that a record can be saved under this key, before anything is spent, and reserves space for it.
///
/// # Errors
///
/// Returns `Store` if it cannot.
pub(super) async fn prove_store(ports: &Ports, key: &GrantKey) -> Result<Reservation> {
    ports.store.prepare(key, RECORD_ROOM).await?;
    Ok(Reservation { store: Arc::clone(&ports.store), key: key.clone() })
}

/// Checks again, while the reservation is kept, that a record can be saved under this key.
///
/// # Errors
///
/// Returns `Store` if it no longer can.
pub(super) async fn prove_store_again(ports: &Ports, key: &GrantKey) -> Result<()> {
    ports.store.prepare_again(key, RECORD_ROOM).await
}

/// Saves a grant one generation after the stored one, if the stored generation is still the expected
/// one. If another machine was faster, nothing is saved.
pub(super) async fn replace(ports: &Ports, grant: &Grant) -> Result<Commit> {
    match load(ports, &grant.key).await {
        Ok(Some(s)) if s.id == grant.id && s.generation == grant.generation => {}
        Ok(stored) => return Ok(Commit::Overtaken(stored.map(Box::new))),
        // A record that cannot be read is left to the save, which tries more than once and reports why.
        Err(Unloaded::Failed(_)) => {}
        Err(refused) => return Err(refused.into()),
    }
    save(ports, &Grant { generation: grant.generation.saturating_add(1), ..grant.clone() }).await?;
    Ok(Commit::Saved)
}

/// Saves a grant, clears the intent and publishes.
pub(super) async fn commit(turn: &mut Turn<'_>, grant: &Grant) -> Result<Warnings> {
    save(turn.ports(), grant).await?;
    Ok(announce(turn.ports(), turn.lock, grant).await)
}

/// Saves a grant whose tokens exist nowhere else: a store that fails is tried again.
pub(super) async fn save(ports: &Ports, grant: &Grant) -> Result<()> {
    let mut attempt = 1;
    while let Err(error) = ports.store.save(grant).await {
        if attempt == SAVE_ATTEMPTS {
            return Err(error.context("the new tokens could not be stored"));
        }
        ports.clock.sleep(Duration::from_millis(100 << attempt)).await;
        attempt += 1;
    }
    Ok(())
}

/// The lock of a grant whose last save is complete.
pub(super) struct Held {
    pub(super) lock: Box<dyn Lock>,
    /// The grant, if its save had to be completed first.
    pub(super) recovered: Option<Grant>,
    /// What observers of that save had to report.
    pub(super) warning: Option<Error>,
}

/// Waits for the lock of a grant, and [recovers](recover) what its earlier holder left unfinished.
///
/// # Errors
///
/// Returns the errors of both.
pub(super) async fn lock_recovered(
    shared: &Shared,
    key: &GrantKey,
    wait: Duration,
) -> Result<Held> {
    let mut lock = shared.ports.coordinator.lock(key, wait).await?;
    let (recovered, warning) = recover(shared, &mut *lock, key).await?.unzip();
    Ok(Held { lock, recovered, warning: warning.flatten() })
}

/// Completes the save during which an earlier holder of the lock was killed, and returns it: its tokens
/// are the only ones that the server still accepts. Observers get it as if its writer had lived; the second
/// value is what they had to report.
///
/// # Errors
///
/// Returns `Store` if there is one and it cannot be stored. Nothing must be spent then.
pub(super) async fn recover(
    shared: &Shared,
    lock: &mut dyn Lock,
    key: &GrantKey,
) -> Result<Option<(Grant, Option<Error>)>> {
    let ports = &shared.ports;
    let recovered = port::recover(&*ports.store, lock.intent().await, key).await?;
    let Some(grant) = recovered else { return Ok(None) };
    announce(ports, lock, &grant).await;
    // An observer is told with the profile; a grant may outlive its own.
    let profile = match &ports.committed {
        Some(_) => shared.profile(&key.profile).await.ok().flatten(),
        None => None,
    };
    let failed = match &profile {
        Some(profile) => show(Context { shared, profile }, &grant).await,
        None => None,
    };
    Ok(Some((grant, failed)))
}

/// Publishes a durable generation: clears the intent and updates the index.
pub(super) async fn announce(ports: &Ports, lock: &mut dyn Lock, grant: &Grant) -> Warnings {
    let mut warnings = Vec::new();
    warnings.extend(lock.clear_intent().await.err());
    let entry = AccountEntry::of(grant, &ports.store.name());
    warnings.extend(lock.publish(&entry).await.err());
    warnings
}

/// Passes a durable generation to observers. A signal need not wait for it.
pub(super) async fn show(context: Context<'_>, grant: &Grant) -> Option<Error> {
    context.ports().committed.as_ref()?.committed(context.profile, grant).await.err()
}
