//! `/openapi.json`, generated from the handlers.

use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, Server};

/// Completes the document beyond the handlers, and returns it as JSON.
pub fn complete(mut document: OpenApi, public_url: &str) -> Bytes {
    document.info = InfoBuilder::new()
        .title("oauthctl broker")
        .description(Some("Valid access tokens for the end users of an application"))
        .version(env!("CARGO_PKG_VERSION"))
        .build();
    document.servers = Some(vec![Server::new(public_url)]);
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("api_key", SecurityScheme::Http(scheme));
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
    components.add_security_scheme("password", SecurityScheme::Http(scheme));
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("metrics_key", SecurityScheme::Http(scheme));
    Bytes::from(document.to_json().unwrap_or_default())
}

/// Returns the document.
pub async fn get(document: Bytes) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document)
}
