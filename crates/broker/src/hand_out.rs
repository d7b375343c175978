//! Applies the rules that decide whether a token is handed out.

use oauthctl_core::{ErrorKind, Grant, Timestamp};
use serde_json::json;

use crate::broker::Broker;
use crate::flow::Place;
use crate::problem::Problem;
use crate::rules::{Moment, ask};

/// Applies the rules of an event to a stored connection, and keeps the attributes that they return.
///
/// # Errors
///
/// Returns 403 if one denies, 502 if one fails, and 503 if the store fails.
pub async fn decide(broker: &Broker, place: &Place, moment: Moment) -> Result<(), Problem> {
    let record = place.grant(&broker.vault);
    let found = broker.vault.get::<Grant>(&record).await?.ok_or_else(Problem::not_found)?;
    let grant = found.document;
    let attributes = grant.attributes_at(Timestamp::now());
    let input = json!({
        "event": moment.name(),
        "grant_type": grant.grant_type,
        "grant_id": grant.id,
        "provider": place.provider,
        "user": place.user,
        "attributes": attributes,
        "scopes": grant.tokens.scopes,
    });
    let asked = ask(&broker.vault, &*broker.outbound, place, moment, &input).await;
    let answer = asked.map_err(|error| match error.kind() {
        ErrorKind::AccessDenied => Problem::denied(error.message()),
        ErrorKind::Store => error.into(),
        _ => Problem::rule_failed(error.message()),
    })?;
    let key = place.grant_key();
    for (name, (value, ttl)) in answer.attributes {
        // A value without an expiry that is stored already need not be written again.
        let is_kept = grant.attributes.get(&name);
        let is_kept = is_kept.is_some_and(|a| a.value == value && a.expires_at.is_none());
        if !(is_kept && ttl.is_none()) {
            broker.flow.manager.set_attribute(&key, &name, value, ttl).await?;
        }
    }
    Ok(())
}
