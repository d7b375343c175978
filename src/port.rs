//! The few traits through which the world is reached.
//!
//! All are object-safe, and their futures are boxed and tied to no executor: an implementation
//! that has its answer at hand returns a future that is ready at once.

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

/// Sends requests. It never follows a redirect, and takes a status of any kind for an answer.
pub trait Http: Send + Sync {
    /// Sends one request and reads its whole answer, within 30 s and 1 MiB.
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>>;
}

/// Time.
pub trait Clock: Send + Sync {
    /// The wall clock's time.
    fn now(&self) -> Timestamp;
    /// Waits.
    fn sleep<'a>(&'a self, duration: Duration) -> BoxFuture<'a, ()>;
}

/// Keeps grants.
///
/// `save` replaces a record as a whole and durably, or leaves the old one; it may be called only
/// under the [`Lock`] of its key. A record that cannot be read is an error of kind
/// [`Store`](crate::ErrorKind::Store), never `None`.
pub trait GrantStore: Send + Sync {
    /// The store's name, as `--store` takes it.
    fn name(&self) -> String;
    /// Reads a grant.
    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>>;
    /// Proves that a record of about `bytes` can be saved under this key (open, unlocked, room for
    /// it), without changing what is there. Called before a code or a refresh token is spent.
    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>>;
    /// Saves a grant under its key.
    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>>;
    /// Moves a damaged record aside, so that the next `save` loses nothing, and says where it went.
    /// `None` where there was nothing to move.
    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>>;
    /// Removes a grant and every copy of it. Says whether there was one.
    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>>;
    /// The keys of all grants, in any order. `None`, as without an implementation, where the store
    /// cannot tell: then the index of the [`Coordinator`] is believed.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Option<Vec<GrantKey>>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// What is remembered of a started authorization until its response comes: sealed, so that whoever
/// keeps it learns nothing but its name and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRecord {
    /// The name of the flow: the `jti` of its state.
    pub id: String,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
    /// The content, encrypted and authenticated together with the two above.
    pub sealed: Vec<u8>,
}

/// Keeps started authorizations, for any number of processes at once.
///
/// A record that has expired may be dropped at any time. A store has a limit, and refuses more
/// ([`Store`](crate::ErrorKind::Store)); it never drops what has not expired.
pub trait PendingStore: Send + Sync {
    /// Keeps a record under its id, which is new.
    fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>>;
    /// Reads a record; `None` where there is none of this id and time.
    fn get<'a>(
        &'a self,
        id: &'a str,
        expires_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<PendingRecord>>>;
    /// Takes a record away for good: `true` for exactly one caller, however many try at once, and
    /// durable before it returns. This is what makes a state work once.
    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>>;
    /// Notes, durably, that an id which was never put is used: `true` for exactly one caller.
    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>>;
    /// All records that have not expired.
    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>>;
}

/// Keeps named secrets that are not grants: client secrets.
pub trait SecretItems: Send + Sync {
    /// Reads an item.
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<crate::Secret>>>;
    /// Writes an item, durably.
    fn set<'a>(&'a self, name: &'a str, value: &'a crate::Secret) -> BoxFuture<'a, Result<()>>;
    /// Removes an item. Says whether there was one.
    fn unset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool>>;
}

/// A lock on one key, released when dropped, and by the operating system when its holder dies.
pub trait Lock: Send {
    /// The intent that an earlier holder wrote and did not clear.
    fn intent(&self) -> Result<Option<Intent>>;
    /// Writes an intent, durably.
    fn set_intent(&mut self, intent: &Intent) -> Result<()>;
    /// Clears the intent.
    fn clear_intent(&mut self) -> Result<()>;
    /// Publishes what is known about the account without its secrets.
    fn publish(&mut self, entry: &AccountEntry) -> Result<()>;
    /// Takes the account out of what is published.
    fn retract(&mut self) -> Result<()>;
}

/// Makes processes take turns, and keeps the index of accounts.
pub trait Coordinator: Send + Sync {
    /// Takes the lock of this key, waiting at most this long for it.
    fn lock<'a>(
        &'a self,
        key: &'a GrantKey,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Lock>>>;
    /// The entry of one account.
    fn account(&self, key: &GrantKey) -> Result<Option<AccountEntry>>;
    /// All accounts that are known, sorted by key.
    fn accounts(&self) -> Result<Vec<AccountEntry>>;
}
