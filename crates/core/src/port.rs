//! The traits through which everything external is reached, and which a caller may implement.
//!
//! All are object-safe, and their boxed futures depend on no executor: an implementation that has its
//! result at hand returns a future that is ready immediately.
//!
//! | trait | implement it to | built in |
//! | --- | --- | --- |
//! | [`GrantStore`] | store grants in your own database | [`MemoryStore`](crate::store::MemoryStore), and with their features `KeyringStore` and `FileStore` |
//! | [`PendingStore`] | store started authorizations there too | [`MemoryPending`](crate::store::MemoryPending), [`FilePending`](crate::store::FilePending) |
//! | [`Coordinator`], [`Lock`] | serialize several machines | [`MemoryCoordinator`](crate::store::MemoryCoordinator) for one process, [`StateDir`](crate::store::StateDir) for all processes of a machine |
//! | [`Http`] | send through your own transport | [`HttpClient`](crate::http::HttpClient) |
//! | [`Clock`] | control time in tests | [`SystemClock`](crate::clock::SystemClock) |
//! | [`SecretItems`] | store client secrets by name | the stores above |
//!
//! [`Profiles`](crate::flow::Profiles), [`Secrets`](crate::flow::Secrets), [`Committed`](crate::flow::Committed) and
//! [`Hooks`](crate::flow::Hooks) belong to the flow and are defined there.
//!
//! # Implementing a store
//!
//! A [`Grant`] is one JSON document for one account of one profile: a row whose key is the [`GrantKey`]. It
//! contains tokens in clear text, and with DPoP a private key (the profile's own, if it has one), so
//! encrypt what you write.
//!
//! ```
//! use std::{collections::BTreeMap, sync::{Arc, Mutex}};
//! use oauthctl_core::port::{BoxFuture, GrantStore};
//! use oauthctl_core::{Error, Grant, GrantKey, Ports, Result};
//!
//! /// Represents a table `grants (profile, account, document)`.
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
//!         Box::pin(async { Ok(()) }) // a real one checks that the database is writable
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
//! [`PendingStore`] has its own example.
//!
//! [`Grant`]: crate::Grant
//! [`GrantKey`]: crate::GrantKey

mod grants;
mod lock;
mod pending;
mod transport;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::time::Timestamp;

pub use grants::{GrantStore, SecretItems};
pub(crate) use lock::recover;
pub use lock::{Coordinator, Lock};
pub use pending::{PendingRecord, PendingStore};
pub use transport::{Http, HttpError, HttpRequest, HttpResponse, MAX_BODY, Method};

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Time. All expiry is checked against [`now`](Self::now), and every wait is a [`sleep`](Self::sleep), so
/// that a test's own clock controls both.
pub trait Clock: Send + Sync {
    /// Returns the wall clock's time. It may go backwards; the flow handles that.
    fn now(&self) -> Timestamp;
    /// Waits. Dropping the future ends the wait.
    fn sleep<'a>(&'a self, duration: Duration) -> BoxFuture<'a, ()>;
}
