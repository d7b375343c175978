//! The blocking counterpart of the flow, for programs without an asynchronous runtime.
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
    self, AccessToken, Completed, DeviceAuthorization, DevicePoll, DeviceRequest, Expected,
    PendingInfo, Ports, Revoked, StartRequest, Started, TokenRequest,
};
use crate::grant::{AccountEntry, Grant, GrantInfo, GrantKey};
use crate::profile::Profile;
use crate::protocol::response::AuthorizationResponse;

/// A blocking counterpart of [`flow::FlowManager`].
///
/// It runs on a small runtime of its own in the calling thread and starts no thread. One manager, or its
/// clones, may be used by any number of threads at once.
///
/// In a thread that is inside a tokio runtime (including `spawn_blocking`), each method returns an error of
/// kind [`Usage`](crate::ErrorKind::Usage): blocking there would delay its tasks. Use [`flow::FlowManager`]
/// instead.
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
            // Waiting for its end would panic in a thread that is inside another runtime.
            runtime.shutdown_background();
        }
    }
}

impl FlowManager {
    /// Creates a manager for these profiles, with these ports.
    ///
    /// # Errors
    ///
    /// Returns `Internal` if the system cannot provide a runtime, for instance because it is out of
    /// descriptors.
    pub fn new(profiles: impl IntoIterator<Item = Profile>, ports: Ports) -> Result<Self> {
        Self::over(flow::FlowManager::new(profiles, ports))
    }

    /// Wraps an existing manager.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::new`].
    pub fn over(manager: flow::FlowManager) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|e| Error::internal(format!("cannot start the runtime: {e}")).caused_by(&e))?;
        Ok(Self { inner: manager, engine: Arc::new(Engine(Some(runtime))) })
    }

    /// Returns the asynchronous manager.
    pub fn inner(&self) -> &flow::FlowManager {
        &self.inner
    }

    fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match &self.engine.0 {
            Some(runtime) if Handle::try_current().is_err() => runtime.block_on(work),
            _ => Err(Error::usage("the blocking manager was called inside a tokio runtime")
                .hint("use `oauthctl_core::FlowManager`, whose methods are asynchronous")),
        }
    }

    /// Returns the profile of this name: see [`flow::FlowManager::profile`].
    ///
    /// # Errors
    ///
    /// Returns `Config` if there is none.
    pub fn profile(&self, name: &str) -> Result<Arc<Profile>> {
        self.run(self.inner.profile(name))
    }

    /// Starts an authorization: see [`flow::FlowManager::start`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::start`].
    pub fn start(&self, profile: &str, request: StartRequest) -> Result<Started> {
        self.run(self.inner.start(profile, request))
    }

    /// Completes an authorization: see [`flow::FlowManager::complete`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::complete`].
    pub fn complete(
        &self,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        self.run(self.inner.complete(response, expected))
    }

    /// Starts a device authorization: see [`flow::FlowManager::authorize_device`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::authorize_device`].
    pub fn authorize_device(&self, request: DeviceRequest) -> Result<DeviceAuthorization> {
        self.run(self.inner.authorize_device(request))
    }

    /// Waits and polls once: see [`flow::FlowManager::poll_device`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::poll_device`].
    pub fn poll_device(&self, authorization: &mut DeviceAuthorization) -> Result<DevicePoll> {
        self.run(self.inner.poll_device(authorization))
    }

    /// Polls until the user has decided: see [`flow::FlowManager::complete_device`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::complete_device`].
    pub fn complete_device(&self, authorization: DeviceAuthorization) -> Result<Completed> {
        self.run(self.inner.complete_device(authorization))
    }

    /// Returns a token: see [`flow::FlowManager::token`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::token`].
    pub fn token(&self, key: &GrantKey, request: &TokenRequest) -> Result<AccessToken> {
        self.run(self.inner.token(key, request))
    }

    /// Returns the public view of a stored grant: see [`flow::FlowManager::grant`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::grant`].
    pub fn grant(&self, key: &GrantKey) -> Result<Option<GrantInfo>> {
        self.run(self.inner.grant(key))
    }

    /// Returns the whole record of a stored grant: see [`flow::FlowManager::export_grant`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::export_grant`].
    pub fn export_grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        self.run(self.inner.export_grant(key))
    }

    /// Lists grants: see [`flow::FlowManager::list`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::list`].
    pub fn list(&self, profile: Option<&str>) -> Result<Vec<AccountEntry>> {
        self.run(self.inner.list(profile))
    }

    /// Lists the pending flows: see [`flow::FlowManager::pending`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::pending`].
    pub fn pending(&self) -> Result<Vec<PendingInfo>> {
        self.run(self.inner.pending())
    }

    /// Cancels a started flow: see [`flow::FlowManager::cancel`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::cancel`].
    pub fn cancel(&self, grant_id: &str) -> Result<bool> {
        self.run(self.inner.cancel(grant_id))
    }

    /// Sets an attribute of a grant: see [`flow::FlowManager::set_attribute`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::set_attribute`].
    pub fn set_attribute(
        &self,
        key: &GrantKey,
        name: &str,
        value: Value,
        ttl: Option<Duration>,
    ) -> Result<()> {
        self.run(self.inner.set_attribute(key, name, value, ttl))
    }

    /// Changes several attributes of a grant: see [`flow::FlowManager::change_attributes`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::change_attributes`].
    pub fn change_attributes(
        &self,
        key: &GrantKey,
        changes: flow::AttributeChanges,
        known: Option<&Grant>,
    ) -> Result<bool> {
        self.run(self.inner.change_attributes(key, changes, known))
    }

    /// Removes an attribute of a grant: see [`flow::FlowManager::unset_attribute`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::unset_attribute`].
    pub fn unset_attribute(&self, key: &GrantKey, name: &str) -> Result<bool> {
        self.run(self.inner.unset_attribute(key, name))
    }

    /// Revokes and removes a grant: see [`flow::FlowManager::revoke`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::revoke`].
    pub fn revoke(&self, key: &GrantKey) -> Result<Revoked> {
        self.run(self.inner.revoke(key))
    }

    /// Revokes and removes a grant if it is still this one: see [`flow::FlowManager::revoke_if`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::revoke_if`].
    pub fn revoke_if(&self, key: &GrantKey, known: Option<&Grant>) -> Result<Option<Revoked>> {
        self.run(self.inner.revoke_if(key, known))
    }

    /// Removes a grant without contacting its server: see [`flow::FlowManager::forget`].
    ///
    /// # Errors
    ///
    /// See [`flow::FlowManager::forget`].
    pub fn forget(&self, key: &GrantKey) -> Result<bool> {
        self.run(self.inner.forget(key))
    }
}
