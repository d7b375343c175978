//! The contract of every store.

use std::time::Duration;

use async_trait::async_trait;
use oauthctl_core::Result;

use super::record::{Addition, Changes, Condition, Key, Record, Space, Write, Written};

/// A store of records, with locks and a feed of changes. All methods may be called at any time from any task.
///
/// Every error is of kind [`Store`](oauthctl_core::ErrorKind::Store), contains neither a value nor credentials of
/// the database, and means that nothing is known about the outcome unless the method says otherwise.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Returns the kind of store, for messages: `sqlite`.
    fn kind(&self) -> &'static str;

    /// Returns whether several processes may serve from the store at once.
    fn is_shared(&self) -> bool;

    /// Reads a record. One that has [expired](Record::expires_at) does not exist.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    async fn get(&self, key: &Key) -> Result<Option<Record>>;

    /// Writes a record, if its condition holds, atomically and durably, with its entry in the feed of changes. The
    /// records that the write [removes](Write::removes) are removed in the same transaction, or nothing is written.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails: the record may or may not be written.
    async fn put(&self, write: Write) -> Result<Written> {
        self.put_with(write, Vec::new()).await
    }

    /// Writes a record as [`put`](Self::put) does, and adds others in the same transaction: all of them are stored,
    /// or none is.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn put_with(&self, write: Write, also: Vec<Addition>) -> Result<Written>;

    /// Removes a record, if the condition holds. Returns whether there was one that was removed.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn delete(&self, key: &Key, condition: Condition) -> Result<bool> {
        self.delete_with(key, condition, Vec::new()).await
    }

    /// Removes a record as [`delete`](Self::delete) does, and adds others in the same transaction.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn delete_with(
        &self,
        key: &Key,
        condition: Condition,
        also: Vec<Addition>,
    ) -> Result<bool>;

    /// Returns the records of a tenant whose ids begin with `prefix` and follow `after`, in ascending byte order of
    /// their ids, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn list(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>>;

    /// Returns the records of a space that follow `after`, over all tenants, ordered by tenant and id.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn scan(&self, space: Space, after: Option<&Key>, limit: usize) -> Result<Vec<Record>>;

    /// Returns the records of a space that are due at or before `until` (Unix seconds), earliest first.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn due(&self, space: Space, until: u64, limit: usize) -> Result<Vec<Record>> {
        self.due_except(space, until, &[], limit).await
    }

    /// Returns records that are due as [`due`](Self::due) does, but not those of `except`: names of tenants, and
    /// `TENANT/PART` for the records of a tenant whose ids begin with `PART/`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn due_except(
        &self,
        space: Space,
        until: u64,
        except: &[String],
        limit: usize,
    ) -> Result<Vec<Record>>;

    /// Changes when a record is due, if it is due at `from` now. Returns whether it did. Revision and feed do not
    /// change. This is how one instance claims a piece of work: only one of them sees `true`.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn reschedule(&self, key: &Key, from: Option<u64>, to: Option<u64>) -> Result<bool>;

    /// Replaces the bytes of a value, if it is still `old`. Revision and feed do not change: the value is the
    /// same, encrypted with another key.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn reseal(&self, key: &Key, old: &[u8], new: &[u8]) -> Result<bool>;

    /// Returns the number of records of a tenant in a space, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn count(&self, space: Space, tenant: &str, limit: usize) -> Result<usize> {
        self.count_prefixed(space, tenant, "", limit).await
    }

    /// Returns the number of records of a tenant whose ids begin with `prefix`, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn count_prefixed(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<usize>;

    /// Returns the number of records of a space that are due at or before `until`, over all tenants, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn count_due(&self, space: Space, until: u64, limit: usize) -> Result<usize>;

    /// Acquires a lock for `owner`, for `ttl`, unless another owner holds it. Returns its fencing token, which
    /// grows with every acquisition of this name. A lock expires after `ttl`.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn lock(&self, name: &str, owner: &str, ttl: Duration) -> Result<Option<u64>>;

    /// Extends a lock. Returns `false` if another owner has acquired it since.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn renew(&self, name: &str, owner: &str, fence: u64, ttl: Duration) -> Result<bool>;

    /// Releases a lock. Does nothing if another owner has acquired it.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn unlock(&self, name: &str, owner: &str, fence: u64) -> Result<()>;

    /// Returns what other instances and this one changed in the spaces that are [watched](Space::is_watched) after
    /// this position; without a position, only the current one. A change may be named more than once. May wait for a change, but at most half a second: a
    /// caller that gets no answer for a second stops trusting its caches.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    async fn changes(&self, after: Option<&str>) -> Result<Changes>;

    /// Checks that the store responds and can be written to.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot.
    async fn check(&self) -> Result<()>;

    /// Removes expired records, and entries of the feed that are no longer needed. Called about once a minute.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    async fn sweep(&self) -> Result<()>;

    /// Writes a consistent copy of the store to a new file while instances are running.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the database has a program of its own for that, and `Store` if the copy fails.
    async fn backup(&self, to: &std::path::Path) -> Result<()>;
}
