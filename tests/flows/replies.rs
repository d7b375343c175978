//! Possible responses of the token endpoint (RFC 6749, sections 5.1 and 5.2; RFC 9110), and their result:
//! an exit code, a message, nothing printed, nothing stored, and the code sent once.

mod accepted;
mod again;
mod echoed;
pub mod invalid;

use invalid::{Row as Reply, cut, invalid, refusals, row};

use crate::person::*;
use crate::support::*;

/// A scenario's part, the exit code, and words of the error.
type Row = (&'static str, i32, &'static str);

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

/// Logs in honestly, then once for each row at a server that replies to a code like this. After each, what was
/// stored before is as it was; after all, it still works.
fn check(rows: &[Reply]) {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
    paste(&home).ok();
    let before = home.run(["token"]).ok().stdout;
    for (number, row) in rows.iter().enumerate() {
        server.reply(CODE_GRANT, &row.shape);
        let output = paste(&home).fails(row.code);
        check_output(row.name, &output, row.words);
        assert_eq!(server.requests(CODE_GRANT).len(), number + 2, "{}: codes sent", row.name);
        assert_not_shown(&output.stderr, server.secrets());
        assert_eq!(home.run(["token", "--cached"]).ok().stdout, before, "{}", row.name);
    }
    home.run(["refresh"]).ok();
    assert_no_secret(&home, server.secrets());
}

fn check_output(name: &str, output: &Output, words: &str) {
    let error = error(output);
    assert!(error.contains(words), "{name}: {words:?} not in\n{error}");
    assert!(harmless(&output.stderr), "{name}: {:?}", output.stderr);
}

/// The same for rows of the misbehaving server.
fn check_transport(rows: &[Row]) {
    let home = Home::new();
    pasting(&home, "honest", "");
    paste(&home).ok();
    let before = home.run(["token"]).ok().stdout;
    for (part, code, words) in rows {
        let scenario = format!("code.{part}");
        pasting(&home, &scenario, "");
        let output = paste(&home).fails(*code);
        check_transport_output(&scenario, &output, words);
        pasting(&home, "honest", "");
        assert_eq!(home.run(["token", "--cached"]).ok().stdout, before, "{part}");
    }
    home.run(["refresh"]).ok();
    assert_no_secret(&home, hostile().secrets_minted());
    hostile().assert_canary_untouched();
}

fn check_transport_output(scenario: &str, output: &Output, words: &str) {
    check_output(scenario, output, words);
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
    check(&invalid());
}

#[test]
fn refusal_is_told_in_one_harmless_line() {
    check(&refusals());
}

#[test]
fn answer_cut_anywhere_is_none() {
    let cuts = (0..20).map(|n| row("cut", 7, "truncated JSON", cut(n * 8 + 3)));
    check(&cuts.collect::<Vec<_>>());
}

#[test]
fn broken_transport_costs_only_the_code() {
    let elsewhere = [&SLOW[..], &["length-and-chunked"]].concat();
    assert_complete("transport", TRANSPORT, &elsewhere);
    check_transport(TRANSPORT);
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
        check_transport_output(&scenario, &output, "30 s");
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
