//! The webhooks of a tenant: the URLs that receive events, and the secrets that sign them.

pub mod signature;

use std::collections::BTreeSet;

use oauthctl_core::http::Reach;
use oauthctl_core::{Error, Result};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::clock::now_seconds;
use crate::events::model::Kind;
use crate::keys::random_name;
use crate::limits::Turn;
use crate::problem::Problem;
use crate::redirects;
use crate::storage::{Condition, Key, Space, Written};
use crate::tenants::check_name;
use crate::vault::{Terms, Vault};
use signature::SigningSecret;

/// How long delivery of a message is retried, in seconds: a day.
pub const LONGEST: u64 = 86_400;

/// How long a message that could not be sent at all is kept, in seconds.
pub const FORGOTTEN: u64 = 7 * 86_400;

/// How long the previous secret also signs, in seconds: receivers have a day to replace it.
const OVERLAP: u64 = 86_400;

/// Maximum number of webhooks of a tenant.
const MOST: usize = 20;

/// Maximum length of a URL, in bytes.
const LONGEST_URL: usize = 2_048;

/// Maximum number of messages that are counted.
const COUNTED: usize = 1_000;

/// A webhook. Has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Webhook {
    /// Distinguishes it from earlier webhooks of its name.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// The events that it subscribes to; empty for all.
    #[serde(default)]
    pub events: Vec<Kind>,
    /// The secrets, newest first.
    pub secrets: Vec<SigningSecret>,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
}

impl Webhook {
    /// Returns whether it subscribes to events of this kind.
    pub fn subscribes_to(&self, kind: Kind) -> bool {
        self.events.is_empty() || self.events.contains(&kind)
    }
}

/// The delivery state of a webhook.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Endpoint {
    /// Since when nothing has been accepted, in Unix seconds.
    #[serde(default)]
    pub failing_since: Option<u64>,
    /// The last failure, until a message is accepted.
    #[serde(default)]
    pub last_failure: Option<DeliveryFailure>,
    /// The number of dropped messages.
    #[serde(default)]
    pub dead: u64,
    /// The last dropped message.
    #[serde(default)]
    pub last_dead: Option<DeliveryFailure>,
}

/// A message that was not accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryFailure {
    /// When (RFC 3339, UTC).
    pub at: String,
    /// The id of the message.
    pub id: String,
    /// What it was about.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Why it was not accepted.
    pub reason: String,
}

/// A webhook as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookState {
    /// The name.
    pub name: String,
    /// Where events are sent.
    pub url: String,
    /// The events that are sent; all events if none was named.
    pub events: Vec<Kind>,
    /// When it was created (RFC 3339, UTC).
    pub created_at: String,
    /// Number of pending messages, counted up to 1000. Not present in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<usize>,
    /// Since when nothing has been accepted (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// The last failure, until a message is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<DeliveryFailure>,
    /// The number of dropped messages.
    pub dead: u64,
    /// The last dropped message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_dead: Option<DeliveryFailure>,
}

/// A page of webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookPage {
    /// The webhooks, by name.
    pub webhooks: Vec<WebhookState>,
    /// The cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

/// Returns the record of a webhook.
pub fn key_of(tenant: &str, name: &str) -> Key {
    Key::new(Space::Webhooks, tenant, name)
}

/// Returns the record with the delivery state of a webhook.
pub fn endpoint_key(tenant: &str, name: &str) -> Key {
    Key::new(Space::Endpoints, tenant, name)
}

/// Returns the webhooks of a tenant with their names.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn all(vault: &Vault, tenant: &str) -> Result<Vec<(String, Webhook)>> {
    let all = vault.list::<Webhook>(Space::Webhooks, tenant, "", None, 2 * MOST).await?;
    Ok(all.into_iter().map(|stored| (stored.key.id, stored.document)).collect())
}

/// Returns a webhook; `None` if there is none.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn find(vault: &Vault, tenant: &str, name: &str) -> Result<Option<Webhook>> {
    Ok(vault.get::<Webhook>(&key_of(tenant, name)).await?.map(|stored| stored.document))
}

/// Creates or replaces a webhook. Returns its new secret, and whether the webhook is new. The previous secret
/// also signs for a day.
///
/// # Errors
///
/// Returns 400 for a name or a URL that is not allowed, 403 for too many webhooks, and 503 if the store fails.
pub async fn put(
    vault: &Vault,
    (tenant, name): (&str, &str),
    url: &str,
    events: &BTreeSet<Kind>,
    reach: Reach,
) -> Result<(String, bool), Problem> {
    check_name("the name of a webhook", name)?;
    let url = check_url("url", url, reach)?;
    let work = |in_turn| write(vault, (tenant, name), (&url, events), in_turn);
    Turn::run(vault, Space::Webhooks, tenant, work).await
}

async fn write(
    vault: &Vault,
    (tenant, name): (&str, &str),
    (url, events): (&str, &BTreeSet<Kind>),
    in_turn: Condition,
) -> Result<(String, bool), Problem> {
    let earlier = vault.inspect::<Webhook>(&key_of(tenant, name)).await?;
    if earlier.is_none() && vault.storage().count(Space::Webhooks, tenant, MOST).await? >= MOST {
        return Err(Problem::quota_exceeded("a tenant has at most 20 webhooks"));
    }
    let secret = SigningSecret::generate()?;
    let shown = secret.shown();
    let (is_new, now) = (earlier.is_none(), now_seconds());
    // One that cannot be read is replaced.
    let earlier = earlier.and_then(Result::ok);
    let events = events.iter().copied().collect();
    let webhook = match earlier.map(|stored| stored.document) {
        Some(earlier) => {
            let mut secrets = vec![secret];
            secrets.extend(earlier.secrets.into_iter().take(1).map(|s| s.until(now + OVERLAP)));
            Webhook { url: url.to_owned(), events, secrets, ..earlier }
        }
        None => Webhook {
            id: random_name()?,
            url: url.to_owned(),
            events,
            secrets: vec![secret],
            created_at: now,
        },
    };
    match vault.put(key_of(tenant, name), &webhook, Terms::only_if(in_turn)).await? {
        Written::Stored(_) => Ok((shown, is_new)),
        Written::Refused => Err(Error::store("the store took too long").into()),
    }
}

/// Validates the URL of a tenant's server: https within reach, or http on a loopback host.
///
/// # Errors
///
/// Returns 400 for any other.
pub fn check_url(member: &str, text: &str, reach: Reach) -> Result<String, Problem> {
    if text.len() > LONGEST_URL {
        return Err(Problem::invalid("a URL must be at most 2048 bytes long"));
    }
    let is_reachable = Url::parse(text).is_ok_and(|url| reach.allows_host(&url));
    match redirects::target(text) {
        Err(why) => Err(Problem::invalid(format!("`{member}` {why}"))),
        Ok(_) if !is_reachable => Err(Problem::invalid(format!(
            "`{member}` has a private, link-local, loopback or other special-purpose address, and the operator has not \
             set `allow_private_endpoints`"
        ))),
        Ok(url) => Ok(url),
    }
}

/// Returns a webhook as it is shown; `None` if there is none.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn get(vault: &Vault, tenant: &str, name: &str) -> Result<Option<WebhookState>> {
    match find(vault, tenant, name).await? {
        Some(webhook) => {
            let state = state(vault, tenant, name, webhook).await?;
            let prefix = format!("{name}/");
            let waiting =
                vault.storage().count_prefixed(Space::Deliveries, tenant, &prefix, COUNTED);
            Ok(Some(WebhookState { pending: Some(waiting.await?), ..state }))
        }
        None => Ok(None),
    }
}

/// Returns the webhooks of a tenant that follow this name, as they are shown, with the name to continue from.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn list(
    vault: &Vault,
    tenant: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<WebhookPage> {
    let (found, next_cursor) =
        vault.page::<Webhook>(Space::Webhooks, tenant, "", after, limit).await?;
    let mut webhooks = Vec::with_capacity(found.len());
    for stored in found {
        webhooks.push(state(vault, tenant, &stored.key.id, stored.document).await?);
    }
    Ok(WebhookPage { webhooks, next_cursor })
}

async fn state(vault: &Vault, tenant: &str, name: &str, webhook: Webhook) -> Result<WebhookState> {
    let at = |seconds| oauthctl_core::Timestamp::from_unix(seconds).to_string();
    let endpoint = vault.get_readable::<Endpoint>(&endpoint_key(tenant, name)).await?;
    let endpoint = endpoint.map(|stored| stored.document).unwrap_or_default();
    Ok(WebhookState {
        name: name.to_owned(),
        url: webhook.url,
        events: webhook.events,
        created_at: at(webhook.created_at),
        pending: None,
        failing_since: endpoint.failing_since.map(at),
        last_failure: endpoint.last_failure,
        dead: endpoint.dead,
        last_dead: endpoint.last_dead,
    })
}

/// Changes how the deliveries of a webhook with this name and id go, if the change says so and the webhook still exists.
/// The change is only informative: if the store fails, it is not retried.
pub async fn note(
    vault: &Vault,
    tenant: &str,
    (name, id): (&str, &str),
    change: impl Fn(&mut Endpoint) -> bool,
) {
    let record = endpoint_key(tenant, name);
    loop {
        let Ok(found) = vault.get::<Endpoint>(&record).await else { return };
        let condition = match &found {
            Some(found) => Condition::Revision(found.revision),
            None => Condition::Absent,
        };
        let mut endpoint = found.map(|found| found.document).unwrap_or_default();
        if !change(&mut endpoint) || !exists(vault, tenant, (name, id)).await {
            return;
        }
        match vault.put(record.clone(), &endpoint, Terms::only_if(condition)).await {
            Ok(Written::Refused) => {}
            // The webhook may have been removed meanwhile, and what was known of it before this was written.
            Ok(Written::Stored(revision)) if !exists(vault, tenant, (name, id)).await => {
                let _ = vault.storage().delete(&record, Condition::Revision(revision)).await;
                return;
            }
            _ => return,
        }
    }
}

/// Returns whether the webhook of this name is the one with this id, as far as the store says.
async fn exists(vault: &Vault, tenant: &str, (name, id): (&str, &str)) -> bool {
    let found = find(vault, tenant, name).await;
    found.is_ok_and(|found| found.is_some_and(|webhook| webhook.id == id))
}

/// Removes a webhook, and drops its pending messages. Returns whether there was one.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn delete(vault: &Vault, tenant: &str, name: &str) -> Result<bool> {
    let removed = vault.delete(&key_of(tenant, name)).await?;
    vault.delete(&endpoint_key(tenant, name)).await?;
    Ok(removed)
}
