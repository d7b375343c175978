//! What a [`FlowManager`](super::FlowManager) is built from beside its profiles.

use std::path::PathBuf;
use std::sync::Arc;

use super::hooks::Hooks;
use crate::Secret;
use crate::error::{Error, Result};
use crate::grant::Grant;
use crate::port::{BoxFuture, Clock, Coordinator, GrantStore, Http, PendingStore};
use crate::profile::{Profile, SecretSource};
use crate::protocol::state::StateKeys;
use crate::time::Timestamp;
use crate::trace::Trace;

/// The world of a [`FlowManager`](super::FlowManager): transport, clock, stores, and who else takes
/// part.
///
/// [`Ports::in_memory`] has all of it; what shall be otherwise is replaced:
///
/// ```
/// use std::sync::Arc;
/// use oauthctl_core::flow::Ports;
/// use oauthctl_core::store::MemoryStore;
///
/// let my_database = Arc::new(MemoryStore::new()); // whatever implements `port::GrantStore`
/// let ports = Ports::in_memory().with_store(my_database);
/// assert_eq!(ports.store.name(), "memory");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// The transport.
    pub http: Arc<dyn Http>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where grants are kept.
    pub store: Arc<dyn GrantStore>,
    /// Who takes turns.
    pub coordinator: Arc<dyn Coordinator>,
    /// Where started authorizations wait for their response; `None` where none are started.
    pub pending: Option<Arc<dyn PendingStore>>,
    /// The keys of their states.
    pub state_keys: Arc<StateKeys>,
    /// Where client secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// Who sees commits.
    pub committed: Option<Arc<dyn Committed>>,
    /// What runs the hooks of profiles. Without it, a profile with a hook is refused where the hook
    /// would run: it may be there to deny. Where a login is required anyway, that stays the error.
    pub hooks: Option<Arc<dyn Hooks>>,
    /// The teaching trace.
    pub trace: Trace,
    /// The directory where discovered metadata and keys are cached.
    pub discovery_cache: Option<PathBuf>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ports(store {})", crate::text::one_line(&self.store.name()))
    }
}

impl Ports {
    /// The four that are always needed. There is nowhere to keep started authorizations
    /// ([`with_pending`](Self::with_pending)), only secrets that stand in a profile itself are read,
    /// and nothing is cached or traced.
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
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same with another transport.
    #[must_use]
    pub fn with_http(mut self, http: Arc<dyn Http>) -> Self {
        self.http = http;
        self
    }

    /// The same with another store of grants.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn GrantStore>) -> Self {
        self.store = store;
        self
    }

    /// The same with another coordinator: where several processes share the store of grants, they
    /// must share this too.
    #[must_use]
    pub fn with_coordinator(mut self, coordinator: Arc<dyn Coordinator>) -> Self {
        self.coordinator = coordinator;
        self
    }

    /// The same with a store of started authorizations and the keys of their states. Every process
    /// that has both can complete what another has started.
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

    /// The same with another source of client secrets.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Arc<dyn Secrets>) -> Self {
        self.secrets = secrets;
        self
    }

    /// The same with somebody who sees commits.
    #[must_use]
    pub fn with_committed(mut self, committed: Arc<dyn Committed>) -> Self {
        self.committed = Some(committed);
        self
    }

    /// The same with something that runs the hooks of profiles, as
    /// [`CommandHooks`](crate::hook::CommandHooks) does.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Arc<dyn Hooks>) -> Self {
        self.hooks = Some(hooks);
        self
    }

    /// The same with a trace.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.trace = trace;
        self
    }

    /// The same with a directory for discovered metadata and keys.
    #[must_use]
    pub fn with_discovery_cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.discovery_cache = Some(directory.into());
        self
    }
}

/// Turns the references to secrets in a profile into secrets.
///
/// It is asked whenever a request needs the client's credentials, and what it gives is not kept: a
/// secret that was replaced is used from the next request on.
/// [`secret_source::resolve`](crate::profile::secret_source::resolve) reads every kind of reference.
pub trait Secrets: Send + Sync {
    /// Reads a secret from where the profile says it is.
    ///
    /// # Errors
    ///
    /// `Config` where there is none; the error must not hold any of it. Nothing is sent then.
    fn resolve<'a>(&'a self, source: &'a SecretSource) -> BoxFuture<'a, Result<Secret>>;
}

/// The secrets that stand in the profile itself, and no others: no variable, file or command is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct InlineSecrets;

impl Secrets for InlineSecrets {
    fn resolve<'a>(&'a self, source: &'a SecretSource) -> BoxFuture<'a, Result<Secret>> {
        let secret = match source {
            SecretSource::Inline(secret) => Ok(secret.clone()),
            _ => Err(Error::config("there is nowhere to read it from")
                .hint("give the manager a source of secrets: `Ports::with_secrets`")),
        };
        Box::pin(std::future::ready(secret))
    }
}

/// Sees every grant right after it was committed: write-back to a CI system, for instance.
pub trait Committed: Send + Sync {
    /// Called once a new generation is durable, while the lock of its key is still held. It must not
    /// ask the manager for that key.
    ///
    /// # Errors
    ///
    /// Told to the caller as a warning: the commit stands.
    fn committed<'a>(&'a self, profile: &'a Profile, grant: &'a Grant)
    -> BoxFuture<'a, Result<()>>;
}
