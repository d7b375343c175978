//! Making a new generation durable, and only then known.

use std::time::Duration;

use super::load::{Unloaded, load};
use super::ports::Ports;
use super::turn::{Context, Turn};
use crate::error::{Error, Result};
use crate::grant::{AccountEntry, Grant, GrantKey};
use crate::port::{self, Lock};

/// The room that is reserved for a record before a code or refresh token is spent.
const RECORD_ROOM: usize = 64 * 1024;

/// How often a save is tried while the tokens exist nowhere else.
const SAVE_ATTEMPTS: u32 = 5;

/// How replacing a stored generation ended.
pub(super) enum Commit {
    /// It is durable.
    Saved,
    /// This grant is stored instead, or none.
    Overtaken(Option<Box<Grant>>),
}

/// What else happened at a commit; none of it undoes the commit.
pub(super) type Warnings = Vec<Error>;

/// Proves that a record can be saved under this key. Nothing is spent before this.
///
/// # Errors
///
/// `Store`, when it cannot.
pub(super) async fn prove_store(ports: &Ports, key: &GrantKey) -> Result<()> {
    ports.store.prepare(key, RECORD_ROOM).await
}

/// Saves a grant one generation on from the stored one, if that is still the generation that
/// it holds. Where another machine was faster, nothing is saved.
pub(super) async fn replace(ports: &Ports, grant: &Grant) -> Result<Commit> {
    match load(ports, &grant.key).await {
        Ok(Some(s)) if s.id == grant.id && s.generation == grant.generation => {}
        Ok(stored) => return Ok(Commit::Overtaken(stored.map(Box::new))),
        // What cannot be read is left to the save, which tries more than once and says why.
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

async fn save(ports: &Ports, grant: &Grant) -> Result<()> {
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

/// Completes what a dead holder of this turn was killed in saving, and returns it: its tokens are the only
/// ones that the server still honours.
///
/// # Errors
///
/// `Store`, where that is there and cannot be stored. Nothing must be spent then.
pub(super) async fn recover(
    ports: &Ports,
    lock: &mut dyn Lock,
    key: &GrantKey,
) -> Result<Option<Grant>> {
    let recovered = port::recover(&*ports.store, lock.intent().await, key).await?;
    if let Some(grant) = &recovered {
        announce(ports, lock, grant).await;
    }
    Ok(recovered)
}

/// Tells of a generation that is durable: the intent is cleared, the index brought up to date.
pub(super) async fn announce(ports: &Ports, lock: &mut dyn Lock, grant: &Grant) -> Warnings {
    let mut warnings = Vec::new();
    warnings.extend(lock.clear_intent().await.err());
    let entry = AccountEntry::of(grant, &ports.store.name());
    warnings.extend(lock.publish(&entry).await.err());
    warnings
}

/// Lets others see a generation that is durable. It is no part of what a signal must wait for.
pub(super) async fn show(context: Context<'_>, grant: &Grant) -> Option<Error> {
    context.ports().committed.as_ref()?.committed(context.profile, grant).await.err()
}
