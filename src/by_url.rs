//! Logins by URL: which server, client and scopes a login uses, and what is kept of it.

mod forget;
mod keep;
mod place;

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use oauthctl_core::flow::{FlowManager, Located, Registration};
use oauthctl_core::profile::url_login::{
    Attempts, ClientOrigin, IssuedClient, UrlClient, UrlLogin,
};
use oauthctl_core::profile::{AuthorizationServer, Profile, SecretSource};
use oauthctl_core::protocol::challenge::ResourceChallenge;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, Result, Secret, Timestamp};

pub use forget::{forget, forget_failed};
use keep::FORMER;
pub use keep::Keeper;
pub use place::Place;

/// Maximum number of logins in a row for the same scopes that a resource can cause.
const ATTEMPTS: u32 = 3;

/// The scope that every login requests where it is offered.
const OFFLINE_ACCESS: &str = "offline_access";

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The challenge of the resource, if it was asked already.
    pub challenge: Option<ResourceChallenge>,
    /// Whether the scopes of the challenge are requested in addition to those that were requested before.
    pub is_step_up: bool,
    /// The scopes, if the user names any.
    pub scopes: Vec<String>,
    /// A client that was registered before, and its secret.
    pub client: Option<(String, Option<Secret>)>,
    /// The port of the loopback listener.
    pub port: Option<u16>,
    /// Whether a loopback listener receives the response.
    pub listens: bool,
}

/// A login that is about to begin.
#[derive(Debug)]
pub struct Prepared {
    /// What will be kept of it.
    pub login: UrlLogin,
    /// The server.
    pub server: AuthorizationServer,
    /// The client secret that the user gives, which is not stored yet.
    pub secret: Option<Secret>,
    /// Whether the client is one that the user named for another URL of this issuer.
    pub borrows_client: bool,
}

/// Finds the server of a URL, a client there, and the scopes to request.
///
/// # Errors
///
/// Returns the errors of [`FlowManager::locate`] and [`FlowManager::register_client`]; `AccessDenied` if the
/// resource has refused the same scopes too often; and `Store` if a client cannot be kept.
pub async fn prepare(
    place: &Place,
    manager: &FlowManager,
    url: &str,
    request: Request,
) -> Result<Prepared> {
    let known = place.logins.find(url)?;
    let used = known.as_ref().map(|login| login.issuer.as_str());
    let located = manager.locate(url, request.challenge.as_ref(), used).await?;
    let issuer = located.server.issuer.clone().unwrap_or_default();
    let at_same_server = known.as_ref().filter(|login| login.issuer == issuer);
    let scopes = scopes(&located, at_same_server, &request);
    let attempts = attempts(place, at_same_server, &scopes, request.is_step_up)?;
    let client = client(place, manager, &located, &scopes, &request).await?;
    let secret = request.client.as_ref().and_then(|(_, secret)| secret.clone());
    let borrows_client = client.origin == ClientOrigin::Given
        && request.client.is_none()
        && at_same_server.is_none_or(|login| login.client.id != client.id);
    let former =
        known.as_ref().map(|before| former(before, &place.store_name, &issuer, &client.id));
    let login = UrlLogin {
        former: former.unwrap_or_default(),
        url: known.map_or_else(|| url.to_owned(), |login| login.url),
        issuer,
        resource: located.resource,
        scopes,
        store: place.store_name.clone(),
        client,
        attempts,
    };
    Ok(Prepared { login, server: located.server, secret, borrows_client })
}

/// Returns the clients of earlier logins to the URL whose secrets are in this store, without the one that is used now.
fn former(before: &UrlLogin, store: &str, issuer: &str, id: &str) -> Vec<IssuedClient> {
    let here = (before.store == store).then(|| before.clients());
    let others = here.into_iter().flatten().filter(|one| !one.is(issuer, id));
    others.take(FORMER).collect()
}

impl Prepared {
    /// Returns the equivalent profile.
    ///
    /// # Errors
    ///
    /// Returns `Config` if what was kept is invalid.
    pub fn profile(&self) -> Result<Profile> {
        let mut profile = self.login.profile()?;
        if let Some(secret) = &self.secret {
            profile.client.secret = Some(SecretSource::Inline(secret.clone()));
        }
        Ok(profile)
    }
}

/// What follows from the failure of a login.
pub enum Failed {
    /// This error is the result.
    Final(Error),
    /// The client is useless. The next login registers another one.
    UselessClient {
        /// The error.
        error: Error,
        /// Whether the next login may succeed at once.
        can_retry: bool,
    },
}

/// Interprets the failure of a login. Forgets a registered client that its server no longer knows, or that is not
/// registered for the requested scopes, so that the next login registers another one.
pub fn explain(place: &Place, login: &UrlLogin, error: Error) -> Failed {
    let code = error.oauth_error().map(|oauth| oauth.code.clone()).unwrap_or_default();
    let has_scopes = login.scopes.iter().any(|scope| scope != OFFLINE_ACCESS);
    if error.kind() == ErrorKind::AccessDenied && login.resource.is_none() && !has_scopes {
        return Failed::Final(error.hint(
            "log in again and allow access; if you did, the server grants nothing without scopes: \
             add `--scope openid`, or the scopes of its API",
        ));
    }
    let registered = &login.client.scopes;
    let lacks_scopes = code == "invalid_scope"
        && !registered.is_empty()
        && login.scopes.iter().any(|scope| !registered.contains(scope));
    let is_useless = lacks_scopes || code == "invalid_client";
    if !is_useless
        || login.client.origin != ClientOrigin::Registered
        || place.logins.forget_client(&login.issuer, &login.store, &login.client.id).is_err()
    {
        return Failed::Final(error);
    }
    let error = match lacks_scopes {
        true => error,
        false => error.hint(
            "the server no longer knows the registered client: log in again to register another one",
        ),
    };
    Failed::UselessClient { error, can_retry: lacks_scopes }
}

/// Returns the scopes to request. At a step-up, those that were requested before remain.
fn scopes(located: &Located, before: Option<&UrlLogin>, request: &Request) -> Vec<String> {
    let mut wanted = request.scopes.clone();
    if let Some(before) = before.filter(|_| request.is_step_up) {
        wanted.clone_from(&before.scopes);
        wanted.extend(located.scopes.iter().filter(|new| !before.scopes.contains(new)).cloned());
    }
    located.scopes_to_request(wanted)
}

/// Counts this login. It is recorded before the user is asked, so that failed logins count too.
fn attempts(
    place: &Place,
    before: Option<&UrlLogin>,
    scopes: &[String],
    is_step_up: bool,
) -> Result<Attempts> {
    let now = Timestamp::now();
    let Some(before) = before.filter(|_| is_step_up) else {
        // A login that repeats the last one changes nothing, so that nothing is written.
        let last = before.map(|before| &before.attempts);
        let repeated = last.filter(|last| last.count == 1 && last.scopes == scopes).cloned();
        return Ok(repeated.unwrap_or_else(|| Attempts::first(scopes, now)));
    };
    let attempts = before.attempts.next(scopes, now);
    if attempts.count > ATTEMPTS {
        let what = format!(
            "{} still refuses access after {ATTEMPTS} logins for the same scopes",
            one_line(&before.url)
        );
        return Err(Error::new(ErrorKind::AccessDenied, what).hint(
            "the user may not have the required rights; log in with another account, or try again \
             later",
        ));
    }
    place.logins.keep(&UrlLogin { attempts: attempts.clone(), ..before.clone() })?;
    Ok(attempts)
}

/// Returns the client: the one that the user names, else one that the user named before at this issuer, else the
/// client-ID metadata document, else a registered one.
async fn client(
    place: &Place,
    manager: &FlowManager,
    located: &Located,
    scopes: &[String],
    request: &Request,
) -> Result<UrlClient> {
    let issuer = located.server.issuer.as_deref().unwrap_or_default();
    if let Some((id, secret)) = &request.client {
        let mut client = bare(id, ClientOrigin::Given);
        client.secret_item = secret.as_ref().map(|_| item(issuer, id, "client_secret"));
        return Ok(client);
    }
    let kept = place.logins.client(issuer, &place.store_name)?;
    if let Some(client) = kept.as_ref().filter(|client| client.origin == ClientOrigin::Given) {
        return Ok(client.clone());
    }
    if let Some(url) =
        place.metadata_url.as_ref().filter(|_| located.server.client_id_metadata_documents)
    {
        return Ok(bare(url, ClientOrigin::MetadataDocument));
    }
    if let Some(client) = kept.filter(|client| is_usable(client, request)) {
        return Ok(client);
    }
    let port = new_port(request.port)?;
    let uri = located.redirect_uri(port);
    let registration = manager.register_client(&located.server, &uri, scopes).await?;
    registered(place, issuer, registration).await
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
    if let Some(secret) = &client_secret {
        let item = item(issuer, &client_id, "client_secret");
        place.store.items.set(&item, secret).await?;
        client.secret_item = Some(item);
    }
    if let Some((uri, token)) = &management {
        let item = item(issuer, &client_id, "registration_access_token");
        place.store.items.set(&item, token).await?;
        client.registration_uri = Some(uri.clone());
        client.registration_token_item = Some(item);
    }
    place.logins.keep_client(issuer, &place.store_name, &client)?;
    Ok(client)
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
