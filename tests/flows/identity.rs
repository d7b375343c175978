//! id_tokens and the keys that verify them (OpenID Connect Core, section 3.1.3.7; RFC 8725): every defect
//! ends the login with exit code 7 and nothing stored.

use serde_json::json;

use crate::person::*;
use crate::replies::invalid::invalid_reply;
use crate::support::shapes::set;
use crate::support::*;

/// A scenario's part, the exit code, and words of the error.
type Row = (&'static str, i32, &'static str);

/// id_tokens that must be refused.
#[rustfmt::skip]
const ID_TOKENS: &[Row] = &[
    ("iss-wrong", 7, "the id_token's `iss` is `http"),
    ("iss-slash", 7, "the id_token's `iss` is `http"),
    ("iss-missing", 7, "the id_token has no `iss`"),
    ("iss-array", 7, "the id_token's `iss` is an array"),
    ("aud-wrong", 7, "the id_token's `aud` is `another-client`"),
    ("aud-missing", 7, "the id_token has no `aud`"),
    ("aud-empty", 7, "the id_token's `aud` is empty"),
    ("aud-extra", 7, "the id_token's `aud` is `untrusted`"),
    ("aud-extra-azp", 7, "the id_token's `aud` is `untrusted`"),
    ("aud-extra-azp-wrong", 7, "the id_token's `azp` is `untrusted`, expected `cli`"),
    ("azp-wrong", 7, "the id_token's `azp` is `another-client`"),
    ("exp-past", 7, "the id_token expired 1 h ago"),
    ("exp-past-10-min", 7, "the id_token expired 10 min ago"),
    ("exp-missing", 7, "the id_token has no `exp`"),
    ("exp-string", 7, "expected seconds since 1970"),
    ("exp-null", 7, "the id_token has no `exp`"),
    ("iat-missing", 7, "the id_token has no `iat`"),
    ("iat-future", 7, "the id_token is issued 1 d in the future"),
    ("iat-ahead-10-min", 7, "the id_token is issued 10 min in the future"),
    ("iat-far-past", 7, "the id_token was issued 30 d ago"),
    ("nbf-future", 7, "the id_token becomes valid 1 d in the future"),
    ("sub-missing", 7, "the id_token has no `sub`"),
    ("sub-empty", 7, "the id_token's `sub` is empty"),
    ("sub-number", 7, "the id_token's `sub` is a number"),
    ("sub-null", 7, "the id_token has no `sub`"),
    ("nonce-missing", 7, "the id_token has no `nonce`"),
    ("nonce-wrong", 7, "the id_token's `nonce` is different: it belongs to another login"),
    ("nonce-empty", 7, "the id_token's `nonce` is empty"),
    ("at-hash-wrong", 7, "the id_token's `at_hash` is another"),
    ("alg-none", 7, "cannot accept the id_token: `alg` is `none`, it is unsigned"),
    ("alg-none-capital", 7, "cannot accept the id_token: `alg` is `None`, it is unsigned"),
    ("alg-none-mixed", 7, "cannot accept the id_token: `alg` is `nOnE`, it is unsigned"),
    ("alg-none-with-signature", 7, "cannot accept the id_token: `alg` is `none`, it is unsigned"),
    ("alg-empty", 7, "cannot accept the id_token: `alg` is ``, the algorithm is not supported"),
    ("alg-missing", 7, "the id_token's header is not a JSON object with an `alg`"),
    ("alg-unknown", 7, "cannot accept the id_token: `alg` is `RS999`, the algorithm is not supported"),
    ("alg-case", 7, "cannot accept the id_token: `alg` is `rs256`, the algorithm is not supported"),
    (
        "hs256-public-key",
        7,
        "the id_token is signed with HS256, which is accepted only if the profile sets it",
    ),
    (
        "hs256-public-key-der",
        7,
        "the id_token is signed with HS256, which is accepted only if the profile sets it",
    ),
    (
        "hs256-client-secret",
        7,
        "the id_token is signed with HS256, which is accepted only if the profile sets it",
    ),
    (
        "hs256-empty-key",
        7,
        "the id_token is signed with HS256, which is accepted only if the profile sets it",
    ),
    (
        "signature-bad",
        7,
        "invalid signature of the id_token: no published key created it (`kid` `k1`, RS256)",
    ),
    ("signature-empty", 7, "the id_token has an empty signature"),
    ("signature-missing", 7, "the id_token is not a signed JWT: it does not have three parts"),
    (
        "signature-of-other-claims",
        7,
        "invalid signature of the id_token: no published key created it (`kid` `k1`, RS256)",
    ),
    ("key-weak", 7, "invalid signature of the id_token: no published key created it (`kid` `k1`, RS256)"),
    ("key-unknown", 7, "invalid signature of the id_token: no published key created it (`kid` `k1`, RS256)"),
    (
        "kid-unknown",
        7,
        "the id_token refers to a key that the server does not publish (`kid` `no-such-key`, RS256)",
    ),
    (
        "kid-path",
        7,
        "the id_token refers to a key that the server does not publish (`kid` `../../etc/passwd`, RS256)",
    ),
    ("jwk-in-header", 7, "invalid signature of the id_token: no published key created it (no `kid`, RS256)"),
    ("jku-in-header", 7, "the id_token refers to a key that the server does not publish (`kid` `k2`, RS256)"),
    ("x5u-in-header", 7, "the id_token refers to a key that the server does not publish (`kid` `k2`, RS256)"),
    ("crit", 7, "the id_token's header has `crit`, which is not supported"),
    ("es256-not-announced", 7, "the id_token's `alg` is `ES256`, but the server's metadata allows RS256"),
    ("es256-zero-signature", 7, "the id_token's `alg` is `ES256`, but the server's metadata allows RS256"),
    ("nested", 7, "the id_token has a content type (`cty`): nested JWTs are not supported"),
    ("encrypted", 7, "the id_token is encrypted (five parts), which is not supported"),
    ("claims-not-json", 7, "the id_token's payload is not a JSON object with each claim once"),
    ("claims-array", 7, "the id_token's payload is not a JSON object with each claim once"),
    ("not-a-jwt", 7, "the id_token is not a signed JWT: it does not have three parts"),
    ("empty", 7, "the token response has no id_token although `openid` was requested"),
    ("number", 7, "`id_token` that is not a string"),
];

/// Key sets with which no id_token may be believed.
#[rustfmt::skip]
const JWKS: &[Row] = &[
    ("empty", 7, "the id_token refers to a key that the server does not publish (`kid` `k1`, RS256)"),
    ("wrong-key", 7, "invalid signature of the id_token: no published key created it (`kid` `k1`, RS256)"),
    ("other-kid", 7, "the id_token refers to a key that the server does not publish (`kid` `k1`, RS256)"),
    ("oct", 7, "the id_token refers to a key that the server does not publish (`kid` `k1`, RS256)"),
    (
        "encryption-use",
        7,
        "the id_token refers to a key that the server does not publish (`kid` `k1`, RS256)",
    ),
    ("other-alg", 7, "the id_token refers to a key that the server does not publish (`kid` `k1`, RS256)"),
    ("not-keys", 7, "the JWK Set has no array `keys`"),
    ("array", 7, "the JWK Set has no array `keys`"),
    (
        "weak",
        7,
        "the id_token is signed with a weak RSA key (`kid` `k1`, 1024 bits, but at least 2048 are required)",
    ),
    ("over-100", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB"),
    ("over-1-mib", 9, "the body of the response from 127.0.0.1 exceeds 1024 KiB"),
];

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

fn assert_complete(table: &str, rows: &[Row]) {
    for behaviour in hostile().behaviours(table) {
        assert!(
            rows.iter().any(|(part, ..)| *part == behaviour),
            "no row for {table}: {behaviour}"
        );
    }
}

#[test]
fn id_token_that_is_not_right_ends_the_login() {
    assert_complete("id-token", ID_TOKENS);
    check("id-token", ID_TOKENS);
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
    assert_complete("jwks", JWKS);
    check("jwks", JWKS);
    check("jwks", KEYS_AWAY);
}

#[test]
fn unusual_id_token_that_is_right_names_the_person() {
    let home = Home::new();
    for scenario in [
        "id-token.aud-array",
        "id-token.azp-right",
        "id-token.at-hash-right",
        "id-token.exp-past-4-min",
        "id-token.iat-ahead-4-min",
        "id-token.kid-absent",
        "id-token.typ-jwt",
        "id-token.jku-beside",
        "id-token.unknown-claims",
        "jwks.no-kid-one",
        "jwks.no-kid-one~id-token.kid-absent",
        "jwks.several",
        "jwks.unknown-beside",
    ] {
        pasting(&home, scenario, OPENID);
        let output = paste(&home).ok();
        assert!(output.stderr.contains("as alice@example.com"), "{scenario}: {}", output.stderr);
    }
}

/// Each refusal names the setting; with it, as the hint spells it, the same server's login works.
#[test]
fn id_token_setting_of_the_hint_makes_login_work() {
    let mut home = Home::new();
    let secret = hostile().secrets["cli-secret"].as_deref().unwrap();
    home.set("SECRET", secret);
    let confidential = format!(
        "{PASTED}{OPENID}client_secret = {{ env = \"SECRET\" }}\nclient_auth = \"client_secret_basic\"\n"
    );
    for (part, setting, hint) in [
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
        let issuer = hostile().issuer(&format!("id-token.{part}~jwks.several"));
        let with = |more: &str| {
            home.config("");
            home.profile("p", &issuer, "cli-secret", &format!("{confidential}{more}\n"));
            paste(&home)
        };
        let output = with("").fails(7);
        assert!(error(&output).contains(hint), "{part}: {}", output.stderr);
        let output = with(setting).ok();
        assert!(output.stderr.contains("as alice@example.com"), "{part}: {}", output.stderr);
    }
    // A symmetric algorithm makes no secret of what everybody has.
    for part in ["hs256-public-key", "hs256-public-key-der", "hs256-empty-key"] {
        home.config("");
        let more = format!("{confidential}id_token_signed_response_alg = \"HS256\"\n");
        home.profile("p", &hostile().issuer(&format!("id-token.{part}")), "cli-secret", &more);
        let output = paste(&home).fails(7);
        assert!(error(&output).contains("not created with the client secret"), "{}", output.stderr);
    }
    hostile().assert_canary_untouched();
}

/// Keys are those of now: the next login asks for them again, and finds the new one.
#[test]
fn keys_that_have_changed_are_fetched_again() {
    let scenario = "jwks.rotated-after-first~id-token.key-k2";
    let home = Home::new();
    pasting(&home, scenario, OPENID);
    paste(&home).fails(7);
    paste(&home).ok();
    assert_eq!(hostile().requests(scenario, "jwks").len(), 2);
}

#[test]
fn login_without_openid_needs_no_keys() {
    let home = Home::new();
    pasting(&home, "jwks.empty~tag.plain", "scopes = [\"api\"]\n");
    paste(&home).ok();
    assert_eq!(hostile().requests("jwks.empty~tag.plain", "jwks").len(), 0);
}

#[test]
fn login_as_another_person_says_whose_it_replaces() {
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
