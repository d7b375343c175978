//! Responses that are pages. They repeat nothing of the request.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use oauthctl_core::tone::Tone;

use crate::pages::{self, Message};

/// Whether a page has forms, which may be sent only to this broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forms {
    /// It has no forms.
    None,
    /// It has forms.
    Own,
}

/// Responds with a page.
pub fn respond(status: StatusCode, page: &impl Template, forms: Forms) -> Response {
    let mut response = (status, Html(pages::html(page))).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, pages::policy(forms == Forms::Own)),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Responds with a page that shows a result.
pub fn message(
    status: StatusCode,
    tone: Tone,
    heading: &str,
    text: &str,
    advice: &str,
) -> Response {
    respond(status, &Message { tone, heading, text, advice }, Forms::None)
}

/// Returns the page for a link that does not exist any more.
pub fn invalid_link() -> Response {
    message(
        StatusCode::NOT_FOUND,
        Tone::Calm,
        "This link is invalid",
        "It may have expired or already been used.",
        "Go back to the application and start again.",
    )
}

/// Returns the page for a user whose connection would exceed the quota of the application.
pub fn no_room() -> Response {
    message(
        StatusCode::FORBIDDEN,
        Tone::Bad,
        "The account was not connected",
        "The application has reached its limit of connected accounts. Nothing was stored.",
        "Go back to the application.",
    )
}

/// Returns the page for a link that was followed too often; `seconds` is the time until it works again.
pub fn too_often(seconds: u64) -> Response {
    let mut response = message(
        StatusCode::TOO_MANY_REQUESTS,
        Tone::Bad,
        "This link was opened too often",
        "The account was not connected. Nothing was stored.",
        "Wait a few minutes and open the link again, or go back to the application for a new one.",
    );
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// Returns the page for a tenant with too many authorizations that wait for their users.
pub fn crowded() -> Response {
    let mut response = message(
        StatusCode::TOO_MANY_REQUESTS,
        Tone::Bad,
        "Too many users are connecting accounts",
        "The account was not connected. Nothing was stored.",
        "Wait a few minutes and open the link again.",
    );
    response.headers_mut().insert(header::RETRY_AFTER, 60.into());
    response
}

/// Returns the page for a failure about which the user can do nothing.
pub fn failed(status: StatusCode) -> Response {
    message(
        status,
        Tone::Bad,
        "The account was not connected",
        "Something went wrong. Nothing was stored.",
        "Go back to the application and try again later.",
    )
}
