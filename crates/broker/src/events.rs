//! Events of the connections of a tenant. An event is written in the same transaction as the change that it
//! reports: once to the audit log, and once for each webhook that subscribes to it. A crash loses none.

mod detect;
pub mod model;

use std::time::Duration;

use oauthctl_core::{AccountEntry, Error, Grant, Result, Timestamp};
use serde_json::json;

use crate::clock::now_millis;
use crate::flow::Place;
use crate::keys::random_name;
use crate::metrics::METRICS;
use crate::storage::{Addition, Key, Space, Written};
use crate::vault::{Terms, Vault};
use crate::webhooks::{self, Endpoint, Webhook};

pub use detect::{of_failure, of_removal, of_save};
pub use model::{Delivery, Entry, Event, Kind};

/// How long the audit log keeps an entry, in seconds: 90 days.
const KEPT: u64 = 90 * 86_400;

/// Saves a grant over an earlier one, with the resulting events.
///
/// # Errors
///
/// Returns `Store` if the store fails: the grant may or may not be written.
pub async fn save(
    vault: &Vault,
    place: &Place,
    before: Option<&Grant>,
    grant: &Grant,
    terms: Terms,
) -> Result<Written> {
    let known = match before {
        Some(_) => {
            vault.get_readable::<AccountEntry>(&place.record(vault, Space::Accounts)).await?
        }
        None => None,
    };
    let known = known.map(|stored| stored.document);
    let events = of_save(place, before, grant, known.as_ref());
    let also = additions(vault, place, &events).await?;
    let written = vault.put_with(place.grant(vault), grant, terms, also).await?;
    if written != Written::Refused {
        if events.iter().any(|event| event.kind == Kind::Refreshed) {
            METRICS.refreshed(&place.provider, "success");
        }
        log(place, &events);
    }
    Ok(written)
}

/// Returns the records that a transaction adds to report events of a connection, in order. Nothing else may
/// report events of the connection meanwhile.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn additions(vault: &Vault, place: &Place, events: &[Event]) -> Result<Vec<Addition>> {
    let mut also = Vec::new();
    if events.is_empty() {
        return Ok(also);
    }
    let webhooks = open_webhooks(vault, place, events).await?;
    let connection = place.grant(vault).id;
    let numbers = number(vault, place).await?;
    for (at, event) in events.iter().enumerate() {
        let (sequence, millis) = (format!("{numbers:020}{at:02}"), now_millis());
        let seconds = millis / 1000;
        let at = Timestamp::from_unix(seconds).to_string();
        let id = format!("msg_{}", random_name()?);
        let body = json!({ "type": event.kind, "timestamp": at, "data": data(event) }).to_string();
        for (name, webhook) in
            webhooks.iter().filter(|(_, webhook)| webhook.subscribes_to(event.kind))
        {
            let delivery = Delivery {
                webhook: webhook.id.clone(),
                id: id.clone(),
                kind: event.kind,
                body: body.clone(),
                created_at: seconds,
                attempts: 0,
            };
            let key = Key::new(
                Space::Deliveries,
                &place.tenant,
                format!("{name}/{connection}/{sequence}"),
            );
            let ends = Some(seconds + webhooks::FORGOTTEN);
            also.push(vault.addition(key, &delivery, Some(seconds), ends)?);
        }
        let record = format!("{millis:015}-{sequence}-{}", &id[4..12]);
        let entry = Entry { id, at, event: event.clone() };
        let key = Key::new(Space::Audit, &place.tenant, record);
        also.push(vault.addition(key, &entry, None, Some(seconds + KEPT))?);
    }
    Ok(also)
}

/// The most messages of a tenant that wait. Beyond, webhooks whose receivers fail get no more of them; beyond twice as
/// many, nor do the others.
const WAITING: usize = 10_000;

/// Returns the webhooks of a tenant that get messages about these events.
async fn open_webhooks(
    vault: &Vault,
    place: &Place,
    events: &[Event],
) -> Result<Vec<(String, Webhook)>> {
    let tenant = place.tenant.as_str();
    let mut all = webhooks::all(vault, tenant).await?;
    all.retain(|(_, webhook)| events.iter().any(|event| webhook.subscribes_to(event.kind)));
    if all.is_empty() {
        return Ok(all);
    }
    let count = vault.storage().count(Space::Deliveries, tenant, 2 * WAITING).await?;
    if count < WAITING {
        return Ok(all);
    }
    let mut open = Vec::new();
    for (name, webhook) in all {
        let endpoint =
            vault.get_readable::<Endpoint>(&webhooks::endpoint_key(tenant, &name)).await?;
        let is_failing = endpoint.is_some_and(|stored| stored.document.failing_since.is_some());
        if !is_failing && count < 2 * WAITING {
            open.push((name, webhook));
            continue;
        }
        let dropped = events.iter().filter(|event| webhook.subscribes_to(event.kind)).count();
        tracing::warn!(tenant, webhook = name, dropped, "too many webhook messages are waiting");
        webhooks::note(vault, tenant, (&name, &webhook.id), |endpoint| {
            endpoint.dead = endpoint.dead.saturating_add(dropped as u64);
            true
        })
        .await;
    }
    Ok(open)
}

/// Returns a number that grows with every call for this connection, in all instances: the fencing token of a
/// lock that all callers acquire under the same name.
async fn number(vault: &Vault, place: &Place) -> Result<u64> {
    let name = format!("events/{}", place.lock(vault));
    let number = vault.storage().lock(&name, "events", Duration::from_secs(1)).await?;
    number.ok_or_else(|| Error::store("the events of a connection cannot be numbered"))
}

/// Returns the data of a webhook message.
fn data(event: &Event) -> serde_json::Value {
    let mut data = serde_json::to_value(event).unwrap_or_default();
    if let Some(data) = data.as_object_mut() {
        data.remove("type");
    }
    data
}

/// Writes events to the log, once they are stored.
pub fn log(place: &Place, events: &[Event]) {
    for event in events {
        let (tenant, provider) = (place.tenant.as_str(), place.provider.as_str());
        let (grant_id, event_type) = (event.grant_id.as_str(), event.kind.name());
        match &event.error {
            None => tracing::info!(event_type, tenant, provider, grant_id, "connection changed"),
            Some(error) => {
                tracing::warn!(event_type, tenant, provider, grant_id, error, "connection failing");
            }
        }
    }
}
