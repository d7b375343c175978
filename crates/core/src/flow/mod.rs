//! The deep module: everything hard about a grant behind a handful of methods.
//!
//! [`FlowManager`] starts and completes authorizations, hands out tokens, lists and revokes. PKCE,
//! state, validation, locking, rotation and crash safety happen inside; the world is reached through
//! the traits of [`crate::port`], gathered in [`Ports`].
//!
//! | to | call |
//! | --- | --- |
//! | send a person to the server, whose response comes elsewhere or later | [`start`](FlowManager::start), then [`complete`](FlowManager::complete) |
//! | see and cancel what waits for its response | [`pending`](FlowManager::pending), [`cancel`](FlowManager::cancel) |
//! | get a token that works | [`token`](FlowManager::token) |
//! | see what there is | [`list`](FlowManager::list), [`grant`](FlowManager::grant) |
//! | keep values with a grant | [`set_attribute`](FlowManager::set_attribute), [`unset_attribute`](FlowManager::unset_attribute) |
//! | end a grant | [`revoke`](FlowManager::revoke), or [`forget`](FlowManager::forget) without the server |
//! | receive the response in this very process (what `oauthctl_core::login` builds on) | [`authorize`](FlowManager::authorize), [`Authorization::judge`], [`redeem`](FlowManager::redeem) |

mod access_token;
mod accounts;
mod attributes;
mod authorize;
mod commit;
mod critical;
mod discard;
mod exchange;
mod gate;
mod granted;
mod hooks;
mod identity;
mod intent;
mod jwks_cache;
mod load;
mod login_required;
mod mix_up;
mod obtain;
mod ownership;
mod pending;
mod pin;
mod ports;
mod push;
mod redeem;
mod refresh;
mod refreshed;
mod request;
mod required;
mod revoke;
mod token;
mod tokens;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::Result;
use crate::grant::Pin;
use crate::profile::discovery::{self, Purpose};
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::jwks::KeySource;
use crate::time::Timestamp;

pub use access_token::Handout;
#[cfg(feature = "login")]
pub(crate) use authorize::check_extra;
pub use authorize::{Authorization, AuthorizeRequest};
pub use critical::CriticalPart;
pub use hooks::{HOOK_ANSWER, HOOK_LIMIT, Hooks};
pub use login_required::not_logged_in;
pub use pending::{
    Expected, LONGEST_TTL, LONGEST_USER, PendingFlows, PendingInfo, Recognized, StartRequest,
    Started, USUAL_TTL,
};
pub use ports::{Committed, InlineSecrets, Ports, Secrets};
pub use redeem::Completed;
pub use request::TokenRequest;
pub use required::RequiredIdentity;
pub use revoke::{AtServer, Revoked};
pub use tokens::stored;

pub use crate::protocol::authorization::Judgement;

/// How long a caller waits for another that is refreshing the same grant: longer than one request may
/// take. Behind one that takes longer still, the caller gives up; it never sends a second request.
const LOCK_WAIT: Duration = Duration::from_secs(45);

/// The life that a token without `expires_in` is trusted to have when it can be refreshed: an hour.
/// One that cannot be refreshed is handed out for as long as it is stored.
pub const ASSUMED_LIFE: Duration = Duration::from_secs(3_600);

/// The room that is reserved for a record before a code or refresh token is spent.
const RECORD_ROOM: usize = 64 * 1024;

/// Starts and completes authorizations, hands out tokens, lists and revokes them.
///
/// A clone is cheap and is the same manager: it may be shared by any number of tasks and threads.
/// Two managers over the same stores and the same coordinator are as good as one.
///
/// The front page of the crate has an example; `oauthctl_core::blocking::FlowManager` is the same for
/// programs without an asynchronous runtime.
#[derive(Clone)]
pub struct FlowManager {
    profiles: Arc<BTreeMap<String, Profile>>,
    ports: Ports,
    critical: critical::Parts,
    keys: Arc<Mutex<HashMap<String, Arc<KeySource>>>>,
}

impl std::fmt::Debug for FlowManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlowManager")
            .field("profiles", &self.profiles.keys())
            .field("ports", &self.ports)
            .finish()
    }
}

impl FlowManager {
    /// A manager of these profiles over these ports. Of two profiles with one name, the latter
    /// stays.
    pub fn new(profiles: impl IntoIterator<Item = Profile>, mut ports: Ports) -> Self {
        ports.http = ports.trace.wrap(ports.http);
        let profiles = profiles.into_iter().map(|profile| (profile.name.clone(), profile));
        let profiles = Arc::new(profiles.collect());
        Self { profiles, ports, critical: critical::Parts::default(), keys: Arc::default() }
    }

    /// What the manager was built from.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Whether something is being spent and not yet saved, so that the process should not end now.
    pub fn is_critical(&self) -> bool {
        self.critical_part().is_some()
    }

    /// What is being spent and not yet saved, if anything is.
    pub fn critical_part(&self) -> Option<CriticalPart> {
        self.critical.current()
    }

    fn enter_critical(&self, part: CriticalPart) -> critical::Critical {
        self.critical.enter(part)
    }

    /// The authorization server of a profile for a login: configuration completed by metadata, which is
    /// fetched anew. A kept copy serves only where the server does not answer.
    ///
    /// # Errors
    ///
    /// `Validation` for metadata that does not match its issuer or is unsafe, `Unavailable` where
    /// it cannot be had, `Config` where an endpoint is missing or the profile is unknown.
    pub async fn server(&self, profile: &str) -> Result<AuthorizationServer> {
        self.server_for(self.profile(profile)?, Purpose::Login).await
    }

    async fn server_for(&self, profile: &Profile, purpose: Purpose) -> Result<AuthorizationServer> {
        let cache = self.ports.discovery_cache.as_deref();
        let (http, clock) = (&*self.ports.http, &*self.ports.clock);
        discovery::resolve(profile, http, clock, cache, purpose).await
    }

    /// The same for a grant or a flow that was made before, of which the client authentication is known.
    async fn server_of(
        &self,
        profile: &Profile,
        made: Option<&Pin>,
    ) -> Result<AuthorizationServer> {
        let mut server = self.server_for(profile, Purpose::Token).await?;
        // Metadata that is not at hand now may have chosen it then.
        if let Some(made) = made
            && server.token_auth_methods.is_empty()
        {
            server.token_auth_methods.push(made.client_auth.clone());
        }
        Ok(server)
    }

    /// The same with the optional endpoints (revocation, userinfo), which are not worth a request
    /// on the way to a token.
    async fn whole_server(&self, profile: &Profile) -> Result<AuthorizationServer> {
        self.server_for(profile, Purpose::Optional).await
    }

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }
}
