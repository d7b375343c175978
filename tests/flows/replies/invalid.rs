//! Responses of the token endpoint that are none, and refusals; each with its exit code and words of the error.

use serde_json::{Map, Value, json};

use crate::support::shapes::*;

pub struct Row {
    pub name: &'static str,
    pub shape: Shape,
    pub code: i32,
    pub words: &'static str,
}

pub fn row(name: &'static str, code: i32, words: &'static str, shape: Shape) -> Row {
    Row { name, shape, code, words }
}

/// The response as a JSON value other than an object.
fn value(to: impl Fn(Map<String, Value>) -> Value + Send + Sync + 'static) -> Shape {
    raw(move |body| to(serde_json::from_str(&body).unwrap()).to_string())
}

fn expires(text: &'static str) -> Shape {
    raw(move |body| body.replace("\"expires_in\":3600", &format!("\"expires_in\":{text}")))
}

fn padded(pad: String) -> Shape {
    first(format!("\"pad\":{pad}"))
}

/// The row of [`invalid`] with this name.
#[track_caller]
pub fn invalid_reply(name: &str) -> Shape {
    invalid().into_iter().find(|row| row.name == name).unwrap().shape
}

/// The row of [`refusals`] with this name.
#[track_caller]
pub fn refusal(name: &str) -> Shape {
    refusals().into_iter().find(|row| row.name == name).unwrap().shape
}

/// Responses that are no token response.
pub fn invalid() -> Vec<Row> {
    let mut all = other_bodies();
    all.extend(invalid_members());
    all.extend(other_statuses());
    all
}

/// Bodies that are not a JSON object with a token.
#[rustfmt::skip]
fn other_bodies() -> Vec<Row> {
    let html = "<!doctype html><title>Log in to the network</title>";
    vec![
        row("html", 7, "a body of type `text/html`", with_type("text/html", body(html))),
        row("html-as-json", 7, "invalid JSON", body(html)),
        row("empty", 7, "an empty body", body("")),
        row("space", 7, "an empty body", body(" \r\n ")),
        row("null", 7, "a JSON value instead of an object", body("null")),
        row("true", 7, "a JSON value instead of an object", body("true")),
        row("number", 7, "a JSON value instead of an object", body("7")),
        row("string", 7, "a JSON value instead of an object", value(|it| it["access_token"].clone())),
        row("array", 7, "a JSON array instead of an object", body("[]")),
        row("array-of-it", 7, "a JSON array instead of an object", value(|it| json!([it]))),
        row("empty-object", 7, "no `access_token`", body("{}")),
        row("truncated-at-1", 7, "truncated JSON", cut(1)),
        row("truncated-at-40", 7, "truncated JSON", cut(40)),
        row("truncated-at-100", 7, "truncated JSON", cut(100)),
        row("trailing-junk", 7, "invalid JSON", raw(|it| format!("{it}x"))),
        row("trailing-object", 7, "invalid JSON", raw(|it| format!("{it}{it}"))),
        row("utf16", 7, "invalid JSON", shape(|answer, _| {
            let text = String::from_utf8(answer.body.clone()).unwrap();
            answer.body = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        })),
        row("duplicate-access-token", 7, "a duplicate `access_token`", first("\"access_token\":\"CANARY-duplicate\"")),
        row("single-quotes", 7, "invalid JSON", raw(|it| it.replace('"', "'"))),
        row("nan-expires", 7, "invalid JSON", expires("NaN")),
        row("comment", 7, "invalid JSON", raw(|it| format!("/* */{it}"))),
        row("deep-100k", 7, "JSON that is nested too deeply", padded("[".repeat(100_000) + &"]".repeat(100_000))),
        row("over-1-mib", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB", padded(format!("\"{}\"", "a".repeat(1 << 20)))),
    ]
}

/// Objects with a member that is not as it must be.
#[rustfmt::skip]
fn invalid_members() -> Vec<Row> {
    let characters = "`access_token` with invalid characters";
    let no_string = "`access_token` that is not a string";
    vec![
        row("access-token-missing", 7, "no `access_token`", without("access_token")),
        row("access-token-empty", 7, "an empty `access_token`", set("access_token", json!(""))),
        row("access-token-null", 7, "no `access_token`", set("access_token", Value::Null)),
        row("access-token-number", 7, no_string, set("access_token", json!(7))),
        row("access-token-array", 7, no_string, set("access_token", json!(["CANARY-array"]))),
        row("access-token-object", 7, no_string, set("access_token", json!({ "value": "CANARY-object" }))),
        row("access-token-newline", 7, characters, suffix("\nhost=evil")),
        row("access-token-return", 7, characters, suffix("\r")),
        row("access-token-nul", 7, characters, suffix("\0")),
        row("access-token-escape", 7, characters, suffix("\u{1b}]8;;")),
        row("access-token-space", 7, characters, suffix(" x")),
        row("access-token-tab", 7, characters, suffix("\tx")),
        row("access-token-non-ascii", 7, characters, suffix("\u{e9}")),
        row("access-token-delete", 7, characters, suffix("\u{7f}")),
        row("refresh-token-newline", 7, "`refresh_token` with invalid characters", text_of("refresh_token", |it| json!(format!("{it}\nx")))),
        row("refresh-token-number", 7, "`refresh_token` that is not a string", set("refresh_token", json!(7))),
        row("refresh-token-object", 7, "`refresh_token` that is not a string", set("refresh_token", json!({}))),
        row("scope-newline", 7, "`scope` with invalid characters", set("scope", json!("api\nread"))),
        row("scope-escape", 7, "`scope` with invalid characters", set("scope", json!("api \u{1b}[31m"))),
        row("token-type-mac", 7, "an unsupported token type `mac`", set("token_type", json!("mac"))),
        row("token-type-n-a", 7, "an unsupported token type `N_A`", set("token_type", json!("N_A"))),
        row("token-type-empty", 7, "an invalid `token_type`", set("token_type", json!(""))),
        row("token-type-number", 7, "`token_type` that is not a string", set("token_type", json!(7))),
        row("token-type-dpop", 7, "a DPoP token although", set("token_type", json!("DPoP"))),
        row("token-type-newline", 7, "an invalid `token_type`", set("token_type", json!("Bearer\r\nX: y"))),
        row("error-beside-token", 8, "invalid_request", set("error", json!("invalid_request"))),
    ]
}

/// The token with a status that is none of a token response.
#[rustfmt::skip]
fn other_statuses() -> Vec<Row> {
    vec![
        row("token-in-400", 8, "400 (Bad Request) and no OAuth error in its body", with_status(400, same())),
        row("token-in-500", 9, "the server returned 500 (Internal Server Error)", with_status(500, same())),
        row("token-in-302", 8, "302 (a redirect, which is not followed) and no OAuth error in its body", with_status(302, same())),
        row("token-in-204", 7, "status 204, an empty body", with_status(204, body(""))),
    ]
}

/// The first bytes of the response.
pub fn cut(length: usize) -> Shape {
    raw(move |it| it[..length].to_owned())
}

fn error_described(code: &'static str, description: &str) -> Shape {
    described(code, 400, json!({ "error_description": description }))
}

fn plain(status: u16, kind: &'static str, text: &'static str) -> Shape {
    with_type(kind, with_status(status, body(text)))
}

/// Refusals, in the words of OAuth or in others.
#[rustfmt::skip]
pub fn refusals() -> Vec<Row> {
    let failed = json!({ "ok": false });
    let bidi = "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}gpj.exe";
    vec![
        row("error-in-200", 4, "invalid_grant", oauth_error("invalid_grant", 200)),
        row("invalid-request", 8, "invalid_request", oauth_error("invalid_request", 400)),
        row("invalid-client", 8, "invalid_client", oauth_error("invalid_client", 401)),
        row("invalid-grant", 4, "invalid_grant", oauth_error("invalid_grant", 400)),
        row("unauthorized-client", 8, "unauthorized_client", oauth_error("unauthorized_client", 400)),
        row("unsupported-grant-type", 8, "unsupported_grant_type", oauth_error("unsupported_grant_type", 400)),
        row("invalid-scope", 8, "invalid_scope", oauth_error("invalid_scope", 400)),
        row("access-denied", 5, "access_denied", oauth_error("access_denied", 403)),
        row("server-error", 9, "the server returned 500 (Internal Server Error)", oauth_error("server_error", 500)),
        row("temporarily-unavailable", 9, "the server returned 503 (Service Unavailable)", oauth_error("temporarily_unavailable", 503)),
        row("error-unknown", 8, "interaction_required", oauth_error("interaction_required", 400)),
        row("error-number", 8, "400 (Bad Request) and no OAuth error in its body", oauth_error(7, 400)),
        // What others say for `invalid_grant` at a refresh: GitHub and Slack with 200, Entra, Atlassian, Glewlwyd.
        row("bad-refresh-token", 8, "bad_refresh_token", oauth_error("bad_refresh_token", 200)),
        row("invalid-refresh-token", 8, "invalid_refresh_token", described("invalid_refresh_token", 200, failed.clone())),
        row("token-expired", 8, "token_expired", described("token_expired", 200, failed.clone())),
        row("token-revoked", 8, "token_revoked", described("token_revoked", 200, failed)),
        row("consent-required", 8, "consent_required", oauth_error("consent_required", 400)),
        row("login-required", 8, "login_required", oauth_error("login_required", 400)),
        row("refresh-token-is-invalid", 8, "unauthorized_client (refresh_token is invalid)",
            described("unauthorized_client", 403, json!({ "error_description": "refresh_token is invalid" }))),
        row("grant-type-not-allowed", 8, "unauthorized_client",
            described("unauthorized_client", 403, json!({ "error_description": "grant type refresh_token is not allowed" }))),
        row("empty-400", 8, "400 (Bad Request) and an empty body", plain(400, "text/plain", "")),
        row("empty-401", 8, "401 (Unauthorized) and an empty body", plain(401, "text/plain", "")),
        row("error-object", 4, "invalid_grant", oauth_error(json!({ "code": "invalid_grant" }), 400)),
        row("error-markup", 8, "invalid_request (<script>alert(1)</script>)", error_described("invalid_request", "<script>alert(1)</script>")),
        row("error-ansi", 8, "invalid_request (", error_described("invalid_request", bidi)),
        row("error-lines", 8, "invalid_request (one  error: forged  hint: do it)",
            error_described("invalid_request", "one\r\nerror: forged\r\nhint: do it")),
        row("error-code-ansi", 8, "bad [31m x", oauth_error("bad\u{1b}[31m\nx", 400)),
        row("error-form", 8, "invalid_request", plain(400, "application/x-www-form-urlencoded", "error=invalid_request")),
        row("error-1-mib", 8, "invalid_request (aaa", error_described("invalid_request", &"a".repeat(1_000_000))),
        row("error-echo", 8, "invalid_request (grant_type=authorization_code&code=[redacted]", echo()),
    ]
}
