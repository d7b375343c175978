//! `/v1/webhooks/{name}`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Authenticated, Json, Path, Query};
use super::paging::{self, Position};
use crate::broker::Broker;
use crate::events::Kind;
use crate::problem::Problem;
use crate::webhooks::{self, WebhookPage, WebhookState};

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where events are sent: an https URL, or http on a loopback host.
    url: String,
    /// The events to send; all events by default.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Kind>>, min_items = 1)]
    events: Option<BTreeSet<Kind>>,
}

/// The secret of a webhook.
#[derive(Serialize, ToSchema)]
pub struct NewSecret {
    /// The signing secret, in the format of Standard Webhooks. It is not shown again.
    #[schema(example = "whsec_…")]
    secret: String,
}

/// Creates or replaces a webhook
///
/// The response contains a new secret. A previous secret remains in use for another day.
#[utoipa::path(put, path = "/v1/webhooks/{name}", tag = "webhooks", security(("api_key" = [])),
    params(("name" = String, Path, description = "The webhook's name")),
    request_body = NewWebhook,
    responses(
        (status = 200, description = "It was replaced", body = NewSecret),
        (status = 201, description = "It was created", body = NewSecret),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled, or has reached its limit of webhooks", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The path is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn put(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
    Json(body): Json<NewWebhook>,
) -> Result<(StatusCode, axum::Json<NewSecret>), Problem> {
    if body.events.as_ref().is_some_and(BTreeSet::is_empty) {
        return Err(Problem::invalid("`events` must name at least one event"));
    }
    let events = body.events.unwrap_or_default();
    let (tenant, reach) = (&caller.tenant.name, broker.settings.reach());
    let (secret, is_new) =
        webhooks::put(&broker.vault, (tenant, &name), &body.url, &events, reach).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(NewSecret { secret })))
}

/// Returns a webhook and the state of its deliveries
#[utoipa::path(get, path = "/v1/webhooks/{name}", tag = "webhooks", security(("api_key" = [])),
    params(("name" = String, Path, description = "The webhook's name")),
    responses(
        (status = 200, description = "The webhook", body = WebhookState),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such webhook", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn get(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
) -> Result<axum::Json<WebhookState>, Problem> {
    let found = webhooks::get(&broker.vault, &caller.tenant.name, &name).await?;
    found.map(axum::Json).ok_or_else(Problem::not_found)
}

/// Lists webhooks, by name
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", security(("api_key" = [])),
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "Maximum number of webhooks"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of webhooks", body = WebhookPage),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Query(position): Query<Position>,
) -> Result<axum::Json<WebhookPage>, Problem> {
    let (after, limit) = position.read()?;
    let tenant = &caller.tenant.name;
    let mut page = webhooks::list(&broker.vault, tenant, after.as_deref(), limit).await?;
    page.next_cursor = page.next_cursor.map(|id| paging::cursor(&id));
    Ok(axum::Json(page))
}

/// Removes a webhook
///
/// Its pending messages are dropped.
#[utoipa::path(delete, path = "/v1/webhooks/{name}", tag = "webhooks", security(("api_key" = [])),
    params(("name" = String, Path, description = "The webhook's name")),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such webhook", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn delete(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    match webhooks::delete(&broker.vault, &caller.tenant.name, &name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found()),
    }
}
