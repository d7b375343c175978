//! `/v1/connections`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use oauthctl_core::Timestamp;
use oauthctl_core::time::parse_duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Authenticated, Json, Path, Query};
use super::paging;
use crate::broker::Broker;
use crate::connections::{self, Connection, Page};
use crate::flow::Place;
use crate::link::{self, Wanted};
use crate::model::Binding;
use crate::names::of_secret;
use crate::problem::Problem;

/// A new connection.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// The provider.
    provider: String,
    /// The application's reference for the user: 1 to 256 characters, no control characters.
    #[schema(min_length = 1, max_length = 256, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$")]
    user: String,
    /// Attributes of the connection.
    #[serde(default)]
    attributes: Option<BTreeMap<String, Value>>,
    /// Where the user is sent afterwards: one of the URLs that the operator allowed.
    #[serde(default)]
    redirect_to: Option<String>,
    /// How long the link is valid: seconds, or a text such as `10m`.
    #[serde(default)]
    ttl: Option<Ttl>,
    /// Scopes instead of the provider's.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// How the flow is bound to its user: by a cookie in the browser, or by a confirmation from the
    /// application.
    #[serde(default)]
    binding: Option<BindingName>,
    /// Whether the user sees a page with the application, the provider and the scopes before the provider's own.
    #[serde(default)]
    page: Option<bool>,
}

/// How a flow is bound to its user.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BindingName {
    /// The browser that opened the link must also receive the callback.
    #[default]
    Cookie,
    /// The application confirms the user of the flow.
    Application,
}

/// A duration: a number of seconds, or a text such as `10m`.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Ttl {
    /// Seconds.
    Seconds(u64),
    /// A text.
    Text(String),
}

impl Ttl {
    fn invalid() -> Problem {
        Problem::invalid("`ttl` must be a duration such as `10m`")
    }

    fn duration(&self) -> Result<Duration, Problem> {
        match self {
            // What the OpenAPI document says of a number: an `int64`.
            Self::Seconds(seconds) if i64::try_from(*seconds).is_err() => Err(Self::invalid()),
            Self::Seconds(seconds) => Ok(Duration::from_secs(*seconds)),
            Self::Text(text) => parse_duration(text).map_err(|_| Self::invalid()),
        }
    }
}

/// A link to connect an account.
#[derive(Serialize, ToSchema)]
pub struct StartedConnection {
    /// The id that the connection's grant will have.
    grant_id: String,
    /// Where to send the user.
    authorize_url: String,
    /// When the link expires (RFC 3339, UTC).
    expires_at: String,
}

/// Starts to connect an account
#[utoipa::path(post, path = "/v1/connections", tag = "connections", security(("api_key" = [])),
    request_body = NewConnection,
    responses(
        (status = 201, description = "A link for the user", body = StartedConnection),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled, or has reached its limit of connections", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such provider", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The stored provider is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many pending links, or too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn create(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Json(body): Json<NewConnection>,
) -> Result<Response, Problem> {
    let place = Place::of_caller(&caller.tenant.name, &body.provider, &body.user);
    let place = place.ok_or_else(|| {
        Problem::invalid("`user` must be 1 to 256 characters long, without control characters")
    })?;
    let binding = match body.binding.unwrap_or_default() {
        BindingName::Cookie => Binding::Cookie,
        BindingName::Application => Binding::Application,
    };
    let wanted = Wanted {
        attributes: body.attributes.unwrap_or_default(),
        scopes: body.scopes.unwrap_or_default(),
        redirect_to: body.redirect_to,
        binding,
        page: body.page.unwrap_or_default(),
        ttl: body.ttl.as_ref().map(Ttl::duration).transpose()?,
    };
    let made = link::make(&broker, &caller, &place, wanted).await?;
    let started = StartedConnection {
        grant_id: made.grant_id,
        authorize_url: made.url,
        expires_at: Timestamp::from_unix(made.expires_at).to_string(),
    };
    Ok((StatusCode::CREATED, axum::Json(started)).into_response())
}

/// The parameters of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    user: Option<String>,
    provider: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Lists connections
#[utoipa::path(get, path = "/v1/connections", tag = "connections", security(("api_key" = [])),
    params(
        ("user" = Option<String>, Query, description = "Only connections of this user"),
        ("provider" = Option<String>, Query, description = "Only connections to this provider"),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "Maximum number of connections"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of connections", body = Page),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<Page>, Problem> {
    let limit = paging::limit(filter.limit)?;
    let tenant = &caller.tenant.name;
    let provider = filter.provider.as_deref();
    let after = filter.cursor.as_deref().map(paging::read_cursor).transpose()?;
    let after = after.as_deref();
    let mut page = match filter.user.as_deref() {
        Some(user) => connections::of_user(&broker, tenant, (provider, user), after, limit).await?,
        None => connections::list(&broker, tenant, provider, after, limit).await?,
    };
    page.next_cursor = page.next_cursor.map(|id| paging::cursor(&id));
    Ok(axum::Json(page))
}

/// Returns a connection
#[utoipa::path(get, path = "/v1/connections/{provider}/{user}", tag = "connections", security(("api_key" = [])),
    params(
        ("provider" = String, Path, description = "The provider"),
        ("user" = String, Path, description = "The application's reference for the user"),
    ),
    responses(
        (status = 200, description = "The connection", body = Connection, headers(("ETag" = String, description = "Its revision"))),
        (status = 304, description = "The connection still has the revision in `If-None-Match`"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such connection", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn get(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path((provider, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = caller.place(provider, user)?;
    let found = connections::get(&broker, &place).await?.ok_or_else(Problem::not_found)?;
    let tag = tag(&found);
    let mut known = headers.get_all(header::IF_NONE_MATCH).iter();
    if known.any(|known| known.to_str().is_ok_and(|known| matches_tag(known, &tag))) {
        return Ok(with_tag(StatusCode::NOT_MODIFIED.into_response(), &tag));
    }
    Ok(with_tag(axum::Json(found).into_response(), &tag))
}

/// Changes of attributes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// New values by name; null removes an attribute.
    attributes: BTreeMap<String, Value>,
    /// How long the new values are kept: seconds, or a text such as `1h`.
    #[serde(default)]
    ttl: Option<Ttl>,
}

/// Changes attributes of a connection
#[utoipa::path(patch, path = "/v1/connections/{provider}/{user}", tag = "connections", security(("api_key" = [])),
    params(
        ("provider" = String, Path, description = "The provider"),
        ("user" = String, Path, description = "The application's reference for the user"),
        ("If-Match" = Option<String>, Header, description = "The required ETag of the connection"),
    ),
    request_body = Change,
    responses(
        (status = 200, description = "The connection", body = Connection, headers(("ETag" = String, description = "Its revision"))),
        (status = 400, description = "The request is invalid", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such connection", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The connection has changed", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "A refresh is taking too long", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn patch(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path((provider, user)): Path<(String, String)>,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Result<Response, Problem> {
    let place = caller.place(provider, user)?;
    let ttl = change.ttl.as_ref().map(Ttl::duration).transpose()?;
    let accepts = accepts(&headers);
    let changes = change.attributes.into_iter().map(|(name, value)| match value {
        Value::Null => (name, None),
        value => (name, Some((value, ttl))),
    });
    let changed =
        connections::change_attributes(&broker, &place, changes.collect(), accepts).await?;
    let tag = tag(&changed);
    Ok(with_tag(axum::Json(changed).into_response(), &tag))
}

/// Revokes a connection at the provider and removes it
#[utoipa::path(delete, path = "/v1/connections/{provider}/{user}", tag = "connections", security(("api_key" = [])),
    params(
        ("provider" = String, Path, description = "The provider"),
        ("user" = String, Path, description = "The application's reference for the user"),
        ("If-Match" = Option<String>, Header, description = "The required ETag of the connection"),
    ),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, description = "No valid API key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The tenant is disabled", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such connection", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The connection has changed", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "A refresh is taking too long", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store is unavailable", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn delete(
    State(broker): State<Arc<Broker>>,
    Authenticated(caller): Authenticated,
    Path((provider, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let place = caller.place(provider, user)?;
    connections::end_if(&broker, &place, accepts(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the condition of `If-Match`.
fn accepts(headers: &HeaderMap) -> Option<impl Fn(&Connection) -> bool> {
    headers.get(header::IF_MATCH)?;
    Some(|current: &Connection| {
        let (tag, mut known) = (tag(current), headers.get_all(header::IF_MATCH).iter());
        known.any(|known| known.to_str().is_ok_and(|known| is_exactly(known, &tag)))
    })
}

/// Returns the entity tag. Some members change without a new revision: attributes expire, and refreshes fail.
fn tag(connection: &Connection) -> String {
    let shown = serde_json::to_string(connection).unwrap_or_default();
    let Connection { grant_id, revision, .. } = connection;
    format!("\"{grant_id}-{revision}-{}\"", &of_secret(&shown)[..16])
}

fn with_tag(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Returns whether one of these entity tags is this one, and a strong one (RFC 9110, section 13.1.1).
fn is_exactly(known: &str, tag: &str) -> bool {
    known == "*" || known.split(',').any(|one| one.trim() == tag)
}

/// Returns whether one of these entity tags is this one (RFC 9110, section 13.1.2).
fn matches_tag(known: &str, tag: &str) -> bool {
    known == "*" || known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}
