//! `/admin`, the operator's pages. Without an admin key they return 404.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use oauthctl_core::tone::Tone;
use oauthctl_core::{Error, ErrorKind, Secret};

use super::cookies::{self, SameSite};
use super::extract::{Form, Path};
use super::page::{self, Forms};
use crate::admin;
use crate::broker::Broker;
use crate::pages::admin::Login;
use crate::problem::Problem;
use crate::storage::{Key, Space};
use crate::tenants;

/// Maximum size of a form.
const LARGEST_FORM: usize = 4 * 1024;

/// Returns the routes.
pub fn routes() -> Vec<(&'static str, MethodRouter<Arc<Broker>>)> {
    [
        ("/admin", get(overview)),
        ("/admin/login", post(login)),
        ("/admin/logout", post(logout)),
        ("/admin/tenants/{tenant}", get(tenant).post(change)),
        ("/admin/unreadable", post(remove)),
    ]
    .map(|(path, route)| (path, route.layer(DefaultBodyLimit::max(LARGEST_FORM))))
    .into()
}

/// Who has signed in: the session, and the token that its forms must send.
struct Operator {
    session: String,
    csrf: String,
}

/// Why a request is refused.
enum Refused {
    /// No admin key is set.
    Absent,
    /// There is no valid session.
    SignIn,
    /// The form was not sent by a page of this session.
    Form,
    /// The store does not say whether the session has ended.
    Store(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Absent => Problem::not_found().into_response(),
            Self::SignIn => page::respond(StatusCode::OK, &Login { is_wrong: false }, Forms::Own),
            Self::Form => page::message(
                StatusCode::FORBIDDEN,
                Tone::Bad,
                "Nothing was changed",
                "The form was not sent by a page of this session.",
                "Go back, reload the page and try again.",
            ),
            Self::Store(error) => failed(&error),
        }
    }
}

/// Returns the operator whose session the request has.
async fn operator(broker: &Broker, headers: &HeaderMap) -> Result<Operator, Refused> {
    if broker.settings.admin_key.is_none() {
        return Err(Refused::Absent);
    }
    let name = cookie_name(broker);
    let session = cookies::cookies(headers).into_iter().find(|(cookie, _)| *cookie == name);
    let Some((_, session)) = session else { return Err(Refused::SignIn) };
    let csrf = admin::csrf(broker, &session).await?;
    csrf.map(|csrf| Operator { session, csrf }).ok_or(Refused::SignIn)
}

/// Returns who has signed in, if a form is theirs.
async fn operator_of(
    broker: &Broker,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Operator, Refused> {
    let operator = operator(broker, headers).await?;
    let given = form.get("csrf").map(Secret::new);
    match given == Some(Secret::new(operator.csrf.as_str())) {
        true => Ok(operator),
        false => Err(Refused::Form),
    }
}

fn cookie_name(broker: &Broker) -> String {
    let prefix = if broker.is_https() { "__Host-" } else { "" };
    format!("{prefix}oauthctl-admin")
}

fn after(query: Option<String>) -> Option<String> {
    let after = Form::parse(query.unwrap_or_default().as_bytes()).get("after")?.to_owned();
    let is_id = after.len() <= 200 && after.bytes().all(|c| c.is_ascii_graphic());
    is_id.then_some(after)
}

fn to(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}

fn failed(error: &Error) -> Response {
    if error.kind() == ErrorKind::Config {
        return Problem::not_found().into_response();
    }
    let (error, reason) = (error.kind().word(), error.message_to_keep());
    tracing::error!(error, reason, "admin: request failed");
    page::message(
        StatusCode::SERVICE_UNAVAILABLE,
        Tone::Bad,
        "The store does not respond",
        "The page cannot be shown.",
        "The log has the reason. Try again later.",
    )
}

async fn overview(
    State(broker): State<Arc<Broker>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let Operator { csrf, .. } = operator(&broker, &headers).await?;
    Ok(match admin::overview(&broker, csrf, after(query).as_deref()).await {
        Ok(overview) => page::respond(StatusCode::OK, &overview, Forms::Own),
        Err(error) => failed(&error),
    })
}

async fn login(State(broker): State<Arc<Broker>>, form: Form) -> Result<Response, Refused> {
    if broker.settings.admin_key.is_none() {
        return Err(Refused::Absent);
    }
    let Some(session) = admin::sign_in(&broker, form.get("key").unwrap_or_default()).await? else {
        tracing::warn!("admin: a sign-in with a wrong key");
        return Ok(page::respond(StatusCode::FORBIDDEN, &Login { is_wrong: true }, Forms::Own));
    };
    tracing::info!("admin: signed in");
    let mut response = to("/admin");
    let seconds = admin::SESSION.as_secs();
    cookies::set(&mut response, &cookie_name(&broker), &session, seconds, SameSite::Strict);
    Ok(response)
}

async fn logout(
    State(broker): State<Arc<Broker>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Refused> {
    let Operator { session, .. } = operator_of(&broker, &headers, &form).await?;
    admin::sign_out(&broker, &session).await?;
    tracing::info!("admin: signed out");
    let mut response = to("/admin");
    cookies::remove(&mut response, &cookie_name(&broker));
    Ok(response)
}

async fn tenant(
    State(broker): State<Arc<Broker>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let Operator { csrf, .. } = operator(&broker, &headers).await?;
    Ok(match admin::tenant(&broker, csrf, &name, after(query).as_deref()).await {
        Ok(tenant) => page::respond(StatusCode::OK, &tenant, Forms::Own),
        Err(error) => failed(&error),
    })
}

/// Deletes a record that cannot be read.
async fn remove(
    State(broker): State<Arc<Broker>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Refused> {
    operator_of(&broker, &headers, &form).await?;
    let space = form.get("space").and_then(|space| Space::of_number(space.parse().ok()?));
    let (Some(space), Some(tenant), Some(id)) = (space, form.get("tenant"), form.get("id")) else {
        return Err(Refused::Form);
    };
    Ok(match admin::remove_unreadable(&broker, &Key::new(space, tenant, id)).await {
        Ok(true) => {
            tracing::info!(tenant, kind = ?space, id, "admin: unreadable record deleted");
            to("/admin")
        }
        Ok(false) => to("/admin"),
        Err(error) => failed(&error),
    })
}

/// Disables or enables a tenant.
async fn change(
    State(broker): State<Arc<Broker>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Refused> {
    operator_of(&broker, &headers, &form).await?;
    let disabled = match form.get("action") {
        Some("disable") => true,
        Some("enable") => false,
        _ => return Err(Refused::Form),
    };
    Ok(match tenants::change(&broker.vault, &name, |tenant| tenant.disabled = disabled).await {
        Ok(tenant) => {
            broker.caches.forget(&tenants::tenant_record(&tenant.name));
            tracing::info!(tenant = tenant.name, disabled, "admin: tenant changed");
            to(&format!("/admin/tenants/{}", tenant.name))
        }
        Err(error) => failed(&error),
    })
}
