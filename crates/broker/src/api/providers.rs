//! `/v1/providers/{provider}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::extract::{Authenticated, Json, Path, Query};
use super::paging::{self, Position};
use crate::broker::Broker;
use crate::problem::Problem;
use crate::providers::{self, ProviderPage};

type Answer = (StatusCode, axum::Json<Value>);

/// Creates or replaces a provider
///
/// The body has the keys of a profile: `client_id`, `client_secret`, `scopes`, `issuer` and others. A preset applies
/// if it has the provider's name, or is named by `provider`.
#[utoipa::path(put, path = "/v1/providers/{provider}", tag = "providers", security(("api_key" = [])),
    params(("provider" = String, Path, description = "The provider's name")),
    request_body(content = Object, description = "Keys of a profile", content_type = "application/json"),
    responses(
        (status = 200, description = "The provider was replaced", body = Object),
        (status = 201, description = "The provider was created", body = Object),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled, or has reached its limit of providers", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The path is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn put(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(provider): Path<String>,
    Json(keys): Json<Map<String, Value>>,
) -> Result<Answer, Problem> {
    let (shown, is_new) = providers::put(&broker, &caller, &provider, keys).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(shown)))
}

/// Returns a provider without its secrets
#[utoipa::path(get, path = "/v1/providers/{provider}", tag = "providers", security(("api_key" = [])),
    params(("provider" = String, Path, description = "The provider's name")),
    responses(
        (status = 200, description = "The provider", body = Object),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such provider", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The stored provider is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn get(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(provider): Path<String>,
) -> Result<axum::Json<Value>, Problem> {
    let found = providers::get(&broker, &caller.tenant.name, &provider).await?;
    found.map(axum::Json).ok_or_else(Problem::not_found)
}

/// Lists providers without their secrets, by name
#[utoipa::path(get, path = "/v1/providers", tag = "providers", security(("api_key" = [])),
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "Maximum number of providers"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of providers", body = ProviderPage),
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
) -> Result<axum::Json<ProviderPage>, Problem> {
    let (after, limit) = position.read()?;
    let tenant = &caller.tenant.name;
    let mut page = providers::list(&broker, tenant, after.as_deref(), limit).await?;
    page.next_cursor = page.next_cursor.map(|id| paging::cursor(&id));
    Ok(axum::Json(page))
}

/// Removes a provider that has no connections
#[utoipa::path(delete, path = "/v1/providers/{provider}", tag = "providers", security(("api_key" = [])),
    params(("provider" = String, Path, description = "The provider's name")),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such provider", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The provider has connections", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn delete(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path(provider): Path<String>,
) -> Result<StatusCode, Problem> {
    match providers::delete(&broker, &caller.tenant.name, &provider).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found()),
    }
}
