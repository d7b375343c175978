//! `/metrics`.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::extract::bearer;
use crate::broker::Broker;
use crate::metrics::METRICS;
use crate::problem::Problem;

/// Returns metrics for Prometheus
///
/// Needs the key of the operator as bearer token, unless the broker is reached on the loopback interface only.
#[utoipa::path(get, path = "/metrics", tag = "operation", security((), ("metrics_key" = [])),
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
        (status = 401, description = "No valid key", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn get(
    State(broker): State<Arc<Broker>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let has_key = || bearer(&headers).is_some_and(|given| METRICS.is_key(given));
    if !broker.settings.is_local() && !has_key() {
        return Err(Problem::metrics_key_required());
    }
    let text = METRICS.text(&broker.vault).await;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// Counts the responses of each route. All unknown paths count as one route.
pub async fn count(route: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    METRICS.answered(route, response.status().as_u16());
    response
}
