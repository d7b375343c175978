//! One process starts an authorization, and another one completes it.
//!
//! ```sh
//! cargo run --example signed_state
//! ```
//!
//! This runs `both`: everything in one asynchronous process, for many users at once, with the crate's
//! sandbox as the authorization server. For two blocking processes, run the sandbox as a third:
//!
//! ```sh
//! oauthctl sandbox --port 8481 &
//! cargo run --example signed_state -- start 4711
//! cargo run --example signed_state -- complete -
//! ```
//!
//! Open the URL that the second command prints. Nothing listens at the redirect URI: pass the URL from the
//! browser's address bar to the third command. `--issuer` and `--client-id` select another server, where
//! `http://127.0.0.1:8482/callback` must be registered.
//!
//! It shows that:
//!
//! - The `state` is signed. A process with the key distinguishes its own states from forged ones without
//!   any request, and accepts each one once.
//! - The result is a user: the reference by which this program knows the user, and the identity that the
//!   server reports. The user's token works, and is never printed.
//! - With `--sealed`, the state contains the whole flow, encrypted, and nothing is stored on disk.
//! - Failures are distinct: a forged state ends with exit code 7, a denial with 5, and an unreachable
//!   server with 9.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "signed_state/shared.rs"]
mod shared;

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::MAX_TTL;
use oauthctl_core::store::{FilePending, FileStore, KeySource, StateDir, StateKeyFile};
use oauthctl_core::text::one_line;
use oauthctl_core::time::parse_duration;
use oauthctl_core::{
    AuthorizationResponse, Error, ErrorKind, Expected, FlowManager, Ports, Result, StartRequest,
    TokenRequest, blocking,
};
use oauthctl_sandbox::{Sandbox, SandboxOptions};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use shared::{PROFILE, REDIRECT_URI, get, profile, told, user_lines, userinfo};

/// The sandbox of the second example above.
const ISSUER: &str = "http://127.0.0.1:8481";

/// Starts an authorization in one process and completes it in another.
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Server {
    /// Issuer of the authorization server
    #[arg(long, global = true, value_name = "URL")]
    issuer: Option<String>,
    /// Client ID that is registered there
    #[arg(long, global = true, value_name = "ID", default_value = "signed-state")]
    client_id: String,
    /// Directory for `signed_state`, which contains what the processes share
    #[arg(long, global = true, value_name = "DIR", default_value = "target")]
    dir: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Print the URL to send this user to
    Start {
        user: String,
        #[command(flatten)]
        how: How,
    },
    /// Complete an authorization with its callback URL
    Complete {
        /// Callback URL, or `-` to read it from stdin
        url: String,
        /// Accept only a flow of this user, who is signed in here
        #[arg(long)]
        user: Option<String>,
    },
    /// Do both for these users at once, with callback URLs from stdin, or from the sandbox's users
    Both {
        #[arg(default_values = ["ada", "brook", "chen"])]
        users: Vec<String>,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Args, Clone, Copy)]
struct How {
    /// Encrypt the whole flow into the state
    #[arg(long)]
    sealed: bool,
    /// How long to wait for the response
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    ttl: Duration,
}

fn main() -> ExitCode {
    let Cli { server, command } = match std::env::args_os().len() {
        1 => Cli::parse_from(["signed_state", "both"]),
        _ => Cli::parse(),
    };
    let done = match command {
        Command::Start { user, how } => start(&server, user, how),
        Command::Complete { url, user } => complete(&server, &url, user),
        Command::Both { users, how } => both(&server, users, how),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", told(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

// Two blocking processes.

fn start(server: &Server, user: String, how: How) -> Result<ExitCode> {
    let manager = manager(server)?;
    let started = manager.start(PROFILE, request(user, how))?;
    println!("{}", started.authorization_url);
    eprintln!("Waiting for the response until {}.", started.expires_at);
    Ok(ExitCode::SUCCESS)
}

fn complete(server: &Server, url: &str, user: Option<String>) -> Result<ExitCode> {
    let manager = manager(server)?;
    let mut line = String::new();
    if url == "-" {
        io::stdin().lock().read_line(&mut line).map_err(|e| Error::usage(format!("stdin: {e}")))?;
    }
    let response = AuthorizationResponse::from_url(if url == "-" { &line } else { url })?;
    let mut expected = Expected::default().profile(PROFILE);
    expected.user = user;
    let done = manager.complete(&response, &expected)?;
    // From here on, in any process: a valid token, refreshed if necessary.
    let token = manager.token(&done.grant.key, &TokenRequest::default())?;
    let works = wait_for(userinfo(manager.inner(), &token))?;
    print!("{}", user_lines(&done, &token, &works));
    Ok(ExitCode::SUCCESS)
}

fn manager(server: &Server) -> Result<blocking::FlowManager> {
    let issuer = server.issuer.as_deref().unwrap_or(ISSUER);
    let ports = wait_for(on_disk(&server.dir))?;
    blocking::FlowManager::new([profile(issuer, &server.client_id)?], ports)
}

/// What the two processes share: the key for states, the pending flows, the grants. It is in a directory
/// that only the owner can read; its parent directory may be accessible to others.
async fn on_disk(dir: &Path) -> Result<Ports> {
    let (dir, clock) = (dir.join("signed_state"), Arc::new(SystemClock));
    let keys = StateKeyFile::open(dir.join("state-keys.json"), clock.clone());
    let key = KeySource::Generated(dir.join("grants.key"));
    let pending = FilePending::open(dir.join("pending"), clock.clone());
    Ok(Ports::in_memory()
        .with_store(Arc::new(FileStore::open(dir.join("grants"), key)))
        .with_coordinator(Arc::new(StateDir::open(dir.join("locks"), clock)))
        .with_pending(Arc::new(pending), keys.keys_for(MAX_TTL).await?))
}

fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    Builder::new_current_thread().enable_all().build().map_err(no_runtime)?.block_on(work)
}

// One asynchronous process.

fn both(server: &Server, users: Vec<String>, how: How) -> Result<ExitCode> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
    let done = runtime.block_on(many(server, users, how));
    // The thread that reads stdin may be waiting for a line that never arrives.
    runtime.shutdown_background();
    done
}

async fn many(server: &Server, users: Vec<String>, how: How) -> Result<ExitCode> {
    let mut sandbox = None;
    let issuer = match &server.issuer {
        Some(issuer) => issuer,
        None => {
            let options = SandboxOptions { auto_consent: true, ..SandboxOptions::default() };
            let started = Sandbox::start(options)
                .await
                .map_err(|error| Error::unavailable(error.to_string()))?;
            sandbox.insert(started).issuer()
        }
    };
    // One process stores nothing on disk, and any number of tasks may share the manager.
    let manager = FlowManager::new([profile(issuer, &server.client_id)?], Ports::in_memory());
    let awaited = users.len();
    let mut starts = JoinSet::new();
    for user in users {
        let manager = manager.clone();
        starts.spawn(async move { manager.start(PROFILE, request(user, how)).await });
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
    let code = complete_all(&manager, callbacks, awaited).await?;
    if sandbox.is_some() {
        let forged = format!("{REDIRECT_URI}?code=any&state=somebody-made-it-up");
        let refused = complete_one(manager, forged).await.err();
        println!("\nAnd a forged state:\n{}", refused.as_ref().map(told).unwrap_or_default());
    }
    Ok(code)
}

/// Plays the user in the sandbox, who consents at once; forwards the callback URL.
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

/// Completes each callback in a separate task, in whatever order they arrive, until every flow has ended. A
/// failure does not delay the others; the last failure determines the exit code.
async fn complete_all(
    manager: &FlowManager,
    mut callbacks: mpsc::Receiver<String>,
    mut awaited: usize,
) -> Result<ExitCode> {
    let (mut tasks, mut code) = (JoinSet::new(), ExitCode::SUCCESS);
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
                    // A response that belongs to no flow ends none.
                    let ours = !matches!(error.kind(), ErrorKind::InvalidState | ErrorKind::Validation);
                    awaited -= usize::from(ours);
                    code = ExitCode::from(error.exit_code());
                }
            },
            else => break,
        }
    }
    Ok(code)
}

async fn complete_one(manager: FlowManager, url: String) -> Result<String> {
    let response = AuthorizationResponse::from_url(&url)?;
    let done = manager.complete(&response, &Expected::default().profile(PROFILE)).await?;
    let token = manager.token(&done.grant.key, &TokenRequest::default()).await?;
    let works = userinfo(&manager, &token).await?;
    Ok(user_lines(&done, &token, &works))
}

fn request(user: String, how: How) -> StartRequest {
    let request = StartRequest::for_user(user.clone()).param("login_hint", user).ttl(how.ttl);
    if how.sealed { request.sealed() } else { request }
}

fn no_runtime(error: io::Error) -> Error {
    Error::internal(format!("cannot start the runtime: {error}"))
}

fn ended(error: tokio::task::JoinError) -> Error {
    Error::internal(format!("a task failed: {error}"))
}
