//! Links that an application gives to its users, and the flows that they start.

use std::collections::BTreeMap;
use std::time::Duration;

use oauthctl_core::profile::scopes;
use oauthctl_core::{Error, Result, StartRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::broker::Broker;
use crate::caller::Caller;
use crate::clock::now_seconds;
use crate::flow::{Place, UNCONFIRMED};
use crate::keys::{random_name, random_text};
use crate::limits::Turn;
use crate::model::{Binding, Link, Tenant};
use crate::names::of_secret;
use crate::problem::Problem;
use crate::storage::{Condition, Key, Space, Written};
use crate::vault::{Stored, Terms};
use crate::{limits, providers, quota, redirects};

/// Default lifetime of a link.
pub const DEFAULT_TTL: Duration = Duration::from_secs(600);

/// How long applications that ask for the token of a connection get the same link for its user.
const RENEWAL: Duration = Duration::from_secs(300);

/// Maximum lifetime of a link: a week.
pub const MAX_TTL: Duration = Duration::from_secs(7 * 86_400);

/// How long the user may take at the provider after following the link.
const AT_PROVIDER: Duration = Duration::from_secs(900);

/// How often a link can be followed within [`AT_PROVIDER`]: each time starts a flow, which is stored.
const FLOWS: u32 = 20;

/// Maximum number of flows of a link that count against the quota of its tenant, so that nobody uses it up with one link.
const COUNTED: usize = 3;

/// The options of a new link.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Attributes of the new grant.
    pub attributes: BTreeMap<String, Value>,
    /// Scopes that replace the provider's.
    pub scopes: Vec<String>,
    /// The URL to redirect the user to afterwards.
    pub redirect_to: Option<String>,
    /// How the flow is bound.
    pub binding: Binding,
    /// Whether the user first sees a page that explains the connection.
    pub page: bool,
    /// Lifetime of the link.
    pub ttl: Option<Duration>,
}

/// A flow that was started in a browser: what the callback needs to know about it.
#[derive(Serialize, Deserialize)]
pub struct Flow {
    /// The link that was followed.
    pub link: Link,
    /// The record of that link.
    pub link_id: String,
    /// The record by which it is counted.
    #[serde(default)]
    counted: Option<String>,
    /// The hash of the cookie that the browser must send.
    pub cookie: String,
    /// The redirect URI, which must receive the response.
    pub redirect_uri: String,
}

/// What counts an authorization of a tenant.
#[derive(Serialize, Deserialize)]
struct OpenFlow {
    began_at: u64,
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

/// The outcome of following a link.
#[derive(Debug)]
pub enum Begun {
    /// The flow has started.
    Sent(Sent),
    /// The link was followed too often. It works again after this number of seconds.
    TooOften(u64),
    /// The tenant has too many authorizations that wait for their users.
    Crowded,
}

/// A flow that has started: where to redirect the browser, and the cookie that binds it.
#[derive(Debug)]
pub struct Sent {
    /// The provider's page.
    pub authorization_url: String,
    /// The name of the cookie.
    pub cookie_name: String,
    /// Its value.
    pub cookie: String,
    /// The lifetime of the cookie.
    pub lasts: Duration,
}

/// Creates a link.
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
    let profile = broker.flow.providers.profile(&tenant.name, &place.provider).await?;
    let profile = profile.ok_or_else(Problem::not_found)?;
    check(&wanted)?;
    let redirect_to = match &wanted.redirect_to {
        Some(url) => Some(redirects::allowed(tenant, url).ok_or_else(not_allowed)?),
        None if wanted.binding == Binding::Application => {
            return Err(Problem::invalid("the binding `application` requires `redirect_to`"));
        }
        None => None,
    };
    if !quota::has_room(&broker.vault, tenant, place).await? {
        return Err(quota::no_connection());
    }
    let mut draft = Draft::new(broker, place, Wanted { redirect_to, ..wanted })?;
    // The application is told, not its user.
    request_of(broker, &draft.link).check(&profile)?;
    draft.link.scopes = scopes::split(&draft.link.scopes, &profile.scope_separator);
    let room = quota::room_for_link(&broker.vault, tenant).await?;
    let terms =
        Terms { expires_at: Some(draft.link.expires_at), ..Terms::only_if(room.condition()) };
    let written = broker.vault.put(draft.key.clone(), &draft.link, terms).await;
    room.end().await;
    match written? {
        Written::Stored(_) => Ok(draft.made()),
        Written::Refused => Err(Error::store("the store took too long").into()),
    }
}

/// A link that is not stored yet.
struct Draft {
    key: Key,
    token: String,
    url: String,
    link: Link,
}

impl Draft {
    fn new(broker: &Broker, place: &Place, wanted: Wanted) -> Result<Self> {
        let Place { tenant, provider, user } = place.clone();
        let token = random_text()?;
        let link = Link {
            provider,
            user,
            grant_id: format!("g_{}", random_name()?),
            attributes: wanted.attributes,
            scopes: wanted.scopes,
            redirect_to: wanted.redirect_to,
            binding: wanted.binding,
            page: wanted.page,
            expires_at: now_seconds() + wanted.ttl.unwrap_or(DEFAULT_TTL).as_secs(),
            tenant,
        };
        let key = key_of(&link.tenant, &token);
        let url = url_of(broker, &link.tenant, &token);
        Ok(Self { key, token, url, link })
    }

    fn made(self) -> Made {
        let Link { grant_id, expires_at, .. } = self.link;
        Made { grant_id, url: self.url, expires_at }
    }
}

fn key_of(tenant: &str, token: &str) -> Key {
    Key::new(Space::Links, tenant, of_secret(token))
}

fn url_of(broker: &Broker, tenant: &str, token: &str) -> String {
    format!("{}/connect/{tenant}/{token}", broker.public_url)
}

fn not_allowed() -> Problem {
    Problem::invalid("`redirect_to` is not one of the redirect URLs that the operator allowed")
}

/// The link that an application got instead of a token.
#[derive(Serialize, Deserialize)]
struct Renewal {
    token: String,
}

/// Returns a link for a connection that only its user can renew. Requests within `RENEWAL` get the same one, unless
/// it was used: an application may ask for the token as often as it likes.
///
/// # Errors
///
/// Returns 429 for too many links that wait, and 503 if the store fails.
pub async fn again(broker: &Broker, caller: &Caller, place: &Place) -> Result<String, Problem> {
    let (vault, tenant) = (&broker.vault, &caller.tenant);
    let record = place.record(vault, Space::Renewals);
    loop {
        let (found, open) = renewal(broker, &record).await?;
        if let Some(url) = open {
            return Ok(url);
        }
        let room = match quota::room_for_link(vault, tenant).await {
            Ok(room) => room,
            // The last one may be what another request makes for this connection in its turn.
            Err(full) => {
                let turn = Turn::wait(vault, Space::Links, &tenant.name).await?;
                let made = renewal(broker, &record).await;
                turn.end().await;
                return made?.1.ok_or(full);
            }
        };
        let Draft { key, token, url, link } = Draft::new(broker, place, Wanted::default())?;
        let expires_at = Some(link.expires_at);
        let terms = Terms { expires_at, ..Terms::only_if(room.condition()) };
        if vault.put(key.clone(), &link, terms).await? == Written::Refused {
            return Err(Error::store("the store took too long").into());
        }
        let condition = found.map_or(Condition::Absent, Condition::Revision);
        let expires_at = Some(now_seconds() + RENEWAL.as_secs());
        let terms = Terms { expires_at, ..Terms::only_if(condition) };
        let written = vault.put(record.clone(), &Renewal { token }, terms).await;
        room.end().await;
        if written? != Written::Refused {
            return Ok(url);
        }
        // Another request was faster: its link is the one.
        vault.delete(&key).await?;
    }
}

/// Returns the revision of the record of a connection's link, if there is one, and the link, if it works.
async fn renewal(broker: &Broker, record: &Key) -> Result<(Option<u64>, Option<String>)> {
    let Some(found) = broker.vault.get::<Renewal>(record).await? else { return Ok((None, None)) };
    let token = &found.document.token;
    let link = broker.vault.storage().get(&key_of(&record.tenant, token)).await?;
    Ok((Some(found.revision), link.map(|_| url_of(broker, &record.tenant, token))))
}

fn check(wanted: &Wanted) -> Result<(), Problem> {
    match wanted.ttl {
        Some(ttl) if ttl.is_zero() || ttl > MAX_TTL => {
            Err(Problem::invalid("`ttl` must be at least 1 second and at most 7 days"))
        }
        _ => Ok(()),
    }
}

/// Returns a link; `None` if it does not exist, has expired or was used.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn find(broker: &Broker, tenant: &str, token: &str) -> Result<Option<Stored<Link>>> {
    broker.vault.get(&key_of(tenant, token)).await
}

/// Starts the flow of a link in a browser.
///
/// # Errors
///
/// Returns the errors of [`FlowManager::start`](oauthctl_core::FlowManager::start).
pub async fn begin(broker: &Broker, tenant: &Tenant, link: Stored<Link>) -> Result<Begun> {
    let Stored { key, document: link, .. } = link;
    let counted = format!("flows/{}", key.id);
    let window = AT_PROVIDER.as_secs();
    if let Some(seconds) = limits::count(&broker.vault, &counted, FLOWS, window).await? {
        return Ok(Begun::TooOften(seconds));
    }
    let prefix = format!("{}/", key.id);
    let storage = broker.vault.storage();
    let open = storage.list(Space::OpenFlows, &tenant.name, &prefix, None, COUNTED).await?;
    let mut counted = None;
    if open.len() < COUNTED {
        counted = count(broker, tenant, &prefix).await?;
        if counted.is_none() {
            return Ok(Begun::Crowded);
        }
    }
    let sent = start(broker, link, key.id, counted.as_ref().map(|key| key.id.clone())).await;
    if let (Err(_), Some(counted)) = (&sent, &counted) {
        let _ = broker.vault.delete(counted).await;
    }
    sent.map(Begun::Sent)
}

/// Counts a flow of the link with this prefix; returns `None` if the tenant has too many.
async fn count(broker: &Broker, tenant: &Tenant, prefix: &str) -> Result<Option<Key>> {
    let Some(room) = quota::room_for_flow(&broker.vault, tenant).await? else { return Ok(None) };
    let key = Key::new(Space::OpenFlows, &tenant.name, format!("{prefix}{}", random_name()?));
    let began_at = now_seconds();
    let expires_at = Some(began_at + AT_PROVIDER.as_secs());
    let terms = Terms { expires_at, ..Terms::only_if(room.condition()) };
    let written = broker.vault.put(key.clone(), &OpenFlow { began_at }, terms).await;
    // Asking the server may take longer than a turn.
    room.end().await;
    match written? {
        Written::Stored(_) => Ok(Some(key)),
        Written::Refused => Err(Error::store("the store took too long")),
    }
}

/// Returns what the core is asked to start for a link.
fn request_of(broker: &Broker, link: &Link) -> StartRequest {
    let mut request = StartRequest::for_user(&link.user)
        .grant_id(&link.grant_id)
        .own_redirect_uri(broker.flow.providers.own_redirect_uri(&link.tenant, &link.provider))
        .scopes(link.scopes.clone())
        .ttl(AT_PROVIDER);
    if link.binding == Binding::Application {
        request = request.account(format!("{UNCONFIRMED}{}", link.grant_id));
    }
    request.attributes = link.attributes.clone();
    request
}

async fn start(
    broker: &Broker,
    link: Link,
    link_id: String,
    counted: Option<String>,
) -> Result<Sent> {
    let request = request_of(broker, &link);
    let profile = Place::of_link(&link).profile();
    let start = broker.flow.manager.start(&profile, request);
    let started = broker.flow.present(&profile, start).await?;
    providers::keep_redirect_uri(broker, &link, &started.redirect_uri).await?;
    let cookie = random_text()?;
    let flow = Flow {
        link,
        link_id,
        counted,
        cookie: of_secret(&cookie),
        redirect_uri: started.redirect_uri,
    };
    let terms = Terms { expires_at: Some(started.expires_at.unix()), ..Terms::default() };
    broker.vault.put(flow_key(&started.state), &flow, terms).await?;
    Ok(Sent {
        authorization_url: started.authorization_url,
        cookie_name: cookie_name(broker, &started.state),
        cookie,
        lasts: AT_PROVIDER,
    })
}

/// Removes an authorization that is over. Whatever stays expires.
pub async fn close(broker: &Broker, flow: &Flow, key: &Key) {
    let _ = broker.vault.delete(key).await;
    if let Some(counted) = &flow.counted {
        let counted = Key::new(Space::OpenFlows, &flow.link.tenant, counted.as_str());
        let _ = broker.vault.delete(&counted).await;
    }
}

/// Returns the record of the authorization with this state.
pub fn flow_key(state: &str) -> Key {
    Key::new(Space::Flows, "", of_secret(state))
}

/// Returns the name of the cookie for this state. Each flow has its own cookie, so several flows in one
/// browser do not interfere. A `__Host-` cookie requires TLS, which a broker on the loopback interface need
/// not have.
pub fn cookie_name(broker: &Broker, state: &str) -> String {
    let prefix = if broker.is_https() { "__Host-" } else { "" };
    format!("{prefix}oauthctl-{}", &of_secret(state)[..16])
}

/// Returns the name of the cookie for the page that explains the connection.
pub fn page_cookie_name(broker: &Broker, token: &str) -> String {
    let prefix = if broker.is_https() { "__Host-" } else { "" };
    format!("{prefix}oauthctl-page-{}", &of_secret(token)[..16])
}
