//! Metadata documents and responses to pushed requests that are refused before a browser opens.

use oauthctl_sandbox::Transport;
use serde_json::{Value, json};

use crate::replies::invalid::{Row, row};
use crate::support::canary;
use crate::support::shapes::*;

fn issuer(to: fn(&str) -> String) -> Shape {
    text_of("issuer", move |issuer| json!(to(issuer)))
}

fn authorization_endpoint(url: &'static str) -> Shape {
    set("authorization_endpoint", json!(url))
}

fn off(scheme: &'static str) -> Shape {
    members(move |object| {
        for (name, value) in object.iter_mut() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                *value = json!(format!("{scheme}/{name}"));
            }
        }
    })
}

/// Documents that must be refused.
#[rustfmt::skip]
pub fn documents() -> Vec<Row> {
    let other = "belongs to a different issuer";
    let plain = "must use https: plain http is allowed only for loopback hosts";
    let white = "`authorization_endpoint` must not contain white space or control characters";
    let begin = "`authorization_endpoint` must begin with https://";
    let deep = format!("\"pad\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let shell = "https://x/$(touch pwned)`id`;&|\"' ";
    vec![
        row("issuer-other", 7, other, issuer(|it| format!("{it}/s/somebody-else"))),
        row("issuer-slash", 7, other, issuer(|it| format!("{it}/"))),
        row("issuer-case", 7, other, issuer(|it| it.replace("http", "HTTP"))),
        row("issuer-port", 7, other, issuer(|_| "http://127.0.0.1:1".to_owned())),
        row("issuer-host", 7, other, issuer(|it| it.replace("127.0.0.1", "localhost"))),
        row("issuer-elsewhere", 7, other, issuer(|_| canary().origin.clone())),
        row("issuer-missing", 7, "has no issuer", without("issuer")),
        row("issuer-number", 7, "has no issuer", set("issuer", json!(7))),
        row("http-endpoints", 7, plain, off("http://as.example")),
        row("http-token-endpoint", 7, plain, set("token_endpoint", json!("http://as.example/token"))),
        row("http-authorization-endpoint", 7, plain, authorization_endpoint("http://as.example/auth")),
        row("http-jwks", 7, plain, set("jwks_uri", json!("http://as.example/jwks"))),
        row("javascript", 7, begin, authorization_endpoint("javascript:alert(1)")),
        row("file", 7, begin, authorization_endpoint("file:///etc/passwd")),
        row("shell", 7, white, authorization_endpoint(shell)),
        row("dash", 7, begin, authorization_endpoint("--new-window=https://x/")),
        row("control-characters", 7, white, text_of("authorization_endpoint", |it| json!(format!("{it}\u{1b}]0;x\u{7}\n")))),
        row("userinfo-in-endpoint", 7, "`authorization_endpoint` must not contain a user name or password",
            authorization_endpoint("https://a:b@as.example/authorize")),
        row("relative-endpoint", 7, "`token_endpoint` must begin with https://", set("token_endpoint", json!("/token"))),
        row("authorization-endpoint-missing", 3, "has no known authorization_endpoint", without("authorization_endpoint")),
        row("token-endpoint-missing", 3, "has no known token_endpoint", without("token_endpoint")),
        row("only-plain-pkce", 7, "the server supports PKCE without S256 (it lists plain), so an intercepted code could be redeemed",
            set("code_challenge_methods_supported", json!(["plain"]))),
        row("no-pkce-methods", 7, "the server supports PKCE without S256 (it lists none), so an intercepted code could be redeemed",
            set("code_challenge_methods_supported", json!([]))),
        row("array", 3, "not valid metadata", body("[]")),
        row("string", 3, "not valid metadata", body("\"https://as.example\"")),
        row("truncated", 3, "not JSON", raw(|it| it[..200].to_owned())),
        row("trailing-junk", 3, "not JSON", raw(|it| format!("{it} trailing"))),
        row("duplicate-issuer", 3, "duplicate member `issuer`", first(format!("\"issuer\":\"{}\"", canary().origin))),
        row("over-1-mib", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB", first(format!("\"pad\":\"{}\"", "a".repeat(1 << 20)))),
        row("deep", 3, "not JSON", first(deep)),
        row("html", 3, "a web page instead of JSON", with_type("text/html", body("<!doctype html><title>Log in to the network</title>"))),
        row("empty", 3, "an empty response", body("")),
    ]
}

/// Faults on the way to the document; it is asked for where nothing was spent, but never elsewhere.
pub fn documents_away() -> Vec<Row> {
    let moved = "redirects are not followed";
    vec![
        row("redirect-302", 3, moved, redirect(302, &canary().origin)),
        row("redirect-307", 3, moved, redirect(307, &canary().origin)),
        row("redirect-same-origin-308", 3, moved, redirect_here(308)),
        row("status-404", 3, "status 404", status(404)),
        row("status-502", 9, "status 502", status(502)),
        row("limit", 9, "status 429", status(429)),
        row("reset-before", 9, "reset the connection", sent(Transport::Reset)),
        row("half-body", 9, "was interrupted", sent(Transport::Half)),
        row("gzip-bomb", 9, "exceeds 1024 KiB", gzip_bomb()),
        row(
            "header-200-kib",
            9,
            "exceeds 64 KiB",
            with_header("x-pad", "a".repeat(200_000), same()),
        ),
        row("not-http", 9, "not HTTP", bytes("220 mail.example ESMTP ready\r\n")),
    ]
}

/// Faults on the way to a pushed request.
pub fn pushed_away() -> Vec<Row> {
    vec![
        row("redirect-307", 7, "status 307", redirect(307, &canary().origin)),
        row("redirect-loop", 7, "status 307", redirect_here(307)),
        row(
            "basic-challenge",
            8,
            "401",
            with_header("www-authenticate", "Basic realm=\"x\"", status(401)),
        ),
        row("status-502", 9, "502", status(502)),
        row("limit", 9, "429", status(429)),
        row("reset-in-body", 9, "was interrupted", sent(Transport::HalfReset)),
    ]
}

/// Endpoints that no login needs, written as servers do that have none.
pub fn without_urls() -> Shape {
    members(|object| {
        let none = [("registration_endpoint", "none"), ("end_session_endpoint", "")];
        for (name, value) in none.into_iter().chain([("userinfo_endpoint", "/userinfo")]) {
            object.insert(name.to_owned(), json!(value));
        }
    })
}

/// Documents that a client can live with.
pub fn livable() -> Vec<Named> {
    let with_query = |url: &str| json!(format!("{url}?t=a%2Fb&x=%20"));
    vec![
        ("no-pkce-announced", without("code_challenge_methods_supported")),
        ("no-iss-announced", without("authorization_response_iss_parameter_supported")),
        ("par-required", set("require_pushed_authorization_requests", json!(true))),
        ("no-revocation", without("revocation_endpoint")),
        ("no-userinfo", without("userinfo_endpoint")),
        ("no-par", without("pushed_authorization_request_endpoint")),
        (
            "only-post",
            set("token_endpoint_auth_methods_supported", json!(["none", "client_secret_post"])),
        ),
        ("unused-no-urls", without_urls()),
        ("unknown-members", set("x_future", json!({ "a": [1, 2, { "b": null }] }))),
        ("query-in-authorization-endpoint", text_of("authorization_endpoint", with_query)),
    ]
}

/// Responses to a pushed request with which no authorization URL may be made.
#[rustfmt::skip]
pub fn pushed() -> Vec<Row> {
    let uri = "no usable `request_uri`";
    let described = |code: &'static str, status| described(code, status, json!({ "error_description": "no" }));
    vec![
        row("no-request-uri", 7, uri, without("request_uri")),
        row("http-request-uri", 7, uri, set("request_uri", json!("http://as.example/r"))),
        row("empty-request-uri", 7, uri, set("request_uri", json!(""))),
        row("number-request-uri", 7, uri, set("request_uri", Value::from(7))),
        row("invalid-request", 8, "invalid_request (no)", described("invalid_request", 400)),
        row("invalid-client", 8, "invalid_client (no)", described("invalid_client", 401)),
    ]
}
