//! Extractors for handlers. Every invalid request becomes a response with problem details.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use url::form_urlencoded;

use crate::broker::Broker;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::tenants;

/// The tenant that makes the request, authenticated by its API key.
pub struct Authenticated(pub Arc<Caller>);

impl FromRequestParts<Arc<Broker>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, Problem> {
        authenticate(broker, &parts.headers).await.map(Self)
    }
}

/// Returns the tenant whose API key is in these headers.
///
/// # Errors
///
/// Returns 401 without a valid key, 403 for a disabled tenant, 429 for too many requests, and 503 if the store fails.
pub async fn authenticate(broker: &Broker, headers: &HeaderMap) -> Result<Arc<Caller>, Problem> {
    let key = bearer(headers).ok_or_else(Problem::unauthorized)?;
    let caller = tenants::authenticate(&broker.vault, &broker.caches, key).await?;
    let caller = caller.ok_or_else(Problem::unauthorized)?;
    if caller.tenant.disabled {
        let title = "The tenant is disabled";
        return Err(Problem::new(StatusCode::FORBIDDEN, "tenant_disabled", title));
    }
    match broker.over_rate(&caller) {
        Some(problem) => Err(problem),
        None => Ok(caller),
    }
}

/// Returns the token of the only `Authorization` header, if its scheme is `Bearer`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (all.next()?.to_str().ok()?, all.next()) else { return None };
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A body of JSON.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let title = "The body must be JSON";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "unsupported_media_type", title)
                .detail("set `Content-Type: application/json`"));
        }
        let body = body(request, state).await?;
        // The parser's messages quote the body, so only the position is reported.
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            // The parser reports some values of a wrong type as invalid JSON.
            let what = match serde_json::from_slice::<IgnoredAny>(&body) {
                Ok(_) => "a member is unknown, missing, or of the wrong type",
                Err(_) => "the body is not valid JSON",
            };
            Problem::invalid(format!("{what} (line {line}, column {column})"))
        })
    }
}

/// The fields of a form. A repeated field counts as missing.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Parses a form, or a query.
    pub fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Returns the value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(field, _)| field == name);
        let (value, None) = (found.next()?, found.next()) else { return None };
        Some(&value.1)
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Ok(Self::parse(&body(request, state).await?))
    }
}

/// Returns the body of a request.
async fn body(request: Request, state: &(impl Send + Sync)) -> Result<Bytes, Problem> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large")
        }
        _ => Problem::invalid("the body could not be read"),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    })
}

/// The parameters of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|_| Problem::not_found())
    }
}

/// The parameters of the query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|_| {
            Problem::invalid(
                "a parameter of the query is unknown, repeated, or has an invalid value",
            )
        })
    }
}
