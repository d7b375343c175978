//! `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::broker::Broker;
use crate::problem::Problem;

/// Reports that the process is running
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "The process is running")))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Reports whether the instance is ready for requests
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, description = "The store is available"),
    (status = 503, description = "The store is unavailable, tokens are waiting to be stored, or the process is shutting down", body = Problem, content_type = "application/problem+json"),
))]
pub async fn readyz(State(broker): State<Arc<Broker>>) -> Result<&'static str, Problem> {
    if broker.is_draining() {
        let title = "The process is shutting down";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", title));
    }
    if !broker.flow.spool.is_empty() {
        let title = "Tokens are waiting to be stored";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unsaved_tokens", title));
    }
    broker.vault.storage().check().await?;
    Ok("ok\n")
}
