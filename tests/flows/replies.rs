//! Possible responses of the token endpoint (RFC 6749, sections 5.1 and 5.2; RFC 9110), and their result:
//! an exit code, a message, nothing printed, nothing stored, and the code sent once.

mod accepted;
mod again;
mod echoed;

use crate::person::*;
use crate::support::*;

/// A scenario's part, the exit code, and words of the error.
type Row = (&'static str, i32, &'static str);

/// Answers that are no token response.
#[rustfmt::skip]
const REPLIES: &[Row] = &[
    ("html", 7, "a body of type `text/html`"),
    ("html-as-json", 7, "invalid JSON"),
    ("empty", 7, "an empty body"),
    ("space", 7, "an empty body"),
    ("null", 7, "a JSON value instead of an object"),
    ("true", 7, "a JSON value instead of an object"),
    ("number", 7, "a JSON value instead of an object"),
    ("string", 7, "a JSON value instead of an object"),
    ("array", 7, "a JSON array instead of an object"),
    ("array-of-it", 7, "a JSON array instead of an object"),
    ("empty-object", 7, "no `access_token`"),
    ("truncated-at-1", 7, "truncated JSON"),
    ("truncated-at-40", 7, "truncated JSON"),
    ("truncated-at-100", 7, "truncated JSON"),
    ("trailing-junk", 7, "invalid JSON"),
    ("trailing-object", 7, "invalid JSON"),
    ("utf16", 7, "invalid JSON"),
    ("duplicate-access-token", 7, "a duplicate `access_token`"),
    ("single-quotes", 7, "invalid JSON"),
    ("nan-expires", 7, "invalid JSON"),
    ("comment", 7, "invalid JSON"),
    ("deep-100k", 7, "JSON that is nested too deeply"),
    ("over-1-mib", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB"),
    ("access-token-missing", 7, "no `access_token`"),
    ("access-token-empty", 7, "an empty `access_token`"),
    ("access-token-null", 7, "no `access_token`"),
    ("access-token-number", 7, "`access_token` that is not a string"),
    ("access-token-array", 7, "`access_token` that is not a string"),
    ("access-token-object", 7, "`access_token` that is not a string"),
    ("access-token-newline", 7, "`access_token` with invalid characters"),
    ("access-token-return", 7, "`access_token` with invalid characters"),
    ("access-token-nul", 7, "`access_token` with invalid characters"),
    ("access-token-escape", 7, "`access_token` with invalid characters"),
    ("access-token-space", 7, "`access_token` with invalid characters"),
    ("access-token-tab", 7, "`access_token` with invalid characters"),
    ("access-token-non-ascii", 7, "`access_token` with invalid characters"),
    ("access-token-delete", 7, "`access_token` with invalid characters"),
    ("refresh-token-newline", 7, "`refresh_token` with invalid characters"),
    ("refresh-token-number", 7, "`refresh_token` that is not a string"),
    ("refresh-token-object", 7, "`refresh_token` that is not a string"),
    ("scope-newline", 7, "`scope` with invalid characters"),
    ("scope-escape", 7, "`scope` with invalid characters"),
    ("token-type-mac", 7, "an unsupported token type `mac`"),
    ("token-type-n-a", 7, "an unsupported token type `N_A`"),
    ("token-type-empty", 7, "an invalid `token_type`"),
    ("token-type-number", 7, "`token_type` that is not a string"),
    ("token-type-dpop", 7, "a DPoP token although"),
    ("token-type-newline", 7, "an invalid `token_type`"),
    ("error-beside-token", 8, "invalid_request"),
    ("token-in-400", 8, "400 (Bad Request) and no OAuth error in its body"),
    ("token-in-500", 9, "the server returned 500 (Internal Server Error)"),
    ("token-in-302", 8, "302 (a redirect, which is not followed) and no OAuth error in its body"),
    ("token-in-204", 7, "status 204, an empty body"),
];

/// Refusals, in the server's words or in others.
#[rustfmt::skip]
const REFUSALS: &[Row] = &[
    ("error-in-200", 4, "invalid_grant"),
    ("invalid-request", 8, "invalid_request"),
    ("invalid-client", 8, "invalid_client"),
    ("invalid-grant", 4, "invalid_grant"),
    ("unauthorized-client", 8, "unauthorized_client"),
    ("unsupported-grant-type", 8, "unsupported_grant_type"),
    ("invalid-scope", 8, "invalid_scope"),
    ("access-denied", 5, "access_denied"),
    ("server-error", 9, "the server returned 500 (Internal Server Error)"),
    ("temporarily-unavailable", 9, "the server returned 503 (Service Unavailable)"),
    ("error-unknown", 8, "interaction_required"),
    ("error-number", 8, "400 (Bad Request) and no OAuth error in its body"),
    ("bad-refresh-token", 8, "bad_refresh_token"),
    ("invalid-refresh-token", 8, "invalid_refresh_token"),
    ("token-expired", 8, "token_expired"),
    ("token-revoked", 8, "token_revoked"),
    ("consent-required", 8, "consent_required"),
    ("login-required", 8, "login_required"),
    ("refresh-token-is-invalid", 8, "unauthorized_client (refresh_token is invalid)"),
    ("grant-type-not-allowed", 8, "unauthorized_client"),
    ("empty-400", 8, "400 (Bad Request) and an empty body"),
    ("empty-401", 8, "401 (Unauthorized) and an empty body"),
    ("error-object", 4, "invalid_grant"),
    ("error-markup", 8, "invalid_request (<script>alert(1)</script>)"),
    ("error-ansi", 8, "invalid_request ("),
    ("error-lines", 8, "invalid_request (one  error: forged  hint: do it)"),
    ("error-code-ansi", 8, "bad [31m x"),
    ("error-form", 8, "invalid_request"),
    ("error-1-mib", 8, "invalid_request (aaa"),
    ("error-echo", 8, "invalid_request (grant_type=authorization_code&code=[redacted]"),
];

/// What the network and those on the way can do.
#[rustfmt::skip]
const TRANSPORT: &[Row] = &[
    ("reset-before", 9, "reset the connection before responding"),
    ("close-before", 9, "closed the connection without a response"),
    ("reset-in-headers", 9, "reset the connection before responding"),
    (
        "close-after-headers",
        9,
        "the response from 127.0.0.1 was interrupted: end of file before message length reached",
    ),
    ("reset-in-body", 9, "the response from 127.0.0.1 was interrupted: Connection reset by peer"),
    (
        "half-body",
        9,
        "the response from 127.0.0.1 was interrupted: end of file before message length reached",
    ),
    ("half-chunked", 9, "the response from 127.0.0.1 was interrupted: unexpected EOF during chunk size line"),
    ("body-1-gib", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB"),
    ("headers-10k", 9, "the head of the response from 127.0.0.1 is too large"),
    ("header-200-kib", 9, "the head of the response from 127.0.0.1 exceeds 64 KiB"),
    ("gzip-bomb", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB"),
    ("gzip-broken", 9, "the response from 127.0.0.1 was interrupted: unexpected end of file"),
    ("length-short", 7, "truncated JSON"),
    (
        "length-long",
        9,
        "the response from 127.0.0.1 was interrupted: end of file before message length reached",
    ),
    ("length-twice", 9, "returned a response that is not HTTP"),
    ("form-cut-by-close", 7, "a form that may be cut off"),
    ("form-closed", 7, "a form that may be cut off"),
    ("not-http", 9, "returned a response that is not HTTP"),
    ("empty-answer", 9, "closed the connection without a response"),
    ("basic-challenge", 8, "401 (Unauthorized) and no OAuth error in its body"),
    ("proxy-challenge", 8, "407 and no OAuth error in its body"),
    ("busy-retry-after-1", 9, "the server returned 503 (Service Unavailable)"),
    ("busy-retry-after-date", 9, "the server returned 503 (Service Unavailable)"),
    ("busy-retry-after-past", 9, "the server returned 503 (Service Unavailable)"),
    ("busy-retry-after-negative", 9, "the server returned 503 (Service Unavailable)"),
    ("busy-retry-after-junk", 9, "the server returned 503 (Service Unavailable)"),
    ("limit-retry-after-1", 9, "the server returned 429 (Too Many Requests)"),
    ("limit", 9, "the server returned 429 (Too Many Requests)"),
    ("endless-chunks", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB"),
    ("headers-endless", 9, "the head of the response from 127.0.0.1"),
    ("redirect-301", 8, "a redirect, which is not followed"),
    ("redirect-302", 8, "a redirect, which is not followed"),
    ("redirect-303", 8, "a redirect, which is not followed"),
    ("redirect-307", 8, "a redirect, which is not followed"),
    ("redirect-308", 8, "a redirect, which is not followed"),
    ("redirect-same-origin-307", 8, "a redirect, which is not followed"),
    ("redirect-loop", 8, "a redirect, which is not followed"),
    ("redirect-without-location", 8, "a redirect, which is not followed"),
    ("status-400", 8, "400 (Bad Request) and no OAuth error in its body"),
    ("status-403", 8, "403 (Forbidden) and no OAuth error in its body"),
    ("status-404", 8, "check `token_endpoint`"),
    ("status-500", 9, "the server returned 500"),
    ("status-502", 9, "the server returned 502"),
    ("status-504", 9, "the server returned 504"),
];

/// What only the deadline ends.
const SLOW: [&str; 7] = [
    "black-hole",
    "stall-in-headers",
    "stall-in-body",
    "drip-headers",
    "drip-body",
    "drip-chunks",
    "stall-then-answer",
];

/// Logs in honestly, then once for each row at a server that answers a code like this. After each, what was
/// stored before is as it was; after all, it still works.
fn check(rows: &[Row]) {
    let home = Home::new();
    pasting(&home, "honest", "");
    paste(&home).ok();
    let before = home.run(["token"]).ok().stdout;
    for (part, code, words) in rows {
        let scenario = format!("code.{part}");
        pasting(&home, &scenario, "");
        let output = paste(&home).fails(*code);
        judge(&scenario, &output, words);
        pasting(&home, "honest", "");
        assert_eq!(home.run(["token", "--cached"]).ok().stdout, before, "{part}");
    }
    home.run(["refresh"]).ok();
    assert_no_secret(&home, hostile().secrets_minted());
    hostile().assert_canary_untouched();
}

fn judge(scenario: &str, output: &Output, words: &str) {
    let error = error(output);
    assert!(error.contains(words), "{scenario}: {words:?} not in\n{error}");
    assert!(harmless(&output.stderr), "{scenario}: {:?}", output.stderr);
    let sent = hostile().requests(scenario, "token").len();
    assert_eq!(sent, 1, "{scenario}: the code was sent {sent} times");
    assert_not_shown(&output.stderr, hostile().secrets_minted());
}

/// Fails where the server can do something that no row has.
fn assert_complete(table: &str, rows: &[Row], elsewhere: &[&str]) {
    for behaviour in hostile().behaviours(table) {
        let stem = behaviour.strip_suffix('N').unwrap_or(&behaviour);
        let named = rows
            .iter()
            .any(|(part, ..)| *part == behaviour || *part != stem && part.starts_with(stem));
        assert!(
            named || elsewhere.contains(&behaviour.as_str()),
            "no row for {table}: {behaviour}"
        );
    }
}

#[test]
fn invalid_token_response_changes_nothing() {
    assert_complete("reply", REPLIES, &[]);
    check(REPLIES);
}

#[test]
fn refusal_is_told_in_one_harmless_line() {
    let mut echoes = hostile().behaviours("reply-error");
    // Another test covers what is stored of a server's text.
    echoes.retain(|part| part.starts_with("error-echo-as-") || part.starts_with("error-words"));
    let elsewhere: Vec<&str> = echoes.iter().map(String::as_str).collect();
    assert_complete("reply-error", REFUSALS, &elsewhere);
    check(REFUSALS);
}

#[test]
fn answer_cut_anywhere_is_none() {
    let cuts: Vec<String> = (0..20).map(|n| format!("truncated-at-{}", n * 8 + 3)).collect();
    let rows: Vec<Row> = cuts.iter().map(|c| (&*c.clone().leak(), 7, "truncated JSON")).collect();
    check(&rows);
}

#[test]
fn broken_transport_costs_only_the_code() {
    let elsewhere = [&SLOW[..], &["length-and-chunked"]].concat();
    assert_complete("transport", TRANSPORT, &elsewhere);
    check(TRANSPORT);
}

#[test]
fn endless_response_is_ended() {
    let rows = SLOW.map(|part| {
        let home = Home::new();
        let scenario = format!("code.{part}~tag.slow");
        pasting(&home, &scenario, "");
        (begin_paste(&home), scenario, home)
    });
    for (running, scenario, home) in rows {
        let output = running.wait().fails(9);
        judge(&scenario, &output, "30 s");
        home.run(["token"]).fails(4);
    }
}

/// No downgrade: who asked for tokens bound to a key takes no others.
#[test]
fn bearer_token_is_none_where_dpop_is_wanted() {
    let home = Home::new();
    pasting(&home, "tag.dpop", "dpop = true\n");
    let output = paste(&home).fails(7);
    assert!(error(&output).contains("a Bearer token although"), "{}", output.stderr);
    home.run(["token"]).fails(4);
}
