//! id_tokens and the keys that verify them (OpenID Connect Core, section 3.1.3.7; RFC 8725): every defect
//! ends the login with exit code 7 and nothing stored.

pub mod signed;
pub mod tokens;

use oauthctl_sandbox::CONFIDENTIAL_CLIENT;
use serde_json::json;

use crate::person::*;
use crate::replies::invalid::{Row as Reply, invalid_reply};
use crate::support::shapes::set;
use crate::support::*;
use signed::{SECRET, changed, jwk, keys, written};
use tokens::{invalid_keys, invalid_token, invalid_tokens, kidless, unusual_keys, unusual_tokens};

/// A scenario's part, the exit code, and words of the error.
type Row = (&'static str, i32, &'static str);

/// How the login names the user of the id_token.
const NAMED: &str = " as person-1";

/// A weak key signs: no library that the tests use makes one.
const WEAK_TOKEN: &[Row] = &[(
    "key-weak",
    7,
    "invalid signature of the id_token: no published key created it (`kid` `k1`, RS256)",
)];

/// A weak key is published.
const WEAK_KEY: &[Row] = &[(
    "weak",
    7,
    "the id_token is signed with a weak RSA key (`kid` `k1`, 1024 bits, but at least 2048 are required)",
)];

/// Faults on the way to the keys.
#[rustfmt::skip]
const KEYS_AWAY: &[Row] = &[
    ("redirect-302", 7, "redirects are not followed"),
    ("redirect-307", 7, "redirects are not followed"),
    ("redirect-same-origin-307", 7, "redirects are not followed"),
    ("status-404", 7, "check `jwks_uri`"),
    ("status-502", 9, "the server returned status 502 for its keys"),
    ("reset-before", 9, "reset the connection"),
    ("length-short", 7, "the JWK Set is not JSON"),
    ("gzip-bomb", 9, "exceeds 1024 KiB"),
];

fn check(place: &str, rows: &[Row]) {
    let home = Home::new();
    pasting(&home, "honest", OPENID);
    paste(&home).ok();
    let before = home.run(["token"]).ok().stdout;
    for (part, code, words) in rows {
        let scenario = format!("{place}.{part}");
        pasting(&home, &scenario, OPENID);
        let output = paste(&home).fails(*code);
        let error = error(&output);
        assert!(error.contains(words), "{part}: {words:?} not in\n{error}");
        assert_not_shown(&output.stderr, hostile().secrets_minted());
        pasting(&home, "honest", OPENID);
        assert_eq!(home.run(["token", "--cached"]).ok().stdout, before, "{part}");
    }
    assert_no_secret(&home, hostile().secrets_minted());
    hostile().assert_canary_untouched();
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
fn check_signed(place: &'static str, rows: &[Reply]) {
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
fn id_token_that_is_not_right_ends_the_login() {
    check_signed(CODE_GRANT, &invalid_tokens());
    check("id-token", WEAK_TOKEN);
}

/// A refused login, and which of its tokens it revokes.
#[rustfmt::skip]
const REVOKED: &[(&str, i32, &[&str])] = &[
    ("id-token.nonce-missing", 7, &["refresh_token"]),
    ("id-token.signature-bad", 7, &["refresh_token"]),
    ("id-token.empty", 7, &["refresh_token"]),
    ("jwks.status-502", 9, &["refresh_token"]),
    ("id-token.sub-empty~revoke.unsupported-token-type.1", 7, &["refresh_token", "access_token"]),
];

#[test]
fn refused_login_revokes_its_tokens() {
    for (part, code, expected) in REVOKED {
        let scenario = &format!("{part}~tag.revoked");
        let home = Home::new();
        pasting(&home, scenario, OPENID);
        let said = paste(&home).fails(*code).stderr;
        assert!(!said.contains("could not be revoked"), "{scenario}: {said}");
        let revoked = hostile().requests(scenario, "revoke");
        let hints: Vec<String> = revoked.iter().map(|r| form(r, "token_type_hint")).collect();
        assert_eq!(hints, *expected, "{scenario}");
        for request in revoked {
            let token = form(&request, "token");
            assert!(token.starts_with(&format!("CANARY-{}", form(&request, "token_type_hint"))));
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

fn form(request: &serde_json::Value, name: &str) -> String {
    let body = request["body"].as_str().unwrap().as_bytes();
    url::form_urlencoded::parse(body).into_owned().find(|(n, _)| n == name).unwrap().1
}

/// That the tokens live on is said beside what was wrong, which stays the error.
#[test]
fn failed_revocation_hides_no_error() {
    for revoke in ["refused", "status-500", "reset-before", "black-hole"] {
        let home = Home::new();
        pasting(&home, &format!("id-token.nonce-missing~revoke.{revoke}"), OPENID);
        let output = paste(&home).fails(7);
        let error = error(&output);
        assert!(error.contains("the id_token has no `nonce`"), "{revoke}: {error}");
        assert!(error.contains("remove `openid` from `scopes`"), "{revoke}: {error}");
        assert!(error.contains("the tokens that were issued could not be revoked: "), "{error}");
    }
}

#[test]
fn keys_that_are_not_right_prove_nothing() {
    check_signed("jwks", &invalid_keys());
    check("jwks", WEAK_KEY);
    check("jwks", KEYS_AWAY);
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
