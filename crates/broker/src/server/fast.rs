//! Answers the most frequent request, for a token that is in memory, without the store and the router.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, header};
use axum::response::IntoResponse;

use crate::api::bearer;
use crate::broker::Broker;
use crate::flow::Place;
use crate::tenants::key_record;

/// Returns the response to a request for a token, if both the API key and the token are in memory. The router
/// handles everything else, including all errors.
pub(super) fn token<B>(broker: &Broker, request: &Request<B>) -> Option<Response<Body>> {
    if request.method() != Method::GET || request.uri().query().is_some() {
        return None;
    }
    let path = request.uri().path().strip_prefix("/v1/connections/")?.strip_suffix("/token")?;
    let (provider, user) = path.split_once('/')?;
    // Escapes are rare: the router handles them.
    if provider.is_empty() || user.is_empty() || path.contains('%') || user.contains('/') {
        return None;
    }
    if !broker.caches.is_fresh() {
        return None;
    }
    let caller = broker.caches.callers.get(&key_record(bearer(request.headers())?))?;
    if caller.tenant.disabled || !caller.has_valid_key() {
        return None;
    }
    let place = Place::new(&caller.tenant.name, provider, user);
    let body = broker.caches.tokens.get(&place.grant(&broker.vault))?.body(None)?;
    if let Some(problem) = broker.over_rate(&caller) {
        return Some(problem.into_response());
    }
    let mut response = Response::new(Body::from(body));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Some(response)
}
