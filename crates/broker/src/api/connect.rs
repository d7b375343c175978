//! `GET /connect/{tenant}/{link}`: binds the browser with a cookie and sends it to the provider.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::extract::Path;
use super::page;
use crate::broker::Broker;
use crate::link;
use crate::problem::Problem;

/// Handles a user who follows a link.
pub async fn get(
    State(broker): State<Arc<Broker>>,
    method: Method,
    Path((tenant, token)): Path<(String, String)>,
) -> Response {
    if method != Method::GET {
        return Problem::method_not_allowed().into_response();
    }
    let begun = match link::find(&broker, &tenant, &token).await {
        Ok(Some(link)) => link::begin(&broker, link).await,
        Ok(None) => return page::invalid_link(),
        Err(error) => Err(error),
    };
    match begun {
        Ok(begun) => {
            let secure = if broker.is_https() { "; Secure" } else { "" };
            let (name, value, lasts) = (&begun.cookie_name, &begun.cookie, begun.lasts.as_secs());
            let cookie =
                format!("{name}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax{secure}");
            let headers: [(HeaderName, String); 3] = [
                (header::LOCATION, begun.authorization_url),
                (header::SET_COOKIE, cookie),
                (header::REFERRER_POLICY, "no-referrer".to_owned()),
            ];
            (StatusCode::FOUND, headers).into_response()
        }
        Err(error) => {
            tracing::warn!(
                error = error.kind().word(),
                "cannot start: {}",
                error.message_to_keep()
            );
            page::failed(StatusCode::BAD_GATEWAY)
        }
    }
}
