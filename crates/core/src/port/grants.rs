//! Stores for grants and named secrets.

use super::BoxFuture;
use crate::error::Result;
use crate::grant::{Grant, GrantKey};

/// Stores grants: one record for each [`GrantKey`], which names the profile and the account or user.
///
/// The manager calls `save`, `set_aside` and `remove` only while holding the [`Lock`] of their key from the
/// [`Coordinator`]; `load` and `list` are called at any time and from any task. An implementation must
/// guarantee:
///
/// - Names are compared byte for byte. `Ada` and `ada` are two users, and so are two ways to write `é`: a
///   database that ignores case, accents or trailing spaces when it compares text needs a binary collation
///   here. A record that names another key is refused.
/// - A record is replaced as a whole or not at all, even if the process dies. A concurrent `load` returns
///   the previous record or the new one.
/// - Once `save` has returned, the record is durable: the refresh token that it replaced is no longer
///   valid.
/// - A record that exists but cannot be read is an error of kind [`Store`](crate::ErrorKind::Store), never
///   `None`: `None` would be trusted, and the record overwritten.
/// - Records are secret. Keep them encrypted, and keep them out of errors and logs.
///
/// Any of these futures may be dropped; `save` and `remove` must then have taken effect completely or not
/// at all.
///
/// The [module](super) has an example.
///
/// [`Lock`]: super::Lock
/// [`Coordinator`]: super::Coordinator
pub trait GrantStore: Send + Sync {
    /// Returns the store's name, for messages and [`AccountEntry::store`](crate::AccountEntry::store).
    fn name(&self) -> String;
    /// Reads a grant.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the store fails or the record is damaged. No token is handed out
    /// and nothing is refreshed then.
    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>>;
    /// Returns whether there is a record under this key, without reading it: a keyring may prompt the user
    /// before it returns a secret, but not for this. Returns `None`, as the default implementation does, if
    /// the store cannot tell.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the store fails.
    fn contains<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<bool>>> {
        let _ = key;
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Checks that a record of about `bytes` can be saved under this key (open, unlocked, enough space),
    /// without changing anything. Called before a code or a refresh token is spent.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it could not be saved. Nothing is spent then.
    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>>;
    /// Checks the same again, before one of many requests that are sent every few seconds until the user has
    /// decided ([`poll_device`](crate::FlowManager::poll_device)); what `prepare` reserved is still reserved. The
    /// default implementation calls `prepare`. A store whose `prepare` is slow or may prompt the user can return
    /// `Ok` here.
    ///
    /// # Errors
    ///
    /// See [`prepare`](Self::prepare).
    fn prepare_again<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>> {
        self.prepare(key, bytes)
    }
    /// Gives back what [`prepare`](Self::prepare) reserved. Called when the operation ends, whether or not
    /// anything was saved. The default implementation does nothing.
    fn release(&self, key: &GrantKey) {
        let _ = key;
    }
    /// Saves a grant under its key.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it was not saved. The save is retried a few times, because the
    /// tokens exist nowhere else.
    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>>;
    /// Completes a save that was interrupted: if the generation after `current` was written completely and
    /// its writer died before it became the stored one, it becomes the stored one now, and is returned.
    /// Called while holding the grant's lock, if its last holder left an intent, before anything is sent or
    /// saved. Returns `None`, as the default implementation does, if there is no such generation.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if there is one and it cannot be stored. Nothing is spent then.
    fn recover<'a>(&'a self, current: &'a Grant) -> BoxFuture<'a, Result<Option<Grant>>> {
        let _ = current;
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Moves a damaged record aside, so that the next `save` loses nothing, and returns where it went.
    /// Returns `None`, as the default implementation does, if nothing was moved: a damaged record then
    /// blocks a new login until it is removed.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it could not be moved.
    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        let _ = key;
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Removes a grant and every copy of it. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it may still be there.
    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>>;
    /// Returns the keys of all grants, in any order. Returns `None`, as the default implementation does, if
    /// the store cannot list them: the index of the [coordinator](super::Coordinator) is used then.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the store fails.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Option<Vec<GrantKey>>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// Stores named secrets that are not grants: the client secrets of profiles with `{ keyring = "NAME" }`.
pub trait SecretItems: Send + Sync {
    /// Reads an item.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the store fails or the item is damaged.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<crate::Secret>>>;
    /// Writes an item, as a whole and durably.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it was not written.
    fn set<'a>(&'a self, name: &'a str, value: &'a crate::Secret) -> BoxFuture<'a, Result<()>>;
    /// Removes an item. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it may still be there.
    fn unset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool>>;
}
