//! `/v1/rules/{event}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Authenticated, Json, Path, Query};
use super::paging::{self, Position};
use crate::broker::Broker;
use crate::problem::Problem;
use crate::rules::{self, Moment, RulePage, RuleState, Wanted};

/// A rule to be put: an expression, or a URL that is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// An expression, whose value is the answer.
    #[serde(default)]
    #[schema(max_length = 4096)]
    expression: Option<String>,
    /// An https URL, or http on a loopback host, which is asked with a signed request.
    #[serde(default)]
    callback: Option<String>,
}

/// The parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    provider: Option<String>,
}

fn moment(event: &str) -> Result<Moment, Problem> {
    Moment::of_name(event).ok_or_else(Problem::not_found)
}

/// Creates or replaces a rule
///
/// A new secret for `callback` is in the response. If there was one before, it signs as well for a day.
#[utoipa::path(put, path = "/v1/rules/{event}", tag = "rules", security(("api_key" = [])),
    params(
        ("event" = Moment, Path, description = "When the rule is asked"),
        ("provider" = Option<String>, Query, description = "Only for this provider"),
    ),
    request_body = NewRule,
    responses(
        (status = 200, description = "It was replaced", body = RuleState),
        (status = 201, description = "It was created", body = RuleState),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled, or has reached its limit of rules", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such event", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn put(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(event): Path<String>,
    Query(parameters): Query<Parameters>,
    Json(body): Json<NewRule>,
) -> Result<(StatusCode, axum::Json<RuleState>), Problem> {
    let moment = moment(&event)?;
    let wanted = match (body.expression, body.callback) {
        (Some(expression), None) => Wanted::Expression(expression),
        (None, Some(callback)) => Wanted::Callback(callback),
        _ => return Err(Problem::invalid("a rule has either `expression` or `callback`")),
    };
    let (tenant, of) = (&caller.tenant.name, (moment, parameters.provider.as_deref()));
    let (store, reach) = ((&*broker.vault, &*broker.caches), broker.settings.reach());
    let (state, is_new) = rules::put(store, tenant, of, &wanted, reach).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(state)))
}

/// Returns a rule
#[utoipa::path(get, path = "/v1/rules/{event}", tag = "rules", security(("api_key" = [])),
    params(
        ("event" = Moment, Path, description = "When the rule is asked"),
        ("provider" = Option<String>, Query, description = "The one of this provider"),
    ),
    responses(
        (status = 200, description = "The rule", body = RuleState),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such rule", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn get(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(event): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<axum::Json<RuleState>, Problem> {
    let (moment, provider) = (moment(&event)?, parameters.provider.as_deref());
    let found = rules::get(&broker.vault, &caller.tenant.name, moment, provider).await?;
    found.map(axum::Json).ok_or_else(Problem::not_found)
}

/// Lists rules, by event and provider
#[utoipa::path(get, path = "/v1/rules", tag = "rules", security(("api_key" = [])),
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "Maximum number of rules"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of rules", body = RulePage),
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
) -> Result<axum::Json<RulePage>, Problem> {
    let (after, limit) = position.read()?;
    let tenant = &caller.tenant.name;
    let mut page = rules::list(&broker.vault, tenant, after.as_deref(), limit).await?;
    page.next_cursor = page.next_cursor.map(|id| paging::cursor(&id));
    Ok(axum::Json(page))
}

/// Removes a rule
#[utoipa::path(delete, path = "/v1/rules/{event}", tag = "rules", security(("api_key" = [])),
    params(
        ("event" = Moment, Path, description = "When the rule is asked"),
        ("provider" = Option<String>, Query, description = "The one of this provider"),
    ),
    responses(
        (status = 204, description = "It was removed"),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such rule", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn delete(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(event): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<StatusCode, Problem> {
    let (moment, provider) = (moment(&event)?, parameters.provider.as_deref());
    let store = (&*broker.vault, &*broker.caches);
    match rules::delete(store, &caller.tenant.name, moment, provider).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found()),
    }
}
