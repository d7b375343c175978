//! `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::broker::Broker;
use crate::problem::Problem;

/// Says that the process runs
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "The process runs")))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Says whether requests should be sent here
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "The store answers"),
    (status = 503, description = "The store does not answer, tokens wait to be stored, or the process is about to end", body = Problem, content_type = "application/problem+json"),
))]
pub async fn readyz(State(broker): State<Arc<Broker>>) -> Result<&'static str, Problem> {
    if broker.is_draining() {
        let title = "The process is about to end";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", title));
    }
    if !broker.flow.spool.is_empty() {
        let title = "Tokens wait to be stored";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unsaved_tokens", title));
    }
    broker.vault.storage().check().await?;
    Ok("ok\n")
}
