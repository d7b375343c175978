//! Scenarios of the token endpoint: lifetimes, refresh tokens, errors, unusual responses.

use serde_json::{Value, json};

use super::super::reply::{Reply, object};
use super::effect::{Cue, Effect, On, Rule};
use super::row::{Scenario, row};

/// Returns an error response.
fn error(status: u16, code: &str, description: &str) -> Reply {
    let mut reply = Reply::json(object(json!({"error": code, "error_description": description})));
    reply.status = status;
    reply
}

fn failed(_: &Cue) -> Reply {
    error(500, "server_error", "the sandbox was told to fail")
}

fn unavailable(_: &Cue) -> Reply {
    Reply::bytes(503, "text/plain; charset=utf-8", "come back later\n").header("retry-after", "1")
}

fn too_many(_: &Cue) -> Reply {
    error(429, "slow_down", "too many requests").header("retry-after", "1")
}

fn invalid_grant(_: &Cue) -> Reply {
    error(400, "invalid_grant", "the refresh token is no longer valid")
}

/// Reads the argument as JSON, else as text.
fn argument(cue: &Cue) -> Value {
    serde_json::from_str(cue.argument).unwrap_or_else(|_| Value::String(cue.argument.to_owned()))
}

macro_rules! token_field {
    ($field:literal, $value:expr) => {
        Effect::Edit(On::Token, |json, _| {
            json.insert($field.to_owned(), $value);
        })
    };
}

pub(super) const ROWS: &[Scenario] = &[
    row(
        "rotate",
        "Replaces the refresh token at every refresh, and ends the grant if an old one is reused (default).",
        &[],
    ),
    row(
        "rotate-grace",
        "Replaces the refresh token at every refresh, but accepts the old one for another minute.",
        &[Effect::Rule(Rule::Grace)],
    ),
    row(
        "no-rotation",
        "Sends no refresh token with a refresh; the old one stays valid.",
        &[Effect::Rule(Rule::KeepSilently)],
    ),
    row(
        "same-refresh-token",
        "Sends the same refresh token again with every refresh.",
        &[Effect::Rule(Rule::Repeat)],
    ),
    row("no-refresh-token", "Issues no refresh tokens.", &[Effect::Rule(Rule::NoRefreshToken)]),
    row(
        "expire-fast",
        "Issues access tokens that are valid for two seconds.",
        &[Effect::Rule(Rule::ShortLife)],
    ),
    row(
        "no-expires-in",
        "Omits expires_in from token responses.",
        &[Effect::Edit(On::Token, |json, _| {
            json.shift_remove("expires_in");
        })],
    ),
    row(
        "string-expires-in",
        "Sends expires_in as a string.",
        &[Effect::Edit(On::Token, |json, _| {
            if let Some(Value::Number(n)) = json.get("expires_in") {
                let text = n.to_string();
                json.insert("expires_in".to_owned(), Value::String(text));
            }
        })],
    ),
    row("expires-in-zero", "Sends an expires_in of 0.", &[token_field!("expires_in", json!(0))]),
    row(
        "expires-in-negative",
        "Sends an expires_in of -1.",
        &[token_field!("expires_in", json!(-1))],
    ),
    row(
        "expires-in-fraction",
        "Sends an expires_in of 3599.5.",
        &[token_field!("expires_in", json!(3599.5))],
    ),
    row(
        "expires-in-huge",
        "Sends an expires_in of 9223372036854775808.",
        &[token_field!("expires_in", json!(9_223_372_036_854_775_808_u64))],
    ),
    row(
        "expires-in-exponent",
        "Sends an expires_in of 1e308.",
        &[token_field!("expires_in", json!(1e308))],
    ),
    row(
        "expires-in-null",
        "Sends an expires_in of null.",
        &[token_field!("expires_in", Value::Null)],
    ),
    row(
        "expires-in-word",
        "Sends a word as expires_in.",
        &[token_field!("expires_in", json!("never"))],
    ),
    Scenario {
        argument: Some("VALUE"),
        ..row(
            "expires-in",
            "Sends the given expires_in: as JSON, or as a string if it is not JSON.",
            &[Effect::Edit(On::Token, |json, cue| {
                json.insert("expires_in".to_owned(), argument(cue));
            })],
        )
    },
    row(
        "token-500",
        "Answers token requests with status 500.",
        &[Effect::Instead(On::Token, failed)],
    ),
    row(
        "token-503-retry-after",
        "Answers token requests with status 503 and a Retry-After of one second.",
        &[Effect::Instead(On::Token, unavailable)],
    ),
    row(
        "token-503-once",
        "Answers the first token request with status 503 and a Retry-After of one second.",
        &[Effect::Once(On::Token, unavailable)],
    ),
    row(
        "token-429",
        "Answers token requests with status 429 and a Retry-After of one second.",
        &[Effect::Instead(On::Token, too_many)],
    ),
    row(
        "token-429-once",
        "Answers the first token request with status 429 and a Retry-After of one second.",
        &[Effect::Once(On::Token, too_many)],
    ),
    row(
        "token-html",
        "Answers token requests with status 200 and a web page, as a captive portal does.",
        &[Effect::Instead(On::Token, |_| {
            Reply::bytes(
                200,
                "text/html; charset=utf-8",
                "<!doctype html><title>Welcome</title><p>Please accept the terms of this network.\n",
            )
        })],
    ),
    row(
        "token-empty-400",
        "Answers token requests with status 400 and no body.",
        &[Effect::Instead(On::Token, |_| Reply::empty(400))],
    ),
    row(
        "token-redirect",
        "Redirects token requests to another path of this server, which the journal calls canary.",
        &[Effect::Instead(On::Token, |cue| Reply::redirect(307, format!("{}/canary", cue.origin)))],
    ),
    row(
        "refresh-500",
        "Answers refresh requests with status 500.",
        &[Effect::Instead(On::Refresh, failed)],
    ),
    row(
        "refresh-503-once",
        "Answers the first refresh request with status 503 and a Retry-After of one second.",
        &[Effect::Once(On::Refresh, unavailable)],
    ),
    row(
        "refresh-invalid-grant",
        "Refuses refresh requests with invalid_grant.",
        &[Effect::Instead(On::Refresh, invalid_grant)],
    ),
    row(
        "refresh-invalid-grant-once",
        "Refuses the first refresh request with invalid_grant, although the token is valid.",
        &[Effect::Once(On::Refresh, invalid_grant)],
    ),
    row(
        "refresh-invalid-client",
        "Refuses refresh requests with invalid_client and status 401.",
        &[Effect::Instead(On::Refresh, |_| {
            error(401, "invalid_client", "the client is no longer known")
        })],
    ),
    row(
        "error-in-200",
        "Refuses token requests with an error in a response with status 200.",
        &[Effect::Instead(On::Token, |_| {
            error(200, "bad_verification_code", "the code is incorrect or expired")
        })],
    ),
    row(
        "errors-as-200",
        "Sends every error of the token endpoint, authorization_pending included, with status 200.",
        &[Effect::Rewrite(On::Token, |answer, _| answer.status = 200)],
    ),
    row(
        "hostile-error-text",
        "Refuses token requests with markup, terminal escapes and line breaks in the error's text.",
        &[Effect::Instead(On::Token, |_| {
            error(
                400,
                "invalid_grant\u{1b}]0;owned\u{7}",
                "<script>alert(1)</script>\u{1b}[2J\u{1b}[31mroot# \r\nSet-Cookie: a=b\r\n\u{202e}gnp.exe\u{200b}",
            )
        })],
    ),
    row(
        "form-encoded-reply",
        "Encodes token responses as a form instead of JSON.",
        &[Effect::Rewrite(On::Token, |answer, _| {
            let Ok(Value::Object(json)) = serde_json::from_slice(&answer.body) else { return };
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in &json {
                match value {
                    Value::String(text) => form.append_pair(name, text),
                    other => form.append_pair(name, &other.to_string()),
                };
            }
            answer.body = form.finish().into_bytes();
            answer.set("content-type", "application/x-www-form-urlencoded");
        })],
    ),
    row(
        "missing-token-type",
        "Omits token_type from token responses.",
        &[Effect::Edit(On::Token, |json, _| {
            json.shift_remove("token_type");
        })],
    ),
    row(
        "upper-token-type",
        "Sends the token_type as BEARER.",
        &[token_field!("token_type", json!("BEARER"))],
    ),
    row(
        "odd-token-type",
        "Sends an unknown token_type.",
        &[token_field!("token_type", json!("mac"))],
    ),
    row(
        "missing-access-token",
        "Omits the access token from token responses.",
        &[Effect::Edit(On::Token, |json, _| {
            json.shift_remove("access_token");
        })],
    ),
    row(
        "no-scope",
        "Omits scope from token responses.",
        &[Effect::Edit(On::Token, |json, _| {
            json.shift_remove("scope");
        })],
    ),
    row(
        "scope-less",
        "Reports in token responses that only the first scope was granted.",
        &[Effect::Edit(On::Token, |json, _| {
            let first = json
                .get("scope")
                .and_then(Value::as_str)
                .and_then(|s| s.split(' ').next())
                .unwrap_or("")
                .to_owned();
            json.insert("scope".to_owned(), Value::String(first));
        })],
    ),
    row(
        "scope-more",
        "Reports in token responses that the scope admin was granted too.",
        &[Effect::Edit(On::Token, |json, _| {
            let scope = json.get("scope").and_then(Value::as_str).unwrap_or("");
            let more = format!("{scope} admin").trim().to_owned();
            json.insert("scope".to_owned(), Value::String(more));
        })],
    ),
    row(
        "unknown-fields",
        "Adds unspecified fields to token responses.",
        &[Effect::Edit(On::Token, |json, _| {
            json.insert("instance_url".to_owned(), json!("https://instance.example"));
            json.insert("ext".to_owned(), json!({"nested": [1, null, {"deep": true}]}));
        })],
    ),
    row(
        "control-chars",
        "Puts line breaks and terminal escapes into access tokens.",
        &[Effect::Mint(|token| format!("{token}\r\nX-Injected: yes\u{1b}[31m\u{7}"))],
    ),
    row(
        "shell-chars",
        "Puts quotes, a dollar sign and backticks into access tokens.",
        &[Effect::Mint(|token| format!("{token}'\"$(id)`id`\\=;&|"))],
    ),
    row(
        "huge-token",
        "Issues access tokens of 64 KiB.",
        &[Effect::Mint(|token| {
            format!("{token}{}", "x".repeat(65_536_usize.saturating_sub(token.len())))
        })],
    ),
];
