//! Responses to the request for codes (RFC 8628, section 3.2).

use serde_json::json;

use crate::support::canary;
use crate::support::shapes::*;

fn uri(value: &'static str) -> Shape {
    set("verification_uri", json!(value))
}

fn code(value: impl Into<String>) -> Shape {
    set("user_code", json!(value.into()))
}

/// Responses that must not be shown to a user.
pub fn invalid_responses() -> Vec<Named> {
    vec![
        ("uri-http", uri("http://as.example/device")),
        ("uri-javascript", uri("javascript:alert(1)")),
        ("uri-userinfo", uri("https://good.example@evil.example/")),
        ("uri-escape", uri("https://as.example/\u{1b}]0;x\u{7}")),
        ("uri-number", set("verification_uri", json!(7))),
        (
            "uri-missing",
            members(|object| {
                object.remove("verification_uri");
                object.remove("verification_uri_complete");
            }),
        ),
        ("code-escape", code("AB\u{1b}[31mCD")),
        ("code-rtl", code("AB\u{202e}CD")),
        ("code-newline", code("AB\nhint: paste your password")),
        ("code-1-kib", code("A".repeat(1024))),
        ("code-missing", without("user_code")),
        ("device-code-missing", without("device_code")),
        ("device-code-escape", set("device_code", json!("a\u{1b}b"))),
        ("array", body("[]")),
        ("truncated", raw(|it| it[..30].to_owned())),
        (
            "html",
            with_type("text/html", body("<!doctype html><title>Log in to the network</title>")),
        ),
        ("empty", body("")),
    ]
}

/// Responses that a client can live with, and the least pause in seconds before it polls.
pub fn deviating_responses() -> Vec<(&'static str, f64, Shape)> {
    let complete = |url: &str| set("verification_uri_complete", json!(url));
    vec![
        ("interval-missing", 5.0, without("interval")),
        ("interval-zero", 5.0, set("interval", json!(0))),
        ("interval-negative", 5.0, set("interval", json!(-1))),
        ("interval-word", 5.0, set("interval", json!("soon"))),
        ("interval-float", 1.5, set("interval", json!(1.5))),
        ("interval-string", 1.0, set("interval", json!("1"))),
        ("complete-missing", 1.0, without("verification_uri_complete")),
        ("complete-elsewhere", 1.0, complete(&format!("{}/device", canary().origin))),
        ("complete-javascript", 1.0, complete("javascript:alert(1)")),
        (
            "old-uri-name",
            1.0,
            members(|object| {
                let uri = object.remove("verification_uri").unwrap();
                object.insert("verification_url".to_owned(), uri);
            }),
        ),
        ("expires-missing", 1.0, without("expires_in")),
        ("created", 1.0, with_status(201, same())),
    ]
}

/// Refusals.
pub fn refusals() -> Vec<Named> {
    let page = with_type("text/html", body("<title>Not found</title>"));
    vec![
        ("unauthorized-client", oauth_error("unauthorized_client", 400)),
        ("invalid-client", oauth_error("invalid_client", 401)),
        ("device-flow-disabled", oauth_error("device_flow_disabled", 200)),
        ("not-found", with_status(404, page)),
    ]
}
