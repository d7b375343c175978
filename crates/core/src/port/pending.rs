//! The store for started authorizations.

use super::BoxFuture;
use crate::error::Result;
use crate::time::Timestamp;

/// A started authorization that waits for its response: sealed, so that the store learns nothing but its id
/// and its expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRecord {
    /// The id of the flow: the `jti` of its state. Letters, digits, `-` and `_`.
    pub id: String,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The content, encrypted and authenticated together with the two fields above.
    pub sealed: Vec<u8>,
}

/// Stores started authorizations, for any number of processes at once. No lock is held around its methods:
/// the store itself ensures what must happen only once.
///
/// An expired record may be dropped at any time. Any other record must be kept. A store should have a
/// limit and refuse more records ([`Store`](crate::ErrorKind::Store)), because otherwise anyone who can
/// start flows could fill it. A record does not say whose flow it is: a limit per user is up to the
/// caller, before [`start`](crate::FlowManager::start).
///
/// ```
/// use std::{collections::BTreeMap, sync::Mutex};
/// use oauthctl_core::port::{BoxFuture, PendingRecord, PendingStore};
/// use oauthctl_core::{Error, Result, Timestamp};
///
/// /// Represents a table `flows (id primary key, expires_at, sealed null)`: a used flow has no sealed
/// /// content. Its row stays until it has expired: a record that comes back is refused.
/// #[derive(Default)]
/// struct Flows(Mutex<BTreeMap<String, (Timestamp, Option<PendingRecord>)>>);
///
/// impl PendingStore for Flows {
///     fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             let mut rows = self.0.lock().unwrap();
///             // DELETE FROM flows WHERE expires_at < now; and refuse where COUNT(*) is at the limit.
///             if rows.contains_key(&record.id) {
///                 return Err(Error::store("this flow already exists"));
///             }
///             rows.insert(record.id.clone(), (record.expires_at, Some(record.clone())));
///             Ok(())
///         })
///     }
///
///     fn get<'a>(
///         &'a self,
///         id: &'a str,
///         expires_at: Timestamp,
///     ) -> BoxFuture<'a, Result<Option<PendingRecord>>> {
///         Box::pin(async move {
///             let row = self.0.lock().unwrap().get(id).cloned();
///             Ok(row.and_then(|(_, record)| record).filter(|r| r.expires_at == expires_at))
///         })
///     }
///
///     // UPDATE flows SET sealed = NULL WHERE id = … AND expires_at = … AND sealed IS NOT NULL:
///     // one row, or none. Deleting it would allow an old copy to be put, and claimed, again.
///     fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
///         Box::pin(async move {
///             Ok(match self.0.lock().unwrap().get_mut(id) {
///                 Some((at, record)) if *at == expires_at => record.take().is_some(),
///                 _ => false,
///             })
///         })
///     }
///
///     // INSERT … ON CONFLICT DO NOTHING: one row, or none.
///     fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
///         Box::pin(async move {
///             let mut rows = self.0.lock().unwrap();
///             let is_new = !rows.contains_key(id);
///             rows.entry(id.to_owned()).or_insert((expires_at, None));
///             Ok(is_new)
///         })
///     }
///
///     fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>> {
///         Box::pin(async move {
///             let now = Timestamp::now();
///             let rows = self.0.lock().unwrap();
///             let records = rows.values().filter_map(|(_, record)| record.clone());
///             Ok(records.filter(|record| record.expires_at > now).collect())
///         })
///     }
/// }
///
/// // The keys of the states, which every process that completes flows must know.
/// let keys = oauthctl_core::StateKeys::generate()?;
/// let ports = oauthctl_core::Ports::in_memory().with_pending(std::sync::Arc::new(Flows::default()), keys);
/// # assert!(ports.pending.is_some());
/// # Ok::<(), oauthctl_core::Error>(())
/// ```
pub trait PendingStore: Send + Sync {
    /// Stores a record under its id, which must be new: an existing or used id is refused. The record need
    /// not survive a power cut: if it is gone, the user starts again, and nothing is lost.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if it is not stored. The user is then sent nowhere.
    fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>>;
    /// Reads a record; `None` if there is none with this id and expiry.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the store fails: the flow is then neither completed nor lost.
    fn get<'a>(
        &'a self,
        id: &'a str,
        expires_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<PendingRecord>>>;
    /// Claims a record permanently: returns `true` to exactly one caller, however many try at once, and is
    /// durable before it returns. This is what makes a state work only once; the code is sent after it. The
    /// claim must last until the record has expired, even if an old copy of the record comes back.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` unless it is certain that no other caller can claim it. Nothing is
    /// redeemed.
    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>>;
    /// Records, durably and at least until `expires_at`, that an id which was never stored is used: returns
    /// `true` to exactly one caller. This makes a sealed state work only once.
    ///
    /// A clock that ran ahead may be set back: before a store removes expired entries, it records up to
    /// which time, and treats everything that expires before that as used.
    ///
    /// # Errors
    ///
    /// See [`claim`](Self::claim).
    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>>;
    /// Returns whether [`mark_used`](Self::mark_used) has recorded this id. Called before anything is done
    /// for a sealed state, to save work for a used one; only `mark_used` decides. By default, no id is
    /// known to be used.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the store fails.
    fn is_used<'a>(&'a self, _id: &'a str, _expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(std::future::ready(Ok(false)))
    }
    /// Returns all records that have not expired, in any order.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Store` if the store fails.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>>;
}
