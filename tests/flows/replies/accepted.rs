//! Token responses that deviate from the usual form and are accepted.

use serde_json::json;

use super::assert_all_tried;
use crate::support::shapes::*;
use crate::support::*;
use crate::user::*;

/// Transport that is unusual and accepted.
const TRANSPORT: &[&str] = &[
    "after-code.continue-first",
    "after-code.http-1-0",
    "after-code.close-race",
    "after-code.chunked-by-byte",
    "after-code.form-chunked",
    // The coding counts (RFC 9112, section 6.3); on a connection used once nothing can hide behind it.
    "after-code.length-and-chunked",
];

/// Responses that are right in an unusual form, and whether they have a lifetime.
fn unusual_replies() -> Vec<(&'static str, Shape, bool)> {
    let mut all = lifetimes();
    all.extend(
        unusual().into_iter().map(|(name, shape)| (name, shape, name != "expires-in-missing")),
    );
    let odd = odd().into_iter().filter(|(name, _)| {
        ["form", "scope-array", "scope-comma", "refresh-token-empty", "refresh-token-null"]
            .contains(name)
    });
    all.extend(odd.map(|(name, shape)| (name, shape, true)));
    all
}

/// Logs in, and checks the stored token.
#[track_caller]
fn accepted(home: &Home, name: &str, start: &str, has_lifetime: bool) -> Output {
    let output = paste(home).ok();
    let token = home.run(["token", "--cached", "--min-ttl", "0"]).ok();
    assert!(token.line().starts_with(start), "{name}: {}", token.stdout);
    let json = home.run(["token", "--json", "--cached", "--min-ttl", "0"]).ok().json();
    assert_eq!(json["expires_at"].is_string(), has_lifetime, "{name}: {json}");
    assert_eq!(json["token_type"], "Bearer", "{name}");
    output
}

#[test]
fn unusual_form_is_no_reason_to_refuse() {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("{PASTED}scopes = [\"api\", \"read\"]\n"));
    for (name, shape, has_lifetime) in unusual_replies() {
        server.reply(CODE_GRANT, &shape);
        let output = accepted(&home, name, "sandbox-access", has_lifetime);
        assert_not_shown(&output.stderr, server.secrets());
    }
    assert_no_secret(&home, server.secrets());
}

#[test]
fn unusual_transport_is_no_reason_to_refuse() {
    let parts = TRANSPORT.iter().map(|scenario| scenario.split_once('.').unwrap().1);
    assert_all_tried("raw-good", &parts.collect::<Vec<_>>());
    let (server, home) = (Scripted::start(), Home::new());
    let form = with_type("application/x-www-form-urlencoded", form());
    for (name, shape) in [("gzip", gzip()), ("form-gzip", both(form, gzip()))] {
        server.profile(&home, &format!("{PASTED}scopes = [\"api\", \"read\"]\n"));
        server.reply(CODE_GRANT, &shape);
        accepted(&home, name, "sandbox-access", true);
    }
    for scenario in TRANSPORT {
        pasting(&home, scenario, "scopes = [\"api\", \"read\"]\n");
        let output = accepted(&home, scenario, "CANARY-access_token-", true);
        assert_not_shown(&output.stderr, hostile().secrets_minted());
    }
    assert_no_secret(&home, hostile().secrets_minted());
}

/// What real servers send, against the RFC.
#[test]
fn odd_replies_are_accepted() {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
    for (name, shape) in odd() {
        server.reply(CODE_GRANT, &shape);
        let output = accepted(&home, name, "sandbox-access", true);
        assert_not_shown(&output.stderr, server.secrets());
    }
}

#[test]
fn missing_token_type_is_said_only_with_v() {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
    for grant_type in [CODE_GRANT, REFRESH_GRANT] {
        server.reply(grant_type, &without("token_type"));
    }
    assert!(!paste(&home).ok().stderr.contains("`token_type`"));
    assert_eq!(home.run(["token", "--force-refresh"]).ok().stderr, "");
    let said = home.run(["token", "--force-refresh", "-v"]).ok().stderr;
    assert!(said.contains("no `token_type`; the token is used as a Bearer token"), "{said}");
}

#[test]
fn narrower_grant_is_told_and_kept_as_granted() {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("{PASTED}scopes = [\"openid\", \"api\"]\n"));
    server.reply(CODE_GRANT, &set("scope", json!("openid")));
    let output = paste(&home).ok();
    assert!(output.stderr.contains("missing: api"), "{}", output.stderr);
    assert_eq!(home.run(["token", "--json"]).ok().json()["scope"], "openid");
    // A refresh asks for no more than that.
    home.run(["refresh"]).ok();
    let sent = server.requests(REFRESH_GRANT).pop().unwrap();
    assert!(!sent.form.contains_key("scope"), "{sent:?}");
}

/// A lifetime that makes no sense must not make every call refresh.
#[test]
fn invalid_lifetime_does_not_refresh_at_each_call() {
    for (name, shape, _) in lifetimes() {
        if ["300", "float", "2-64"].contains(&name) {
            continue;
        }
        let (server, home) = (Scripted::start(), Home::new());
        server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
        server.reply(CODE_GRANT, &shape);
        server.reply(REFRESH_GRANT, &shape);
        paste(&home).ok();
        let first = home.run(["token"]).ok().stdout;
        for _ in 0..5 {
            assert_eq!(home.run(["token"]).ok().stdout, first, "{name}");
        }
        assert_eq!(server.requests(REFRESH_GRANT).len(), 0, "{name}");
    }
}
