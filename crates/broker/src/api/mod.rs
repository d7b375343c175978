//! The HTTP interface: one file for each resource, with its handlers and their descriptions.

mod admin;
mod audit;
mod callback;
mod confirmations;
mod connect;
mod connections;
mod cookies;
mod extract;
mod health;
mod metrics;
mod openapi;
pub mod page;
mod paging;
mod providers;
mod rules;
mod signup;
mod token;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::broker::Broker;
use crate::problem::Problem;

pub use extract::{Authenticated, Json, bearer};

/// Maximum size of a request's body.
pub const LARGEST_BODY: usize = 64 * 1024;

/// Returns the routes that the OpenAPI document describes.
fn described() -> OpenApiRouter<Arc<Broker>> {
    OpenApiRouter::new()
        .routes(routes!(providers::list))
        .routes(routes!(providers::put, providers::get, providers::delete))
        .routes(routes!(connections::create, connections::list))
        .routes(routes!(connections::get, connections::patch, connections::delete))
        .routes(routes!(token::get))
        .routes(routes!(confirmations::create))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::put, webhooks::get, webhooks::delete))
        .routes(routes!(audit::list))
        .routes(routes!(rules::list))
        .routes(routes!(rules::put, rules::get, rules::delete))
        .routes(routes!(signup::create))
        .routes(routes!(signup::keys))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::get))
}

/// Returns the router with all routes.
pub fn router(broker: Arc<Broker>) -> Router {
    let (router, document) = described().split_for_parts();
    let document = openapi::complete(document, &broker.public_url);
    let router =
        admin::routes().into_iter().fold(router, |router, (path, route)| router.route(path, route));
    router
        .route("/openapi.json", get(move || openapi::get(document.clone())))
        .route("/connect/{tenant}/{link}", get_without_head(connect::get, "GET"))
        .route("/callback", get_without_head(callback::get, "GET"))
        .route("/connect/{tenant}/{provider}/callback", get_without_head(callback::get, "GET"))
        .route("/v1/verify", get_without_head(signup::verify, "GET, POST").post(signup::replace))
        .fallback(unknown)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(axum::middleware::from_fn(metrics::count))
        .with_state(broker)
}

/// Returns a route for links that users open, which changes something. Otherwise, a route for GET would do the same for
/// HEAD. `allow` lists the methods that the route has.
fn get_without_head<H: Handler<T, Arc<Broker>>, T: 'static>(
    handler: H,
    allow: &'static str,
) -> MethodRouter<Arc<Broker>> {
    let refuse = move || async move { ([(header::ALLOW, allow)], Problem::method_not_allowed()) };
    get(handler).head(refuse).fallback(refuse)
}

/// Writes the list of methods in `Allow` as RFC 9110 does, with spaces. The router writes it after all layers.
pub fn separate_methods(headers: &mut HeaderMap) {
    let allow = headers.get(header::ALLOW).and_then(|value| value.to_str().ok());
    let methods = allow.map(|allow| allow.split(',').map(str::trim).collect::<Vec<_>>().join(", "));
    if let Some(Ok(methods)) = methods.map(HeaderValue::try_from) {
        headers.insert(header::ALLOW, methods);
    }
}

/// Answers an unknown path. Below `/v1`, the caller must be authenticated to learn that it is unknown.
async fn unknown(State(broker): State<Arc<Broker>>, uri: Uri, head: HeaderMap) -> Response {
    if uri.path().starts_with("/v1")
        && let Err(problem) = extract::authenticate(&broker, &head).await
    {
        return problem.into_response();
    }
    Problem::not_found().into_response()
}
