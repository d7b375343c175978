//! Common setup of most tests: a server, custom stores, managers over them, and users who return.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauthctl_core::clock::SystemClock;
use oauthctl_core::http::HttpClient;
use oauthctl_core::port::{BoxFuture, Clock};
use oauthctl_core::profile::{Config, Profile};
use oauthctl_core::protocol::state::{StateKey, StateKeys};
use oauthctl_core::store::MemoryCoordinator;
use oauthctl_core::{AuthorizationResponse, FlowManager, Ports, Secret, StartRequest, Timestamp};
use oauthctl_sandbox::{Sandbox, SandboxOptions};
use url::Url;

use crate::own_stores::{Flows, Users};
use crate::support::DEADLINE;

pub const REDIRECT: &str = "http://127.0.0.1:4711/callback";

/// A clock that is advanced manually. Sleepers check it frequently.
pub struct ManualClock(AtomicU64);

impl ManualClock {
    pub fn at(seconds: u64) -> Self {
        Self(AtomicU64::new(seconds))
    }

    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }

    fn sleep<'a>(&'a self, _: Duration) -> BoxFuture<'a, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(1)))
    }
}

/// The sandbox reads the same clock.
impl oauthctl_sandbox::Clock for ManualClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Clock::sleep(self, duration)
    }
}

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
pub async fn come_back(manager: &FlowManager, person: &str) -> (String, String) {
    let request = StartRequest::for_user(person).param("login_hint", person);
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
    let mut url = Url::parse(authorization_url).unwrap();
    let mut jar = BTreeMap::new();
    for _ in 0..20 {
        let (head, body) = visit(&url, &jar);
        let fields: Vec<(String, &str)> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .collect();
        for (_, cookie) in fields.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = cookie.split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            jar.insert(name.to_owned(), value.to_owned());
        }
        let location = fields.iter().find(|(name, _)| name == "location");
        let (_, location) = location.unwrap_or_else(|| panic!("no redirect: {head}\n{body}"));
        if location.starts_with(REDIRECT) {
            return (*location).to_owned();
        }
        url = url.join(location).unwrap();
    }
    panic!("redirected too often: {url}")
}

#[track_caller]
fn visit(url: &Url, jar: &BTreeMap<String, String>) -> (String, String) {
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: {authority}\r\nCookie: {}\r\nConnection: close\r\n\r\n",
        cookies.join("; ")
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}
