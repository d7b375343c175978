//! Who takes turns, and the index of accounts.

use std::time::Duration;

use super::{BoxFuture, GrantStore};
use crate::error::Result;
use crate::grant::{AccountEntry, Grant, GrantKey, Intent};

/// The turn of one key: nobody else has it until it is dropped, and the death of its holder ends it
/// too. A lock that is dropped is released: one in a database ends with its connection.
///
/// An intent says that a refresh token is being spent: it is how the next holder learns that a token
/// may be spent already. With a lock that processes share, an intent must be readable by the next
/// process, also where the one that wrote it has died.
pub trait Lock: Send {
    /// The intent that an earlier holder wrote and did not clear.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it cannot be read. Nothing is refreshed then.
    fn intent<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Intent>>>;
    /// Writes an intent, durably.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it is not written. Nothing is spent then.
    fn set_intent<'a>(&'a mut self, intent: &'a Intent) -> BoxFuture<'a, Result<()>>;
    /// Clears the intent.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it may still be there.
    fn clear_intent<'a>(&'a mut self) -> BoxFuture<'a, Result<()>>;
    /// Publishes what is known about the account without its secrets.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the index cannot be written. The grant itself is saved by then.
    fn publish<'a>(&'a mut self, entry: &'a AccountEntry) -> BoxFuture<'a, Result<()>>;
    /// Takes the account out of what is published.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    fn retract<'a>(&'a mut self) -> BoxFuture<'a, Result<()>>;
}

/// Completes what the last holder of a turn was killed in saving, and returns it: `left` is what was found of its
/// intent. What stands in the way of reading that or the record is left to whoever goes on from here.
pub(crate) async fn recover(
    store: &dyn GrantStore,
    left: Result<Option<Intent>>,
    key: &GrantKey,
) -> Result<Option<Grant>> {
    let Ok(Some(intent)) = left else { return Ok(None) };
    let Ok(Some(current)) = store.load(key).await else { return Ok(None) };
    let is_meant = current.id == intent.grant_id && current.generation == intent.generation;
    if is_meant && current.key == *key { store.recover(&current).await } else { Ok(None) }
}

/// Makes all that use one store of grants take turns, and keeps the index of accounts.
///
/// With a database of your own this need not be yours:
/// [`MemoryCoordinator`](crate::store::MemoryCoordinator) serves any number of tasks and threads of one
/// process, and [`StateDir`](crate::store::StateDir) all processes of one machine. Implement it where
/// several machines share one store: an advisory lock of the database, held on a connection of its
/// own, is the usual way.
///
/// Machines that share a store of grants and no lock are not safe. Two refreshes of one grant at the
/// same time are told apart by [`Grant::generation`], and the later one gives way; but a server that
/// rotates refresh tokens may have ended the grant by then. Setting an attribute leaves the
/// generation alone, and is not told apart at all: it can write the refresh token that it read before
/// over the one that another machine was given since, and the person must log in again. That
/// is what the common lock is for.
///
/// [`Grant::generation`]: crate::Grant::generation
pub trait Coordinator: Send + Sync {
    /// Takes the lock of this key, waiting at most this long for it. A future that is dropped leaves
    /// no lock behind.
    ///
    /// # Errors
    ///
    /// Of kind `Unavailable` where another holds it for longer, `Store` where it cannot be had at all.
    fn lock<'a>(
        &'a self,
        key: &'a GrantKey,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Lock>>>;
    /// The entry of one account. It is asked without the lock, and must be quick.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the index cannot be read.
    fn account<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<AccountEntry>>>;
    /// All accounts that are known, sorted by key.
    ///
    /// # Errors
    ///
    /// As [`account`](Self::account).
    fn accounts<'a>(&'a self) -> BoxFuture<'a, Result<Vec<AccountEntry>>>;
}
