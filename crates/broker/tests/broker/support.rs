//! A home, a broker, a provider and a browser.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use oauthctl_sandbox::{Sandbox, SandboxOptions};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Reply, only};
use crate::process::{DEADLINE, Output, Running};
use crate::user::{Page, User};

/// The state and the configuration of an installation.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The SQLite file of the broker.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join("state/broker.db")).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl-broker"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("OAUTHCTL_CONFIG", self.path().join("config/config.toml"))
            .env("OAUTHCTL_STATE_DIR", self.path().join("state"));
        command
    }

    /// Writes the configuration, which may contain a password.
    pub fn config(&self, text: &str) {
        let file = self.path().join("config/config.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Sets the store in the configuration.
    pub fn set_store(&self, store: &str) {
        self.config(&format!("[serve]\nstore = {}\n", json!(store)));
    }

    /// Runs a command that ends by itself.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments))
    }

    /// Runs a command that succeeds, and returns the JSON that it prints.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).ok().json()
    }

    /// Creates a tenant, and returns its API key.
    pub fn tenant(&self, name: &str, redirects: &[&str]) -> String {
        let mut arguments = vec!["tenant", "create", name];
        for url in redirects {
            arguments.extend(["--allow-redirect", url]);
        }
        let created = self.json(&arguments);
        assert_eq!(created["tenant"], name);
        created["api_key"].as_str().unwrap().to_owned()
    }

    /// Starts a broker on a free port.
    pub fn serve(&self, more: &[&str]) -> Broker {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        Broker::start(command.args(more))
    }

    /// Starts a broker with this master key.
    pub fn serve_with_key(&self, key: &str) -> Broker {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        Broker::start(command.env("OAUTHCTL_MASTER_KEY", key))
    }
}

/// Runs a command of a home that ends by itself.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    Running::start(command, DEADLINE).wait()
}

/// A running broker. It is killed when this is dropped.
pub struct Broker {
    pub process: Running,
    pub url: String,
}

impl Broker {
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let mut process = Running::start(command, DEADLINE);
        process.close_stdin();
        let url = process.await_stderr(|log| {
            let line = log.split_inclusive('\n').find_map(|l| l.strip_prefix("listening on "))?;
            line.strip_suffix('\n').map(str::to_owned)
        });
        Self { process, url }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.process.stderr_so_far()
    }

    pub fn api(&self, key: &str) -> Api {
        Api { url: self.url.clone(), key: key.to_owned(), client: client() }
    }
}

/// A client that follows no redirects.
pub fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        let Reply { status, headers, body } = page.reply;
        Self { status, headers, text: body }
    }
}

impl Answer {
    async fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let lines = response.headers().iter();
        let headers = lines.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
        Self { status, headers: headers.collect(), text: response.text().await.unwrap() }
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// The problem details of an answer with this status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        let problem = self.json(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "error"] {
            assert!(problem[member].is_string(), "{problem}");
        }
        problem
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        only(&self.headers, name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

/// The API with one key.
#[derive(Clone)]
pub struct Api {
    pub url: String,
    pub key: String,
    client: Client,
}

impl Api {
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Changes a connection, if it has this entity tag.
    pub async fn patch_if(&self, tag: &str, path: &str, body: &Value) -> Answer {
        let request = self
            .client
            .patch(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("if-match", tag);
        Answer::of(request.body(body.to_string()).send().await.unwrap()).await
    }

    /// Returns a connection, unless it has this entity tag.
    pub async fn get_unless(&self, tag: &str, path: &str) -> Answer {
        let request = self
            .client
            .get(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key))
            .header("if-none-match", tag);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Removes a connection, if it has this entity tag.
    pub async fn delete_if(&self, tag: &str, path: &str) -> Answer {
        let request = self
            .client
            .delete(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.key))
            .header("if-match", tag);
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Puts a provider that the sandbox plays.
    pub async fn provide(&self, name: &str, issuer: &str) {
        let body = json!({ "issuer": issuer, "client_id": "app", "scopes": ["openid"] });
        self.put(&format!("/v1/providers/{name}"), &body).await.json(201);
    }

    /// Starts a connection, and returns its link.
    pub async fn link(&self, body: &Value) -> String {
        let started = self.post("/v1/connections", body).await.json(201);
        started["authorize_url"].as_str().unwrap().to_owned()
    }

    /// Connects an account of the sandbox.
    pub async fn connect(&self, provider: &str, user: &str) {
        let link = self.link(&json!({ "provider": provider, "user": user })).await;
        let page = Browser::default().follow(&link).await;
        assert_eq!(page.status, 200, "{}", page.text);
    }

    pub async fn token(&self, provider: &str, user: &str) -> Answer {
        self.get(&format!("/v1/connections/{provider}/{user}/token")).await
    }
}

/// A user's browser. The sandbox runs in the same thread as the test, so another one waits for answers.
#[derive(Clone, Default)]
pub struct Browser(User);

impl Browser {
    async fn does(&mut self, what: impl FnOnce(&mut User) -> Page + Send + 'static) -> Answer {
        let mut user = std::mem::take(&mut self.0);
        let done = tokio::task::spawn_blocking(move || (what(&mut user), user));
        let (page, user) = done.await.unwrap();
        self.0 = user;
        page.into()
    }

    /// Opens a URL without following a redirect.
    pub async fn open(&mut self, url: &str) -> Answer {
        let url = url.to_owned();
        self.does(move |user| user.get(&url)).await
    }

    /// Opens a URL and follows redirects while they lead to a loopback host that is there.
    pub async fn follow(&mut self, url: &str) -> Answer {
        let url = url.to_owned();
        let is_elsewhere = |next: &url::Url| !next.as_str().starts_with("http://127.0.0.1:");
        self.does(move |user| user.open_until(&url, is_elsewhere)).await
    }

    /// What it sends to the broker, as a `Cookie` header.
    pub fn cookies(&self) -> String {
        self.0.cookies_for("/")
    }

    /// Follows a link to the callback that the provider sends the user to, and does not open that.
    pub async fn callback_of(&mut self, link: &str) -> String {
        let link = link.to_owned();
        let is_callback = |next: &url::Url| next.as_str().contains("/callback?");
        let last = self.does(move |user| user.open_until(&link, is_callback)).await;
        last.header("location").to_owned()
    }
}

/// A broker with the tenant `acme`, which has no provider yet.
pub fn start_broker() -> (Home, Broker, Api) {
    let home = Home::new();
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    (home, broker, api)
}

/// A broker with the tenant `acme`, whose provider `sandbox` is the sandbox.
pub struct Scene {
    pub sandbox: Sandbox,
    pub broker: Broker,
    /// The tenant's API key.
    pub key: String,
    pub api: Api,
    pub home: Home,
}

impl Scene {
    pub async fn new() -> Self {
        Self::with(SandboxOptions::default(), &[], &[]).await
    }

    /// With a provider like this, URLs that the tenant may send users to, and arguments of the broker.
    pub async fn with(options: SandboxOptions, redirects: &[&str], arguments: &[&str]) -> Self {
        let sandbox = provider_with(options).await;
        let home = Home::new();
        let broker = home.serve(arguments);
        let key = home.tenant("acme", redirects);
        let api = broker.api(&key);
        api.provide("sandbox", sandbox.issuer()).await;
        Self { sandbox, broker, key, api, home }
    }

    /// Connects the user `u-1`, and returns the token.
    pub async fn connect(&self) -> Value {
        self.api.connect("sandbox", "u-1").await;
        self.api.token("sandbox", "u-1").await.json(200)
    }

    /// A link for `u-1`.
    pub async fn link(&self) -> String {
        self.api.link(&json!({ "provider": "sandbox", "user": "u-1" })).await
    }
}

/// Starts the provider. Its users consent without a page.
pub async fn provider() -> Sandbox {
    provider_with(SandboxOptions::default()).await
}

pub async fn provider_with(options: SandboxOptions) -> Sandbox {
    Sandbox::start(SandboxOptions { auto_consent: true, ..options }).await.unwrap()
}

/// The number of requests of this grant type at the token endpoint of the sandbox.
pub fn token_requests(sandbox: &Sandbox) -> usize {
    sandbox.journal().iter().filter(|entry| entry.endpoint == "token").count()
}
