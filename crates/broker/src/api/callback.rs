//! `GET /callback`, where all users come back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::page;
use crate::broker::Broker;
use crate::callback::{Outcome, complete};
use crate::problem::Problem;

/// Handles the callback of a user who returns from a provider.
pub async fn get(
    State(broker): State<Arc<Broker>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if method != Method::GET {
        return Problem::method_not_allowed().into_response();
    }
    let cookies = cookies(&headers);
    match complete(&broker, uri.query().unwrap_or_default(), &cookies).await {
        Outcome::Foreign => page::invalid_link(),
        Outcome::OtherBrowser => page::page(
            StatusCode::FORBIDDEN,
            "This is a different browser",
            "The account was not connected. Open the application's link in the browser that you \
             want to use, and continue in that browser.",
        ),
        Outcome::Done { redirect_to: Some(url), cookie } => back(&url, &cookie),
        Outcome::Done { redirect_to: None, cookie } => with_cookie(
            page::page(
                StatusCode::OK,
                "The account is connected",
                "You can close this window and go back to the application.",
            ),
            &cookie,
        ),
        Outcome::Failed { redirect_to: Some(url), cookie, .. } => back(&url, &cookie),
        Outcome::Failed { redirect_to: None, cookie, denied: true } => with_cookie(
            page::page(
                StatusCode::FORBIDDEN,
                "The account was not connected",
                "Access was denied. Nothing was stored.",
            ),
            &cookie,
        ),
        Outcome::Failed { redirect_to: None, cookie, denied: false } => {
            with_cookie(page::failed(StatusCode::BAD_GATEWAY), &cookie)
        }
        Outcome::Unavailable => page::failed(StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn back(url: &str, cookie: &str) -> Response {
    let headers = [(header::LOCATION, url), (header::REFERRER_POLICY, "no-referrer")];
    with_cookie((StatusCode::FOUND, headers).into_response(), cookie)
}

/// Removes the cookie, whose flow is over.
fn with_cookie(mut response: Response, name: &str) -> Response {
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    let cookie = format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Returns the cookies of a request. Those of other programs on the same host may contain anything.
fn cookies(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut cookies = Vec::new();
    for header in headers.get_all(header::COOKIE) {
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let Ok(pair) = std::str::from_utf8(pair) else { continue };
            if let Some((name, value)) = pair.trim().split_once('=') {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    cookies
}
