//! Possible responses of the token endpoint (RFC 6749, sections 5.1 and 5.2; RFC 9110), and their result:
//! an exit code, a message, nothing printed, nothing stored, and the code sent once.

mod accepted;
mod again;
mod echoed;
pub mod invalid;

use invalid::{Row as Reply, cut, invalid, refusals, row};

use crate::support::shapes::*;
use crate::support::*;
use crate::user::*;

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
    ("endless-chunks", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB"),
    ("headers-endless", 9, "the head of the response from 127.0.0.1"),
];

/// A moment that a request could wait for, as HTTP writes it.
fn in_two_seconds() -> String {
    let mut date = std::process::Command::new("date");
    date.env("LC_ALL", "C").args(["-u", "-d", "2 seconds", "+%a, %d %b %Y %H:%M:%S GMT"]);
    String::from_utf8(date.output().unwrap().stdout).unwrap().trim_end().to_owned()
}

/// What those on the way can respond.
fn away() -> Vec<Reply> {
    let moved = "a redirect, which is not followed";
    let (unavailable, limited) = (
        "the server returned 503 (Service Unavailable)",
        "the server returned 429 (Too Many Requests)",
    );
    let challenge = |name, code| with_header(name, "Basic realm=\"x\"", status(code));
    let mut all = vec![
        row(
            "gzip-bomb",
            9,
            "the body of the response from 127.0.0.1 exceeds 1024 KiB",
            gzip_bomb(),
        ),
        row(
            "gzip-broken",
            9,
            "the response from 127.0.0.1 was interrupted: unexpected end of file",
            gzip_broken(),
        ),
        row(
            "basic-challenge",
            8,
            "401 (Unauthorized) and no OAuth error in its body",
            challenge("www-authenticate", 401),
        ),
        row(
            "proxy-challenge",
            8,
            "407 and no OAuth error in its body",
            challenge("proxy-authenticate", 407),
        ),
        row("busy-1", 9, unavailable, busy(503, "1")),
        row("busy-date", 9, unavailable, busy(503, in_two_seconds())),
        row("busy-past", 9, unavailable, busy(503, "Fri, 31 Dec 1999 23:59:59 GMT")),
        row("busy-negative", 9, unavailable, busy(503, "-1")),
        row("busy-junk", 9, unavailable, busy(503, "soon\u{e9}")),
        row("limit-1", 9, limited, busy(429, "1")),
        row("limit", 9, limited, status(429)),
        row("redirect-same-origin-307", 8, moved, redirect_here(307)),
        row("redirect-without-location", 8, moved, with_status(302, body(""))),
        row("status-400", 8, "400 (Bad Request) and no OAuth error in its body", status(400)),
        row("status-403", 8, "403 (Forbidden) and no OAuth error in its body", status(403)),
        row("status-404", 8, "check `token_endpoint`", status(404)),
        row("status-500", 9, "the server returned 500", status(500)),
        row("status-502", 9, "the server returned 502", status(502)),
        row("status-504", 9, "the server returned 504", status(504)),
    ];
    all.extend(
        [301, 302, 303, 307, 308]
            .map(|code| row("redirect", 8, moved, redirect(code, &canary().origin))),
    );
    all
}

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

/// Fails where a table of the server has something that no test tries.
#[track_caller]
pub fn assert_all_tried(table: &str, tried: &[&str]) {
    for fault in hostile().behaviours(table) {
        let (stem, is_numbered) = match fault.strip_suffix('N') {
            Some(stem) => (stem, true),
            None => (&*fault, false),
        };
        let is_it = |tried: &&str| *tried == fault || is_numbered && tried.starts_with(stem);
        assert!(tried.iter().any(is_it), "nothing tries {fault} of {table}");
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
fn truncated_reply_is_refused_wherever_it_ends() {
    let cuts = (0..20).map(|n| row("cut", 7, "truncated JSON", cut(n * 8 + 3)));
    check(&cuts.collect::<Vec<_>>());
}

#[test]
fn broken_transport_costs_only_the_code() {
    let here = TRANSPORT.iter().map(|(part, ..)| *part).chain(SLOW);
    assert_all_tried("raw", &here.chain(["length-and-chunked"]).collect::<Vec<_>>());
    check_transport(TRANSPORT);
    check(&away());
    assert_canary_untouched();
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
fn bearer_token_is_refused_if_dpop_is_set() {
    let home = Home::new();
    pasting(&home, "tag.dpop", "dpop = true\n");
    let output = paste(&home).fails(7);
    assert!(error(&output).contains("a Bearer token although"), "{}", output.stderr);
    home.run(["token"]).fails(4);
}
