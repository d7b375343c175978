//! Custom rules around every token: what is stored with a grant, and what may not be granted.
//!
//! ```text
//! cargo run --example grant_rules                          # a run in an embedded sandbox
//! cargo run --example grant_rules -- --require admin       # a rule that denies
//! cargo run --example grant_rules -- --config FILE         # the profile `rules` of FILE, a real server
//! ```
//!
//! [`Rules`] is called twice for each token, before its request and after its response:
//!
//! - `pre_token` stores the time of the authorization with the grant, and adds a parameter to the request.
//!   It denies a barred user (`--bar USER`); no code is spent then.
//! - `post_token` stores the scopes that the server returned, and counts the refreshes. It denies a grant
//!   without the required scope; nothing of it is stored then.
//!
//! The stored values can be read wherever the token is used, even hours later: they belong to the grant,
//! whose id stays the same across refreshes.
//!
//! The same rules also work as commands, for the program `oauthctl` or for
//! [`oauthctl_core::hook::CommandHooks`]: the event is passed on stdin, the answer is printed on stdout.
//!
//! ```toml
//! [profiles.rules]
//! issuer = "https://as.example"
//! client_id = "YOUR-CLIENT"
//! redirect_uri = "http://127.0.0.1:8080/callback"
//! scopes = ["read"]
//! keep = ["scope"]  # of the token response, for `post_token`
//! [profiles.rules.hooks]
//! pre_token = ["target/debug/examples/grant_rules", "answer"]
//! post_token = ["target/debug/examples/grant_rules", "answer", "--require", "read"]
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::Hooks;
use oauthctl_core::http::{self, HttpClient};
use oauthctl_core::port::{BoxFuture, Clock, HttpRequest, Method};
use oauthctl_core::profile::{Config, Hook, Profile};
use oauthctl_core::text::one_line;
use oauthctl_core::{
    AccessToken, AuthorizationResponse, Error, ErrorKind, Expected, FlowManager, Ports, Result,
    Secret, StartRequest, Started, Timestamp, TokenRequest,
};
use oauthctl_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

const PROFILE: &str = "rules";
const HOUR: Duration = Duration::from_secs(3_600);

/// The rules.
struct Rules {
    /// The scope that a grant must have to be stored.
    required: Option<String>,
    /// The user who gets no token.
    barred: Option<String>,
    clock: Arc<dyn Clock>,
}

impl Rules {
    /// Returns the answer to an event: any of `attributes`, `params` and `deny`.
    fn answer(&self, event: &Value) -> Value {
        match event["event"].as_str() {
            Some("pre_token") => self.before(event),
            Some("post_token") => self.after(event),
            _ => json!({}),
        }
    }

    fn before(&self, event: &Value) -> Value {
        if self.barred.is_some() && event["user"].as_str() == self.barred.as_deref() {
            return json!({ "deny": "this user is barred" });
        }
        // Servers ignore unknown parameters (RFC 6749, section 3.2).
        let params = json!({ "audit_id": event["grant_id"] });
        if event["grant_type"] == "refresh_token" {
            return json!({ "params": params });
        }
        let now = self.clock.now().to_string();
        json!({ "params": params, "attributes": { "authorized_at": now } })
    }

    fn after(&self, event: &Value) -> Value {
        let granted: Vec<&str> =
            event["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if let Some(required) = self.required.as_deref().filter(|r| !granted.contains(r)) {
            return json!({ "deny": format!("the scope {required} was not granted") });
        }
        let known = &event["attributes"];
        if event["grant_type"] == "refresh_token" {
            let refreshes = known["refreshes"].as_u64().unwrap_or(0) + 1;
            return json!({ "attributes": { "refreshes": refreshes } });
        }
        // `scope` is what the profile stores of the server's response; a later response may omit it.
        json!({ "attributes": { "first_scope": known["scope"], "refreshes": 0 } })
    }
}

/// The profile sets the events that have a rule; its command is not run.
impl Hooks for Rules {
    fn run<'a>(
        &'a self,
        _: &'a Profile,
        _: &'a Hook,
        input: Secret,
    ) -> BoxFuture<'a, Result<Secret>> {
        let event: Result<Value> = serde_json::from_str(input.expose())
            .map_err(|error| Error::internal(format!("an event is not JSON: {error}")));
        Box::pin(async move { Ok(Secret::new(self.answer(&event?).to_string())) })
    }
}

/// A clock that can be advanced, so that tokens expire without waiting.
#[derive(Default)]
struct Movable(AtomicU64);

impl Movable {
    fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for Movable {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_secs(self.0.load(Ordering::SeqCst)))
    }

    fn sleep<'a>(&'a self, duration: Duration) -> BoxFuture<'a, ()> {
        SystemClock.sleep(duration)
    }
}

/// The sandbox has its own trait, so that it does not depend on the library.
impl oauthctl_sandbox::Clock for Movable {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(Clock::now(self).unix())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        SystemClock.sleep(duration)
    }
}

/// Follows a grant from the consent to its second refresh.
async fn live(manager: &FlowManager, clock: &Movable, user: &str, sandbox: bool) -> Result<()> {
    let started = manager.start(PROFILE, StartRequest::for_user(user)).await?;
    let callback = if sandbox { visit(manager, &started).await? } else { ask(&started)? };
    let response = AuthorizationResponse::from_url(callback.trim())?;
    let done = manager.complete(&response, &Expected::default().state(&started.state)).await;
    if let Err(error) = &done
        && error.kind() == ErrorKind::AccessDenied
    {
        let kept = manager.grant(&started.key()).await?.is_some();
        println!("Denied. Stored: {}.", if kept { "something" } else { "nothing" });
    }
    let key = done?.grant.key;
    // Not only rules set attributes, and an attribute may expire.
    manager.set_attribute(&key, "support_case", json!(4711), Some(HOUR)).await?;

    for (when, later) in [("At once", 0), ("After half an hour", 1), ("After three hours", 5)] {
        clock.forward(HOUR / 2 * later);
        let token = manager.token(&key, &TokenRequest::default()).await?;
        show(when, &token);
    }
    let token = manager.token(&key, &TokenRequest::default().force()).await?;
    show("Once more", &token);
    Ok(())
}

fn show(when: &str, token: &AccessToken) {
    println!("{when}: a {} token", if token.fresh { "refreshed" } else { "stored" });
    println!("  grant {}", token.account.grant_id);
    for (name, value) in &token.account.attributes {
        println!("  {} = {}", one_line(name), one_line(&value.to_string()));
    }
}

/// Plays the browser in the sandbox: consents at once and returns the callback URL.
async fn visit(manager: &FlowManager, started: &Started) -> Result<String> {
    let url = started.authorization_url.parse();
    let url = url.map_err(|_| Error::internal("the authorization URL is invalid"))?;
    let (headers, body) = (Vec::new(), Vec::new().into());
    let request = HttpRequest { purpose: "browser", method: Method::Get, url, headers, body };
    let answer = manager.ports().http.send(&request).await;
    let answer = answer.map_err(|error| Error::unavailable(error.message))?;
    let callback = answer.header("location").map(str::to_owned);
    callback.ok_or_else(|| Error::validation("the sandbox did not redirect back"))
}

/// Sends the user to a real server.
fn ask(started: &Started) -> Result<String> {
    println!(
        "Open this URL, and paste the URL to which you are redirected:\n{}",
        started.authorization_url
    );
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.map(|_| line).map_err(|error| Error::usage(format!("cannot read stdin: {error}")))
}

/// The options of the command line.
#[derive(Default)]
struct Options {
    answer: bool,
    require: Option<String>,
    bar: Option<String>,
    config: Option<String>,
    user: Option<String>,
}

impl Options {
    /// Refuses unknown options: a misspelled rule would otherwise allow everything.
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.peekable();
        options.answer = arguments.next_if(|first| first == "answer").is_some();
        while let Some(name) = arguments.next() {
            let place = match name.as_str() {
                "--require" => &mut options.require,
                "--bar" => &mut options.bar,
                "--config" => &mut options.config,
                "--user" => &mut options.user,
                _ => return Err(Error::usage(format!("unknown argument `{}`", one_line(&name)))),
            };
            let value = arguments.next().filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| Error::usage(format!("`{name}` requires a value")))?;
            if place.replace(value).is_some() {
                return Err(Error::usage(format!("`{name}` is set twice")));
            }
        }
        Ok(options)
    }
}

/// Starts a server with this clock, so that tokens expire there when they expire here, and returns a
/// profile of it.
async fn in_sandbox(clock: Arc<Movable>) -> Result<(Option<Sandbox>, Config)> {
    let options = SandboxOptions { auto_consent: true, clock, ..SandboxOptions::default() };
    let sandbox =
        Sandbox::start(options).await.map_err(|error| Error::unavailable(error.to_string()))?;
    let config = format!(
        "[profiles.rules]\nissuer = '{}'\nclient_id = 'example'\nscopes = ['read']\n\
         redirect_uri = 'http://127.0.0.1:8080/callback'\nkeep = ['scope']\n\
         hooks = {{ pre_token = ['rules'], post_token = ['rules'] }}\n",
        sandbox.issuer()
    );
    Ok((Some(sandbox), config.parse()?))
}

async fn run(options: Options) -> Result<()> {
    let clock = Arc::new(Movable::default());
    let rules = Rules { required: options.require, barred: options.bar, clock: clock.clone() };
    if options.answer {
        let event = serde_json::from_reader(std::io::stdin());
        let event = event.map_err(|error| Error::usage(format!("no event on stdin: {error}")))?;
        println!("{}", rules.answer(&event));
        return Ok(());
    }
    let (sandbox, config) = match options.config {
        Some(path) => (None, Config::load(path.as_ref())?),
        None => in_sandbox(clock.clone()).await?,
    };
    let http = Arc::new(HttpClient::new(http::Options::default()));
    let ports = Ports::in_memory_with(http, clock.clone()).with_hooks(Arc::new(rules));
    let manager = FlowManager::new(config.profiles.into_values(), ports);
    let user = options.user.unwrap_or_else(|| "ada".to_owned());
    live(&manager, &clock, &user, sandbox.is_some()).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Options::read(std::env::args().skip(1)) {
        Ok(options) => run(options).await,
        Err(error) => Err(error),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    match error.kind() {
        ErrorKind::AccessDenied => eprintln!("No token: {error}"),
        ErrorKind::Config => eprintln!("The profile or a rule is invalid: {error}"),
        _ => eprintln!("{error}"),
    }
    if let Some(advice) = error.advice_text() {
        eprintln!("{advice}");
    }
    ExitCode::from(error.exit_code())
}
