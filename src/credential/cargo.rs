//! The protocol of cargo's credential providers: one line of JSON each way.

use oauthctl_core::profile::Target;
use oauthctl_core::{Error, ErrorKind, text};
use serde_json::{Value, json};

use super::Issued;

/// The first line that a provider prints: the protocol versions that it supports.
pub const HELLO: &str = "{\"v\":[1]}";

/// A request from cargo.
pub enum Request {
    /// A token for this registry.
    Get(Target),
    /// Forget the token for this registry.
    Logout(Target),
    /// A request that this provider refuses, with the response.
    Refused(Value),
}

/// Parses a line.
pub fn parse(line: &str) -> Request {
    let Ok(request) = serde_json::from_str::<Value>(line) else {
        return Request::Refused(other("the request is not valid JSON"));
    };
    if request["v"] != 1 {
        return Request::Refused(other("the request has an unknown version"));
    }
    let index = request["registry"]["index-url"].as_str().unwrap_or_default();
    let place = Target::parse(index).ok().filter(Target::is_url);
    match (request["kind"].as_str(), place) {
        (Some("get"), Some(place)) => Request::Get(place),
        (Some("logout"), Some(place)) => Request::Logout(place),
        (Some("get" | "logout"), None) => Request::Refused(not_supported()),
        _ => Request::Refused(json!({ "Err": { "kind": "operation-not-supported" } })),
    }
}

/// Renders a token: the value of the header `Authorization`.
pub fn render(token: &Issued) -> Value {
    let mut response = json!({
        "kind": "get",
        "token": format!("Bearer {}", token.value.expose()),
        "cache": "session",
        "operation_independent": true,
    });
    if let Some(at) = token.expires_at {
        response["cache"] = json!("expires");
        response["expiration"] = json!(at.unix());
    }
    json!({ "Ok": response })
}

/// Renders the response to `logout`.
pub fn logged_out() -> Value {
    json!({ "Ok": { "kind": "logout" } })
}

/// Renders that no settings cover a registry, so that cargo asks the next provider.
pub fn not_supported() -> Value {
    json!({ "Err": { "kind": "url-not-supported" } })
}

/// Renders a failure.
pub fn failed(error: &Error) -> Value {
    match error.kind() {
        ErrorKind::LoginRequired => json!({ "Err": { "kind": "not-found" } }),
        _ => other(&text::one_line(error.message())),
    }
}

fn other(message: &str) -> Value {
    json!({ "Err": { "kind": "other", "message": message, "caused-by": [] } })
}
