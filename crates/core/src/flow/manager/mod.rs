//! [`FlowManager`]: every method delegates to a function of the flow.

mod device;
mod grants;
mod login;
mod two_phase;

use std::sync::Arc;

use crate::error::Result;
use crate::flow::critical::{Critical, CriticalPart};
use crate::flow::ports::Ports;
use crate::flow::profiles::{FixedProfiles, Profiles};
use crate::flow::turn::{Context, GetToken, Shared};
use crate::flow::{accounts, token};
use crate::profile::Profile;

/// Starts and completes authorizations; hands out, lists and revokes tokens.
///
/// Cloning is cheap, and all clones are the same manager, which any number of tasks and threads may share.
/// Two managers over the same stores and the same coordinator behave as one.
///
/// The front page of the crate has an example. `oauthctl_core::blocking::FlowManager` is the blocking
/// counterpart for programs without an asynchronous runtime.
#[derive(Clone)]
pub struct FlowManager {
    shared: Shared,
}

impl std::fmt::Debug for FlowManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlowManager").field("ports", &self.shared.ports).finish_non_exhaustive()
    }
}

impl FlowManager {
    /// Creates a manager for these profiles, with these ports. If two profiles have the same name, the last
    /// one wins.
    pub fn new(profiles: impl IntoIterator<Item = Profile>, ports: Ports) -> Self {
        Self::with_profiles(Arc::new(FixedProfiles::from_iter(profiles)), ports)
    }

    /// Creates a manager with these ports that looks up a profile each time it needs one.
    pub fn with_profiles(profiles: Arc<dyn Profiles>, mut ports: Ports) -> Self {
        ports.http = ports.trace.wrap(ports.http);
        let (critical, jwks, waiting) = Default::default();
        let get_token: GetToken =
            |context, key, request| Box::pin(token::token(context, key, request));
        Self { shared: Shared { profiles, ports, critical, jwks, get_token, waiting } }
    }

    /// Returns the ports from which the manager was built.
    pub fn ports(&self) -> &Ports {
        &self.shared.ports
    }

    fn context<'a>(&'a self, profile: &'a Profile) -> Context<'a> {
        Context { shared: &self.shared, profile }
    }

    /// Returns whether a token or code is in use and its result is not saved yet, so that the process
    /// should not end now.
    pub fn is_critical(&self) -> bool {
        self.critical_part().is_some()
    }

    /// Returns the critical operation that is in progress, if any.
    pub fn critical_part(&self) -> Option<CriticalPart> {
        self.shared.critical.current()
    }

    /// Marks work of the caller as critical until the returned value is dropped, such as saving the result of
    /// [`register_client`](Self::register_client).
    pub fn enter_critical(&self, part: CriticalPart) -> Critical {
        self.shared.critical.enter(part)
    }

    /// Returns the profile of this name.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an unknown profile, with a similar name if there is one.
    pub async fn profile(&self, name: &str) -> Result<Arc<Profile>> {
        accounts::profile(&self.shared, name).await
    }

    /// Returns all profiles, sorted by name.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Profiles::list`].
    pub async fn profiles(&self) -> Result<Vec<Arc<Profile>>> {
        self.shared.profiles.list().await
    }
}
