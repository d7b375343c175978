//! What a [`FlowManager`](super::FlowManager) is built from, in addition to its profiles.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::hooks::Hooks;
use crate::Secret;
use crate::error::{Error, Result};
use crate::grant::Grant;
use crate::port::{BoxFuture, Clock, Coordinator, GrantStore, Http, PendingStore};
use crate::profile::{Profile, SecretSource};
use crate::protocol::state::StateKeys;
use crate::time::Timestamp;
use crate::trace::Trace;

/// How long to wait for the response to a request that the caller can do without.
const OPTIONAL: Duration = Duration::from_secs(5);

/// The environment of a [`FlowManager`](super::FlowManager): transport, clock, stores and other
/// participants.
///
/// [`Ports::in_memory`] provides all of it; replace what should be different:
///
/// ```
/// use std::sync::Arc;
/// use oauthctl_core::flow::Ports;
/// use oauthctl_core::store::MemoryStore;
///
/// let my_database = Arc::new(MemoryStore::new()); // any implementation of `port::GrantStore`
/// let ports = Ports::in_memory().with_store(my_database);
/// assert_eq!(ports.store.name(), "memory");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// The transport.
    pub http: Arc<dyn Http>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The store of grants.
    pub store: Arc<dyn GrantStore>,
    /// The locks that serialize access to grants.
    pub coordinator: Arc<dyn Coordinator>,
    /// The store of started authorizations; `None` if none are started.
    pub pending: Option<Arc<dyn PendingStore>>,
    /// The keys of their states.
    pub state_keys: Arc<StateKeys>,
    /// The source of client secrets.
    pub secrets: Arc<dyn Secrets>,
    /// The observer of commits.
    pub committed: Option<Arc<dyn Committed>>,
    /// The runner of the profiles' hooks. Without it, a profile with a hook is refused when the hook would
    /// run, because the hook may be there to deny. If a login is required anyway, that remains the error.
    pub hooks: Option<Arc<dyn Hooks>>,
    /// The protocol trace.
    pub trace: Trace,
    /// The directory where discovered metadata and keys are cached.
    pub discovery_cache: Option<PathBuf>,
    /// The ports of other profiles, by name, where they differ from these. A grant can be obtained with
    /// a token of another profile.
    pub others: Arc<BTreeMap<String, Ports>>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ports(store {})", crate::text::one_line(&self.store.name()))
    }
}

impl Ports {
    /// Creates ports from the four that are always required. Started authorizations cannot be stored (see
    /// [`with_pending`](Self::with_pending)), only secrets that are part of a profile itself are read, and
    /// nothing is cached or traced.
    pub fn new(
        http: Arc<dyn Http>,
        clock: Arc<dyn Clock>,
        store: Arc<dyn GrantStore>,
        coordinator: Arc<dyn Coordinator>,
    ) -> Self {
        Self {
            http,
            clock,
            store,
            coordinator,
            pending: None,
            state_keys: Arc::new(StateKeys::none()),
            secrets: Arc::new(InlineSecrets),
            committed: None,
            hooks: None,
            trace: Trace::off(),
            discovery_cache: None,
            others: Arc::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits at most [`OPTIONAL`] for a request that the caller can do without: someone waits for the result that does
    /// not depend on it.
    ///
    /// # Errors
    ///
    /// Returns the error of the request, or `Unavailable`: `late` says what has not happened within that time.
    pub(super) async fn optionally<T>(
        &self,
        request: impl Future<Output = Result<T>>,
        late: &str,
    ) -> Result<T> {
        tokio::select! {
            biased;
            outcome = request => outcome,
            () = self.clock.sleep(OPTIONAL) => {
                let limit = crate::time::describe(OPTIONAL);
                Err(Error::unavailable(format!("{late} within {limit}")))
            }
        }
    }

    /// Sets the transport.
    #[must_use]
    pub fn with_http(mut self, http: Arc<dyn Http>) -> Self {
        self.http = http;
        self
    }

    /// Sets the store of grants.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn GrantStore>) -> Self {
        self.store = store;
        self
    }

    /// Sets the coordinator. Processes that share the store of grants must share the coordinator too.
    #[must_use]
    pub fn with_coordinator(mut self, coordinator: Arc<dyn Coordinator>) -> Self {
        self.coordinator = coordinator;
        self
    }

    /// Sets the store of started authorizations and the keys of their states. Every process that has both
    /// can complete what another one started.
    #[must_use]
    pub fn with_pending(
        mut self,
        store: Arc<dyn PendingStore>,
        keys: impl Into<Arc<StateKeys>>,
    ) -> Self {
        self.pending = Some(store);
        self.state_keys = keys.into();
        self
    }

    /// Sets the source of client secrets.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Arc<dyn Secrets>) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets the observer of commits.
    #[must_use]
    pub fn with_committed(mut self, committed: Arc<dyn Committed>) -> Self {
        self.committed = Some(committed);
        self
    }

    /// Sets the runner of the profiles' hooks, for instance [`CommandHooks`](crate::hook::CommandHooks).
    #[must_use]
    pub fn with_hooks(mut self, hooks: Arc<dyn Hooks>) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// Sets the trace.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.trace = trace;
        self
    }

    /// Sets the directory for discovered metadata and keys.
    #[must_use]
    pub fn with_discovery_cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.discovery_cache = Some(directory.into());
        self
    }

    /// Sets the ports of other profiles, by name: of those whose tokens are kept in another store or
    /// requested over another transport.
    #[must_use]
    pub fn with_others(mut self, others: BTreeMap<String, Ports>) -> Self {
        self.others = Arc::new(others);
        self
    }
}

/// Resolves the references to secrets in a profile.
///
/// Called whenever a request requires the client credentials. Results are not cached: a replaced secret is
/// used from the next request on. [`secret_source::resolve`](crate::profile::secret_source::resolve) reads
/// every kind of reference.
pub trait Secrets: Send + Sync {
    /// Reads a secret from its configured source.
    ///
    /// # Errors
    ///
    /// Returns `Config` if there is none; the error must not contain any part of it. Nothing is sent then.
    fn resolve<'a>(&'a self, source: &'a SecretSource) -> BoxFuture<'a, Result<Secret>>;
}

/// Resolves only secrets that are part of the profile itself: reads no variable, file or command.
#[derive(Debug, Clone, Copy, Default)]
pub struct InlineSecrets;

impl Secrets for InlineSecrets {
    fn resolve<'a>(&'a self, source: &'a SecretSource) -> BoxFuture<'a, Result<Secret>> {
        let secret = match source {
            SecretSource::Inline(secret) => Ok(secret.clone()),
            _ => Err(Error::config("no source of secrets is configured")
                .hint("set one with `Ports::with_secrets`")),
        };
        Box::pin(std::future::ready(secret))
    }
}

/// Observes every grant right after it was committed, for instance to write it back to a CI system.
pub trait Committed: Send + Sync {
    /// Called before the first generation of a new grant is stored: its tokens are valid. It stores what the grant
    /// cannot be used without.
    ///
    /// # Errors
    ///
    /// An error ends the login: the tokens are revoked, and nothing is stored.
    fn before_first<'a>(
        &'a self,
        _profile: &'a Profile,
        _grant: &'a Grant,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Called once a new generation is durable, while the lock of its key is still held. Must not call the
    /// manager for that key.
    ///
    /// # Errors
    ///
    /// An error is returned to the caller as a warning: the commit stands.
    fn committed<'a>(&'a self, profile: &'a Profile, grant: &'a Grant)
    -> BoxFuture<'a, Result<()>>;
}
