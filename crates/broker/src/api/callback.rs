//! `GET /callback`, where users come back, and the same for one provider alone.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::{cookies, page};
use oauthctl_core::tone::Tone;

use crate::broker::Broker;
use crate::callback::{Failure, Outcome, complete};
use crate::titles::Titles;

/// Handles the callback of a user who returns from a provider.
pub async fn get(State(broker): State<Arc<Broker>>, uri: Uri, headers: HeaderMap) -> Response {
    let cookies = cookies::cookies(&headers);
    match complete(&broker, uri.path(), uri.query().unwrap_or_default(), &cookies).await {
        Outcome::Foreign => page::invalid_link(),
        Outcome::OtherBrowser => page::message(
            StatusCode::FORBIDDEN,
            Tone::Bad,
            "This is a different browser",
            "The account was not connected.",
            "Open the application's link in the browser that you want to use, and continue in that browser.",
        ),
        Outcome::Done { redirect_to: Some(url), cookie, .. }
        | Outcome::Failed { redirect_to: Some(url), cookie, .. } => {
            let headers =
                [(header::LOCATION, url.as_str()), (header::REFERRER_POLICY, "no-referrer")];
            without((StatusCode::FOUND, headers).into_response(), &cookie)
        }
        Outcome::Done { redirect_to: None, cookie, titles } => without(connected(&titles), &cookie),
        Outcome::Failed { redirect_to: None, cookie, why } => {
            let response = match why {
                Failure::Denied => denied_page(),
                Failure::NoRoom => page::no_room(),
                Failure::Other => page::failed(StatusCode::BAD_GATEWAY),
            };
            without(response, &cookie)
        }
        Outcome::Unavailable => page::failed(StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn connected(titles: &Titles) -> Response {
    let Titles { provider, application } = titles;
    page::message(
        StatusCode::OK,
        Tone::Good,
        "The account is connected",
        &format!("{application} can now use your account at {provider}."),
        "You can close this window and go back to the application.",
    )
}

fn denied_page() -> Response {
    page::message(
        StatusCode::FORBIDDEN,
        Tone::Calm,
        "The account was not connected",
        "Access was denied. Nothing was stored.",
        "You can close this window and go back to the application.",
    )
}

/// Removes the cookie of a flow that is over.
fn without(mut response: Response, cookie: &str) -> Response {
    cookies::remove(&mut response, cookie);
    response
}
