//! Answers requests on the socket of the agent, each in a thread of its own.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use oauthctl_core::{Error, ErrorKind, Result, Timestamp};
use serde_json::{Value, json};

use super::message;
use crate::args::{AccountOption, Globals};
use crate::audit::Audit;
use crate::confirm::Confirm;
use crate::context::Context;
use crate::get_token;
use crate::get_token::request::{Request, Selection};
use crate::socket::Socket;
use crate::ui::{self, Ui};

/// Time limit for a request to arrive, and for its response to be read.
const PATIENCE: Duration = Duration::from_secs(10);

/// Maximum number of requests at once.
const REQUESTS: usize = 64;

/// What all requests share.
pub struct Server {
    /// The global options of the agent.
    pub globals: Globals,
    /// How the operator is told.
    pub ui: Ui,
    /// Further users who may connect.
    pub users: Vec<u32>,
    /// Whether the user consents.
    pub confirm: Option<Confirm>,
    /// What is written down.
    pub audit: Option<Audit>,
    /// Whether no token is handed out.
    pub is_locked: AtomicBool,
    /// The number of requests that are being answered.
    pub active: AtomicUsize,
    /// Whether the agent is to end.
    pub stops: tokio::sync::Notify,
}

/// The process that asks.
#[derive(Clone, Copy)]
struct Peer {
    pid: Option<i32>,
    uid: u32,
}

/// Serves until a client tells it to stop.
pub async fn serve(server: Arc<Server>, socket: &Socket) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener().accept() => accepted,
            () = server.stops.notified() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let peer = stream.peer_cred().map(|c| Peer { pid: c.pid(), uid: c.uid() });
        let (Ok(peer), Ok(stream)) = (peer, stream.into_std()) else { continue };
        if server.active.fetch_add(1, Ordering::SeqCst) >= REQUESTS {
            server.active.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let common = Arc::clone(&server);
        let work = move || {
            answer(&common, peer, &stream);
            common.active.fetch_sub(1, Ordering::SeqCst);
        };
        if std::thread::Builder::new().name("request".to_owned()).spawn(work).is_err() {
            server.active.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn answer(server: &Server, peer: Peer, stream: &UnixStream) {
    let ready = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    if ready.is_err() {
        return;
    }
    // Read in any case: a socket that is closed with unread bytes takes the answer with it.
    let request = message::read(stream, message::REQUEST);
    let own = rustix::process::geteuid().as_raw();
    let outcome = match request {
        _ if peer.uid != own && !server.users.contains(&peer.uid) => {
            Err(refusal("this user may not use the agent"))
        }
        Ok(request) => perform(server, peer, &request),
        Err(_) => Err(Error::usage("the request is invalid")),
    };
    let reply = outcome.unwrap_or_else(|error| {
        json!({
            "error": error.kind().word(),
            "message": error.message(),
            "hint": ui::hint_of(&error),
        })
    });
    // A client that is gone needs no answer.
    let _ = message::write(stream, &reply);
}

fn refusal(why: &str) -> Error {
    Error::new(ErrorKind::AccessDenied, why)
}

fn perform(server: &Server, peer: Peer, request: &Value) -> Result<Value> {
    let is_owner = peer.uid == rustix::process::geteuid().as_raw();
    match request["op"].as_str() {
        Some("token") => {
            let outcome = token(server, peer, request);
            note(server, peer, request, outcome.as_ref().err());
            outcome
        }
        Some("status") => Ok(json!({
            "pid": std::process::id(),
            "locked": server.is_locked.load(Ordering::SeqCst),
        })),
        Some("lock" | "unlock" | "stop") if !is_owner => {
            Err(refusal("only the user of the agent may do that"))
        }
        Some("lock") => {
            server.is_locked.store(true, Ordering::SeqCst);
            if let Some(confirm) = &server.confirm {
                confirm.forget();
            }
            Ok(json!({}))
        }
        Some("unlock") => {
            server.is_locked.store(false, Ordering::SeqCst);
            Ok(json!({}))
        }
        Some("stop") => {
            server.stops.notify_one();
            Ok(json!({}))
        }
        _ => Err(Error::usage("the request is unknown to this agent")),
    }
}

fn token(server: &Server, peer: Peer, request: &Value) -> Result<Value> {
    if server.is_locked.load(Ordering::SeqCst) {
        return Err(refusal("the agent is locked").hint("run `oauthctl agent --unlock`"));
    }
    let text = |name: &str| request[name].as_str().map(str::to_owned);
    if let Some(confirm) = &server.confirm
        && !consents(confirm, peer, text("profile"))?
    {
        return Err(refusal("the user does not consent"));
    }
    let scopes = request["scopes"].as_array().into_iter().flatten();
    let selection = Selection {
        account: AccountOption { account: text("account") },
        min_ttl: request["min_ttl"].as_u64().map(Duration::from_secs),
        scopes: scopes.filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
        resource: text("resource"),
        audience: text("audience"),
    };
    let is = |name: &str| request[name].as_bool().unwrap_or(false);
    let (force, cached, id_token) = (is("force"), is("cached"), is("id_token"));
    let wanted = Request { force, cached, login: false, id_token, whole: true };
    // Its own context: the configuration may have changed.
    let context = Context::new(server.globals.clone(), server.ui)?;
    let token = get_token::get_here(&context, text("profile").as_deref(), &selection, &wanted)?;
    let seconds = |at: Option<Timestamp>| at.map(|at| at.unix());
    Ok(json!({
        "access_token": token.value.expose(),
        "token_type": token.token_type,
        "expires_at": seconds(token.expires_at),
        "lifetime": token.lifetime,
        "scopes": token.scopes,
        "id_token": token.id_token.as_ref().map(|token| token.expose().to_owned()),
        "id_token_expires_at": seconds(token.id_token_expires_at),
        "profile": token.account.key.profile,
        "account": token.account.key.account,
        "grant_id": token.account.grant_id,
        "warning": token.warning.as_ref().map(Error::message),
    }))
}

fn consents(confirm: &Confirm, peer: Peer, profile: Option<String>) -> Result<bool> {
    let mut about = vec![("OAUTHCTL_CONFIRM_UID", peer.uid.to_string())];
    about.extend(profile.map(|profile| ("OAUTHCTL_CONFIRM_PROFILE", profile)));
    about.extend(peer.pid.map(|pid| ("OAUTHCTL_CONFIRM_PID", pid.to_string())));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|e| Error::internal(format!("cannot start the runtime: {e}")))?;
    runtime.block_on(confirm.ask(&about))
}

fn note(server: &Server, peer: Peer, request: &Value, failed: Option<&Error>) {
    let Some(audit) = &server.audit else { return };
    audit.write(&json!({
        "time": Timestamp::now().to_string(),
        "op": "token",
        "profile": request["profile"],
        "account": request["account"],
        "uid": peer.uid,
        "pid": peer.pid,
        "error": failed.map(|error| error.kind().word()),
    }));
}
