//! The client of a login by URL: one that is known, else one that is registered.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use oauthctl_core::flow::{CriticalPart, FlowManager, Located, Registration};
use oauthctl_core::profile::url_login::canonical;
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, Result, Secret, Timestamp};

use super::login::{ClientOrigin, UrlClient};
use super::logins::{ClientMark, LockedUrlLogins};
use super::place::Place;
use super::request::Request;

/// A client, and the mark that no other process deletes it. One that cannot be deleted has none.
pub type Found = (UrlClient, Option<ClientMark>);

/// What a client is needed for.
pub struct Wanted<'a> {
    /// The server.
    pub located: &'a Located,
    /// The scopes to request.
    pub scopes: &'a [String],
    /// What the user asks for.
    pub request: &'a Request,
}

impl Wanted<'_> {
    fn issuer(&self) -> &str {
        self.located.server.issuer.as_deref().unwrap_or_default()
    }
}

/// Returns the client: the one that the user names, else one that the user named before at this issuer, else the
/// client-ID metadata document, else a registered one.
pub fn known(place: &Place, lock: &LockedUrlLogins, wanted: &Wanted<'_>) -> Result<Option<Found>> {
    let (issuer, Wanted { located, scopes, request }) = (wanted.issuer(), wanted);
    let mark = |id: &str, listens| lock.mark_used(issuer, &place.store_name, id, listens);
    let given = |client: UrlClient| match mark(&client.id, false)? {
        Some(mark) => Ok(Some((client, Some(mark)))),
        None => Err(Error::unavailable(format!(
            "another process is forgetting the client `{}`",
            one_line(&client.id)
        ))
        .hint("run the command again")),
    };
    if let Some((id, secret)) = &request.client {
        let mut client = bare(id, ClientOrigin::Given);
        client.secret_item = secret.as_ref().map(|_| item(issuer, id, "client_secret"));
        return given(client);
    }
    let kept = lock.client(issuer, &place.store_name)?;
    if let Some(client) = kept.as_ref().filter(|client| client.origin == ClientOrigin::Given) {
        return given(client.clone());
    }
    if let Some(url) =
        place.metadata_url.as_ref().filter(|_| located.server.client_id_metadata_documents)
    {
        return Ok(Some((bare(url, ClientOrigin::MetadataDocument), None)));
    }
    let may_request = |client: &UrlClient| {
        client.scopes.is_empty() || scopes.iter().all(|scope| client.scopes.contains(scope))
    };
    let former = lock.former_clients(issuer, &place.store_name)?.into_iter().filter(may_request);
    for client in kept.into_iter().chain(former) {
        // The port is tried under the mark: the attempt would be in the way of another login that is about to listen.
        if let Some(mark) = mark(&client.id, request.listens)?
            && is_usable(&client, request)
        {
            lock.keep_client(issuer, &place.store_name, &client)?;
            return Ok(Some((client, Some(mark))));
        }
    }
    Ok(None)
}

/// Refuses a client that the user names if it belongs to another issuer, which was the server of this URL, or with whose
/// client it shares its secret. That secret would be sent to a server that it does not belong to.
///
/// # Errors
///
/// Returns `Config` for such a client, and `Store` if what is known of it cannot be read.
pub async fn refuse_of_other_issuer(
    place: &Place,
    url: &str,
    issuer: &str,
    request: &Request,
) -> Result<()> {
    let Some((id, secret)) = &request.client else { return Ok(()) };
    let mut known = Vec::new();
    for login in place.logins.all()? {
        let is_own = canonical(&login.url) == canonical(url);
        let named = login
            .clients_in(&place.store_name)
            .filter(|one| one.client.origin == ClientOrigin::Given && one.client.id == *id);
        known.extend(named.map(|one| (login.url.clone(), is_own, one)));
    }
    if known.iter().any(|(_, _, one)| one.issuer == issuer) {
        return Ok(());
    }
    for (of, is_own, one) in known {
        let is_same = match (&one.client.secret_item, secret) {
            (Some(item), Some(secret)) => {
                place.store.items.get(item).await?.as_ref() == Some(secret)
            }
            _ => false,
        };
        if is_own || is_same {
            let (id, other) = (one_line(id), one_line(&one.issuer));
            let (url, issuer) = (one_line(url), one_line(issuer));
            return Err(Error::config(format!(
                "the client `{id}` belongs to {other}, but the authorization server of {url} is {issuer}"
            ))
            .hint(format!(
                "register a client at {issuer} and specify it with `--client-id`; if this one is \
                 registered there too, run `oauthctl logout {} --all` first",
                shell_word(&of)
            )));
        }
    }
    Ok(())
}

/// Registers a client, and keeps it for later logins.
pub async fn register(place: &Place, manager: &FlowManager, wanted: &Wanted<'_>) -> Result<Found> {
    let Wanted { located, scopes, request } = wanted;
    let port = new_port(request.port)?;
    let uri = located.redirect_uri(port);
    // Nobody could delete a registration that is not kept.
    if located.server.endpoints.registration.is_some() {
        place.store.check().await?;
        place.logins.lock().await?.check()?;
    }
    let _critical = manager.enter_critical(CriticalPart::Registration);
    let registration = manager.register_client(&located.server, &uri, scopes).await?;
    let management = registration.management.clone();
    let id = registration.client_id.clone();
    let client = match registered(place, wanted.issuer(), registration).await {
        Ok(client) => client,
        Err(error) => return Err(given_up(manager, &id, management, error).await),
    };
    let lock = place.logins.lock().await?;
    let mark = lock.mark_used(wanted.issuer(), &place.store_name, &client.id, request.listens)?;
    Ok((client, mark))
}

/// Deletes a registration that could not be kept, and returns the error with what is left of it.
async fn given_up(
    manager: &FlowManager,
    id: &str,
    management: Option<(String, Secret)>,
    error: Error,
) -> Error {
    let why = match management {
        Some((uri, token)) => match manager.unregister_client(&uri, &token).await {
            Ok(()) => return error,
            Err(why) => why.message().to_owned(),
        },
        None => "the server does not support it".to_owned(),
    };
    let what = format!("cannot delete the client `{}` at the server: {why}", one_line(id));
    error.with_warning(Error::unavailable(what))
}

fn bare(id: &str, origin: ClientOrigin) -> UrlClient {
    UrlClient {
        id: id.to_owned(),
        origin,
        auth: None,
        secret_item: None,
        secret_expires_at: None,
        redirect_uri: None,
        scopes: Vec::new(),
        registration_uri: None,
        registration_token_item: None,
    }
}

/// Keeps a registration at once: it exists whether or not the login succeeds.
async fn registered(place: &Place, issuer: &str, registration: Registration) -> Result<UrlClient> {
    let Registration { client_id, client_secret, secret_expires_at, auth, management, .. } =
        registration;
    let mut client = bare(&client_id, ClientOrigin::Registered);
    client.auth = auth.map(|auth| auth.as_str().to_owned());
    client.secret_expires_at = secret_expires_at;
    client.redirect_uri = Some(registration.redirect_uri);
    client.scopes = registration.scopes;
    let item = |what| item(issuer, &client_id, what);
    let mut secrets = Vec::new();
    if let Some(secret) = client_secret {
        let item = item("client_secret");
        client.secret_item = Some(item.clone());
        secrets.push((item, secret));
    }
    if let Some((uri, token)) = management {
        let item = item("registration_access_token");
        client.registration_uri = Some(uri);
        client.registration_token_item = Some(item.clone());
        secrets.push((item, token));
    }
    let kept = keep(place, issuer, &client, &secrets).await;
    if kept.is_err() {
        for (item, _) in &secrets {
            // The store has failed already.
            let _ = place.store.items.unset(item).await;
        }
    }
    kept.map(|()| client)
}

async fn keep(
    place: &Place,
    issuer: &str,
    client: &UrlClient,
    secrets: &[(String, Secret)],
) -> Result<()> {
    for (item, secret) in secrets {
        place.store.items.set(item, secret).await?;
    }
    place.logins.lock().await?.keep_client(issuer, &place.store_name, client)
}

fn item(issuer: &str, client_id: &str, what: &str) -> String {
    format!("{issuer} {client_id} {what}")
}

/// Returns whether a registered client still has its secret, and a redirect URI whose port is free.
fn is_usable(client: &UrlClient, request: &Request) -> bool {
    let is_alive = client.secret_expires_at.is_none_or(|at| Timestamp::now() < at);
    let uri = client.redirect_uri.as_deref().and_then(|uri| url::Url::parse(uri).ok());
    let port = uri.and_then(|uri| uri.port());
    let is_asked_for = request.port.is_none() || request.port == port;
    is_alive && is_asked_for && (!request.listens || free_port(port).is_ok())
}

/// The ports from which one is chosen for a registration. They are below those that systems give to connections,
/// so that the port is still free at the next login.
const PORTS: std::ops::Range<u16> = 20_000..32_768;

/// How many of them are tried before the system chooses.
const TRIES: u64 = 16;

/// Returns a port to register, on which no program listens now.
fn new_port(wanted: Option<u16>) -> Result<u16> {
    if wanted.is_some() {
        return free_port(wanted);
    }
    let random = RandomState::new();
    let count = u64::from(PORTS.end - PORTS.start);
    let candidates = (0..TRIES).map(|n| PORTS.start + (random.hash_one(n) % count) as u16);
    match candidates.map(|port| free_port(Some(port))).find(Result::is_ok) {
        Some(found) => found,
        None => free_port(None),
    }
}

/// Returns this port, or one that the system chooses, if no program listens on it now.
fn free_port(port: Option<u16>) -> Result<u16> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
    let address = bound.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| {
        let what = match port {
            Some(port) => format!("cannot listen on port {port}: {error}"),
            None => format!("cannot listen on the loopback interface: {error}"),
        };
        Error::config(what).caused_by(&error)
    })
}
