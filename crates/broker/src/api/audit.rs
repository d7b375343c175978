//! `GET /v1/audit`.

use std::sync::Arc;

use axum::extract::State;

use super::extract::{Authenticated, Query};
use super::paging::{self, Position};
use crate::audit::{self, AuditPage};
use crate::broker::Broker;
use crate::problem::Problem;

/// Lists the events of connections, oldest first
#[utoipa::path(get, path = "/v1/audit", tag = "audit", security(("api_key" = [])),
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "Maximum number of entries"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of the audit log", body = AuditPage),
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
) -> Result<axum::Json<AuditPage>, Problem> {
    let (after, limit) = position.read()?;
    let tenant = &caller.tenant.name;
    let mut page = audit::list(&broker.vault, tenant, after.as_deref(), limit).await?;
    page.next_cursor = page.next_cursor.map(|id| paging::cursor(&id));
    Ok(axum::Json(page))
}
