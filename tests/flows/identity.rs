//! id_tokens and the keys that verify them (OpenID Connect Core, section 3.1.3.7; RFC 8725): every defect
//! ends the login with exit code 7 and nothing stored.

pub mod tokens;

use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, Transport};
use serde_json::json;

use crate::replies::invalid::{Row as Reply, invalid_reply, row};
use crate::support::shapes::*;
use crate::support::signed::{SECRET, changed, jwk, keys, weak_jwk, written};
use crate::support::*;
use crate::user::*;
use tokens::{invalid_keys, invalid_token, invalid_tokens, kidless, unusual_keys, unusual_tokens};

/// How the login names the user of the id_token.
const NAMED: &str = " as person-1";

/// A weak key signs.
fn weak_token() -> Reply {
    let words =
        "invalid signature of the id_token: no published key created it (`kid` `k1`, RS256)";
    row("key-weak", 7, words, written(|token| token.by_weak_key()))
}

/// A weak key is published.
fn weak_key() -> Reply {
    let words = "the id_token is signed with a weak RSA key (`kid` `k1`, 1024 bits, but at least 2048 are required)";
    row("weak", 7, words, keys(vec![weak_jwk()]))
}

/// Faults on the way to the keys.
fn keys_away() -> Vec<Reply> {
    let moved = "redirects are not followed";
    vec![
        row("redirect-302", 7, moved, redirect(302, &canary().origin)),
        row("redirect-307", 7, moved, redirect(307, &canary().origin)),
        row("redirect-same-origin-307", 7, moved, redirect_here(307)),
        row("status-404", 7, "check `jwks_uri`", status(404)),
        row("status-502", 9, "the server returned status 502 for its keys", status(502)),
        row("reset-before", 9, "reset the connection", sent(Transport::Reset)),
        row("cut", 7, "the JWK Set is not JSON", raw(|it| it[..it.len() - 5].to_owned())),
        row("gzip-bomb", 9, "exceeds 1024 KiB", gzip_bomb()),
    ]
}

/// A server whose id_tokens and keys are those of the test, and a home with the profile `p` there.
pub fn signing(more: &str) -> (Scripted, Home) {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("{PASTED}{OPENID}{more}"));
    server.reply("metadata", &set("id_token_signing_alg_values_supported", json!(["RS256"])));
    server.reply("jwks", &keys(vec![jwk("k1")]));
    for grant_type in [CODE_GRANT, REFRESH_GRANT] {
        server.reply(grant_type, &changed(|token| token));
    }
    (server, home)
}

/// Logs in honestly, then once for each row. After each, what was stored before is as it was.
fn check(place: &'static str, rows: &[Reply]) {
    let (server, home) = signing("");
    paste(&home).ok();
    let before = home.run(["token"]).ok().stdout;
    for row in rows {
        server.reply(place, &row.shape);
        let output = paste(&home).fails(row.code);
        let error = error(&output);
        assert!(error.contains(row.words), "{}: {:?} not in\n{error}", row.name, row.words);
        assert_not_shown(&output.stderr, server.secrets());
        assert_eq!(home.run(["token", "--cached"]).ok().stdout, before, "{}", row.name);
    }
    assert_canary_untouched();
    assert_no_secret(&home, server.secrets());
}

#[test]
fn invalid_id_token_ends_the_login() {
    check(CODE_GRANT, &invalid_tokens());
    check(CODE_GRANT, &[weak_token()]);
}

#[test]
fn refused_login_revokes_its_tokens() {
    let code = |name| (CODE_GRANT, invalid_token(name));
    for ((place, shape), code, expected) in [
        (code("nonce-missing"), 7, &["refresh_token"][..]),
        (code("signature-bad"), 7, &["refresh_token"]),
        (code("empty"), 7, &["refresh_token"]),
        (("jwks", status(502)), 9, &["refresh_token"]),
        (code("sub-empty"), 7, &["refresh_token", "access_token"]),
    ] {
        let (server, home) = signing("");
        server.reply(place, &shape);
        if expected.len() == 2 {
            server.refuse("revoke", &oauth_error("unsupported_token_type", 400), 1);
        }
        let said = paste(&home).fails(code).stderr;
        assert!(!said.contains("could not be revoked"), "{said}");
        let revoked = server.requests_at("revoke");
        let hints: Vec<&str> =
            revoked.iter().map(|asked| &*asked.form["token_type_hint"]).collect();
        assert_eq!(hints, expected);
        for asked in &revoked {
            assert_eq!(asked.form["token"], server.newest(&asked.form["token_type_hint"]));
        }
        home.run(["token"]).fails(4);
    }
}

/// The same where the response itself is refused, or has no refresh token.
#[test]
fn refused_token_response_revokes_its_tokens() {
    let absent = set("refresh_token", serde_json::Value::Null);
    for (name, scenario, shape, expected) in [
        ("token-type-mac", "", invalid_reply("token-type-mac"), "refresh"),
        ("access-token-newline", "", invalid_reply("access-token-newline"), "refresh"),
        ("refresh-token-newline", "", invalid_reply("refresh-token-newline"), "access"),
        ("refresh-token-null", "id-token-wrong-aud", absent, "access"),
    ] {
        let (server, home) = (Scripted::start(), Home::new());
        let issuer = match scenario {
            "" => server.issuer().to_owned(),
            scenario => server.issuer_with(scenario),
        };
        home.profile("p", &issuer, "cli", &format!("{PASTED}{OPENID}"));
        server.reply(CODE_GRANT, &shape);
        let said = paste(&home).fails(7).stderr;
        assert!(!said.contains("could not be revoked"), "{name}: {said}");
        let revoked = server.requests_at("revoke");
        assert_eq!(revoked.len(), 1, "{name}: {revoked:?}");
        assert_eq!(revoked[0].form["token_type_hint"], format!("{expected}_token"), "{name}");
        assert!(revoked[0].form["token"].starts_with(&format!("sandbox-{expected}")), "{name}");
        home.run(["token"]).fails(4);
    }
}

/// That the tokens live on is said beside what was wrong, which stays the error.
#[test]
fn failed_revocation_hides_no_error() {
    for (name, shape) in [
        ("refused", oauth_error("invalid_request", 400)),
        ("status-500", status(500)),
        ("reset-before", sent(Transport::Reset)),
        ("black-hole", sent(Transport::Stall)),
    ] {
        let (server, home) = signing("");
        server.reply(CODE_GRANT, &invalid_token("nonce-missing"));
        server.refuse("revoke", &shape, usize::MAX);
        let output = paste(&home).fails(7);
        let error = error(&output);
        assert!(error.contains("the id_token has no `nonce`"), "{name}: {error}");
        assert!(error.contains("remove `openid` from `scopes`"), "{name}: {error}");
        assert!(error.contains("the tokens that were issued could not be revoked: "), "{error}");
    }
}

#[test]
fn invalid_keys_end_the_login() {
    check("jwks", &invalid_keys());
    check("jwks", &[weak_key()]);
    check("jwks", &keys_away());
}

#[test]
fn unusual_valid_id_token_identifies_the_user() {
    let (server, home) = signing("");
    let check = |name: &str| {
        let output = paste(&home).ok();
        assert!(output.stderr.contains(NAMED), "{name}: {}", output.stderr);
        let login = home.run(["token", "--json"]).ok().json();
        let claims = jwt_part(login["id_token"].as_str().unwrap(), 1);
        assert_eq!(claims["sub"], "person-1", "{name}: {claims}");
        assert!(!output.stderr.contains("warning"), "{name}: {}", output.stderr);
    };
    for (name, shape) in unusual_tokens() {
        server.reply(CODE_GRANT, &shape);
        check(name);
    }
    for (name, shape) in unusual_keys() {
        server.reply("jwks", &shape);
        for shape in [changed(|token| token), changed(kidless)] {
            // Two keys that fit, and no name, are tried one after the other.
            server.reply(CODE_GRANT, &shape);
            check(name);
        }
    }
    assert_canary_untouched();
}

/// Each refusal names the setting; with it, as the hint spells it, the same server's login works.
#[test]
fn id_token_setting_of_the_hint_makes_login_work() {
    let (server, mut home) = signing("");
    home.set("SECRET", SECRET);
    server.reply("jwks", &keys(vec![jwk("k2"), jwk("k1"), jwk("ec")]));
    let with = |home: &Home, more: &str| {
        let client =
            "client_secret = { env = \"SECRET\" }\nclient_auth = \"client_secret_basic\"\n";
        home.config("");
        let lines = format!("{PASTED}{OPENID}{client}{more}\n");
        home.profile("p", server.issuer(), CONFIDENTIAL_CLIENT, &lines);
        paste(home)
    };
    for (name, setting, hint) in [
        (
            "aud-extra",
            "trusted_audiences = [\"untrusted\"]",
            "`trusted_audiences = [\"untrusted\"]`",
        ),
        ("aud-extra-azp", "trusted_audiences = \"any\"", "or to \"any\", since `azp` is"),
        (
            "hs256-client-secret",
            "id_token_signed_response_alg = \"HS256\"",
            "`id_token_signed_response_alg = \"HS256\"`",
        ),
        (
            "es256-not-announced",
            "id_token_signed_response_alg = \"ES256\"",
            "`id_token_signed_response_alg = \"ES256\"`",
        ),
    ] {
        server.reply(CODE_GRANT, &invalid_token(name));
        let output = with(&home, "").fails(7);
        assert!(error(&output).contains(hint), "{name}: {}", output.stderr);
        let output = with(&home, setting).ok();
        assert!(output.stderr.contains(NAMED), "{name}: {}", output.stderr);
    }
    // A symmetric algorithm makes no secret of what everybody has.
    for name in ["hs256-public-key", "hs256-public-key-der", "hs256-empty-key"] {
        server.reply(CODE_GRANT, &invalid_token(name));
        let output = with(&home, "id_token_signed_response_alg = \"HS256\"").fails(7);
        assert!(error(&output).contains("not created with the client secret"), "{}", output.stderr);
    }
}

/// Keys are those of now: the next login asks for them again, and finds the new one.
#[test]
fn keys_that_have_changed_are_fetched_again() {
    let (server, home) = signing("");
    server.reply(CODE_GRANT, &written(|token| token.header("kid", json!("k2")).by_other_key()));
    paste(&home).fails(7);
    server.reply("jwks", &keys(vec![jwk("k2")]));
    paste(&home).ok();
    assert_eq!(server.requests_at("jwks").len(), 2);
}

#[test]
fn login_without_openid_needs_no_keys() {
    let (server, home) = signing("");
    server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
    server.reply("jwks", &keys(vec![]));
    paste(&home).ok();
    assert_eq!(server.requests_at("jwks").len(), 0);
}

#[test]
fn login_as_another_user_names_the_replaced_user() {
    let server = Servers::hostile();
    let mut home = Home::new();
    home.profile("p", &server.issuer("honest"), "cli", OPENID);
    let said = home.login("p").stderr;
    assert!(said.contains("as alice") && !said.contains("replaces"), "{said}");
    let said = home.login("p").stderr;
    assert!(!said.contains("replaces"), "{said}");
    server.set(&json!({ "sub": "bob" }));
    let said = home.login("p").stderr;
    assert!(
        said.contains("as bob") && said.contains("replaces the login of alice@example.com."),
        "{said}"
    );
    home.run(["login", "p", "--account", "other"]).ok();
}
