//! The responses that the proxy makes itself.

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use oauthctl_core::http::api::Body;
use oauthctl_core::{Error, ErrorKind};
use serde_json::json;

use crate::ui;

/// Refuses a request.
pub fn refused(why: &str) -> Response<Body> {
    let json = json!({ "error": ErrorKind::AccessDenied.word(), "message": why });
    response(StatusCode::FORBIDDEN, json.to_string())
}

/// Refuses a request whose body cannot be read.
pub fn malformed() -> Response<Body> {
    let json = json!({
        "error": ErrorKind::Usage.word(),
        "message": "the request body is incomplete or malformed",
    });
    response(StatusCode::BAD_REQUEST, json.to_string())
}

/// Says why there is no token, or no response of the server.
pub fn failed(error: &Error) -> Response<Body> {
    let json = json!({
        "error": error.kind().word(),
        "message": error.message(),
        "hint": ui::hint_of(error),
    });
    response(StatusCode::BAD_GATEWAY, json.to_string())
}

fn response(status: StatusCode, json: String) -> Response<Body> {
    let mut response = Response::new(Body::from(json + "\n"));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
