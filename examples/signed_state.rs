//! Start here, complete there: one process sends a person off, another takes what they come back with.
//!
//! ```sh
//! cargo run --example signed_state
//! ```
//!
//! This is `both`: all in one process, asynchronous, many people at once, with the crate's sandbox as
//! the authorization server. For two processes, which are blocking ones, the sandbox needs a third:
//!
//! ```sh
//! oauthctl sandbox --port 8481 &
//! cargo run --example signed_state -- start 4711
//! cargo run --example signed_state -- complete -
//! ```
//!
//! Open the URL of the second line. Nothing listens where the browser is sent then: give its address to
//! the third. `--issuer` and `--client-id` name another server, where
//! `http://127.0.0.1:8482/callback` is registered.
//!
//! What it shows:
//!
//! - The `state` is signed. A process with the key knows its own from a forged one without asking
//!   anybody, and takes each one once.
//! - What comes out is a person: the reference by which this program knows them, and the identity by
//!   which the server does. Their token works, and is never printed.
//! - With `--sealed`, the state carries the whole flow, encrypted, and nothing waits on the disk.
//! - Failures differ: a forged state ends with exit code 7, a denial with 5, a server that is out of
//!   reach with 9.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use oauthctl::clock::SystemClock;
use oauthctl::flow::{Completed, USUAL_TTL};
use oauthctl::port::{HttpRequest, Method};
use oauthctl::profile::{Config, Profile};
use oauthctl::sandbox::{Sandbox, SandboxOptions};
use oauthctl::store::{FilePending, FileStore, KeySource, StateDir, StateKeyFile};
use oauthctl::text::one_line;
use oauthctl::{
    AuthorizationResponse, Error, ErrorKind, Expected, FlowManager, Ports, Result, StartRequest,
    TokenRequest, TokenSet, blocking,
};
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const PROFILE: &str = "signed";
/// The people of the sandbox.
const USERS: [&str; 3] = ["ada", "brook", "chen"];
/// Nothing listens there: who runs this carries the callback by hand.
const REDIRECT_URI: &str = "http://127.0.0.1:8482/callback";
/// Where the sandbox of the second example above is.
const ISSUER: &str = "http://127.0.0.1:8481";

/// Starts an authorization in one process and completes it in another.
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Server {
    /// The authorization server
    #[arg(long, global = true, value_name = "URL")]
    issuer: Option<String>,
    /// The client that is registered there
    #[arg(long, global = true, value_name = "ID", default_value = "signed-state")]
    client_id: String,
    /// What the processes share: the key for states, the flows that wait, the grants
    #[arg(long, global = true, value_name = "DIR", default_value = "target/signed_state")]
    dir: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Print the URL to which this user is to be sent
    Start {
        user: String,
        /// Put the whole flow into the state
        #[arg(long)]
        sealed: bool,
    },
    /// Take the URL to which a user came back
    Complete {
        /// The URL, or `-` to read it from stdin
        url: String,
        /// Who is signed in here, so that nobody else's response is taken
        #[arg(long)]
        user: Option<String>,
    },
    /// Do both here, for these users at once, with callback URLs from stdin or a sandbox's person
    Both {
        #[arg(default_values = USERS)]
        users: Vec<String>,
        /// Put the whole flow into the state
        #[arg(long)]
        sealed: bool,
    },
}

fn main() -> ExitCode {
    let Cli { server, command } = Cli::parse();
    let both_of_all = || Command::Both { users: USERS.map(String::from).into(), sealed: false };
    let done = match command.unwrap_or_else(both_of_all) {
        Command::Start { user, sealed } => start(&server, user, sealed),
        Command::Complete { url, user } => complete(&server, &url, user),
        Command::Both { users, sealed } => both(&server, users, sealed),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", told(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

// Two blocking processes.

fn start(server: &Server, user: String, sealed: bool) -> Result<()> {
    let manager = manager(server)?;
    let started = manager.start(PROFILE, request(user, sealed))?;
    println!("{}", started.authorization_url);
    eprintln!("The answer is awaited until {}.", started.expires_at);
    Ok(())
}

fn complete(server: &Server, url: &str, user: Option<String>) -> Result<()> {
    let manager = manager(server)?;
    let mut line = String::new();
    if url == "-" {
        io::stdin().lock().read_line(&mut line).map_err(|e| Error::usage(format!("stdin: {e}")))?;
    }
    let response = AuthorizationResponse::from_url(if url == "-" { &line } else { url })?;
    let mut expected = Expected::default().profile(PROFILE);
    expected.user = user;
    let done = manager.complete(&response, &expected)?;
    // From here on, in any process: a token that works, refreshed if it has to be.
    let tokens = manager.token(&done.grant.key, &TokenRequest::default())?.tokens;
    let works = wait_for(userinfo(manager.inner(), &tokens))?;
    print!("{}", person(&done, &tokens, &works));
    Ok(())
}

fn manager(server: &Server) -> Result<blocking::FlowManager> {
    let issuer = server.issuer.as_deref().unwrap_or(ISSUER);
    let ports = wait_for(shared(&server.dir))?;
    blocking::FlowManager::new([profile(issuer, &server.client_id)?], ports)
}

/// What the two processes have in common is in a directory that nobody else can read.
async fn shared(dir: &Path) -> Result<Ports> {
    let clock = Arc::new(SystemClock);
    let keys = StateKeyFile::open(dir.join("state-keys.json"), clock.clone());
    let key = KeySource::Generated(dir.join("grants.key"));
    let pending = FilePending::open(dir.join("pending"), clock.clone());
    Ok(Ports::in_memory()
        .with_store(Arc::new(FileStore::open(dir.join("grants"), key)))
        .with_coordinator(Arc::new(StateDir::open(dir.join("locks"), clock)))
        .with_pending(Arc::new(pending), keys.keys_for(USUAL_TTL).await?))
}

fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    Builder::new_current_thread().enable_all().build().map_err(no_runtime)?.block_on(work)
}

// One asynchronous process.

fn both(server: &Server, users: Vec<String>, sealed: bool) -> Result<()> {
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(no_runtime)?;
    let done = runtime.block_on(many(server, users, sealed));
    // The thread that reads stdin may be waiting for a line that nobody will type.
    runtime.shutdown_background();
    done
}

async fn many(server: &Server, users: Vec<String>, sealed: bool) -> Result<()> {
    let mut sandbox = None;
    let issuer = match &server.issuer {
        Some(issuer) => issuer,
        None => {
            let mut options = SandboxOptions::default();
            options.auto_consent = true;
            sandbox.insert(Sandbox::start(options).await?).issuer()
        }
    };
    // One process needs nothing on the disk, and any number of tasks may share the manager.
    let manager = FlowManager::new([profile(issuer, &server.client_id)?], Ports::in_memory());
    let awaited = users.len();
    let mut starts = JoinSet::new();
    for user in users {
        let manager = manager.clone();
        starts.spawn(async move { manager.start(PROFILE, request(user, sealed)).await });
    }
    let (to_here, callbacks) = mpsc::channel(16);
    while let Some(started) = starts.join_next().await {
        let started = started.map_err(ended)??;
        let user = one_line(started.user.as_deref().unwrap_or_default());
        println!("{user}: {}", started.authorization_url);
        if server.issuer.is_none() {
            tokio::spawn(visit(manager.clone(), started.authorization_url, to_here.clone()));
        }
    }
    match server.issuer {
        Some(_) => drop(std::thread::spawn(move || forward_stdin(&to_here))),
        None => drop(to_here),
    }
    complete_all(&manager, callbacks, awaited).await?;
    if sandbox.is_some() {
        let forged = format!("{REDIRECT_URI}?code=any&state=somebody-made-it-up");
        let refused = complete_one(manager, forged).await.err();
        println!("\nAnd a forged one:\n{}", refused.as_ref().map(told).unwrap_or_default());
    }
    Ok(())
}

/// The person in the sandbox, who agrees at once: sends on where they come back to.
async fn visit(manager: FlowManager, url: String, to: mpsc::Sender<String>) {
    let Ok(request) = get("browser", &url, Vec::new()) else { return };
    if let Ok(answer) = manager.ports().http.send(&request).await
        && let Some(callback) = answer.header("location")
    {
        let _ = to.send(callback.to_owned()).await;
    }
}

fn forward_stdin(to: &mpsc::Sender<String>) {
    for line in io::stdin().lock().lines().map_while(io::Result::ok) {
        if to.blocking_send(line).is_err() {
            break;
        }
    }
}

/// Completes each callback in a task of its own, in whatever order they come, until every flow is
/// over. One that fails holds up no other; the last failure is the result.
async fn complete_all(
    manager: &FlowManager,
    mut callbacks: mpsc::Receiver<String>,
    mut awaited: usize,
) -> Result<()> {
    let (mut tasks, mut result) = (JoinSet::new(), Ok(()));
    while awaited > 0 {
        tokio::select! {
            Some(url) = callbacks.recv() => {
                tasks.spawn(complete_one(manager.clone(), url));
            }
            Some(done) = tasks.join_next() => match done.map_err(ended)? {
                Ok(text) => {
                    print!("\n{text}");
                    awaited -= 1;
                }
                Err(error) => {
                    eprintln!("\n{}", told(&error));
                    // What belongs to no flow of ours ends none.
                    let ours = !matches!(error.kind(), ErrorKind::InvalidState | ErrorKind::Validation);
                    awaited -= usize::from(ours);
                    result = Err(error);
                }
            },
            else => break,
        }
    }
    result
}

async fn complete_one(manager: FlowManager, url: String) -> Result<String> {
    let response = AuthorizationResponse::from_url(&url)?;
    let done = manager.complete(&response, &Expected::default().profile(PROFILE)).await?;
    let tokens = manager.token(&done.grant.key, &TokenRequest::default()).await?.tokens;
    let works = userinfo(&manager, &tokens).await?;
    Ok(person(&done, &tokens, &works))
}

// What both have in common.

fn profile(issuer: &str, client_id: &str) -> Result<Profile> {
    let config: Config = format!(
        "[profiles.{PROFILE}]
        issuer = {issuer:?}
        client_id = {client_id:?}
        redirect_uri = '{REDIRECT_URI}'
        scopes = ['openid', 'email', 'offline_access']
        authorization_params = {{ prompt = 'consent' }}"
    )
    .parse()?;
    config.profiles.into_values().next().ok_or_else(|| Error::config("there is no profile"))
}

fn request(user: String, sealed: bool) -> StartRequest {
    let mut request = StartRequest::for_user(user.clone()).param("login_hint", user);
    request.sealed = sealed;
    request
}

/// Uses the token where every server of OpenID Connect takes it.
async fn userinfo(manager: &FlowManager, tokens: &TokenSet) -> Result<String> {
    let Some(endpoint) = manager.server(PROFILE).await?.endpoints.userinfo else {
        return Ok("is there, and the server has no userinfo endpoint to try it at".to_owned());
    };
    let token = format!("{} {}", tokens.token_type, tokens.access_token.expose());
    let request = get("userinfo request", &endpoint, vec![("authorization".to_owned(), token)])?;
    let answer = manager.ports().http.send(&request).await;
    let answer = answer.map_err(|error| Error::unavailable(error.message))?;
    let claims: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status, claims["sub"].as_str()) {
        (200, Some(sub)) => Ok(format!("works: userinfo is that of {}", one_line(sub))),
        (status, _) => Err(Error::new(
            ErrorKind::ServerRefused,
            format!("the userinfo endpoint answered the token with status {status}"),
        )),
    }
}

fn get(purpose: &'static str, url: &str, headers: Vec<(String, String)>) -> Result<HttpRequest> {
    let url = url.parse().map_err(|e| Error::validation(format!("not a URL: {e}")))?;
    Ok(HttpRequest { purpose, method: Method::Get, url, headers, body: Default::default() })
}

/// Who it is. The token is only described.
fn person(done: &Completed, tokens: &TokenSet, token: &str) -> String {
    let identity = &done.grant.identity;
    let shown = |text: &Option<String>| text.as_deref().map_or("unknown".to_owned(), one_line);
    let expires = tokens.expires_at.map_or("unknown".to_owned(), |at| at.to_string());
    format!(
        "user     {}\nsubject  {}\ne-mail   {}\nscopes   {}\nexpires  {expires}\ntoken    {token}\n",
        shown(&done.grant.user),
        shown(&identity.sub),
        shown(&identity.email),
        one_line(&tokens.scopes.join(" ")),
    )
}

/// What happened, in the words of this program and then of the crate.
fn told(error: &Error) -> String {
    let what = match error.kind() {
        ErrorKind::InvalidState => "This state is forged, used or too old. Nothing was redeemed",
        ErrorKind::AccessDenied => "The person has denied",
        ErrorKind::Unavailable => "The server is out of reach. Try again later",
        _ => "It failed",
    };
    let hint = error.advice().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    format!("{what}: {error}{hint}")
}

fn no_runtime(error: io::Error) -> Error {
    Error::internal(format!("no runtime: {error}"))
}

fn ended(error: tokio::task::JoinError) -> Error {
    Error::internal(format!("a task ended: {error}"))
}
