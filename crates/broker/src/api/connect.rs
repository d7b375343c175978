//! `GET /connect/{tenant}/{link}`: sets the cookie that binds the flow to the browser, and redirects to the
//! provider. If the application or the operator requires it, a page that explains the connection comes first.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use oauthctl_core::tone::Tone;
use oauthctl_core::{Error, ErrorKind, Result, Secret};

use super::cookies::{self, SameSite};
use super::extract::Path;
use super::page::{self, Forms};
use crate::broker::Broker;
use crate::flow::Place;
use crate::keys::random_text;
use crate::link::{self, Begun};
use crate::model::{Link, Tenant};
use crate::redirects::with_parameter;
use crate::titles;
use crate::vault::Stored;
use crate::{quota, tenants};

/// How long that page can be used, in seconds.
const PAGE: u64 = 900;

/// Handles a user who follows a link.
pub async fn get(
    State(broker): State<Arc<Broker>>,
    Path((tenant, token)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answered = match link::find(&broker, &tenant, &token).await {
        Ok(Some(link)) => answer(&broker, link, &token, query.as_deref(), &headers).await,
        Ok(None) => return page::invalid_link(),
        Err(error) => Err(error),
    };
    answered.unwrap_or_else(|error| cannot_start(&error))
}

async fn answer(
    broker: &Broker,
    link: Stored<Link>,
    token: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response> {
    let tenant = tenants::get(&broker.vault, &link.document.tenant).await?;
    if tenant.disabled {
        return Ok(page::invalid_link());
    }
    let place = Place::new(&tenant.name, &link.document.provider, &link.document.user);
    if !quota::has_room(&broker.vault, &tenant, &place).await? {
        return Ok(page::no_room());
    }
    if !link.document.page && !broker.settings.connect_page {
        return send_on(broker, &tenant, link).await;
    }
    // The answer is a link of the page itself, so only the browser that was shown the page can send it.
    let cookie = link::page_cookie_name(broker, token);
    let expected = cookies::cookies(headers).into_iter().find(|(name, _)| *name == cookie);
    let given = query.and_then(|query| query.split_once('='));
    let is_given = |(_, value): &(String, String)| {
        given.is_some_and(|(_, given)| Secret::new(given) == Secret::new(value.as_str()))
    };
    let mut response = match (given, expected.filter(is_given)) {
        (Some(("continue", _)), Some(_)) => send_on(broker, &tenant, link).await?,
        (Some(("cancel", _)), Some(_)) => cancelled(broker, &link).await?,
        _ => return ask(broker, &link.document, &cookie).await,
    };
    cookies::remove(&mut response, &cookie);
    Ok(response)
}

/// Shows the page that explains the connection.
async fn ask(broker: &Broker, link: &Link, cookie: &str) -> Result<Response> {
    let answer = random_text()?;
    let page = titles::connect_page(broker, link, &answer).await?;
    let mut response = page::respond(StatusCode::OK, &page, Forms::None);
    cookies::set(&mut response, cookie, &answer, PAGE, SameSite::Strict);
    Ok(response)
}

async fn cancelled(broker: &Broker, link: &Stored<Link>) -> Result<Response> {
    broker.vault.delete(&link.key).await?;
    Ok(match &link.document.redirect_to {
        Some(url) => redirect(&with_parameter(url, "error", "access_denied")),
        None => page::message(
            StatusCode::OK,
            Tone::Calm,
            "Connection cancelled",
            "The account was not connected. Nothing was stored.",
            "You can close this window.",
        ),
    })
}

async fn send_on(broker: &Broker, tenant: &Tenant, link: Stored<Link>) -> Result<Response> {
    let begun = match link::begin(broker, tenant, link).await? {
        Begun::Sent(begun) => begun,
        Begun::TooOften(seconds) => return Ok(page::too_often(seconds)),
        Begun::Crowded => return Ok(page::crowded()),
    };
    let mut response = redirect(&begun.authorization_url);
    let lasts = begun.lasts.as_secs();
    cookies::set(&mut response, &begun.cookie_name, &begun.cookie, lasts, SameSite::Lax);
    Ok(response)
}

fn redirect(url: &str) -> Response {
    let headers = [(header::LOCATION, url), (header::REFERRER_POLICY, "no-referrer")];
    (StatusCode::FOUND, headers).into_response()
}

fn cannot_start(error: &Error) -> Response {
    let status = match error.kind() {
        ErrorKind::Store => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    };
    let (error, reason) = (error.kind().word(), error.message_to_keep());
    tracing::warn!(error, reason, "a flow cannot be started");
    page::failed(status)
}
