//! Possible responses to a refresh, with rotation: a readable refresh token is stored, whatever the rest of
//! the response contains (RFC 6749, section 6), and the id_token decides only whose login it is (OpenID
//! Connect Core, section 12.2).

use oauthctl_sandbox::Transport;
use serde_json::{Value, json};

use crate::identity::signing;
use crate::identity::tokens::{invalid_token, invalid_tokens};
use crate::replies::invalid::{invalid_reply, refusal};
use crate::support::shapes::{Named, body, odd, raw, redirect, sent, set, status, unusual};
use crate::support::signed::{Unsigned, changed, jwk, keys, written};
use crate::support::*;
use crate::user::*;

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

/// The server has accepted every refresh token, so many after the code: none was used twice, none was lost.
#[track_caller]
fn assert_all_accepted(scenario: &str, refreshes: usize) {
    let requests = hostile().requests(scenario, "token");
    assert_eq!(requests.len(), 1 + refreshes, "{scenario}");
    for request in requests {
        assert_eq!(request["verdict"], "ok", "{scenario}: {request}");
    }
}

const API: &str = "scopes = [\"api\"]\n";

/// Logged in at a server whose responses the test writes.
fn scripted() -> (Scripted, Home) {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("{PASTED}{API}"));
    paste(&home).ok();
    (server, home)
}

#[test]
fn odd_replies_to_a_refresh_lose_nothing() {
    let (server, home) = scripted();
    let all = odd().into_iter().chain(unusual());
    // Those that take the new refresh token out lose it at a server that rotates.
    let all: Vec<_> = all.filter(|(name, _)| !name.starts_with("refresh-token-")).collect();
    for (name, shape) in &all {
        server.reply(REFRESH_GRANT, shape);
        let output = home.run(["token", "--force-refresh"]).ok();
        assert!(output.line().starts_with("sandbox-access"), "{name}");
    }
    server.honest();
    home.run(["refresh"]).ok();
    server.assert_all_accepted(all.len() + 1);
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
    let (server, home) = scripted();
    for (name, code) in REFUSED {
        server.reply(REFRESH_GRANT, &invalid_reply(name));
        let output = home.run(["token", "--force-refresh"]).fails(code);
        assert_not_shown(&output.stderr, server.secrets());
        assert!(!error(&output).is_empty(), "{name}");
    }
    server.honest();
    home.run(["refresh"]).ok();
    server.assert_all_accepted(REFUSED.len() + 1);
    assert_no_secret(&home, server.secrets());
}

/// A refresh token that could break out of a line is not one.
#[test]
fn refresh_token_of_strange_characters_is_not_kept() {
    for name in ["refresh-token-newline", "refresh-token-number"] {
        let (server, home) = scripted();
        server.reply(REFRESH_GRANT, &invalid_reply(name));
        home.run(["refresh"]).fails(7);
        home.run(["refresh"]).fails(4);
        let sent = server.requests(REFRESH_GRANT);
        assert_eq!(sent[0].form["refresh_token"], sent[1].form["refresh_token"], "{name}");
    }
}

/// Half of one, at the end of a form of which nothing says where it ends.
#[test]
fn half_a_refresh_token_is_not_kept() {
    let scenario = each("after-refresh", &["form-cut-by-close"], "strange");
    let home = logged_in(&scenario, API);
    home.run(["refresh"]).fails(7);
    let sent = |n: usize| {
        let request = hostile().requests(&scenario, "token")[n].clone();
        let form = url::form_urlencoded::parse(request["body"].as_str().unwrap().as_bytes());
        form.into_owned().find(|(name, _)| name == "refresh_token").unwrap().1
    };
    home.run(["refresh"]).fails(4);
    assert_eq!(sent(1), sent(2));
}

#[test]
fn form_of_unknown_end_keeps_the_refresh_token() {
    let scenario = each("after-refresh", &["form-closed"], "form");
    let home = logged_in(&scenario, API);
    home.run(["refresh"]).fails(7);
    home.run(["refresh"]).ok();
    assert_all_accepted(&scenario, 2);
}

/// A transient failure that brought a refresh token hands out the stored token, like any other.
#[test]
fn failing_server_that_rotates_loses_nothing() {
    let (server, home) = scripted();
    server.reply(REFRESH_GRANT, &invalid_reply("token-in-500"));
    let before = home.run(["token"]).ok().stdout;
    let output = home.run(["token", "--min-ttl", "2h"]).ok();
    assert_eq!(output.stdout, before);
    assert!(output.stderr.contains("warning:"), "{}", output.stderr);
    home.run(["token", "--min-ttl", "2h"]).ok();
    server.honest();
    home.run(["refresh"]).ok();
    server.assert_all_accepted(3);
}

/// id_tokens at a refresh that are accepted there, for reasons of their own: there is none, a nonce is not needed, the
/// first one may be repeated while it lives.
const ACCEPTED: [&str; 6] =
    ["empty", "nonce-missing", "nonce-wrong", "nonce-empty", "iat-far-past", "repeated"];

/// id_tokens that name another issuer or subject.
fn others() -> Vec<Named> {
    let other = |token: Unsigned| token.claim("sub", json!("mallory"));
    let twice = move |mut token: Unsigned| {
        let once = token.claims.to_string();
        token.claims = json!(once.replacen('{', "{\"sub\":\"mallory\",", 1));
        token
    };
    let unknown = move |token| other(token).header("kid", json!("no-such-key")).by_other_key();
    let mut all = vec![
        ("sub-other", changed(other)),
        ("sub-twice", changed(twice)),
        ("iss-other", invalid_token("iss-wrong")),
        (
            "sub-other-unsigned",
            written(move |token| other(token).unsigned(json!({ "alg": "none" }), "")),
        ),
        ("sub-other-unknown-key", written(unknown)),
    ];
    for name in ["iss-wrong", "iss-slash", "signature-of-other-claims"] {
        all.push((name, invalid_token(name)));
    }
    all
}

#[test]
fn invalid_id_token_at_a_refresh_is_dropped() {
    let (server, home) = signing("");
    // Without the hash of its access token it can be repeated.
    server.reply(CODE_GRANT, &changed(|token| token.without("at_hash")));
    paste(&home).ok();
    let first = home.run(["token", "--json"]).ok().json();
    let mut all: Vec<Named> =
        invalid_tokens().into_iter().map(|row| (row.name, row.shape)).collect();
    all.retain(|(name, _)| !others().iter().any(|(other, _)| other == name));
    all.extend([
        ("repeated", set("id_token", first["id_token"].clone())),
        (
            "repeated-and-expired",
            changed(|token| token.moved(-7_200).claim("nonce", json!("first"))),
        ),
        ("honest", changed(|token| token)),
    ]);
    for (name, shape) in &all {
        server.reply(REFRESH_GRANT, shape);
        let output = home.run(["token", "--json", "--force-refresh"]).ok();
        let is_accepted = ACCEPTED.contains(name) || *name == "honest";
        let warned = output.stderr.contains("warning: the id_token was dropped");
        assert_eq!(warned, !is_accepted, "{name}: {}", output.stderr);
        assert_not_shown(&output.stderr, server.secrets());
        let json = output.json();
        assert_ne!(json["access_token"], first["access_token"], "{name}");
        let sub = jwt_part(json["id_token"].as_str().unwrap(), 1)["sub"].clone();
        assert_eq!(sub, jwt_part(first["id_token"].as_str().unwrap(), 1)["sub"], "{name}");
    }
    server.assert_all_accepted(all.len());
}

#[test]
fn keys_that_cannot_be_had_cost_only_the_id_token() {
    let other = |name: &str| {
        let mut key = jwk("k2");
        key["kid"] = json!(name);
        keys(vec![key])
    };
    let (server, home) = signing("");
    paste(&home).ok();
    // They are not those of the login.
    server.reply(REFRESH_GRANT, &changed(|token| token.header("kid", json!("k9"))));
    let all = [
        ("black-hole", sent(Transport::Stall)),
        ("status-404", status(404)),
        ("status-403", status(403)),
        ("redirect-302", redirect(302, &canary().origin)),
        ("status-502", status(502)),
        ("cut", raw(|it| it[..it.len() - 5].to_owned())),
        ("not-keys", body(r#"{"keys":"k9"}"#)),
        ("other-kid", other("k2")),
        ("wrong-key", other("k9")),
    ];
    for (name, shape) in &all {
        server.reply("jwks", shape);
        let output = home.run(["refresh"]).ok();
        let said = &output.stderr;
        assert!(said.contains("warning: the id_token was dropped"), "{name}: {said}");
    }
    server.assert_all_accepted(all.len());
    assert_canary_untouched();
    assert_eq!(server.requests_at("jwks").len(), 1 + all.len());
}

/// Minutes and days: nothing depends on the clock but the id_token.
#[test]
fn clock_that_is_wrong_costs_only_the_id_token() {
    let (server, home) = signing("");
    paste(&home).ok();
    for (offset, is_dropped) in
        [(-3 * 86_400, true), (-1_200, false), (1_200, true), (3 * 86_400, true)]
    {
        server.reply(REFRESH_GRANT, &changed(move |token| token.moved(offset)));
        let said = home.run(["refresh"]).ok().stderr;
        assert_eq!(said.contains("check the clock"), is_dropped, "{offset}: {said}");
    }
    server.reply(REFRESH_GRANT, &changed(|token| token));
    assert_eq!(home.run(["token", "--force-refresh"]).ok().stderr, "");
}

/// A response about another user: nothing is printed, the login ends, and logout revokes the most recent
/// token.
#[test]
fn id_token_of_another_user_ends_the_login() {
    for (name, shape) in others() {
        let (server, home) = signing("");
        paste(&home).ok();
        server.reply(REFRESH_GRANT, &shape);
        let output = home.run(["token", "--force-refresh"]).fails(7);
        assert!(error(&output).contains("id_token's `"), "{name}: {}", output.stderr);
        assert!(error(&output).contains("oauthctl login p"), "{name}: {}", output.stderr);
        assert_not_shown(&output.stderr, server.secrets());
        home.run(["token", "--min-ttl", "2h"]).fails(4);
        assert_eq!(server.requests_at("token").len(), 2, "{name}");
        home.run(["logout"]).ok();
        let newest =
            server.secrets().into_iter().rfind(|it| it.starts_with("sandbox-refresh")).unwrap();
        let revoked = server.requests_at("revoke");
        assert!(revoked.iter().any(|it| it.form["token"] == newest), "{name}: {revoked:?}");
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
    for (name, is_dead) in LOGIN_AGAIN {
        let (server, home) = scripted();
        server.refuse(REFRESH_GRANT, &refusal(name), 1);
        let refused = home.run(["token", "--min-ttl", "2h", "--json"]).fails(4);
        let said: Value = serde_json::from_str(refused.stderr.trim()).unwrap();
        assert_eq!(said["error"], "login_required", "{name}: {said}");
        assert_eq!(said["hint"], "run `oauthctl login p`", "{name}: {said}");
        let status = home.run(["status", "--json"]).ok().json();
        assert_eq!(status[0]["login_required"], true, "{name}: {status}");
        // The server is not asked again by itself, but a token that lives is still handed out.
        home.run(["token", "--min-ttl", "2h"]).fails(4);
        home.run(["token"]).ok();
        assert_eq!(server.requests(REFRESH_GRANT).len(), 1, "{name}");
        if is_dead {
            home.run(["refresh"]).fails(4);
            assert_eq!(server.requests(REFRESH_GRANT).len(), 1, "{name}");
        } else {
            home.run(["refresh"]).ok();
            let status = home.run(["status", "--json"]).ok().json();
            assert_eq!(status[0]["login_required"], false, "{name}: {status}");
        }
        paste(&home).ok();
        home.run(["refresh"]).ok();
    }
}

#[test]
fn refusal_that_a_login_cannot_mend_exits_with_8() {
    for name in ["invalid-client", "unauthorized-client", "grant-type-not-allowed", "invalid-scope"]
    {
        let (server, home) = scripted();
        server.refuse(REFRESH_GRANT, &refusal(name), 1);
        home.run(["refresh"]).fails(8);
        home.run(["refresh"]).ok();
    }
}

#[test]
fn refusal_that_asks_for_a_login_runs_the_hook() {
    let (server, home) = (Scripted::start(), Home::new());
    let ran = home.path("tmp/ran");
    let hook = format!("[profiles.p.hooks]\nlogin_required = [\"touch\", {ran:?}]\n");
    server.profile(&home, &format!("{PASTED}{API}{hook}"));
    paste(&home).ok();
    server.refuse(REFRESH_GRANT, &refusal("bad-refresh-token"), 1);
    home.run(["refresh"]).fails(4);
    assert!(ran.exists());
}

/// An id_token stays until it expires: beside a fresh access token an expired one would pass for its companion.
#[test]
fn expired_id_token_does_not_outlive_a_refresh() {
    for name in ["empty", "not-a-jwt"] {
        let (server, home) = signing("");
        server.reply(CODE_GRANT, &changed(|token| token.at("exp", -240)));
        server.reply(REFRESH_GRANT, &invalid_token(name));
        paste(&home).ok();
        assert!(home.run(["token", "--json"]).ok().json()["id_token"].is_string());
        let json = home.run(["token", "--json", "--force-refresh"]).ok().json();
        assert_eq!(json.get("id_token"), None, "{name}: {json}");
    }
}
