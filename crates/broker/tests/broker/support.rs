//! A home, a broker, a provider and a browser.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use oauthctl_sandbox::{Sandbox, SandboxOptions};
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The state and the configuration of an installation.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl-broker"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("OAUTHCTL_CONFIG", self.path().join("config/config.toml"))
            .env("OAUTHCTL_STATE_DIR", self.path().join("state"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command that ends by itself.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that succeeds, and returns the JSON that it prints.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        serde_json::from_slice(&output.stdout).unwrap()
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

/// A running broker. It is killed when this is dropped.
pub struct Broker {
    process: Child,
    pub url: String,
    log: Arc<Mutex<String>>,
}

impl Broker {
    pub fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let url = loop {
            let line = lines.next().map(Result::unwrap);
            let line = line.unwrap_or_else(|| panic!("it ended: {}", log.lock().unwrap()));
            log.lock().unwrap().push_str(&format!("{line}\n"));
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        let rest = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                rest.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Self { process, url, log }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end, and returns its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    pub fn api(&self, key: &str) -> Api {
        Api { url: self.url.clone(), key: key.to_owned(), client: client() }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
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
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "error"] {
            assert!(problem[member].is_string(), "{problem}");
        }
        problem
    }

    #[track_caller]
    pub fn header(&self, name: impl reqwest::header::AsHeaderName) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
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

/// A browser with cookies, which follows redirects.
#[derive(Clone, Default)]
pub struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    /// Opens a URL without following a redirect.
    pub async fn open(&mut self, url: &str) -> Answer {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let response = client().get(url).header("cookie", cookies).send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Answer::of(response).await
    }

    /// Opens a URL and follows redirects while they lead to a loopback host that is there.
    pub async fn follow(&mut self, url: &str) -> Answer {
        let mut answer = self.open(url).await;
        while (300..400).contains(&answer.status) {
            let next = answer.header(LOCATION).to_owned();
            if !next.starts_with("http://127.0.0.1:") {
                return answer;
            }
            answer = self.open(&next).await;
        }
        answer
    }

    /// Follows a link to the callback that the provider sends the user to, and does not open that.
    pub async fn callback_of(&mut self, link: &str) -> String {
        let mut answer = self.open(link).await;
        loop {
            let next = answer.header(LOCATION).to_owned();
            if next.contains("/callback?") {
                return next;
            }
            answer = self.open(&next).await;
        }
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
