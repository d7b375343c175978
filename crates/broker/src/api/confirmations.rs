//! `POST /v1/confirmations`.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Authenticated, Json};
use crate::broker::Broker;
use crate::confirmations;
use crate::connections::Connection;
use crate::problem::Problem;

/// A confirmation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The value of the `confirmation` parameter that `redirect_to` received.
    confirmation: String,
    /// The reference of the user who is signed in to the application.
    user: String,
}

/// Confirms whose flow it was, which makes its tokens readable
///
/// A confirmation works once. One for another user ends the flow.
#[utoipa::path(post, path = "/v1/confirmations", tag = "connections", security(("api_key" = [])),
    request_body = Confirmation,
    responses(
        (status = 200, description = "The connection", body = Connection),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled, or its quota of connections is used up", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such confirmation for this user", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn create(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Json(body): Json<Confirmation>,
) -> Result<axum::Json<Connection>, Problem> {
    let Confirmation { confirmation, user } = body;
    confirmations::confirm(&broker, &caller, &confirmation, &user).await.map(axum::Json)
}
