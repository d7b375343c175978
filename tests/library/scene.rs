//! Common setup of most tests: a server, custom stores, managers over them, and users who return.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::http::HttpClient;
use oauthctl_core::port::Clock;
use oauthctl_core::profile::{Config, Profile};
use oauthctl_core::protocol::state::{StateKey, StateKeys};
use oauthctl_core::store::MemoryCoordinator;
use oauthctl_core::{AuthorizationResponse, FlowManager, Ports, Secret, StartRequest};
use oauthctl_sandbox::{Sandbox, SandboxOptions};
use url::Url;

use crate::own_stores::{Flows, Users};
pub use crate::support::ManualClock;
use crate::support::User;

pub const REDIRECT: &str = "http://127.0.0.1:4711/callback";

/// What a service shares between its processes: the stores and the key of the states.
pub struct Shared {
    pub users: Arc<Users>,
    pub flows: Arc<Flows>,
    pub key: Secret,
    pub clock: Arc<dyn Clock>,
}

impl Shared {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (users, flows) = (Arc::default(), Arc::default());
        Self { users, flows, key: StateKey::generate().unwrap(), clock }
    }

    /// Over the machine's clock, for servers that have that too.
    pub fn of_now() -> Self {
        Self::new(Arc::new(SystemClock))
    }

    /// Returns the ports of one process, with its own transport and coordinator.
    pub fn ports(&self) -> Ports {
        let http = Arc::new(HttpClient::new(Default::default()));
        let coordinator = Arc::new(MemoryCoordinator::new(self.clock.clone()));
        let keys = StateKeys::of_secret(&self.key).unwrap();
        Ports::new(http, self.clock.clone(), self.users.clone(), coordinator)
            .with_pending(self.flows.clone(), keys)
    }

    pub fn manager(&self, profiles: impl IntoIterator<Item = Profile>) -> FlowManager {
        FlowManager::new(profiles, self.ports())
    }
}

/// A profile as a caller reads it from a text.
#[track_caller]
pub fn profile(name: &str, issuer: &str, more: &str) -> Profile {
    let config: Config = format!(
        "[profiles.{name}]\nissuer = {issuer:?}\nredirect_uri = {REDIRECT:?}\nscopes = [\"openid\", \"email\"]\n{more}"
    )
    .parse()
    .unwrap();
    config.profile(name).unwrap().clone()
}

pub const PUBLIC: &str = "client_id = \"cli\"";

/// The sandbox in a separate thread, with the clock of the service.
pub struct Served {
    pub sandbox: Arc<Sandbox>,
    pub clock: Arc<ManualClock>,
    pub shared: Shared,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub fn start() -> Self {
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        let mut options = SandboxOptions { auto_consent: true, ..SandboxOptions::default() };
        options.clock = clock.clone();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let sandbox = Arc::new(Sandbox::start(options).await.unwrap());
                tell.send(sandbox.clone()).unwrap();
                let _ = stopped.await;
            });
        });
        let (sandbox, shared) = (told.recv().unwrap(), Shared::new(clock.clone()));
        Self { sandbox, clock, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// A profile `p` of the honest server.
    pub fn honest(&self) -> Profile {
        profile("p", self.sandbox.issuer(), PUBLIC)
    }

    /// A profile `p` of a server that misbehaves like this.
    pub fn that(&self, scenario: &str) -> Profile {
        profile("p", &self.sandbox.issuer_with(scenario), PUBLIC)
    }

    /// The token requests that any issuer of the server has had.
    pub fn token_requests(&self) -> usize {
        self.requests("token")
    }

    /// The requests that any issuer of the server has had at this endpoint.
    pub fn requests(&self, endpoint: &str) -> usize {
        self.sandbox.journal().iter().filter(|entry| entry.endpoint == endpoint).count()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Starts a flow for this user, who logs in and returns. Returns the state and the callback URL.
pub async fn come_back(manager: &FlowManager, user: &str) -> (String, String) {
    let request = StartRequest::for_user(user).param("login_hint", user);
    let started = manager.start("p", request).await.unwrap();
    (started.state, walk(&started.authorization_url))
}

#[track_caller]
pub fn response(url: &str) -> AuthorizationResponse {
    AuthorizationResponse::from_url(url).unwrap()
}

/// Follows redirects with cookies, as a browser does, up to the callback's URL, which it does not visit.
#[track_caller]
pub fn walk(authorization_url: &str) -> String {
    let is_callback = |url: &Url| url.as_str().starts_with(REDIRECT);
    let last = User::default().open_until(authorization_url, is_callback);
    last.redirect().unwrap_or_else(|| panic!("no redirect: {last:?}")).to_string()
}
