//! Sockets: accepts connections, reads requests, finds their issuer, sends responses.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::clock::rfc3339;
use super::endpoint::{self, Endpoint};
use super::error::{Error, Result};
use super::issuer::{Issuer, Shared};
use super::journal::JournalEntry;
use super::keys::Keyring;
use super::options::SandboxOptions;
use super::reply::{Answer, Refusal, Reply, object};
use super::request::{Call, Params};
use super::scenario::Effects;
use super::token::GRANTS;
use super::{dispatch, transport};

/// Maximum size of a request body, in bytes.
const BODY: usize = 64 * 1024;
/// Maximum size of a request head, in bytes.
const HEAD: usize = 64 * 1024;
/// Time limit for receiving a request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum number of open connections; further ones wait.
const CONNECTIONS: usize = 512;
/// Maximum number of issuers.
const ISSUERS: usize = 1_024;
/// Maximum number of journal entries.
const JOURNAL: usize = 10_000;

/// The state that all connections share.
pub(super) struct Server {
    shared: Arc<Shared>,
    issuers: Mutex<HashMap<String, Arc<Issuer>>>,
    journal: Mutex<VecDeque<JournalEntry>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Creates a server at this origin whose root issuer has these effects.
    pub(super) fn new(origin: String, options: SandboxOptions, effects: Effects) -> Result<Self> {
        let shared = Arc::new(Shared { origin, options, keys: Keyring::new()? });
        let root = Arc::new(Issuer::new(Arc::clone(&shared), "", effects));
        let issuers = Mutex::new(HashMap::from([(String::new(), root)]));
        Ok(Self { shared, issuers, journal: Mutex::default() })
    }

    /// Returns the origin of the server.
    pub(super) fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// Returns the requests received so far.
    pub(super) fn journal(&self) -> Vec<JournalEntry> {
        lock(&self.journal).iter().cloned().collect()
    }

    /// Returns the issuer at a path, which is created at its first request.
    fn issuer(&self, path: &str) -> Result<Arc<Issuer>> {
        let mut issuers = lock(&self.issuers);
        if let Some(issuer) = issuers.get(path) {
            return Ok(Arc::clone(issuer));
        }
        if issuers.len() >= ISSUERS {
            return Err(Error::TooManyIssuers);
        }
        let names = path.strip_prefix("/s/").unwrap_or_default();
        // Clients may encode the comma and the colon.
        let names = Params::parse(format!("names={}", names.replace('+', "%2B")).as_bytes());
        let effects = Effects::choose(names.get("names").unwrap_or_default().split(','))?;
        let issuer = Arc::new(Issuer::new(Arc::clone(&self.shared), path, effects));
        issuers.insert(path.to_owned(), Arc::clone(&issuer));
        Ok(issuer)
    }

    fn note(&self, issuer_path: &str, call: &Call) {
        let grant_type = GRANTS.iter().map(|g| g.name).find(|n| Some(*n) == call.grant_type());
        let mut journal = lock(&self.journal);
        if journal.len() == JOURNAL {
            journal.pop_front();
        }
        journal.push_back(JournalEntry {
            at: self.shared.options.clock.now(),
            issuer_path: issuer_path.to_owned(),
            endpoint: call.endpoint.name(),
            method: call.method.as_str().chars().take(16).collect(),
            grant_type,
        });
    }

    async fn respond(&self, request: Request<Incoming>) -> Answer {
        match self.handle(request).await {
            Ok(answer) => answer,
            Err(refusal) => Reply::from(refusal).render(),
        }
    }

    async fn handle(&self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let path = request.uri().path().to_owned();
        let (issuer_path, endpoint) = endpoint::find(&path);
        let call = read(request, endpoint).await?;
        if endpoint == Endpoint::Journal && issuer_path.is_empty() {
            return Ok(self.journal_reply().render());
        }
        let issuer = self.issuer(issuer_path);
        // A path without an issuer is recorded without one, so that no client can fill the journal with its
        // own text.
        self.note(if issuer.is_ok() { issuer_path } else { "" }, &call);
        let issuer = issuer.map_err(|error| {
            let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            let status = if matches!(error, Error::TooManyIssuers) { 503 } else { 404 };
            Refusal::new("not_found", format!("{error}{hint}")).status(status)
        })?;
        let methods = endpoint.methods();
        if !methods.is_empty() && !methods.contains(&call.method) {
            let allowed: Vec<_> = methods.iter().map(|m| m.as_str()).collect();
            return Err(Refusal::request("this endpoint does not accept this method")
                .status(405)
                .header("allow", allowed.join(", ")));
        }
        Ok(dispatch::answer(&issuer, &call).await)
    }

    fn journal_reply(&self) -> Reply {
        let entries: Vec<Value> = self
            .journal()
            .iter()
            .map(|entry| {
                json!({
                    "at": rfc3339(entry.at),
                    "issuer_path": entry.issuer_path,
                    "endpoint": entry.endpoint,
                    "method": entry.method,
                    "grant_type": entry.grant_type,
                })
            })
            .collect();
        Reply::json(object(json!({ "requests": entries })))
    }
}

/// Reads a whole request, within limits.
async fn read(request: Request<Incoming>, endpoint: Endpoint) -> Result<Call, Refusal> {
    let (parts, body) = request.into_parts();
    let hosts: Vec<_> = parts.headers.get_all("host").iter().collect();
    // A host that is not a loopback address belongs to a page elsewhere whose name resolves to this machine.
    if !matches!(hosts[..], [host] if host.to_str().is_ok_and(is_loopback_host)) {
        return Err(
            Refusal::request("the Host header does not name the loopback interface").status(421)
        );
    }
    let body = tokio::time::timeout(PATIENCE, Limited::new(body, BODY).collect())
        .await
        .map_err(|_| Refusal::request("the body took too long").status(408))?
        .map_err(|_| Refusal::request("the body is too large or malformed").status(413))?
        .to_bytes();
    let kind = parts.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json: Option<Value> =
        (kind == "application/json").then(|| serde_json::from_slice(&body).ok()).flatten();
    let form = match &json {
        Some(Value::Object(object)) => Params::from_json(object),
        _ if kind == "application/x-www-form-urlencoded" => Params::parse(&body),
        _ => Params::default(),
    };
    let query = Params::parse(parts.uri.query().unwrap_or_default().as_bytes());
    Ok(Call { endpoint, method: parts.method, headers: parts.headers, query, form, json })
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

/// Accepts connections until it is dropped; the connections end with it.
pub(super) async fn run(listener: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&server)));
                }
                // Probably out of file descriptors, which is temporary.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Tells hyper to hand the connection back.
#[derive(Debug)]
struct Diverted;

impl std::fmt::Display for Diverted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the response is not sent over HTTP")
    }
}

impl std::error::Error for Diverted {}

async fn serve(stream: TcpStream, server: Arc<Server>) {
    let _ = stream.set_nodelay(true);
    let diverted: Arc<Mutex<Option<Answer>>> = Arc::default();
    let service = service_fn(|request| {
        let (server, diverted) = (Arc::clone(&server), Arc::clone(&diverted));
        async move {
            let answer = server.respond(request).await;
            if answer.transport.is_none() {
                return Ok(http(answer));
            }
            *lock(&diverted) = Some(answer);
            Err(Diverted)
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever the result, the client has disconnected or the connection is ours again.
    let _ = (&mut connection).await;
    let taken = lock(&diverted).take();
    if let Some((answer, transport)) = taken.and_then(|it| it.transport.map(|how| (it, how))) {
        transport::send(&answer, transport, connection.into_parts().io.into_inner()).await;
    }
}

fn http(answer: Answer) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::from(answer.body))).unwrap_or_else(|_| {
        // A header that cannot be sent.
        let mut response = Response::new(Full::default());
        *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
