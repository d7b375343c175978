//! Who has consented? Three users in an SQLite table, each of whom can be asked in a browser.
//!
//! ```sh
//! cargo run --example track_consent
//! ```
//!
//! Open the address that it prints, and ask a user. Without arguments, the authorization server is the
//! crate's sandbox, whose users are not real, and everything is deleted at the end. With a server at which
//! `http://127.0.0.1:8480/callback` is registered as the redirect URI of a public client:
//!
//! ```sh
//! cargo run --example track_consent -- --issuer https://as.example --client-id ID --data DIR
//! ```
//!
//! It shows that:
//!
//! - The `state` identifies the user of a response. The data of the flow is stored on disk: the program may
//!   be restarted while a user reads the consent page.
//! - A response counts only in the browser that was sent to the server: that browser has the state in a
//!   cookie, and [`Expected::state`] compares it. A response that was planted in another user's browser is
//!   refused.
//! - A user consents only with their own account: [`Expected::email`] and [`Expected::sub`] set it. The
//!   tokens of any other account are revoked, not stored, and the page names the account that was used. The
//!   server is asked for a login each time; otherwise a session with the wrong account would be refused
//!   forever.
//! - The tokens are in the crate's encrypted files. The database has only what may be shown.
//! - Only a `POST` from a page of this site, or the callback, changes anything.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "track_consent/origin.rs"]
mod origin;
#[path = "track_consent/page.rs"]
mod page;
#[path = "track_consent/users.rs"]
mod users;

use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use clap::Parser;
use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::{AtServer, MAX_TTL};
use oauthctl_core::profile::Config;
use oauthctl_core::store::{FilePending, FileStore, KeySource, StateDir, StateKeyFile};
use oauthctl_core::time::parse_duration;
use oauthctl_core::{
    AuthorizationResponse, ErrorKind, Expected, FlowManager, GrantKey, Ports, StartRequest,
};
use oauthctl_sandbox::{Sandbox, SandboxOptions};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use page::Problem;
use users::{User, Users};

const PROFILE: &str = "consent";

/// A web page that shows who has consented, and asks users for their consent.
#[derive(Parser)]
struct Args {
    /// Address of the page; the redirect URI is http://ADDRESS/callback, without the port if it is 80
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
    /// Issuer of the authorization server [default: a built-in sandbox]
    #[arg(long, value_name = "URL", requires = "data")]
    issuer: Option<String>,
    /// Client ID that is registered there
    #[arg(long, value_name = "ID", default_value = "track-consent")]
    client_id: String,
    /// Directory for `track_consent`, with database and tokens [default: removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How long to wait for a response
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    ttl: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // The error was printed when it occurred.
    run(Args::parse()).await.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

async fn run(args: Args) -> Result<(), Problem> {
    let (mut issuer, mut sandbox) = (args.issuer, None);
    if issuer.is_none() {
        let started = sandbox.insert(Sandbox::start(SandboxOptions::default()).await?);
        issuer = Some(started.issuer().to_owned());
    }
    let until_the_end = tempfile::tempdir()?;
    // The directory may be accessible to others; its private subdirectory is not.
    let data = args.data.as_deref().unwrap_or(until_the_end.path()).join("track_consent");

    let listener = TcpListener::bind(args.listen).await?;
    let origin = origin::of(listener.local_addr()?).map_err(std::io::Error::other)?;
    let config: Config = format!(
        "[profiles.{PROFILE}]
        issuer = {:?}
        client_id = {:?}
        redirect_uri = '{origin}/callback'
        scopes = ['openid', 'email', 'offline_access']
        authorization_params = {{ prompt = 'login consent' }}",
        issuer.unwrap_or_default(),
        args.client_id
    )
    .parse()?;
    let manager = FlowManager::new(config.profiles.into_values(), ports(&data).await?);
    let site = Site::open(manager, &data, origin, args.ttl).await?;

    let announced = format!("Who has consented? {}/", site.origin);
    let stop = async move {
        tokio::select! {
            // Interrupts are handled before the address is known.
            biased;
            _ = tokio::signal::ctrl_c() => {}
            () = async { println!("{announced}"); pending().await } => {}
        }
    };
    axum::serve(listener, router(&site)).with_graceful_shutdown(stop).await?;
    while site.manager.is_critical() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Opens the stores. What must outlive the process is in `data`, which is made accessible only to its
/// owner.
async fn ports(data: &Path) -> oauthctl_core::Result<Ports> {
    let clock = Arc::new(SystemClock);
    let keys = StateKeyFile::open(data.join("state-keys.json"), clock.clone());
    let key = KeySource::Generated(data.join("grants.key"));
    let pending = FilePending::open(data.join("pending"), clock.clone());
    Ok(Ports::in_memory()
        .with_store(Arc::new(FileStore::open(data.join("grants"), key)))
        .with_coordinator(Arc::new(StateDir::open(data.join("locks"), clock)))
        .with_pending(Arc::new(pending), keys.keys_for(MAX_TTL).await?))
}

fn router(site: &Arc<Site>) -> Router {
    let style = ([(header::CONTENT_TYPE, "text/css")], page::STYLE);
    Router::new()
        .route("/", get(list))
        .route("/ask", post(ask))
        .route("/callback", get(callback))
        .route("/withdraw", post(withdraw))
        .route("/style.css", get(|| async move { style }))
        .layer(middleware::from_fn_with_state(site.clone(), guard))
        .with_state(site.clone())
}

async fn list(State(site): State<Arc<Site>>) -> Result<Html<String>, Problem> {
    Ok(page::list(&site.users.lock().await.all()?))
}

#[derive(Deserialize)]
struct Chosen {
    user: i64,
}

/// Sends the browser to the authorization server, with the state in a separate cookie.
async fn ask(
    State(site): State<Arc<Site>>,
    Form(Chosen { user }): Form<Chosen>,
) -> Result<impl IntoResponse, Problem> {
    let found = site.find(user).await?;
    let request = StartRequest::for_user(user.to_string()).ttl(site.ttl);
    let request = request.param("login_hint", found.email);
    let started = site.manager.start(PROFILE, request).await?;
    let cookie = cookie(&started.id, &format!("{user}.{}", started.state), site.ttl);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&started.authorization_url)))
}

/// Handles the response that the browser returns.
async fn callback(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let response = AuthorizationResponse::from_query(&query.unwrap_or_default())?;
    let sent_off = sent_off(&headers, response.state());
    let (id, user, state) = sent_off.ok_or(Problem::NOT_FROM_HERE)?;
    let found = site.find(user).await?;
    let mut expected = Expected::default().state(state).user(user.to_string()).email(&found.email);
    // A connected account is identified by more than its address.
    expected.identity.sub = found.consent.and_then(|consent| consent.sub);
    let account = expected.identity.clone();
    let work = site.clone();
    let completed = to_the_end(async move {
        let completed = work.manager.complete(&response, &expected).await;
        work.note(user).await.map(|()| completed)
    });
    let shown = match completed.await? {
        // Redirects, so that the code does not stay in the address bar.
        Ok(completed) => {
            completed.warnings.iter().for_each(|warning| eprintln!("{warning}"));
            Redirect::to("/").into_response()
        }
        Err(error) if error.kind() == ErrorKind::AccessDenied => {
            page::denied(&site.find(user).await?)
        }
        // The flow may still be open for the right response: its cookie stays.
        Err(error) if error.kind() == ErrorKind::Validation => {
            eprintln!("{error}");
            return Ok(page::refused(&site.find(user).await?, &account, &error));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(([(header::SET_COOKIE, cookie(&id, "", Duration::ZERO))], shown).into_response())
}

/// Ends a consent at the authorization server and locally.
async fn withdraw(
    State(site): State<Arc<Site>>,
    Form(Chosen { user }): Form<Chosen>,
) -> Result<Redirect, Problem> {
    let ended = to_the_end(async move {
        let revoked = site.manager.revoke(&key(user)).await?;
        site.note(user).await.map(|()| revoked)
    });
    match ended.await?.at_server {
        AtServer::Failed(error) => {
            eprintln!("{error}");
            Err(Problem::ONLY_HERE)
        }
        _ => Ok(Redirect::to("/")),
    }
}

/// Runs a future to completion: a handler is dropped if its browser disconnects, but a code that was sent
/// must not be lost.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(std::io::Error::from)?
}

/// Returns a cookie for one flow, so that tabs do not overwrite each other's, with the lifetime of the
/// flow. It is hidden from scripts, sent only to `/callback`, and not sent with a POST from another site. A
/// site behind TLS should make it `Secure` as well.
fn cookie(id: &str, value: &str, life: Duration) -> String {
    let life = life.as_secs();
    format!("ask-{id}={value}; Path=/callback; Max-Age={life}; HttpOnly; SameSite=Lax")
}

/// Returns the flow for which this browser was sent to the server with this state: its id, its user and its
/// state.
fn sent_off(headers: &HeaderMap, state: &str) -> Option<(String, i64, String)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut asked = lines.flat_map(|line| line.split("; ")).filter_map(|cookie| {
        let (id, value) = cookie.strip_prefix("ask-")?.split_once('=')?;
        let (user, state) = value.split_once('.')?;
        Some((id.to_owned(), user.parse().ok()?, state.to_owned()))
    });
    asked.find(|(.., asked)| asked == state)
}

/// Accepts only requests that are addressed to this site by its own name, and forms only from its own
/// pages.
async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let is_ours = origin::is_ours(&site.origin, request.method(), request.headers());
    let mut response = match is_ours {
        true => next.run(request).await,
        false => Problem::NOT_FROM_HERE.into_response(),
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, site.policy.clone()),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ] {
        response.headers_mut().insert(name, value);
    }
    response
}

struct Site {
    manager: FlowManager,
    users: Mutex<Users>,
    origin: String,
    policy: HeaderValue,
    ttl: Duration,
}

fn key(user: i64) -> GrantKey {
    GrantKey::new(PROFILE, user.to_string())
}

impl Site {
    async fn open(
        manager: FlowManager,
        data: &Path,
        origin: String,
        ttl: Duration,
    ) -> Result<Arc<Self>, Problem> {
        let server = manager.server(PROFILE).await?;
        // Browsers check every redirect that follows a form against the policy.
        let theirs = server.endpoints.authorization.unwrap_or_default();
        let theirs = theirs.split('/').take(3).collect::<Vec<_>>().join("/");
        let policy = format!(
            "default-src 'none'; style-src 'self'; form-action 'self' https: {theirs}; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        let policy = policy.parse().map_err(std::io::Error::other)?;
        let users = Mutex::new(Users::open(data)?);
        let site = Arc::new(Self { manager, users, origin, policy, ttl });
        // An earlier process may have ended between storing a grant and its row.
        let all = site.users.lock().await.all()?;
        for user in all {
            site.note(user.id).await?;
        }
        Ok(site)
    }

    async fn find(&self, id: i64) -> Result<User, Problem> {
        self.users.lock().await.one(id)?.ok_or(Problem::NOBODY)
    }

    /// Updates the table from the store of grants, which alone counts. An unreadable grant counts as none:
    /// the store moves it aside once its user has consented again.
    async fn note(&self, user: i64) -> Result<(), Problem> {
        let users = self.users.lock().await;
        let grant = self.manager.grant(&key(user)).await;
        let grant = grant.inspect_err(|error| eprintln!("{error}")).ok().flatten();
        Ok(users.note(user, grant.as_ref())?)
    }
}
