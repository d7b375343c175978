//! Answers requests on the socket of the agent, each in a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oauthctl_core::http::api::Method;
use oauthctl_core::profile::api_url::ApiUrls;
use oauthctl_core::profile::{ClientAuth, CredentialTool};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, GrantKey, Result, Secret, Timestamp};
use serde_json::{Value, json};
use url::Url;

use super::sleep::Sleep;
use super::slots::{self, Client, Peer, Slot, Slots};
use super::{message, tables};
use crate::args::{AccountOption, Globals};
use crate::audit::Audit;
use crate::confirm::{Confirm, Question};
use crate::context::Context;
use crate::get_token;
use crate::get_token::request::{Request, Selection};
use crate::notify;
use crate::socket::Socket;
use crate::source;
use crate::target::Target;
use crate::ui::{self, Ui};

/// What all requests share.
pub struct Server {
    /// The global options of the agent.
    pub globals: Globals,
    /// Where messages to the operator go.
    pub ui: Ui,
    /// Further users who may connect.
    pub users: Vec<u32>,
    /// Whether the user consents.
    pub confirm: Option<Arc<Confirm>>,
    /// What is written down.
    pub audit: Option<Audit>,
    /// Whether no token is handed out.
    pub is_locked: AtomicBool,
    /// Whether no token is handed out any more once the machine has slept.
    pub locks_after_sleep: bool,
    /// Whether it has.
    pub sleep: Sleep,
    /// Who is being served.
    pub slots: Arc<Slots>,
    /// Whether the agent is to end.
    pub stops: tokio::sync::Notify,
}

/// Serves until a client tells it to stop.
pub async fn serve(server: Arc<Server>, socket: &Socket) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener().accept() => Some(accepted),
            // By then another client may have been idle for too long.
            () = tokio::time::sleep(slots::GRACE), if server.slots.has_waiting() => None,
            () = server.stops.notified() => return,
        };
        match accepted {
            Some(Ok((stream, _))) => {
                let peer = stream.peer_cred().map(|c| Peer { pid: c.pid(), uid: c.uid() });
                let (Ok(peer), Ok(stream)) = (peer, stream.into_std()) else { continue };
                let client = Client { peer, stream: Arc::new(stream) };
                server.slots.add(client, server.may_use(peer));
            }
            Some(Err(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            None => {}
        }
        while let Some(slot) = server.slots.next() {
            let common = Arc::clone(&server);
            let work = move || answer_all(&common, slot);
            // Without a thread, the client is disconnected.
            let _ = std::thread::Builder::new().name("request".to_owned()).spawn(work);
        }
    }
}

/// Answers a client, and then those that waited for its slot.
fn answer_all(server: &Server, first: Slot) {
    let mut next = Some(first);
    while let Some(slot) = next {
        answer(server, &slot);
        drop(slot);
        next = server.slots.next();
    }
}

impl Server {
    fn may_use(&self, peer: Peer) -> bool {
        is_owner(peer) || self.users.contains(&peer.uid)
    }

    /// Forgets what the user consented to before the machine slept. No request goes on before that is done.
    fn look_for_sleep(&self) {
        self.sleep.if_it_was(|| {
            self.forget_consent();
            if self.locks_after_sleep {
                self.is_locked.store(true, Ordering::SeqCst);
            }
        });
    }

    fn context(&self) -> Result<Context> {
        Context::new(self.globals.clone(), self.ui)
    }

    fn forget_consent(&self) {
        if let Some(confirm) = &self.confirm {
            confirm.forget();
        }
    }

    /// Checks that the user lets this process use the account now.
    fn permit(&self, peer: Peer, request: &Value) -> Result<()> {
        self.check_unlocked()?;
        let Some(confirm) = &self.confirm else { return Ok(()) };
        let selected = self.known(request)?;
        if !consents(confirm, peer, request, &selected)? {
            return Err(refusal("the user did not consent"));
        }
        // The question may have been open for some time.
        self.check_awake()?;
        match self.selected(request).is_some_and(|now| now == selected) {
            true => Ok(()),
            false => Err(refusal("a different account is selected now").hint("request it again")),
        }
    }

    /// Returns the account that a request leads to. The user is not asked about an account that does not exist: a client
    /// could ask with any number of names.
    fn known(&self, request: &Value) -> Result<GrantKey> {
        let context = self.context()?;
        let text = |name: &str| request[name].as_str();
        let Target { profile, key, store, .. } =
            source::select(&context, text("profile"), text("account"))?;
        let exists = !profile.grant.needs_user()
            || crate::run::block_on(None, store.grants.load(&key))?.is_some();
        if exists {
            return Ok(key);
        }
        let error = Error::not_logged_in(&key);
        notify::login_required_by_client(&context, &error);
        Err(error)
    }

    /// Returns the account that a request leads to with the present configuration.
    fn selected(&self, request: &Value) -> Option<GrantKey> {
        let context = self.context().ok()?;
        let text = |name: &str| request[name].as_str();
        Some(Target::existing(&context, text("profile"), text("account")).ok()?.key)
    }

    /// Checks that neither the machine slept nor the user locked the agent while this request waited.
    fn check_awake(&self) -> Result<()> {
        self.look_for_sleep();
        self.check_unlocked()
    }

    fn check_unlocked(&self) -> Result<()> {
        match self.is_locked.load(Ordering::SeqCst) {
            true => Err(refusal("the agent is locked").hint("run `oauthctl agent --unlock`")),
            false => Ok(()),
        }
    }
}

/// Returns whether this is the user who started the agent.
fn is_owner(peer: Peer) -> bool {
    peer.uid == rustix::process::geteuid().as_raw()
}

fn answer(server: &Server, slot: &Slot) {
    let (peer, stream) = (slot.client.peer, &slot.client.stream);
    if stream.set_nonblocking(false).is_err() {
        return;
    }
    // Read in any case: a socket that is closed with unread bytes takes the answer with it.
    let request = message::read(stream, message::REQUEST, message::PATIENCE);
    if !slot.work() {
        return;
    }
    let outcome = match request {
        _ if !server.may_use(peer) => Err(refusal("this user is not allowed to use the agent")),
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
    slot.send();
    // A client that is gone needs no answer.
    let _ = message::write(stream, &reply, message::PATIENCE);
}

fn refusal(why: &str) -> Error {
    Error::new(ErrorKind::AccessDenied, why)
}

fn perform(server: &Server, peer: Peer, request: &Value) -> Result<Value> {
    server.look_for_sleep();
    match request["op"].as_str() {
        Some("token") => {
            let outcome = token(server, peer, request);
            // The server may have been slow to answer.
            let outcome = outcome.and_then(|token| server.check_awake().map(|()| token));
            note(server, peer, request, outcome.as_ref().err());
            outcome
        }
        Some("proof") => {
            let outcome = proof(server, peer, request);
            let outcome = outcome.and_then(|proof| server.check_awake().map(|()| proof));
            note(server, peer, request, outcome.as_ref().err());
            outcome
        }
        Some("account") => account(server, request),
        Some("credentials") => credentials(server, request),
        Some("status") => Ok(json!({
            "pid": std::process::id(),
            "locked": server.is_locked.load(Ordering::SeqCst),
        })),
        Some("lock" | "unlock" | "stop") if !is_owner(peer) => {
            Err(refusal("only the user who started the agent may do that"))
        }
        Some("lock") => {
            server.is_locked.store(true, Ordering::SeqCst);
            server.forget_consent();
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
        _ => Err(Error::usage("this agent does not support the request")),
    }
}

fn token(server: &Server, peer: Peer, request: &Value) -> Result<Value> {
    let text = |name: &str| request[name].as_str().map(str::to_owned);
    server.permit(peer, request)?;
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
    let context = server.context()?;
    let token = get_token::get_here(&context, text("profile").as_deref(), &selection, &wanted)
        .inspect_err(|error| notify::login_required_by_client(&context, error))?;
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

/// Returns the proof of one request with a token. The key stays here.
fn proof(server: &Server, peer: Peer, request: &Value) -> Result<Value> {
    let text = |name: &str| request[name].as_str();
    server.permit(peer, request)?;
    let missing = || Error::usage("the request is invalid");
    let method = text("method").ok_or_else(missing)?;
    let url = text("url").and_then(|url| Url::parse(url).ok()).ok_or_else(missing)?;
    let token = Secret::new(text("access_token").ok_or_else(missing)?);
    let is_request = Method::from_bytes(method.as_bytes()).is_ok()
        && matches!(url.scheme(), "http" | "https")
        && url.has_host();
    if !is_request {
        return Err(missing());
    }
    let context = server.context()?;
    let opened = source::open(&context, text("profile"), text("account"))?;
    let signed = async {
        match opened.manager.prover(&opened.target.key).await? {
            Some(prover) => prover.proof(method, &url, text("nonce"), &token, Timestamp::now()),
            None => Err(Error::usage("the token is not bound to a key")),
        }
    };
    Ok(json!({ "proof": crate::run::block_on(Some(&opened.manager), signed)? }))
}

/// Says which account this is, and where its token may be sent.
fn account(server: &Server, request: &Value) -> Result<Value> {
    server.check_unlocked()?;
    let context = server.context()?;
    let text = |name: &str| request[name].as_str();
    let opened = source::open(&context, text("profile"), text("account"))?;
    let (profile, key) = (opened.target.profile, &opened.target.key);
    if profile.client.auth.is_some_and(ClientAuth::is_mutual_tls) {
        let what = "requests for this profile require its client certificate, which stays with the \
                    agent";
        return Err(Error::usage(what).hint("make the request on the agent's machine"));
    }
    let urls = ApiUrls::of(profile)?;
    let urls: Vec<&str> = urls.all().iter().map(Url::as_str).collect();
    Ok(json!({ "profile": key.profile, "account": key.account, "api_url": urls }))
}

/// Returns what the credential helper of a tool hands out.
fn credentials(server: &Server, request: &Value) -> Result<Value> {
    let name = request["tool"].as_str();
    let tool = CredentialTool::ALL.into_iter().find(|(known, _)| Some(*known) == name);
    let (_, tool) = tool.ok_or_else(|| Error::usage("the request is invalid"))?;
    let context = server.context()?;
    Ok(json!({ "credentials": tables::render(context.config()?.credential.get(&tool)) }))
}

fn consents(
    confirm: &Arc<Confirm>,
    peer: Peer,
    request: &Value,
    selected: &GrantKey,
) -> Result<bool> {
    // A consent is for one user, profile and account, as the request names them, and as long as that selects the same
    // account. Asking for another name of an account again does no harm.
    let named = |name: &str| request[name].as_str().map(one_line);
    let (profile, account) = (named("profile"), named("account"));
    let selected = [&selected.profile, &selected.account];
    let subject = json!([peer.uid, profile, account, selected]).to_string();
    let mut about = vec![("OAUTHCTL_CONFIRM_UID", peer.uid.to_string())];
    about.extend(profile.map(|profile| ("OAUTHCTL_CONFIRM_PROFILE", profile)));
    about.extend(account.map(|account| ("OAUTHCTL_CONFIRM_ACCOUNT", account)));
    about.extend(peer.pid.map(|pid| ("OAUTHCTL_CONFIRM_PID", pid.to_string())));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|e| Error::internal(format!("cannot start the runtime: {e}")))?;
    runtime.block_on(confirm.ask(Question { asker: peer.uid, subject, about }))
}

fn note(server: &Server, peer: Peer, request: &Value, failed: Option<&Error>) {
    let Some(audit) = &server.audit else { return };
    audit.write(&json!({
        "time": Timestamp::now().to_string(),
        "op": request["op"],
        "profile": request["profile"],
        "account": request["account"],
        "uid": peer.uid,
        "pid": peer.pid,
        "error": failed.map(|error| error.kind().word()),
    }));
}
