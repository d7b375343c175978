//! Where grants and named secrets are kept.

use super::BoxFuture;
use crate::error::Result;
use crate::grant::{Grant, GrantKey};

/// Keeps grants: one record for each [`GrantKey`], which names the profile and the account or user.
///
/// The manager calls `save`, `set_aside` and `remove` only in the turn of their key, under the [`Lock`]
/// that the [`Coordinator`] gave; `load` and `list` come at any time and from any task. What an
/// implementation must keep:
///
/// - Names are compared byte for byte. `Ada` and `ada` are two users, and so are two ways to write `é`:
///   a database whose texts are compared without regard to case, accents or trailing spaces needs a
///   binary collation here. A record that names another key is refused.
/// - A record is replaced as a whole or not at all, also where the process dies. A `load` meanwhile
///   sees the one before or the one after.
/// - Once `save` has returned, the record is durable: the refresh token that was replaced is worth
///   nothing any more.
/// - A record that is there but cannot be read is an error of kind
///   [`Store`](crate::ErrorKind::Store), never `None`: `None` is believed, and overwritten.
/// - Records are secret. Keep them encrypted, and nothing of them in errors or logs.
///
/// Any of these futures may be dropped; `save` and `remove` must then have happened, or not.
///
/// The [module](super) has an example.
///
/// [`Lock`]: super::Lock
/// [`Coordinator`]: super::Coordinator
pub trait GrantStore: Send + Sync {
    /// The store's name, for messages and [`AccountEntry::store`](crate::AccountEntry::store).
    fn name(&self) -> String;
    /// Reads a grant.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails or the record is damaged. No token is handed out and
    /// nothing is refreshed then.
    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>>;
    /// Whether there is a record under this key, found out without reading it: a keyring may prompt the
    /// user before it shows a secret, but not for this. `None`, as without an implementation, where the
    /// store cannot tell.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails.
    fn contains<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<bool>>> {
        let _ = key;
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Proves that a record of about `bytes` can be saved under this key (open, unlocked, room for
    /// it), without changing what is there. Called before a code or a refresh token is spent.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it could not be saved. Nothing is spent then.
    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>>;
    /// Saves a grant under its key.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it was not saved. It is tried again a few times, since the tokens
    /// exist nowhere else.
    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>>;
    /// Completes a save that was cut off: where the generation after `current` was written as a whole and
    /// its writer died before it became the stored one, it becomes that now, and is returned. Called in
    /// the grant's turn, where its last holder left an intent, before anything is sent or saved. `None`,
    /// as without an implementation, where there is no such generation.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where there is one and it cannot be stored. Nothing is spent then.
    fn recover<'a>(&'a self, current: &'a Grant) -> BoxFuture<'a, Result<Option<Grant>>> {
        let _ = current;
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Moves a damaged record aside, so that the next `save` loses nothing, and says where it went.
    /// `None`, as without an implementation, where nothing was moved: then a damaged record stands in
    /// the way of a new login until somebody removes it.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it could not be moved.
    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        let _ = key;
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Removes a grant and every copy of it. Says whether there was one.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it may still be there.
    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>>;
    /// The keys of all grants, in any order. `None`, as without an implementation, where the store
    /// cannot tell: then the index of the [coordinator](super::Coordinator) is believed.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Option<Vec<GrantKey>>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// Keeps named secrets that are not grants: the client secrets of profiles that say
/// `{ keyring = "NAME" }`.
pub trait SecretItems: Send + Sync {
    /// Reads an item.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails or the item is damaged.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<crate::Secret>>>;
    /// Writes an item, as a whole and durably.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it was not written.
    fn set<'a>(&'a self, name: &'a str, value: &'a crate::Secret) -> BoxFuture<'a, Result<()>>;
    /// Removes an item. Says whether there was one.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it may still be there.
    fn unset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool>>;
}
