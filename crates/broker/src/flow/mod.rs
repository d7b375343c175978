//! The ports of the core over the broker's store, and the flow manager on top of them.

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
use oauthctl_core::flow::{AccessToken, FlowManager, Hooks};
use oauthctl_core::{GrantKey, Ports, Result, StateKeys, TokenRequest};

pub use grants::Grants;
pub use http::{outbound, transport};
pub use locks::Locks;
pub use pending::Pending;
pub use place::{Place, UNCONFIRMED};
pub use providers::{Providers, build as build_profile};
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
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flow")
    }
}

impl Flow {
    /// Creates the flow manager over this store, for a broker with this origin. The spool writes its files to
    /// `folder`.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the secret of the states is invalid.
    pub fn new(
        vault: &Arc<Vault>,
        caches: &Arc<Caches>,
        http: Arc<dyn oauthctl_core::port::Http>,
        rules: Arc<dyn Hooks>,
        origin: &str,
        spool: PathBuf,
    ) -> Result<Self> {
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
        let ports = Ports::new(http, Arc::new(SystemClock), grants, coordinator)
            .with_pending(pending, keys)
            .with_hooks(rules);
        let manager = FlowManager::with_profiles(providers.clone(), ports);
        Ok(Self { manager, providers, locks, spool })
    }

    /// Returns a token of a grant, refreshed if necessary.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`FlowManager::token`].
    pub async fn token(&self, key: &GrantKey, request: &TokenRequest) -> Result<AccessToken> {
        punctual::scope(key.profile.clone(), self.manager.token(key, request)).await
    }
}
