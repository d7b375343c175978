//! The ports of the core over the broker's store, and the flow manager on top of them.

mod announced;
mod certificates;
pub mod first_save;
mod grants;
mod http;
mod locks;
mod pending;
mod place;
mod providers;
mod punctual;
mod spool;
mod upstream;

use std::path::PathBuf;
use std::sync::Arc;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::Profiles as _;
use oauthctl_core::flow::{AccessToken, FlowManager, Hooks};
use oauthctl_core::http::Reach;
use oauthctl_core::{GrantKey, Ports, Result, StateKeys, TokenRequest};

pub use certificates::Certificates;
pub use grants::Grants;
pub use http::outbound;
use http::transport;
pub use locks::Locks;
pub use pending::Pending;
pub use place::{Place, UNCONFIRMED};
pub use providers::{Providers, SECRETS, build as build_profile};
pub use spool::Spool;

use crate::cache::Caches;
use crate::vault::Vault;

/// The flow manager of all tenants, and the ports that services use directly.
#[derive(Clone)]
pub struct Flow {
    /// Starts, completes, refreshes and revokes.
    pub manager: FlowManager,
    /// The providers of all tenants.
    pub providers: Arc<Providers>,
    /// The locks of grants.
    pub locks: Arc<Locks>,
    /// Received tokens that are not stored yet.
    pub spool: Arc<Spool>,
    /// The transports of providers with client certificates.
    pub certificates: Arc<Certificates>,
}

/// What a [`Flow`] needs besides the store.
#[derive(Clone)]
pub struct FlowOptions<'a> {
    /// The addresses that may be reached.
    pub reach: Reach,
    /// The rules of the tenants.
    pub rules: Arc<dyn Hooks>,
    /// The origin of the broker.
    pub origin: &'a str,
    /// The folder of received tokens that are not stored yet.
    pub spool: PathBuf,
}

impl std::fmt::Debug for FlowOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FlowOptions")
    }
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flow")
    }
}

impl Flow {
    /// Creates the flow manager over this store.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the secret of the states is invalid.
    pub fn new(vault: &Arc<Vault>, caches: &Arc<Caches>, options: FlowOptions<'_>) -> Result<Self> {
        let FlowOptions { reach, rules, origin, spool } = options;
        let providers = Arc::new(Providers::new(Arc::clone(vault), Arc::clone(caches), origin));
        let locks = Arc::new(Locks::new(Arc::clone(vault), Arc::clone(caches))?);
        let spool = Arc::new(Spool::new(Arc::clone(vault), Arc::clone(caches), spool)?);
        let grants = Arc::new(Grants::new(
            Arc::clone(vault),
            Arc::clone(&locks),
            Arc::clone(caches),
            Arc::clone(&spool),
        ));
        let pending = Arc::new(Pending::new(Arc::clone(vault)));
        let keys = StateKeys::of_secret(vault.state_secret())?;
        let coordinator: Arc<dyn oauthctl_core::port::Coordinator> = locks.clone();
        let ports = Ports::new(transport(reach), Arc::new(SystemClock), grants, coordinator)
            .with_pending(pending, keys)
            .with_hooks(rules);
        let manager = FlowManager::with_profiles(providers.clone(), ports);
        let certificates = Arc::new(Certificates::new(http::options(reach)));
        Ok(Self { manager, providers, locks, spool, certificates })
    }

    /// Returns a token of a grant, refreshed if necessary.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`FlowManager::token`].
    pub async fn token(&self, key: &GrantKey, request: &TokenRequest) -> Result<AccessToken> {
        let work = Box::pin(self.manager.token(key, request));
        let work = punctual::scope(key.profile.clone(), work);
        self.present(&key.profile, work).await
    }

    /// Runs work that sends requests for a profile. They present the certificate of its client, if it has one.
    ///
    /// # Errors
    ///
    /// Returns the errors of the work, `Store` if the store fails, and `Config` for a profile or a certificate that
    /// cannot be used. No request is sent then.
    pub async fn present<T>(
        &self,
        profile: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        // Without the certificate, nothing may be sent: the server would refuse a client that has one.
        let client = match self.providers.get(profile).await? {
            Some(profile) => self.certificates.client(&profile).await?,
            None => None,
        };
        certificates::scope(client, work).await
    }
}
