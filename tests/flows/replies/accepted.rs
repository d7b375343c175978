//! Token responses that deviate from the usual form and are accepted.

use crate::person::*;
use crate::support::*;

/// Answers that are right in an unusual dress, and whether they tell a lifetime.
#[rustfmt::skip]
const GOOD: &[(&str, &str, bool)] = &[
    ("reply-good", "code.token-type-case", true),
    ("reply-good", "code.expires-in-string", true),
    ("reply-good", "code.expires-in-missing", false),
    ("reply-good", "code.scope-missing", true),
    ("reply-good", "code.scope-less", true),
    ("reply-good", "code.scope-more", true),
    ("reply-good", "code.unknown-members", true),
    ("reply-good", "code.charset", true),
    ("reply-good", "code.pretty", true),
    ("reply-good", "code.token-64-kib", true),
    ("reply-good", "code.token-256-kib", true),
    ("reply-good", "code.token-shell", true),
    ("reply-odd", "code.form", true),
    ("reply-odd", "code.scope-array", true),
    ("reply-odd", "code.scope-comma", true),
    ("reply-odd", "code.refresh-token-empty", true),
    ("reply-odd", "code.refresh-token-null", true),
    ("transport-good", "code.continue-first", true),
    ("transport-good", "code.http-1-0", true),
    ("transport-good", "code.close-race", true),
    ("transport-good", "code.chunked-by-byte", true),
    ("transport-good", "code.gzip", true),
    ("transport-good", "code.form-gzip", true),
    ("transport-good", "code.form-chunked", true),
    // The coding counts (RFC 9112, section 6.3); on a connection used once nothing can hide behind it.
    ("transport", "after-code.length-and-chunked", true),
    ("reply-expires", "code.expires-in-300", true),
    ("reply-expires", "code.expires-in-0", false),
    ("reply-expires", "code.expires-in-negative", false),
    ("reply-expires", "code.expires-in-float", true),
    ("reply-expires", "code.expires-in-1e308", true),
    ("reply-expires", "code.expires-in-2-63", true),
    ("reply-expires", "code.expires-in-2-64", true),
    ("reply-expires", "code.expires-in-null", false),
    ("reply-expires", "code.expires-in-word", false),
    ("reply-expires", "code.expires-in-empty", false),
    ("reply-expires", "code.expires-in-array", false),
];

#[test]
fn unusual_dress_is_no_reason_to_refuse() {
    let home = Home::new();
    for (_, scenario, has_lifetime) in GOOD {
        pasting(&home, scenario, "scopes = [\"api\", \"read\"]\n");
        let output = paste(&home).ok();
        assert_not_shown(&output.stderr, hostile().secrets_minted());
        let token = home.run(["token", "--cached", "--min-ttl", "0"]).ok();
        assert!(token.line().starts_with("CANARY-access_token-"), "{scenario}: {}", token.stdout);
        let json = home.run(["token", "--json", "--cached", "--min-ttl", "0"]).ok().json();
        assert_eq!(json["expires_at"].is_string(), *has_lifetime, "{scenario}: {json}");
        assert_eq!(json["token_type"], "Bearer", "{scenario}");
    }
    assert_no_secret(&home, hostile().secrets_minted());
}

/// What real servers send, against the RFC.
#[test]
fn odd_replies_are_accepted() {
    let home = Home::new();
    for part in hostile().behaviours("reply-odd") {
        pasting(&home, &format!("code.{part}~tag.odd"), "scopes = [\"api\"]\n");
        let output = paste(&home).ok();
        assert_not_shown(&output.stderr, hostile().secrets_minted());
        let json = home.run(["token", "--json", "--cached"]).ok().json();
        assert_eq!(json["token_type"], "Bearer", "{part}");
        assert!(json["access_token"].as_str().unwrap().starts_with("CANARY-access_token-"));
    }
}

#[test]
fn missing_token_type_is_said_only_with_v() {
    let home = Home::new();
    pasting(&home, "token.token-type-missing~tag.v", "scopes = [\"api\"]\n");
    assert!(!paste(&home).ok().stderr.contains("`token_type`"));
    assert_eq!(home.run(["token", "--force-refresh"]).ok().stderr, "");
    let said = home.run(["token", "--force-refresh", "-v"]).ok().stderr;
    assert!(said.contains("no `token_type`; the token is used as a Bearer token"), "{said}");
}

#[test]
fn narrower_grant_is_told_and_kept_as_granted() {
    let home = Home::new();
    pasting(&home, "code.scope-less~tag.narrow", "scopes = [\"openid\", \"api\"]\n");
    let output = paste(&home).ok();
    assert!(output.stderr.contains("missing: api"), "{}", output.stderr);
    assert_eq!(home.run(["token", "--json"]).ok().json()["scope"], "openid");
    // A refresh asks for no more than that.
    home.run(["refresh"]).ok();
    let scenario = "code.scope-less~tag.narrow";
    let sent = hostile().requests(scenario, "token").pop().unwrap();
    assert_eq!(sent["grant_type"], "refresh_token");
    let form = url::form_urlencoded::parse(sent["body"].as_str().unwrap().as_bytes());
    assert!(form.into_owned().all(|(name, _)| name != "scope"), "{sent}");
}

/// A lifetime that makes no sense must not make every call refresh.
#[test]
fn invalid_lifetime_does_not_refresh_at_each_call() {
    for part in ["0", "negative", "1e308", "2-63", "null", "word", "array"] {
        let scenario = format!("token.expires-in-{part}~tag.calls");
        let home = Home::new();
        pasting(&home, &scenario, "");
        paste(&home).ok();
        let first = home.run(["token"]).ok().stdout;
        for _ in 0..5 {
            assert_eq!(home.run(["token"]).ok().stdout, first, "{part}");
        }
        assert_eq!(hostile().requests(&scenario, "token").len(), 1, "{part}");
    }
}
