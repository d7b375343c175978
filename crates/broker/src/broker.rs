//! The state that all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use oauthctl_core::port::Http;
use oauthctl_core::{Error, Result};
use tracing::Instrument;

use crate::cache::Caches;
use crate::caller::Caller;
use crate::flow::{Flow, FlowOptions, outbound};
use crate::mail::Mailer;
use crate::problem::Problem;
use crate::rates::Rates;
use crate::rules::hooks::Rules;
use crate::settings::Settings;
use crate::vault::Vault;

/// The time limit for responses from a tenant's servers.
const TENANT_LIMIT: Duration = Duration::from_secs(15);

/// A running broker.
pub struct Broker {
    /// The settings.
    pub settings: Settings,
    /// The origin at which users and providers reach it, without a trailing slash.
    pub public_url: String,
    /// The store.
    pub vault: Arc<Vault>,
    /// The caches.
    pub caches: Arc<Caches>,
    /// The flow manager of all tenants, with its ports.
    pub flow: Flow,
    /// The transport to the servers of tenants.
    pub outbound: Arc<dyn Http>,
    /// Sends emails; `None` if sign-up is disabled.
    pub mailer: Option<Mailer>,
    /// Counts requests, to limit their rate.
    pub rates: Rates,
    draining: AtomicBool,
    /// Number of pieces of work that a shutdown waits for.
    working: AtomicUsize,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Broker({})", self.public_url)
    }
}

impl Broker {
    /// Creates a broker that is reached at this origin.
    ///
    /// # Errors
    ///
    /// Returns `Config` for settings that cannot be used.
    pub fn new(settings: Settings, public_url: String, vault: Arc<Vault>) -> Result<Self> {
        let spool = settings.spool.clone();
        let caches = Arc::new(Caches::default());
        let outbound = outbound(settings.reach(), TENANT_LIMIT);
        let rules = Arc::new(Rules::new(Arc::clone(&vault), Arc::clone(&outbound)));
        let reach = settings.reach();
        let options = FlowOptions { reach, rules, origin: &public_url, spool };
        let flow = Flow::new(&vault, &caches, options)?;
        let mailer = settings.mailer()?;
        let draining = AtomicBool::new(false);
        Ok(Self {
            settings,
            public_url,
            vault,
            caches,
            flow,
            outbound,
            mailer,
            rates: Rates::default(),
            draining,
            working: AtomicUsize::new(0),
        })
    }

    /// Returns whether users reach it over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Counts a request of a tenant. Returns the response to send instead if the tenant exceeds its rate.
    pub fn over_rate(&self, caller: &Caller) -> Option<Problem> {
        let most = caller.tenant.quota.requests?;
        let is_over = !self.rates.allow_tenant(&caller.tenant.name, most);
        is_over.then(|| {
            Problem::too_many("the tenant has exceeded its limit of requests per second", 1)
        })
    }

    /// Makes `/readyz` fail, so that load balancers send no new requests.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Returns whether the process is shutting down.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Begins work in the background, which a shutdown waits for; `None` if the process is shutting down.
    pub fn begin_work(self: &Arc<Self>) -> Option<Work> {
        // Counted first: a shutdown that begins meanwhile either is seen here or sees the count.
        let work = self.count_work();
        (!self.is_draining()).then_some(work)
    }

    /// Runs work of a request to its end. A client that disconnects does not interrupt it, and a shutdown waits for it.
    ///
    /// # Errors
    ///
    /// Returns the errors of the work, and `Internal` if it panicked.
    pub async fn complete<T, E>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let counted = self.count_work();
        // Boxed, because each layer around such a large future would copy it onto the stack.
        let work = Box::pin(work);
        let task = async move {
            let _counted = counted;
            work.await
        };
        let task = tokio::spawn(task.in_current_span());
        task.await.unwrap_or_else(|_| Err(Error::internal("a request panicked").into()))
    }

    /// Counts work that a shutdown waits for, until the value is dropped.
    pub fn count_work(self: &Arc<Self>) -> Work {
        self.working.fetch_add(1, Ordering::SeqCst);
        Work(Arc::clone(self))
    }

    /// Returns whether work is in progress that a shutdown waits for.
    pub fn is_working(&self) -> bool {
        self.working.load(Ordering::SeqCst) > 0
    }
}

/// Work that a shutdown waits for. It has ended when this is dropped.
#[derive(Debug)]
pub struct Work(Arc<Broker>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}
