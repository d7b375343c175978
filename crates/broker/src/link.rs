//! Links that an application gives to its user, and what happens when the user follows one.

use std::collections::BTreeMap;
use std::time::Duration;

use oauthctl_core::{Error, Result, StartRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::broker::Broker;
use crate::caller::Caller;
use crate::clock::now_seconds;
use crate::flow::{Place, UNCONFIRMED};
use crate::keys::{random_name, random_text};
use crate::model::{Binding, Link};
use crate::names::of_secret;
use crate::problem::Problem;
use crate::storage::{Key, Space};
use crate::vault::{Stored, Terms};
use crate::{limits, providers, quota, redirects};

/// How long a link works, if the application does not say.
pub const DEFAULT_TTL: Duration = Duration::from_secs(600);

/// How long it may work at most: a week.
pub const MAX_TTL: Duration = Duration::from_secs(7 * 86_400);

/// How long the user may take at the provider, once the link was followed.
const AT_PROVIDER: Duration = Duration::from_secs(900);

/// How often a link can be followed within [`AT_PROVIDER`]: each time begins a flow, which is stored.
const FLOWS: u32 = 20;

/// What an application asks for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Attributes of the new grant.
    pub attributes: BTreeMap<String, Value>,
    /// Scopes instead of the provider's.
    pub scopes: Vec<String>,
    /// Where the user is sent afterwards.
    pub redirect_to: Option<String>,
    /// How the flow is bound.
    pub binding: Binding,
    /// Whether the user sees a page before the provider's.
    pub page: bool,
    /// How long the link works.
    pub ttl: Option<Duration>,
}

/// An authorization that was started in a browser: what the callback needs to know about it.
#[derive(Serialize, Deserialize)]
pub struct Flow {
    /// The link that was followed.
    pub link: Link,
    /// The record of that link.
    pub link_id: String,
    /// The hash of the cookie that the browser must bring back.
    pub cookie: String,
    /// The redirect URI, at which alone the response counts.
    pub redirect_uri: String,
}

/// A link for an application to give to its user.
#[derive(Debug)]
pub struct Made {
    /// The id that the grant will have.
    pub grant_id: String,
    /// The link.
    pub url: String,
    /// When it ends, in Unix seconds.
    pub expires_at: u64,
}

/// What became of a link that was followed.
#[derive(Debug)]
pub enum Begun {
    /// Its authorization has begun.
    Sent(Sent),
    /// It was followed too often: not before so many seconds again.
    TooOften(u64),
}

/// An authorization that has begun: where to send the browser, and the cookie that binds it.
#[derive(Debug)]
pub struct Sent {
    /// The provider's page.
    pub authorization_url: String,
    /// The name of the cookie.
    pub cookie_name: String,
    /// Its value.
    pub cookie: String,
    /// How long it lasts.
    pub lasts: Duration,
}

/// Makes a link.
///
/// # Errors
///
/// Returns 400 for a user, a redirect or a lifetime that is not allowed, 404 for an unknown provider, 403 if the
/// quota of connections is used up, 429 for too many links that wait, and 503 if the store fails.
pub async fn make(
    broker: &Broker,
    caller: &Caller,
    place: &Place,
    wanted: Wanted,
) -> Result<Made, Problem> {
    let tenant = &caller.tenant;
    if broker.flow.providers.profile(&tenant.name, &place.provider).await?.is_none() {
        return Err(Problem::not_found());
    }
    check(&wanted)?;
    let redirect_to = match &wanted.redirect_to {
        Some(url) => Some(redirects::allowed(tenant, url).ok_or_else(not_allowed)?),
        None if wanted.binding == Binding::Application => {
            return Err(Problem::invalid("the binding `application` requires `redirect_to`"));
        }
        None => None,
    };
    quota::check_link(broker, tenant, place).await?;
    let expires_at = now_seconds() + wanted.ttl.unwrap_or(DEFAULT_TTL).as_secs();
    let link = Link {
        tenant: tenant.name.clone(),
        provider: place.provider.clone(),
        user: place.user.clone(),
        grant_id: format!("g_{}", random_name()?),
        attributes: wanted.attributes,
        scopes: wanted.scopes,
        redirect_to,
        binding: wanted.binding,
        page: wanted.page,
        expires_at,
    };
    let token = random_text()?;
    let terms = Terms { expires_at: Some(expires_at), ..Terms::default() };
    let key = Key::new(Space::Links, &tenant.name, of_secret(&token));
    broker.vault.put(key, &link, terms).await?;
    let url = format!("{}/connect/{}/{token}", broker.public_url, tenant.name);
    Ok(Made { grant_id: link.grant_id, url, expires_at })
}

fn not_allowed() -> Problem {
    Problem::invalid("`redirect_to` is not one of the redirect URLs that the operator allowed")
}

/// Makes a link for a connection that only its user can renew.
///
/// # Errors
///
/// As [`make`].
pub async fn again(broker: &Broker, caller: &Caller, place: &Place) -> Result<String, Problem> {
    Ok(make(broker, caller, place, Wanted::default()).await?.url)
}

fn check(wanted: &Wanted) -> Result<(), Problem> {
    match wanted.ttl {
        Some(ttl) if ttl.is_zero() || ttl > MAX_TTL => {
            Err(Problem::invalid("`ttl` must be at least 1 second and at most 7 days"))
        }
        _ => Ok(()),
    }
}

/// Returns a link; `None` if there is none, or it has ended or was used.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn find(broker: &Broker, tenant: &str, token: &str) -> Result<Option<Stored<Link>>> {
    broker.vault.get(&Key::new(Space::Links, tenant, of_secret(token))).await
}

/// Begins the authorization of a link in a browser.
///
/// # Errors
///
/// Returns the errors of [`FlowManager::start`](oauthctl_core::FlowManager::start).
pub async fn begin(broker: &Broker, link: Stored<Link>) -> Result<Begun> {
    let Stored { key, document: link, .. } = link;
    let counted = format!("flows/{}", key.id);
    let window = AT_PROVIDER.as_secs();
    if let Some(seconds) = limits::count(&broker.vault, &counted, FLOWS, window).await? {
        return Ok(Begun::TooOften(seconds));
    }
    let mut request = StartRequest::for_user(&link.user)
        .grant_id(&link.grant_id)
        .own_redirect_uri(broker.flow.providers.own_redirect_uri(&link.tenant, &link.provider))
        .scopes(link.scopes.clone())
        .ttl(AT_PROVIDER);
    if link.binding == Binding::Application {
        request = request.account(format!("{UNCONFIRMED}{}", link.grant_id));
    }
    request.attributes = link.attributes.clone();
    let profile = Place::new(&link.tenant, &link.provider, &link.user).profile();
    let started = broker.flow.manager.start(&profile, request).await?;
    providers::keep_redirect_uri(broker, &link, &started.redirect_uri).await?;
    let cookie = random_text()?;
    let flow = Flow {
        link,
        link_id: key.id,
        cookie: of_secret(&cookie),
        redirect_uri: started.redirect_uri,
    };
    let terms = Terms { expires_at: Some(started.expires_at.unix()), ..Terms::default() };
    broker.vault.put(flow_key(&started.state), &flow, terms).await?;
    Ok(Begun::Sent(Sent {
        authorization_url: started.authorization_url,
        cookie_name: cookie_name(broker, &started.state),
        cookie,
        lasts: AT_PROVIDER,
    }))
}

/// Returns the record of the authorization with this state.
pub fn flow_key(state: &str) -> Key {
    Key::new(Space::Flows, "", of_secret(state))
}

/// Returns the name of the cookie of this state. Each authorization has its own, so that several in one browser do not
/// disturb each other. A `__Host-` cookie is sent over TLS only, which a broker on the loopback interface need not have.
pub fn cookie_name(broker: &Broker, state: &str) -> String {
    let prefix = if broker.is_https() { "__Host-" } else { "" };
    format!("{prefix}oauthctl-{}", &of_secret(state)[..16])
}

/// Returns the name of the cookie of the page before the provider's.
pub fn page_cookie_name(broker: &Broker, token: &str) -> String {
    let prefix = if broker.is_https() { "__Host-" } else { "" };
    format!("{prefix}oauthctl-page-{}", &of_secret(token)[..16])
}

/// Returns an error if the user reference cannot be one.
///
/// # Errors
///
/// Returns `Usage`.
pub fn check_user(user: &str) -> Result<()> {
    let is_short = (1..=256).contains(&user.chars().count());
    match is_short && !user.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(Error::usage(
            "`user` must have 1 to 256 characters, none of them control characters",
        )),
    }
}
