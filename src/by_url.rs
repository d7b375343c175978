//! Logins by URL: which server, client and scopes a login uses, and what is kept of it.

mod client;
mod forget;
mod keep;
pub mod login;
pub mod logins;
mod migrate;
mod place;
mod profiles;
mod request;

use std::collections::HashSet;

use oauthctl_core::flow::{FlowManager, Located};
use oauthctl_core::profile::{AuthorizationServer, Profile, SecretSource};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, Result, Secret, Timestamp};

pub use forget::{forget, forget_account, forget_failed};
pub use keep::Keeper;
use login::{Attempts, ClientOrigin, UrlLogin};
use logins::{ClientMark, LockedUrlLogins};
pub use migrate::migrate;
pub use place::Place;
pub use profiles::Profiles;
pub use request::Request;

/// Maximum number of logins in a row for the same scopes that a resource can cause.
const ATTEMPTS: u32 = 3;

/// The scope that every login requests where it is offered.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// A login that is about to begin.
#[derive(Debug)]
pub struct Prepared {
    /// What will be kept of it.
    pub login: UrlLogin,
    /// The server.
    pub server: AuthorizationServer,
    /// The client secret that the user gives, which is not stored yet.
    pub secret: Option<Secret>,
    /// Where a client comes from that the user named, if that should be said.
    pub named: Option<Named>,
    /// As long as this exists, no other process deletes the client.
    pub mark: Option<ClientMark>,
}

/// A client that the user named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// For this login, and it has not been used for this URL at this issuer.
    Now,
    /// For another URL of this issuer.
    Elsewhere,
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
    client::refuse_of_other_issuer(place, url, &issuer, &request).await?;
    let lock = place.logins.lock().await?;
    // Another login may have ended meanwhile.
    let known = lock.find(url)?;
    let at_same_server = known.as_ref().filter(|login| login.issuer == issuer);
    let scopes = scopes(&located, at_same_server, &request);
    let chosen_scopes = chosen(&located, at_same_server, &request, &scopes);
    let attempts = attempts(&lock, at_same_server, &scopes, request.is_step_up)?;
    let wanted = client::Wanted { located: &located, scopes: &scopes, request: &request };
    let found = client::known(place, &lock, &wanted)?;
    drop(lock);
    let (client, mark) = match found {
        Some(found) => found,
        None => client::register(place, manager, &wanted).await?,
    };
    let secret = request.client.as_ref().and_then(|(_, secret)| secret.clone());
    let is_used = at_same_server.is_some_and(|login| login.client.id == client.id);
    let named =
        (client.origin == ClientOrigin::Given && !is_used).then_some(match request.client {
            Some(_) => Named::Now,
            None => Named::Elsewhere,
        });
    let login = UrlLogin {
        // Those of the login before are added when this one is kept.
        former: Vec::new(),
        url: known.map_or_else(|| url.to_owned(), |login| login.url),
        issuer,
        resource: located.resource,
        scopes,
        chosen_scopes,
        store: place.store_name.clone(),
        client,
        attempts,
    };
    Ok(Prepared { login, server: located.server, secret, named, mark })
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
pub async fn explain(place: &Place, login: &UrlLogin, error: Error) -> Failed {
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
    let is_registered = login.client.origin == ClientOrigin::Registered;
    if !is_useless || !is_registered || !no_longer_used(place, login).await {
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

/// Removes the client of a login from those of its issuer. Returns whether that is done.
async fn no_longer_used(place: &Place, login: &UrlLogin) -> bool {
    let forgotten = async {
        let lock = place.logins.lock().await?;
        lock.forget_client(&login.issuer, &login.store, &login.client.id)
    };
    forgotten.await.is_ok()
}

/// Returns the scopes to request. At a step-up, those that were requested before remain.
fn scopes(located: &Located, before: Option<&UrlLogin>, request: &Request) -> Vec<String> {
    let mut wanted = request.scopes.clone();
    if let Some(before) = before.filter(|_| request.is_step_up) {
        wanted.clone_from(&before.scopes);
        wanted.extend(located.scopes.iter().filter(|new| !before.scopes.contains(new)).cloned());
    }
    if !request.more.is_empty() {
        let base = before.map(|before| before.scopes.clone());
        wanted = base.unwrap_or_else(|| located.scopes.clone());
        wanted.extend(request.more.clone());
        let mut seen = HashSet::new();
        wanted.retain(|scope| seen.insert(scope.clone()));
    }
    located.scopes_to_request(wanted)
}

/// Returns the scopes among these that a login without options does not request.
fn chosen(
    located: &Located,
    before: Option<&UrlLogin>,
    request: &Request,
    scopes: &[String],
) -> Vec<String> {
    let usual: Vec<String> = match before.filter(|_| request.is_step_up) {
        Some(before) => {
            let is_usual = |scope: &&String| !before.chosen_scopes.contains(scope);
            before.scopes.iter().filter(is_usual).cloned().collect()
        }
        None => located.scopes_to_request(Vec::new()),
    };
    scopes.iter().filter(|scope| !usual.contains(scope)).cloned().collect()
}

/// Counts this login. It is recorded before the user is asked, so that failed logins count too.
fn attempts(
    lock: &LockedUrlLogins,
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
    lock.keep(&UrlLogin { attempts: attempts.clone(), ..before.clone() })?;
    Ok(attempts)
}
