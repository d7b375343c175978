//! `/v1/signup`, `/v1/verify` and `/v1/keys`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oauthctl_core::tone::Tone;
use oauthctl_core::{Error, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::extract::{Form, Json, Query};
use super::page::{self, Forms};
use crate::broker::Broker;
use crate::pages::NewPassword;
use crate::problem::Problem;
use crate::signup::{self, Opened, Replaced};

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
/// The response is the same for every address. The link in the email is valid for 24 hours. It opens `GET /v1/verify`,
/// which confirms the address. If the address already has a tenant, it shows a form instead: the password is
/// replaced once it is entered there.
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
    match signup::open(&broker, &token).await {
        Ok(Opened::Confirmed) => page::message(
            StatusCode::OK,
            Tone::Good,
            "Your email address is confirmed",
            "You can now request an API key.",
            "",
        ),
        Ok(Opened::Known) => password_page(StatusCode::OK, &token, false),
        Ok(Opened::Invalid) => invalid_link(),
        Err(error) => failed("Your email address is not confirmed", &error),
    }
}

/// Handles the form that sets a new password.
pub async fn replace(State(broker): State<Arc<Broker>>, form: Form) -> Response {
    let (Some(token), Some(password)) = (form.get("token"), form.get("password")) else {
        return invalid_link();
    };
    match signup::replace(&broker, token, Secret::new(password)).await {
        Ok(Replaced::Done) => page::message(
            StatusCode::OK,
            Tone::Good,
            "The new password is set",
            "The API keys that were requested with the old password are revoked.",
            "You can now request an API key with the new password.",
        ),
        Ok(Replaced::WrongPassword) => password_page(StatusCode::FORBIDDEN, token, true),
        Ok(Replaced::TooOften(seconds)) => {
            let mut response = page::message(
                StatusCode::TOO_MANY_REQUESTS,
                Tone::Bad,
                "There were too many attempts",
                "The password was not changed.",
                "Wait a few minutes and open the link again, or sign up again to get a new one.",
            );
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
        Ok(Replaced::Invalid) => invalid_link(),
        Err(error) => failed("The new password may not be set", &error),
    }
}

fn password_page(status: StatusCode, token: &str, is_wrong: bool) -> Response {
    page::respond(status, &NewPassword { token, is_wrong }, Forms::Own)
}

fn invalid_link() -> Response {
    page::message(
        StatusCode::NOT_FOUND,
        Tone::Calm,
        "This link is invalid",
        "It may have expired or already been used.",
        "Sign up again to get a new one.",
    )
}

fn failed(heading: &str, error: &Error) -> Response {
    let (error, reason) = (error.kind().word(), error.message_to_keep());
    tracing::error!(error, reason, "a sign-up failed");
    page::message(
        StatusCode::SERVICE_UNAVAILABLE,
        Tone::Bad,
        heading,
        "Something went wrong.",
        "Open the link again later.",
    )
}

/// An API key, which is shown once.
#[derive(Serialize, ToSchema)]
pub struct NewKey {
    /// The key
    api_key: String,
}

/// Issues an API key
///
/// The request is authenticated with the email address and the password of a sign-up. Setting a new password revokes the
/// keys that were issued here.
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
    let (email, password) = basic(&headers).ok_or_else(Problem::wrong_password)?;
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
