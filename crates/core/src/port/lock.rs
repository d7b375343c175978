//! Locks, and the index of accounts.

use std::time::Duration;

use super::{BoxFuture, GrantStore};
use crate::error::Result;
use crate::grant::{AccountEntry, Grant, GrantKey, Intent};

/// An exclusive lock on one grant key, released on drop or when its process dies. A lock in a database ends
/// with its connection.
///
/// An intent records that a refresh token is being spent, so that the next holder knows that a token may
/// already be used. If processes share the lock, the next process must be able to read an intent, even if
/// the process that wrote it has died.
pub trait Lock: Send {
    /// Returns the intent that an earlier holder wrote and did not clear.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it cannot be read. Nothing is refreshed then.
    fn intent<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Intent>>>;
    /// Writes an intent, durably.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it is not written. Nothing is spent then.
    fn set_intent<'a>(&'a mut self, intent: &'a Intent) -> BoxFuture<'a, Result<()>>;
    /// Clears the intent.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it may still be there.
    fn clear_intent<'a>(&'a mut self) -> BoxFuture<'a, Result<()>>;
    /// Publishes what is known about the account without its secrets.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the index cannot be written. The grant itself is saved by then.
    fn publish<'a>(&'a mut self, entry: &'a AccountEntry) -> BoxFuture<'a, Result<()>>;
    /// Removes the account from the published index.
    ///
    /// # Errors
    ///
    /// See [`publish`](Self::publish).
    fn retract<'a>(&'a mut self) -> BoxFuture<'a, Result<()>>;
}

/// Completes the save during which the last holder of a lock was killed, and returns it; `left` is what was
/// found of its intent. Errors while reading that or the record are left to the caller.
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

/// Serializes all users of one store of grants, and maintains the index of accounts.
///
/// With your own database, you do not need your own coordinator:
/// [`MemoryCoordinator`](crate::store::MemoryCoordinator) serves any number of tasks and threads of one
/// process, and [`StateDir`](crate::store::StateDir) all processes of one machine. Implement it if several
/// machines share one store; the usual way is an advisory lock of the database, held on a separate
/// connection.
///
/// Machines that share a store of grants but no lock are not safe. Two concurrent refreshes of one grant
/// are distinguished by [`Grant::generation`], and the later one gives way; but a server that rotates
/// refresh tokens may have ended the grant by then. Setting an attribute does not change the generation and
/// is not detected at all: it can overwrite a refresh token that another machine has since received with
/// the one that it read before, and the user must log in again. The shared lock prevents that.
///
/// [`Grant::generation`]: crate::Grant::generation
pub trait Coordinator: Send + Sync {
    /// Acquires the lock of this key, waiting at most this long for it. Dropping the future leaves no lock
    /// behind.
    ///
    /// # Errors
    ///
    /// Returns `Unavailable` if another holder keeps it for longer, and `Store` if it cannot be acquired at
    /// all.
    fn lock<'a>(
        &'a self,
        key: &'a GrantKey,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Lock>>>;
    /// Returns the entry of one account. Called without the lock; must be quick.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the index cannot be read.
    fn account<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<AccountEntry>>>;
    /// Returns all known accounts, sorted by key.
    ///
    /// # Errors
    ///
    /// See [`account`](Self::account).
    fn accounts<'a>(&'a self) -> BoxFuture<'a, Result<Vec<AccountEntry>>>;
}
