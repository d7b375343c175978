//! Where started authorizations wait for their response.

use super::BoxFuture;
use crate::error::Result;
use crate::time::Timestamp;

/// What is remembered of a started authorization until its response comes: sealed, so that whoever
/// keeps it learns nothing but its name and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRecord {
    /// The name of the flow: the `jti` of its state. Letters, digits, `-` and `_`.
    pub id: String,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
    /// The content, encrypted and authenticated together with the two above.
    pub sealed: Vec<u8>,
}

/// Keeps started authorizations, for any number of processes at once. No lock is held around its
/// methods: what must happen once is decided by the store itself.
///
/// A record that has expired may be dropped at any time, one that has not never. A store should have
/// a limit, and refuse more ([`Store`](crate::ErrorKind::Store)): whoever can start flows could fill
/// it otherwise. Whose flow it is, a record does not tell: a limit for each user is the caller's, before
/// [`start`](crate::FlowManager::start).
///
/// ```
/// use std::{collections::BTreeMap, sync::Mutex};
/// use oauthctl_core::port::{BoxFuture, PendingRecord, PendingStore};
/// use oauthctl_core::{Error, Result, Timestamp};
///
/// /// Stands for a table `flows (id primary key, expires_at, sealed null)`: a flow that is used has
/// /// nothing sealed. Its row stays until it has expired: a record that comes back is refused.
/// #[derive(Default)]
/// struct Flows(Mutex<BTreeMap<String, (Timestamp, Option<PendingRecord>)>>);
///
/// impl PendingStore for Flows {
///     fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             let mut rows = self.0.lock().unwrap();
///             // DELETE FROM flows WHERE expires_at < now; and refuse where COUNT(*) is at the limit.
///             if rows.contains_key(&record.id) {
///                 return Err(Error::store("this flow is known already"));
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
///     // one row, or none. To delete it would let an old copy be put, and claimed, once more.
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
    /// Keeps a record under its id, which must be new: one that is known or used is refused. It need
    /// not outlive a power cut: where it is gone the person starts again, and nothing is lost.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it is not kept. The person is then sent nowhere.
    fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>>;
    /// Reads a record; `None` where there is none of this id and time.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails: the flow is then neither completed nor lost.
    fn get<'a>(
        &'a self,
        id: &'a str,
        expires_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<PendingRecord>>>;
    /// Takes a record away for good: `true` for exactly one caller, however many try at once, and
    /// durable before it returns. This is what makes a state work once; the code is sent after it. It
    /// must hold until the record has expired, even where an old copy of the record comes back.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it is not certain that nobody else can take it. Nothing is redeemed.
    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>>;
    /// Notes, durably, until `expires_at` at least, that an id which was never put is used: `true` for
    /// exactly one caller. This makes a sealed state work once.
    ///
    /// A clock that ran ahead may be set back: before a store removes what has expired, it remembers up to
    /// which time, and treats whatever expires before that as used.
    ///
    /// # Errors
    ///
    /// As [`claim`](Self::claim).
    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>>;
    /// Whether [`mark_used`](Self::mark_used) has noted this id. It is asked before anything is done
    /// for a sealed state, to save the work for one that is used; `mark_used` alone decides. Without an
    /// answer of the store's own, none is known to be used.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails.
    fn is_used<'a>(&'a self, _id: &'a str, _expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(std::future::ready(Ok(false)))
    }
    /// All records that have not expired, in any order.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>>;
}
