//! `/v1/signup`, `/v1/verify` and `/v1/keys`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oauthctl_core::Secret;
use oauthctl_core::tone::Tone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::extract::{Json, Query};
use super::page;
use crate::broker::Broker;
use crate::problem::Problem;
use crate::signup;

/// A sign-up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// The address, to which a link is mailed
    email: String,
    /// The password, of 8 to 1024 bytes
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    password: String,
}

/// Signs up with an email address
///
/// The response is the same for every address. The link in the email is valid for 24 hours.
#[utoipa::path(post, path = "/v1/signup", tag = "sign-up", request_body = SignUp, responses(
    (status = 202, description = "An email was sent, if the address can receive one"),
    (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "Sign-up is disabled", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many emails", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
))]
pub async fn create(
    State(broker): State<Arc<Broker>>,
    Json(SignUp { email, password }): Json<SignUp>,
) -> Result<StatusCode, Problem> {
    signup::start(&broker, &email, Secret::new(password)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The parameters of the link in an email.
#[derive(Deserialize)]
pub struct Link {
    token: String,
}

/// Handles the link in an email.
pub async fn verify(
    State(broker): State<Arc<Broker>>,
    query: Result<Query<Link>, Problem>,
) -> Response {
    let Ok(Query(Link { token })) = query else { return page::invalid_link() };
    match signup::verify(&broker, &token).await {
        Ok(true) => page::message(
            StatusCode::OK,
            Tone::Good,
            "Your email address is confirmed",
            "You can now request an API key.",
            "",
        ),
        Ok(false) => page::message(
            StatusCode::NOT_FOUND,
            Tone::Calm,
            "This link is invalid",
            "It may have expired or already been used.",
            "Sign up again to get a new one.",
        ),
        Err(error) => {
            tracing::error!("an address could not be verified: {}", error.message());
            page::message(
                StatusCode::SERVICE_UNAVAILABLE,
                Tone::Bad,
                "Your email address is not confirmed",
                "Something went wrong.",
                "Open the link again later.",
            )
        }
    }
}

/// An API key, which is shown once.
#[derive(Serialize, ToSchema)]
pub struct NewKey {
    /// The key
    api_key: String,
}

/// Issues an API key
///
/// The request is authenticated with the email address and the password of a sign-up.
#[utoipa::path(post, path = "/v1/keys", tag = "sign-up", security(("password" = [])), responses(
    (status = 201, description = "The key", body = NewKey),
    (status = 401, description = "Wrong address or password", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The address is not confirmed, or the tenant has reached its limit of keys", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "Sign-up is disabled", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many attempts", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
))]
pub async fn keys(
    State(broker): State<Arc<Broker>>,
    headers: HeaderMap,
) -> Result<(StatusCode, axum::Json<NewKey>), Problem> {
    let (email, password) = basic(&headers).ok_or_else(Problem::unauthorized)?;
    let key = signup::issue_key(&broker, &email, password).await?;
    Ok((StatusCode::CREATED, axum::Json(NewKey { api_key: key.expose().to_owned() })))
}

/// Returns user and password of HTTP Basic authentication (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, Secret)> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (all.next()?.to_str().ok()?, all.next()) else { return None };
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = STANDARD.decode(credentials.trim_matches(' ')).map(Zeroizing::new).ok()?;
    let (user, password) = std::str::from_utf8(&plain).ok()?.split_once(':')?;
    Some((user.to_owned(), Secret::new(password)))
}
