//! Many PKCE flows for many users, all in the caller's own stores.
//!
//! ```text
//! cargo run --example pkce_manager                              # a run in an embedded sandbox
//! cargo run --example pkce_manager -- DIR start USER ACCOUNT [SECONDS]
//! cargo run --example pkce_manager -- DIR flows USER
//! cargo run --example pkce_manager -- DIR complete USER         # the callback URL on stdin
//! cargo run --example pkce_manager -- DIR token|refresh USER ACCOUNT
//! ```
//!
//! Each command may run in a process of its own. All data is stored in private subdirectories of DIR, which
//! itself is left unchanged. For a real server, DIR must contain a `gitlab.toml`:
//!
//! ```toml
//! [profiles.gitlab]
//! provider = "gitlab"
//! root_url = "https://gitlab.example/oauth/"  # `authorize` and `token` are below it
//! issuer = "https://gitlab.example"           # to identify the user; optional
//! client_id = "YOUR-CLIENT"
//! redirect_uri = "http://127.0.0.1:8080/callback"
//! scopes = ["openid", "email", "read_api"]
//! ```
//!
//! The data of a flow is stored in a directory for each user:
//!
//! - The *state* is not stored. It is signed, works once, and names the flow: its `jti` is the
//!   `PendingRecord::id`.
//! - The *verifier* is in `PendingRecord::sealed`: `Flows` decides where to store it, but can never read
//!   it.
//! - The *challenge* is not secret, and nothing needs it later: it is stored only to be shown.
//!
//! Every user gets a manager whose pending store is that user's directory. A response that arrives in
//! another user's session therefore finds no flow there, whatever else goes wrong.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "pkce_manager/stores.rs"]
mod stores;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::MAX_TTL;
use oauthctl_core::http::{HttpClient, Options};
use oauthctl_core::port::{Clock, HttpRequest, Method};
use oauthctl_core::profile::Config;
use oauthctl_core::protocol::state::StateKeys;
use oauthctl_core::store::{StateDir, StateKeyFile};
use oauthctl_core::text::one_line;
use oauthctl_core::{
    AuthorizationResponse, Error, ErrorKind, Expected, FlowManager, GrantKey, Ports, Result,
    StartRequest, Started, TokenRequest,
};
use oauthctl_sandbox::{Sandbox, SandboxOptions};
use zeroize::Zeroizing;

use stores::{Flows, Grants, failed};

const PROFILE: &str = "gitlab";

/// What all users share: the profile, the grants, the keys of states, and the locks.
struct Desk {
    dir: PathBuf,
    config: Config,
    ports: Ports,
    keys: Arc<StateKeys>,
}

impl Desk {
    async fn open(dir: &Path) -> Result<Self> {
        let config = Config::load(&dir.join("gitlab.toml"))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = StateKeyFile::open(dir.join("state-keys/keys.json"), clock.clone());
        let ports = Ports::new(
            Arc::new(HttpClient::new(Options::default())),
            clock.clone(),
            Arc::new(Grants::open(dir.join("grants"))?),
            Arc::new(StateDir::open(dir.join("locks"), clock)),
        );
        let keys = Arc::new(keys.keys_for(MAX_TTL).await?);
        Ok(Self { dir: dir.to_owned(), config, ports, keys })
    }

    /// Returns the directory of a user, whose name may be any text.
    fn place_of(&self, user: &str) -> PathBuf {
        self.dir.join("users").join(GrantKey::new(PROFILE, user).slug())
    }

    /// Returns the flows of a user, and a manager of only these flows.
    fn of(&self, user: &str) -> Result<(Arc<Flows>, FlowManager)> {
        let dir = self.place_of(user);
        if !dir.is_dir() {
            let what = format!("unknown user `{}`", one_line(user));
            return Err(Error::config(what).hint("start a flow for the user first"));
        }
        let flows = Arc::new(Flows::new(dir, self.ports.clock.clone()));
        let ports = self.ports.clone().with_pending(flows.clone(), self.keys.clone());
        Ok((flows, FlowManager::new(self.config.profiles.values().cloned(), ports)))
    }

    async fn start(&self, user: &str, account: &str, life: Duration) -> Result<Started> {
        let request = StartRequest::for_user(user).account(name_of(user, account)?);
        stores::private_dir(&self.place_of(user)).map_err(failed)?;
        let (flows, manager) = self.of(user)?;
        let started = manager.start(PROFILE, request.param("login_hint", user).ttl(life)).await?;
        if let Some(challenge) = &started.code_challenge {
            flows.note(&started.id, started.expires_at, challenge)?;
        }
        Ok(started)
    }

    fn show_flows(&self, user: &str) -> Result<()> {
        let flows = self.of(user)?.0.shown()?;
        println!("open flows of {}: {}", one_line(user), flows.len());
        for (id, expires_at, challenge, sealed) in flows {
            println!("  state {id}, until {expires_at}");
            println!("    challenge {challenge}, verifier sealed in {sealed} bytes");
        }
        Ok(())
    }

    /// Completes a flow of the user who is signed in where the response arrived.
    async fn complete(&self, user: &str, callback: &str) -> Result<()> {
        let response = AuthorizationResponse::from_url(callback)?;
        let expected = Expected::default().user(user).profile(PROFILE);
        let done = self.of(user)?.1.complete(&response, &expected).await?;
        for warning in &done.warnings {
            println!("note: {warning}");
        }
        let grant = &done.grant;
        let who = grant.identity.label().unwrap_or("an unnamed user");
        println!("{}, granted by {}", one_line(&grant.key.account), one_line(who));
        Ok(())
    }

    async fn token(&self, user: &str, account: &str, request: TokenRequest) -> Result<()> {
        let key = GrantKey::new(PROFILE, name_of(user, account)?);
        let token = self.of(user)?.1.token(&key, &request).await?;
        let how = if token.fresh { "refreshed" } else { "stored" };
        // `token.value.expose()` is what a request is sent with, and not shown here.
        println!("a {} token, {how}, of grant {}", token.token_type, token.account.grant_id);
        Ok(())
    }
}

/// Returns the name under which a grant is stored; a user may have several. A user name may be any text and
/// an account name is one word, so no two names collide.
fn name_of(user: &str, account: &str) -> Result<String> {
    if account.is_empty() || !account.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Error::usage("an account name must be one word of letters and digits"));
    }
    Ok(format!("{account} of {user}"))
}

/// Plays the browser in the sandbox: consents at once and returns the callback URL.
async fn visit(desk: &Desk, started: &Started) -> Result<String> {
    let url = started.authorization_url.parse();
    let url = url.map_err(|_| Error::internal("the authorization URL is invalid"))?;
    let (headers, body) = (Vec::new(), Zeroizing::default());
    let request = HttpRequest { purpose: "browser", method: Method::Get, url, headers, body };
    let answer = desk.ports.http.send(&request).await.map_err(|e| Error::unavailable(e.message))?;
    let callback = answer.header("location").map(str::to_owned);
    callback.ok_or_else(|| Error::validation("the sandbox did not redirect back"))
}

/// Shows a refusal that is expected.
fn refused(what: &str, outcome: Result<()>, kind: ErrorKind) -> Result<()> {
    match outcome {
        Err(error) if error.kind() == kind => println!("{what}: refused, {error}"),
        Err(error) => return Err(error),
        Ok(()) => return Err(Error::internal(format!("{what}: it was not refused"))),
    }
    Ok(())
}

async fn demonstrate() -> Result<()> {
    let options = SandboxOptions { auto_consent: true, ..SandboxOptions::default() };
    let sandbox =
        Sandbox::start(options).await.map_err(|error| Error::unavailable(error.to_string()))?;
    let dir = tempfile::tempdir().map_err(failed)?;
    let profile = format!(
        "[profiles.gitlab]\nprovider = 'gitlab'\nroot_url = '{0}/'\nissuer = '{0}'\nclient_id = 'example'\n\
         redirect_uri = 'http://127.0.0.1:8080/callback'\nscopes = ['openid', 'email', 'read_api']\n",
        sandbox.issuer()
    );
    fs::write(dir.path().join("gitlab.toml"), profile).map_err(failed)?;
    let desk = Desk::open(dir.path()).await?;

    println!("Two users start flows, one of them twice:");
    let ten_minutes = Duration::from_secs(600);
    let mut callbacks = Vec::new();
    for (user, account) in [("ada", "laptop"), ("ada", "server"), ("brook", "laptop")] {
        let started = desk.start(user, account, ten_minutes).await?;
        callbacks.push((user, visit(&desk, &started).await?));
    }
    desk.show_flows("ada")?;

    println!("\nThey return in a different order:");
    let of_ada = callbacks[0].1.clone();
    refused("brook with ada's response", desk.complete("brook", &of_ada).await, INVALID)?;
    for (user, callback) in callbacks.iter().rev() {
        desk.complete(user, callback).await?;
    }
    refused("the same response again", desk.complete("ada", &of_ada).await, INVALID)?;
    refused("an unknown user", desk.complete("nobody", &of_ada).await, ErrorKind::Config)?;
    desk.token("ada", "laptop", TokenRequest::default()).await?;
    desk.token("ada", "server", TokenRequest::default().force()).await?;

    println!("\nA user who does not return in time:");
    let started = desk.start("ada", "tablet", Duration::from_secs(1)).await?;
    let late = visit(&desk, &started).await?;
    desk.show_flows("ada")?;
    while desk.ports.clock.now() < started.expires_at {
        desk.ports.clock.sleep(Duration::from_millis(100)).await;
    }
    refused("too late", desk.complete("ada", &late).await, INVALID)?;
    desk.show_flows("ada")
}

const INVALID: ErrorKind = ErrorKind::InvalidState;

async fn run(arguments: &[&str]) -> Result<()> {
    let [dir, arguments @ ..] = arguments else { return demonstrate().await };
    let desk = Desk::open(Path::new(dir)).await?;
    match arguments {
        ["start", user, account, life @ ..] if life.len() < 2 => {
            let life = life.first().map_or(Ok(600), |life| life.parse());
            let life = life.map_err(|_| Error::usage("SECONDS is not a number"))?;
            let started = desk.start(user, account, Duration::from_secs(life)).await?;
            println!("{}", started.authorization_url);
            Ok(())
        }
        ["flows", user] => desk.show_flows(user),
        ["complete", user] => {
            // Not an argument: other users can see the arguments of a process, and a code is a secret.
            let callback = std::io::read_to_string(std::io::stdin()).map_err(failed)?;
            desk.complete(user, &callback).await
        }
        ["token", user, account] => desk.token(user, account, TokenRequest::default()).await,
        ["refresh", user, account] => {
            desk.token(user, account, TokenRequest::default().force()).await
        }
        _ => Err(Error::usage("see the first lines of examples/pkce_manager.rs")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Err(error) = run(&arguments).await else { return ExitCode::SUCCESS };
    match error.kind() {
        ErrorKind::InvalidState => {
            eprintln!("this response belongs to no flow of this user: {error}")
        }
        ErrorKind::AccessDenied => eprintln!("the user denied the request: {error}"),
        ErrorKind::Unavailable => eprintln!("try again later: {error}"),
        _ => eprintln!("{error}"),
    }
    if let Some(advice) = error.advice_text() {
        eprintln!("{advice}");
    }
    ExitCode::from(error.exit_code())
}
