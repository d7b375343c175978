//! `/openapi.json`, generated from the handlers.

use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Content, InfoBuilder, OpenApi, Ref, ResponseBuilder, Server};

use crate::problem::Problem;

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
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.put, &mut path.post, &mut path.patch];
        operations.into_iter().flatten().for_each(add_timeout);
    }
    Bytes::from(document.to_json().unwrap_or_default())
}

/// Adds what every operation with a body may answer, whatever it does.
fn add_timeout(operation: &mut Operation) {
    if operation.request_body.is_none() {
        return;
    }
    let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    let response = ResponseBuilder::new()
        .description("The body did not arrive in time")
        .content("application/problem+json", content)
        .build();
    operation.responses.responses.insert("408".to_owned(), response.into());
}

/// Returns the document.
pub async fn get(document: Bytes) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document)
}
