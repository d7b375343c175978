//! The few traits through which the world is reached, and which a caller may implement.
//!
//! All are object-safe, and their futures are boxed and tied to no executor: an implementation
//! that has its answer at hand returns a future that is ready at once.
//!
//! | trait | implement it to | given |
//! | --- | --- | --- |
//! | [`GrantStore`] | keep grants in a database of your own | [`MemoryStore`](crate::store::MemoryStore), and with their features `KeyringStore` and `FileStore` |
//! | [`PendingStore`] | keep started authorizations there too | [`MemoryPending`](crate::store::MemoryPending), [`FilePending`](crate::store::FilePending) |
//! | [`Coordinator`], [`Lock`] | make several machines take turns | [`MemoryCoordinator`](crate::store::MemoryCoordinator) for one process, [`StateDir`](crate::store::StateDir) for all processes of a machine |
//! | [`Http`] | send through a transport of your own | [`HttpClient`](crate::http::HttpClient) |
//! | [`Clock`] | have time stand still in tests | [`SystemClock`](crate::clock::SystemClock) |
//! | [`SecretItems`] | keep client secrets by name | the stores above |
//!
//! [`Secrets`](crate::flow::Secrets), [`Committed`](crate::flow::Committed) and
//! [`Hooks`](crate::flow::Hooks) belong to the flow, and stand there.
//!
//! # A store of your own
//!
//! A [`Grant`] is one JSON document for one user of one profile: a row whose key is the [`GrantKey`].
//! It holds tokens in clear text, so encrypt what you write.
//!
//! ```
//! use std::{collections::BTreeMap, sync::{Arc, Mutex}};
//! use oauthctl::port::{BoxFuture, GrantStore};
//! use oauthctl::{Error, Grant, GrantKey, Ports, Result};
//!
//! /// Stands for a table `grants (profile, user, document)`.
//! #[derive(Default)]
//! struct MyDatabase(Mutex<BTreeMap<GrantKey, Vec<u8>>>);
//!
//! impl GrantStore for MyDatabase {
//!     fn name(&self) -> String {
//!         "my database".to_owned()
//!     }
//!
//!     fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
//!         Box::pin(async move {
//!             let Some(document) = self.0.lock().unwrap().get(key).cloned() else { return Ok(None) };
//!             serde_json::from_slice(&document).map(Some).map_err(|_| Error::store("a damaged row"))
//!         })
//!     }
//!
//!     fn prepare<'a>(&'a self, _: &'a GrantKey, _bytes: usize) -> BoxFuture<'a, Result<()>> {
//!         Box::pin(async { Ok(()) }) // a real one asks whether the database can be written
//!     }
//!
//!     fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
//!         Box::pin(async move {
//!             let document = serde_json::to_vec(grant).map_err(|e| Error::store(e.to_string()))?;
//!             self.0.lock().unwrap().insert(grant.key.clone(), document);
//!             Ok(())
//!         })
//!     }
//!
//!     fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
//!         Box::pin(async move { Ok(self.0.lock().unwrap().remove(key).is_some()) })
//!     }
//! }
//!
//! let ports = Ports::in_memory().with_store(Arc::new(MyDatabase::default()));
//! # assert_eq!(ports.store.name(), "my database");
//! ```
//!
//! [`PendingStore`] has an example of its own.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use url::Url;

use crate::error::Result;
use crate::grant::{AccountEntry, Grant, GrantKey, Intent};
use crate::time::Timestamp;

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The methods that OAuth uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

impl Method {
    /// The method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request. Its `Debug` shows neither headers nor body: both carry secrets.
#[derive(Clone)]
pub struct HttpRequest {
    /// What the request is for, in a few words: "token request".
    pub purpose: &'static str,
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: zeroize::Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} ({})",
            self.method.as_str(),
            self.url.host_str().unwrap_or(""),
            self.purpose
        )
    }
}

/// A response, whatever its status. Its `Debug` shows neither headers nor body.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, 1 MiB at most.
    pub body: zeroize::Zeroizing<Vec<u8>>,
}

impl HttpResponse {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}, {} bytes", self.status, self.body.len())
    }
}

/// Why there is no response.
#[derive(Debug, Clone)]
pub struct HttpError {
    /// Whether the server cannot have acted on the request: nothing of it was sent.
    pub not_sent: bool,
    /// What happened, without a secret.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Sends requests.
///
/// An implementation must never follow a redirect, send nothing twice by itself, verify TLS, and take
/// a status of any kind for an answer: judging it is not its task. A code or a refresh token may be in
/// the request, so nothing of it belongs into a log.
pub trait Http: Send + Sync {
    /// Sends one request and reads its whole answer, within 30 s and 1 MiB.
    ///
    /// # Errors
    ///
    /// Where there is no answer. [`HttpError::not_sent`] may be set only where the server cannot have
    /// acted on the request: the flow then sends it again.
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>>;
}

/// Time. All expiry is judged by [`now`](Self::now), and every wait is a
/// [`sleep`](Self::sleep), so that a clock of a test's own moves both.
pub trait Clock: Send + Sync {
    /// The wall clock's time. It may go back; the flow copes with that.
    fn now(&self) -> Timestamp;
    /// Waits. A future that is dropped waits no longer.
    fn sleep<'a>(&'a self, duration: Duration) -> BoxFuture<'a, ()>;
}

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
/// The [module](self) has an example.
pub trait GrantStore: Send + Sync {
    /// The store's name, for messages and [`AccountEntry::store`].
    fn name(&self) -> String;
    /// Reads a grant.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails or the record is damaged. No token is handed out and
    /// nothing is refreshed then.
    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>>;
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
    /// cannot tell: then the index of the [`Coordinator`] is believed.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the store fails.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Option<Vec<GrantKey>>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

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
/// it otherwise.
///
/// ```
/// use std::{collections::BTreeMap, sync::Mutex};
/// use oauthctl::port::{BoxFuture, PendingRecord, PendingStore};
/// use oauthctl::{Error, Result, Timestamp};
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
/// let keys = oauthctl::StateKeys::generate()?;
/// let ports = oauthctl::Ports::in_memory().with_pending(std::sync::Arc::new(Flows::default()), keys);
/// # assert!(ports.pending.is_some());
/// # Ok::<(), oauthctl::Error>(())
/// ```
pub trait PendingStore: Send + Sync {
    /// Keeps a record under its id, which must be new: one that is known or used is refused. It need not outlive a power cut: where it is gone
    /// the person starts again, and nothing is lost.
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

/// The turn of one key: nobody else has it until it is dropped, and the death of its holder ends it
/// too. Its methods are synchronous, and called in asynchronous tasks: they are short, and wait for
/// nobody. Over a database that is reached asynchronously, write through a blocking connection or a
/// thread of your own.
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
    fn intent(&self) -> Result<Option<Intent>>;
    /// Writes an intent, durably.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it is not written. Nothing is spent then.
    fn set_intent(&mut self, intent: &Intent) -> Result<()>;
    /// Clears the intent.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where it may still be there.
    fn clear_intent(&mut self) -> Result<()>;
    /// Publishes what is known about the account without its secrets.
    ///
    /// # Errors
    ///
    /// Of kind `Store`, where the index cannot be written. The grant itself is saved by then.
    fn publish(&mut self, entry: &AccountEntry) -> Result<()>;
    /// Takes the account out of what is published.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    fn retract(&mut self) -> Result<()>;
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
/// [`account`](Self::account) and [`accounts`](Self::accounts) are synchronous, and called in
/// asynchronous tasks: over a database that is reached asynchronously, read through a blocking
/// connection or a thread of your own, or answer from a copy in memory.
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
    fn account(&self, key: &GrantKey) -> Result<Option<AccountEntry>>;
    /// All accounts that are known, sorted by key.
    ///
    /// # Errors
    ///
    /// As [`account`](Self::account).
    fn accounts(&self) -> Result<Vec<AccountEntry>>;
}
