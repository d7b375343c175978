//! `GET /v1/connections/{provider}/{user}/token`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use oauthctl_core::time::parse_duration;
use serde::Deserialize;

use super::extract::{Authenticated, Path, Query};
use crate::broker::Broker;
use crate::handed::TokenAnswer;
use crate::problem::Problem;
use crate::token;

/// The parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    min_ttl: Option<String>,
}

/// Returns a working access token, refreshed if necessary
#[utoipa::path(get, path = "/v1/connections/{provider}/{user}/token", tag = "connections",
    security(("api_key" = [])),
    params(
        ("provider" = String, Path, description = "The provider"),
        ("user" = String, Path, description = "The application's reference for the user"),
        ("min_ttl" = Option<String>, Query, pattern = "^[0-9]{1,6}[smh]?$", description = "Minimum remaining lifetime: seconds, or `30s`, `5m`, `2h`"),
    ),
    responses(
        (status = 200, description = "A token", body = TokenAnswer<'static>),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled, or a rule denies", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such connection", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The user must log in again, at `authorize_url`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The stored provider is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "The provider is unavailable", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn get(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path((provider, user)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
) -> Result<impl IntoResponse, Problem> {
    let min_ttl = match parameters.min_ttl.as_deref().map(parse_duration) {
        None => None,
        Some(Ok(min_ttl)) => Some(min_ttl),
        Some(Err(_)) => return Err(Problem::invalid("`min_ttl` must be a duration such as `60s`")),
    };
    let body = token::token(&broker, &caller, &provider, &user, min_ttl).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body))
}
