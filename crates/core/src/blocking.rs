//! The same flow for programs without an asynchronous runtime.
//!
//! ```no_run
//! use oauthctl_core::flow::Ports;
//! use oauthctl_core::{GrantKey, TokenRequest, blocking::FlowManager, profile::Config};
//!
//! # fn main() -> oauthctl_core::Result<()> {
//! let config = Config::load("config.toml".as_ref())?;
//! let manager = FlowManager::new(config.profiles.into_values(), Ports::in_memory())?;
//! let token = manager.token(&GrantKey::new("gitlab", "4711"), &TokenRequest::default())?;
//! # Ok(()) }
//! ```

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};
use crate::flow::{
    self, AccessToken, Completed, Expected, PendingInfo, Ports, Revoked, StartRequest, Started,
    TokenRequest,
};
use crate::grant::{AccountEntry, Grant, GrantKey};
use crate::profile::Profile;
use crate::protocol::response::AuthorizationResponse;

/// [`flow::FlowManager`] with methods that wait for their result.
///
/// It runs what it does on a small runtime of its own, in the calling thread: it starts no thread.
/// One manager, or its clones, may be used by any number of threads at once.
///
/// Each method fails with an error of kind [`Usage`](crate::ErrorKind::Usage) in a thread that is in
/// a tokio runtime (`spawn_blocking` included): waiting there would hold up its tasks, and there is
/// [`flow::FlowManager`] for it.
#[derive(Debug, Clone)]
pub struct FlowManager {
    inner: flow::FlowManager,
    engine: Arc<Engine>,
}

/// A runtime that can be dropped anywhere.
#[derive(Debug)]
struct Engine(Option<Runtime>);

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // To wait for its end would panic in a thread that is in another runtime.
            runtime.shutdown_background();
        }
    }
}

impl FlowManager {
    /// A manager of these profiles over these ports.
    ///
    /// # Errors
    ///
    /// `Internal` where the system gives no runtime: it is out of descriptors, for instance.
    pub fn new(profiles: impl IntoIterator<Item = Profile>, ports: Ports) -> Result<Self> {
        Self::over(flow::FlowManager::new(profiles, ports))
    }

    /// The blocking face of a manager that there is already.
    ///
    /// # Errors
    ///
    /// As [`FlowManager::new`].
    pub fn over(manager: flow::FlowManager) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| {
            Error::internal(format!("the runtime could not be started: {e}")).caused_by(&e)
        })?;
        Ok(Self { inner: manager, engine: Arc::new(Engine(Some(runtime))) })
    }

    /// The asynchronous manager below.
    pub fn inner(&self) -> &flow::FlowManager {
        &self.inner
    }

    fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match &self.engine.0 {
            Some(runtime) if Handle::try_current().is_err() => runtime.block_on(work),
            _ => Err(Error::usage("the blocking manager was called inside a tokio runtime")
                .hint("use `oauthctl_core::FlowManager` there: its methods are asynchronous")),
        }
    }

    /// The profile of this name: [`flow::FlowManager::profile`].
    ///
    /// # Errors
    ///
    /// `Config` where there is none.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        self.inner.profile(name)
    }

    /// Starts an authorization: [`flow::FlowManager::start`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn start(&self, profile: &str, request: StartRequest) -> Result<Started> {
        self.run(self.inner.start(profile, request))
    }

    /// Completes an authorization: [`flow::FlowManager::complete`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn complete(
        &self,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        self.run(self.inner.complete(response, expected))
    }

    /// Hands out a token: [`flow::FlowManager::token`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn token(&self, key: &GrantKey, request: &TokenRequest) -> Result<AccessToken> {
        self.run(self.inner.token(key, request))
    }

    /// Looks at a stored grant: [`flow::FlowManager::grant`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        self.run(self.inner.grant(key))
    }

    /// Lists grants: [`flow::FlowManager::list`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn list(&self, profile: Option<&str>) -> Result<Vec<AccountEntry>> {
        self.run(self.inner.list(profile))
    }

    /// Lists the flows that wait for their response: [`flow::FlowManager::pending`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn pending(&self) -> Result<Vec<PendingInfo>> {
        self.run(self.inner.pending())
    }

    /// Forgets a started flow: [`flow::FlowManager::cancel`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn cancel(&self, grant_id: &str) -> Result<bool> {
        self.run(self.inner.cancel(grant_id))
    }

    /// Sets an attribute of a grant: [`flow::FlowManager::set_attribute`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_attribute(
        &self,
        key: &GrantKey,
        name: &str,
        value: Value,
        ttl: Option<Duration>,
    ) -> Result<()> {
        self.run(self.inner.set_attribute(key, name, value, ttl))
    }

    /// Removes an attribute of a grant: [`flow::FlowManager::unset_attribute`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn unset_attribute(&self, key: &GrantKey, name: &str) -> Result<bool> {
        self.run(self.inner.unset_attribute(key, name))
    }

    /// Revokes and forgets a grant: [`flow::FlowManager::revoke`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn revoke(&self, key: &GrantKey) -> Result<Revoked> {
        self.run(self.inner.revoke(key))
    }

    /// Forgets a grant without asking its server: [`flow::FlowManager::forget`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn forget(&self, key: &GrantKey) -> Result<bool> {
        self.run(self.inner.forget(key))
    }
}
