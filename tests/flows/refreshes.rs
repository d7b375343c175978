//! Possible responses to a refresh, with rotation: a readable refresh token is stored, whatever the rest of
//! the response contains (RFC 6749, section 6), and the id_token decides only whose login it is (OpenID
//! Connect Core, section 12.2).

use serde_json::Value;

use crate::person::*;
use crate::support::*;

/// A scenario that does each of these at one refresh, one after the other, with its own name.
fn each(place: &str, parts: &[impl AsRef<str>], tag: &str) -> String {
    let parts = parts.iter().map(|part| format!("{place}.{}.1", part.as_ref()));
    parts.chain([format!("tag.{tag}")]).collect::<Vec<_>>().join("~")
}

fn logged_in(scenario: &str, more: &str) -> Home {
    let home = Home::new();
    pasting(&home, scenario, more);
    paste(&home).ok();
    home
}

/// The server has accepted every refresh token: none was used twice, none was lost.
fn assert_all_accepted(scenario: &str) {
    for request in hostile().requests(scenario, "token") {
        assert_eq!(request["verdict"], "ok", "{scenario}: {request}");
    }
}

const API: &str = "scopes = [\"api\"]\n";

#[test]
fn odd_replies_to_a_refresh_lose_nothing() {
    let mut parts = hostile().behaviours("reply-odd");
    parts.extend(hostile().behaviours("reply-good"));
    // Those that take the new refresh token out lose it at a server that rotates.
    parts.retain(|part| !part.starts_with("refresh-token-"));
    let scenario = each("refresh", &parts, "odd");
    let home = logged_in(&scenario, API);
    for part in &parts {
        let output = home.run(["token", "--force-refresh"]).ok();
        assert!(output.line().starts_with("CANARY-access_token-"), "{part}");
    }
    home.run(["refresh"]).ok();
    assert_all_accepted(&scenario);
}

/// Replies that are refused, of which the refresh token can be read, and the exit codes.
const REFUSED: [(&str, i32); 21] = [
    ("trailing-junk", 7),
    ("trailing-object", 7),
    ("duplicate-access-token", 7),
    ("deep-100k", 7),
    ("access-token-missing", 7),
    ("access-token-empty", 7),
    ("access-token-null", 7),
    ("access-token-number", 7),
    ("access-token-newline", 7),
    ("access-token-escape", 7),
    ("scope-newline", 7),
    ("scope-escape", 7),
    ("token-type-mac", 7),
    ("token-type-n-a", 7),
    ("token-type-empty", 7),
    ("token-type-number", 7),
    ("token-type-dpop", 7),
    ("error-beside-token", 8),
    ("token-in-400", 4),
    ("token-in-500", 9),
    ("token-in-302", 8),
];

#[test]
fn refused_reply_keeps_its_refresh_token() {
    let parts = REFUSED.map(|(part, _)| part);
    let scenario = each("refresh", &parts, "refused");
    let home = logged_in(&scenario, API);
    for (part, code) in REFUSED {
        let output = home.run(["token", "--force-refresh"]).fails(code);
        assert_not_shown(&output.stderr, hostile().secrets_minted());
        assert!(!error(&output).is_empty(), "{part}");
    }
    home.run(["refresh"]).ok();
    assert_all_accepted(&scenario);
    assert_no_secret(&home, hostile().secrets_minted());
}

/// A refresh token that could break out of a line is not one.
#[test]
fn refresh_token_of_strange_characters_is_not_kept() {
    for (place, part) in [
        ("refresh", "refresh-token-newline"),
        ("refresh", "refresh-token-number"),
        // Half of one, at the end of a form of which nothing says where it ends.
        ("after-refresh", "form-cut-by-close"),
    ] {
        let scenario = each(place, &[part], "strange");
        let home = logged_in(&scenario, API);
        home.run(["refresh"]).fails(7);
        let sent = |n: usize| {
            let request = hostile().requests(&scenario, "token")[n].clone();
            let form = url::form_urlencoded::parse(request["body"].as_str().unwrap().as_bytes());
            form.into_owned().find(|(name, _)| name == "refresh_token").unwrap().1
        };
        home.run(["refresh"]).fails(4);
        assert_eq!(sent(1), sent(2), "{part}");
    }
}

#[test]
fn form_of_unknown_end_keeps_the_refresh_token() {
    let scenario = each("after-refresh", &["form-closed"], "form");
    let home = logged_in(&scenario, API);
    home.run(["refresh"]).fails(7);
    home.run(["refresh"]).ok();
    assert_all_accepted(&scenario);
}

/// A transient failure that brought a refresh token hands out the stored token, like any other.
#[test]
fn failing_server_that_rotates_loses_nothing() {
    let scenario = each("refresh", &["token-in-500", "token-in-500"], "failing");
    let home = logged_in(&scenario, API);
    let before = home.run(["token"]).ok().stdout;
    let output = home.run(["token", "--min-ttl", "2h"]).ok();
    assert_eq!(output.stdout, before);
    assert!(output.stderr.contains("warning:"), "{}", output.stderr);
    home.run(["token", "--min-ttl", "2h"]).ok();
    home.run(["refresh"]).ok();
    assert_all_accepted(&scenario);
}

/// id_tokens at a refresh that are accepted there, for reasons of their own: there is none, a nonce is not needed, the
/// first one may be repeated while it lives.
const ACCEPTED: [&str; 6] =
    ["empty", "nonce-missing", "nonce-wrong", "nonce-empty", "iat-far-past", "repeated"];

/// id_tokens that name another issuer or subject.
const OTHERS: [&str; 8] = [
    "sub-other",
    "sub-twice",
    "iss-other",
    "sub-other-unsigned",
    "sub-other-unknown-key",
    "iss-wrong",
    "iss-slash",
    "signature-of-other-claims",
];

#[test]
fn invalid_id_token_at_a_refresh_is_dropped() {
    let mut parts = hostile().behaviours("id-token");
    parts.extend(hostile().behaviours("refresh-id-token"));
    parts.retain(|part| !OTHERS.contains(&part.as_str()));
    let scenario = each("refresh-id-token", &parts, "dropped");
    let home = logged_in(&scenario, OPENID);
    let first = home.run(["token", "--json"]).ok().json();
    for part in &parts {
        let output = home.run(["token", "--json", "--force-refresh"]).ok();
        let is_accepted = ACCEPTED.contains(&part.as_str()) || part == "honest";
        let warned = output.stderr.contains("warning: the id_token was dropped");
        assert_eq!(warned, !is_accepted, "{part}: {}", output.stderr);
        assert_not_shown(&output.stderr, hostile().secrets_minted());
        let json = output.json();
        assert_ne!(json["access_token"], first["access_token"], "{part}");
        let sub = jwt_part(json["id_token"].as_str().unwrap(), 1)["sub"].clone();
        assert_eq!(sub, jwt_part(first["id_token"].as_str().unwrap(), 1)["sub"], "{part}");
    }
    assert_all_accepted(&scenario);
    hostile().assert_canary_untouched();
}

/// What the server says of its keys at a refresh, which are not those of the login.
const KEYS: [&str; 9] = [
    "jwks.black-hole",
    "jwks.status-404",
    "jwks.status-403",
    "jwks.redirect-302",
    "jwks.status-502",
    "jwks.length-short",
    "jwks.not-keys",
    "jwks.other-kid",
    "jwks.wrong-key",
];

#[test]
fn keys_that_cannot_be_had_cost_only_the_id_token() {
    let scenario = "refresh-id-token.honest~tag.keys";
    let home = logged_in(scenario, OPENID);
    for keys in KEYS {
        let uri = format!("jwks_uri = \"{}/jwks\"\n", hostile().issuer(keys));
        pasting(&home, scenario, &format!("{OPENID}{uri}"));
        let output = home.run(["refresh"]).ok();
        let said = &output.stderr;
        assert!(said.contains("warning: the id_token was dropped"), "{keys}: {said}");
    }
    assert_all_accepted(scenario);
}

/// Minutes and days: nothing depends on the clock but the id_token.
#[test]
fn clock_that_is_wrong_costs_only_the_id_token() {
    let server = Servers::hostile();
    let scenario = "refresh-id-token.honest~tag.clock";
    let mut home = Home::new();
    home.profile("p", &server.issuer(scenario), "cli", OPENID);
    home.login("p");
    for (offset, is_dropped) in
        [(-3 * 86_400, true), (-1_200, false), (1_200, true), (3 * 86_400, true)]
    {
        server.clock(offset);
        let said = home.run(["refresh"]).ok().stderr;
        assert_eq!(said.contains("check the clock"), is_dropped, "{offset}: {said}");
    }
    server.clock(0);
    assert_eq!(home.run(["token", "--force-refresh"]).ok().stderr, "");
}

/// A response about another user: nothing is printed, the login ends, and logout revokes the most recent
/// token.
#[test]
fn id_token_of_another_user_ends_the_login() {
    for part in OTHERS {
        let scenario = format!("refresh-id-token.{part}~tag.others");
        let home = logged_in(&scenario, OPENID);
        let output = home.run(["token", "--force-refresh"]).fails(7);
        assert!(error(&output).contains("id_token's `"), "{part}: {}", output.stderr);
        assert!(error(&output).contains("oauthctl login p"), "{part}: {}", output.stderr);
        assert_not_shown(&output.stderr, hostile().secrets_minted());
        home.run(["token", "--min-ttl", "2h"]).fails(4);
        assert_eq!(hostile().requests(&scenario, "token").len(), 2, "{part}");
        home.run(["logout"]).ok();
        let newest = hostile().newest_of(&scenario, "refresh_token");
        let revoked = hostile().requests(&scenario, "revoke");
        let is_newest = |r: &Value| r["body"].as_str().unwrap().contains(&newest);
        assert!(revoked.iter().any(is_newest), "{part}: {revoked:?}");
    }
}

/// What servers say when the user must log in again, and whether the refresh token is dead for good.
const LOGIN_AGAIN: [(&str, bool); 13] = [
    ("invalid-grant", true),
    ("error-in-200", true),
    ("bad-refresh-token", true),
    ("invalid-refresh-token", true),
    ("token-expired", true),
    ("token-revoked", true),
    ("error-unknown", false),
    ("consent-required", false),
    ("login-required", false),
    ("refresh-token-is-invalid", false),
    ("empty-400", false),
    ("empty-401", false),
    ("error-number", false),
];

#[test]
fn refusal_that_asks_for_a_login_exits_with_4() {
    for (part, is_dead) in LOGIN_AGAIN {
        let scenario = format!("refresh.{part}.1~tag.again");
        let home = logged_in(&scenario, API);
        let refused = home.run(["token", "--min-ttl", "2h", "--json"]).fails(4);
        let said: Value = serde_json::from_str(refused.stderr.trim()).unwrap();
        assert_eq!(said["error"], "login_required", "{part}: {said}");
        assert_eq!(said["hint"], "run `oauthctl login p`", "{part}: {said}");
        let status = home.run(["status", "--json"]).ok().json();
        assert_eq!(status[0]["login_required"], true, "{part}: {status}");
        // The server is not asked again by itself, but a token that lives is still handed out.
        home.run(["token", "--min-ttl", "2h"]).fails(4);
        home.run(["token"]).ok();
        assert_eq!(hostile().requests(&scenario, "token").len(), 2, "{part}");
        if is_dead {
            home.run(["refresh"]).fails(4);
            assert_eq!(hostile().requests(&scenario, "token").len(), 2, "{part}");
        } else {
            home.run(["refresh"]).ok();
            let status = home.run(["status", "--json"]).ok().json();
            assert_eq!(status[0]["login_required"], false, "{part}: {status}");
        }
        pasting(&home, &scenario, API);
        paste(&home).ok();
        home.run(["refresh"]).ok();
    }
}

#[test]
fn refusal_that_a_login_cannot_mend_exits_with_8() {
    for part in ["invalid-client", "unauthorized-client", "grant-type-not-allowed", "invalid-scope"]
    {
        let scenario = format!("refresh.{part}.1~tag.client");
        let home = logged_in(&scenario, API);
        home.run(["refresh"]).fails(8);
        home.run(["refresh"]).ok();
    }
}

#[test]
fn refusal_that_asks_for_a_login_runs_the_hook() {
    let home = Home::new();
    let ran = home.path("tmp/ran");
    let hook = format!("[profiles.p.hooks]\nlogin_required = [\"touch\", {ran:?}]\n");
    pasting(&home, "refresh.bad-refresh-token~tag.hook", &format!("{API}{hook}"));
    paste(&home).ok();
    home.run(["refresh"]).fails(4);
    assert!(ran.exists());
}

/// An id_token stays until it expires: beside a fresh access token an expired one would pass for its companion.
#[test]
fn expired_id_token_does_not_outlive_a_refresh() {
    for part in ["empty", "not-a-jwt"] {
        let scenario = format!("id-token.exp-past-4-min~refresh-id-token.{part}~tag.stale");
        let home = logged_in(&scenario, OPENID);
        assert!(home.run(["token", "--json"]).ok().json()["id_token"].is_string());
        let json = home.run(["token", "--json", "--force-refresh"]).ok().json();
        assert_eq!(json.get("id_token"), None, "{part}: {json}");
    }
}
