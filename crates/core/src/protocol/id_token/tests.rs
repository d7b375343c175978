//! Every rule about claims, broken once.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::algorithm::WHAT;
use super::*;
use crate::ErrorKind;
use crate::profile::TrustedAudiences;
use crate::protocol::jwks::{self, JwkSet};
use crate::protocol::jws::b64;
use crate::protocol::test_issuer::{TestKey, set};

mod issuer;
mod signature;

const ISSUER: &str = "https://as.example";
const CLIENT: &str = "client-1";
const NOW: u64 = 1_800_000_000;
static NOBODY: TrustedAudiences = TrustedAudiences::Listed(Vec::new());

fn trusting(audiences: &[&str]) -> TrustedAudiences {
    TrustedAudiences::Listed(audiences.iter().map(|one| (*one).to_owned()).collect())
}

fn expectations() -> Expectations<'static> {
    Expectations {
        issuer: Some(Issuer::Exactly(ISSUER)),
        client_id: CLIENT,
        trusted_audiences: &NOBODY,
        nonce: Some("n-1"),
        nonce_may_be_missing: false,
        alg: None,
        algs: &[],
        client_secret: None,
        access_token: None,
        previous: None,
        max_age: None,
        now: Timestamp::from_unix(NOW),
    }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "248289761001", "aud": CLIENT, "nonce": "n-1",
        "exp": NOW + 3_600, "iat": NOW,
        "email": "jane@example.com", "preferred_username": "jane", "name": "Jane Doe",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn keys(jwks: &[Value]) -> JwkSet {
    JwkSet::parse(set(jwks).to_string().as_bytes()).unwrap()
}

/// Signs the claims with a key of its own and validates the token.
fn validate_claims(claims: &Value, expected: &Expectations<'_>) -> Result<IdTokenClaims> {
    validate_payload(claims.to_string().as_bytes(), expected)
}

fn validate_payload(payload: &[u8], expected: &Expectations<'_>) -> Result<IdTokenClaims> {
    let key = TestKey::p256();
    let message = format!("{}.{}", b64(br#"{"alg":"ES256","typ":"JWT"}"#), b64(payload));
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &key.encoding, Algorithm::ES256).unwrap();
    let raw = format!("{message}.{signature}");
    valid(validate_with(&Secret::new(raw), expected, &keys(&[key.jwk(json!({}))])))
}

/// Validates an id_token with keys that are at hand.
fn validate_with(raw: &Secret, expected: &Expectations<'_>, keys: &JwkSet) -> Result<Verdict> {
    let mut token = open(raw.expose(), expected)?;
    token.key_issuers = expected.issuer.unwrap().of_keys(&token.payload);
    jwks::require_valid(keys.verify(&token), &token, WHAT)?;
    let issuer = expected.issuer.unwrap();
    check_claims(&token, expected, issuer).map(|claims| Verdict::Valid(Box::new(claims)))
}

fn valid(verdict: Result<Verdict>) -> Result<IdTokenClaims> {
    verdict.map(|verdict| match verdict {
        Verdict::Valid(claims) => *claims,
        Verdict::Unverifiable(why) => panic!("unverifiable: {why}"),
    })
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T>, what: &str, part: &str) {
    let error = result.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::Validation, "{what}: {error}");
    assert!(error.message().contains(part), "{what}: `{error}` does not say `{part}`");
}

#[test]
fn valid_token_yields_its_claims() {
    let claims = validate_claims(&claims(), &expectations()).unwrap();
    assert_eq!(claims.exp, Timestamp::from_unix(NOW + 3_600));
    let identity = claims.identity();
    assert_eq!(identity.sub.as_deref(), Some("248289761001"));
    assert_eq!(identity.email.as_deref(), Some("jane@example.com"));
    assert_eq!(identity.username.as_deref(), Some("jane"));
    assert_eq!(identity.name.as_deref(), Some("Jane Doe"));
    assert_eq!(claims.pinned().aud, [CLIENT]);
}

#[test]
fn every_broken_claim_is_refused_and_named() {
    let long = "x".repeat(256);
    let rows: Vec<(&str, Value, &str)> = vec![
        ("iss missing", without("iss"), "no `iss`"),
        ("iss null", with("iss", Value::Null), "no `iss`"),
        ("iss empty", with("iss", json!("")), "`iss` is empty"),
        ("iss number", with("iss", json!(1)), "`iss` is a number"),
        ("iss with slash", with("iss", json!("https://as.example/")), "`https://as.example/`"),
        ("iss upper case", with("iss", json!("https://AS.example")), "expected `https://as.ex"),
        ("iss with port", with("iss", json!("https://as.example:443")), "`iss` is"),
        ("iss other", with("iss", json!("https://evil.example")), "`https://evil.example`"),
        ("iss array", with("iss", json!([ISSUER])), "`iss` is an array"),
        ("sub missing", without("sub"), "no `sub`"),
        ("sub empty", with("sub", json!("")), "`sub` is empty"),
        ("sub number", with("sub", json!(248)), "`sub` is a number"),
        ("sub long", with("sub", json!(long)), "256 bytes, expected at most 255"),
        ("aud missing", without("aud"), "no `aud`"),
        ("aud empty", with("aud", json!("")), "`aud` is"),
        ("aud no one", with("aud", json!([])), "`aud` is empty"),
        ("aud other", with("aud", json!("other")), "`aud` is `other`, expected `client-1`"),
        ("aud prefix", with("aud", json!("client-11")), "`aud` is `client-11`"),
        ("aud others", with("aud", json!(["a", "b"])), "`a`, `b`"),
        ("aud extra", with("aud", json!([CLIENT, "b"])), "`aud` is `b`, expected `client-1` alone"),
        ("aud number", with("aud", json!([CLIENT, 1])), "`aud` is an array of something else"),
        ("aud object", with("aud", json!({})), "`aud` is an object"),
        ("azp other", with("azp", json!("other")), "`azp` is `other`, expected `client-1`"),
        ("azp number", with("azp", json!(1)), "`azp` is 1"),
        ("exp missing", without("exp"), "no `exp`"),
        ("exp string", with("exp", json!("1800003600")), "`exp` is `1800003600`"),
        ("exp negative", with("exp", json!(-1)), "`exp` is -1"),
        ("exp bool", with("exp", json!(true)), "`exp` is a boolean"),
        ("exp past", with("exp", json!(NOW - 301)), "clock skew"),
        ("exp zero", with("exp", json!(0)), "clock skew"),
        ("iat missing", without("iat"), "no `iat`"),
        ("iat string", with("iat", json!("now")), "`iat` is `now`"),
        ("iat far past", with("iat", json!(NOW - 86_400)), "issued 1 d ago"),
        ("iat future", with("iat", json!(NOW + 301)), "in the future"),
        ("iat enormous", with("iat", json!(1e308)), "in the future"),
        ("nbf future", with("nbf", json!(NOW + 301)), "becomes valid"),
        ("nbf string", with("nbf", json!("x")), "`nbf` is `x`"),
        ("nonce missing", without("nonce"), "no `nonce`"),
        ("nonce other", with("nonce", json!("n-2")), "another login"),
        ("nonce longer", with("nonce", json!("n-11")), "another login"),
        ("nonce array", with("nonce", json!(["n-1"])), "`nonce` is an array"),
    ];
    for (what, claims, part) in rows {
        assert_refused(validate_claims(&claims, &expectations()), what, part);
    }
}

#[test]
fn claims_that_the_rules_allow_are_accepted() {
    let rows: Vec<(&str, Value)> = vec![
        ("aud as array of one", with("aud", json!([CLIENT]))),
        ("azp is the client", with("azp", json!(CLIENT))),
        ("sub of 255 bytes", with("sub", json!("x".repeat(255)))),
        ("exp with a fraction", with("exp", json!(NOW as f64 + 0.5))),
        ("exp beyond every calendar", with("exp", json!(1e308))),
        ("nbf now", with("nbf", json!(NOW))),
        ("a claim that is an object", with("address", json!({"country": "FR"}))),
    ];
    for (what, claims) in rows {
        let result = validate_claims(&claims, &expectations());
        assert!(result.is_ok(), "{what}: {result:?}");
    }
}

#[test]
fn further_audiences_need_trust_and_no_other_azp() {
    let trusted = trusting(&["project-9", "b"]);
    let expected = Expectations { trusted_audiences: &trusted, ..expectations() };
    let mut claims = with("aud", json!([CLIENT, "project-9"]));
    assert_eq!(validate_claims(&claims, &expected).unwrap().aud, [CLIENT, "project-9"]);
    claims["azp"] = json!("project-9");
    assert_refused(validate_claims(&claims, &expected), "azp of the other", "`azp` is `project-9`");
    claims["azp"] = json!(CLIENT);
    assert!(validate_claims(&claims, &expected).is_ok());
    assert_refused(validate_claims(&claims, &expectations()), "untrusted", "`aud` is `project-9`");
    let one_more = with("aud", json!([CLIENT, "project-9", "c"]));
    assert_refused(validate_claims(&one_more, &expected), "one more", "`aud` is `c`");
    let only_others = with("aud", json!(["project-9", "b"]));
    assert_refused(validate_claims(&only_others, &expected), "not us", "`aud` is `project-9`, `b`");
}

#[test]
fn any_audience_needs_azp_of_the_client() {
    let expected = Expectations { trusted_audiences: &TrustedAudiences::Any, ..expectations() };
    let mut claims = with("aud", json!([CLIENT, "a", "b"]));
    let error = validate_claims(&claims, &expected).unwrap_err();
    assert!(error.message().contains("no `azp`"), "{error}");
    assert!(error.advice_text().unwrap().contains("`trusted_audiences = [\"a\", \"b\"]`"));
    claims["azp"] = json!("a");
    assert_refused(validate_claims(&claims, &expected), "azp of another", "`azp` is `a`");
    claims["azp"] = json!(CLIENT);
    assert!(validate_claims(&claims, &expected).is_ok());
    assert!(
        validate_claims(&with("aud", json!([CLIENT, CLIENT])), &expected).is_ok(),
        "one, twice"
    );
    let others = with("aud", json!(["a"]));
    assert_refused(validate_claims(&others, &expected), "not for the client", "`aud` is `a`");
}

/// Each refusal that a setting cures names it, as it is to be written.
#[test]
fn refusal_names_the_setting_that_helps() {
    let both = |azp: Value| {
        let mut claims = with("aud", json!([CLIENT, "a b"]));
        claims["azp"] = azp;
        claims
    };
    for (claims, hint) in [
        (both(Value::Null), "set `trusted_audiences = [\"a b\"]` in the profile"),
        (both(json!(CLIENT)), "`trusted_audiences = [\"a b\"]` in the profile, or to \"any\""),
        (with("aud", json!([CLIENT, "\u{1b}\""])), "`trusted_audiences` in the profile to a list"),
        (with("aud", json!("other")), "check `client_id` in the profile"),
        (
            with("iss", json!("https://as.example/")),
            "set exactly `issuer = \"https://as.example/\"` in the profile",
        ),
    ] {
        let error = validate_claims(&claims, &expectations()).unwrap_err();
        assert!(
            error.advice_text().is_some_and(|advice| advice.contains(hint)),
            "{hint}: {error:?}"
        );
    }
    let hostile = with("iss", json!("javascript:alert(1)"));
    assert_eq!(validate_claims(&hostile, &expectations()).unwrap_err().advice(), []);
}

#[test]
fn clock_four_minutes_off_is_fine_and_ten_is_named() {
    for (minutes, fine) in [(-10, false), (-4, true), (4, true), (10, false)] {
        let server = (NOW as i64 + minutes * 60) as u64;
        let mut claims = claims();
        claims["iat"] = json!(server);
        for life in [60, 3_600] {
            claims["exp"] = json!(server + life);
            let result = validate_claims(&claims, &expectations());
            if fine {
                assert!(result.is_ok(), "{minutes} min, {life} s: {result:?}");
            } else {
                assert_refused(result, &format!("{minutes} min, {life} s"), "clock skew");
            }
        }
    }
}

#[test]
fn duplicate_claim_is_refused() {
    let twice = claims().to_string().replacen('{', r#"{"sub":"admin","#, 1);
    assert_refused(validate_payload(twice.as_bytes(), &expectations()), "twice", "each claim once");
}

#[test]
fn payload_that_is_no_object_is_refused() {
    let deep = "[".repeat(100_000);
    let array = format!("[{}]", claims());
    for payload in ["", "null", "[]", "1", "{", "\"x\"", &array, &deep, "{\"sub\":\"\u{0}\"}"] {
        assert_refused(validate_payload(payload.as_bytes(), &expectations()), payload, "payload");
    }
    assert_refused(validate_payload(b"{\"iss\":\"\xff\"}", &expectations()), "utf-8", "payload");
}

#[test]
fn hostile_claims_are_shown_sanitized() {
    let esc = "https://x\u{1b}]8;;\u{7}\n\u{202e}";
    let error = validate_claims(&with("iss", json!(esc)), &expectations()).unwrap_err();
    assert!(error.message().chars().all(text::is_harmless), "{:?}", error.message());
    let shown =
        validate_claims(&with("name", json!("Jane\u{1b}[2J\nDoe")), &expectations()).unwrap();
    assert_eq!(shown.name.as_deref(), Some("Jane [2J Doe"));
    let odd = validate_claims(&with("email", json!(["a@b"])), &expectations()).unwrap();
    assert_eq!(odd.email, None);
}

#[test]
fn known_missing_nonce_is_accepted_a_wrong_one_not() {
    let expected = Expectations { nonce_may_be_missing: true, ..expectations() };
    assert!(validate_claims(&without("nonce"), &expected).is_ok());
    assert!(validate_claims(&claims(), &expected).is_ok());
    for wrong in [json!("n-2"), json!(["n-1"]), json!("")] {
        assert!(validate_claims(&with("nonce", wrong), &expected).is_err());
    }
}

#[test]
fn nonce_is_never_told() {
    let error = validate_claims(&with("nonce", json!("their-nonce")), &expectations()).unwrap_err();
    assert!(!error.message().contains("n-1") && !error.message().contains("their-nonce"));
}

#[test]
fn at_hash_is_checked_with_the_hash_of_the_algorithm() {
    // The values of the OpenID Connect Core example, appendix A.3.
    let token = Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    let expected = Expectations { access_token: Some(&token), ..expectations() };
    let right = with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ"));
    assert!(validate_claims(&right, &expected).is_ok());
    assert!(validate_claims(&claims(), &expected).is_ok(), "it is optional");
    for wrong in [json!("77QmUPtjPfzWtF2AnpK9RR"), json!(""), json!(7), json!([])] {
        assert_refused(validate_claims(&with("at_hash", wrong), &expected), "at_hash", "`at_hash`");
    }
    assert!(validate_claims(&with("at_hash", json!("x")), &expectations()).is_ok(), "no token");

    let ed = TestKey::ed25519();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, token.expose().as_bytes());
    let claims = with("at_hash", json!(b64(&digest.as_ref()[..32])));
    let raw = ed.sign(Algorithm::EdDSA, &json!({"alg": "EdDSA"}), &claims);
    let set = keys(&[ed.jwk(json!({}))]);
    assert!(valid(validate_with(&Secret::new(raw), &expected, &set)).is_ok());
}

#[test]
fn duplicate_identity_claims_are_refused() {
    let first = validate_claims(&claims(), &expectations()).unwrap().pinned();
    let (iss, sub) = (&first.iss, &first.sub);
    let validated = |payload: &str| {
        let raw = format!("e30.{}.AA", jws::b64(payload.as_bytes()));
        same_login(&Secret::new(raw), &first)
    };
    for (payload, claim) in [
        (format!(r#"{{"iss":"{iss}","sub":"{sub}","sub":"other"}}"#), "`sub`"),
        (format!(r#"{{"iss":"{iss}","sub":"other","sub":"{sub}"}}"#), "`sub`"),
        (format!(r#"{{"iss":"{iss}","iss":"https://b","sub":"{sub}"}}"#), "`iss`"),
        (format!(r#"{{"iss":"https://b","sub":"{sub}","iss":7}}"#), "`iss`"),
    ] {
        assert_refused(validated(&payload), &payload, claim);
    }
    for names_nobody_else in [
        format!(r#"{{"iss":"{iss}","sub":"{sub}","sub":"{sub}"}}"#),
        format!(r#"{{"iss":"{iss}","sub":"","sub":7,"sub":null}}"#),
        "{}".to_owned(),
    ] {
        validated(&names_nobody_else).unwrap();
    }
}

#[test]
fn refresh_keeps_issuer_subject_and_audience() {
    let first = validate_claims(&claims(), &expectations()).unwrap().pinned();
    let expected = Expectations { previous: Some(&first), nonce: None, ..expectations() };
    assert!(validate_claims(&claims(), &expected).is_ok());
    assert!(validate_claims(&without("nonce"), &expected).is_ok(), "no nonce is needed");
    let older = with("iat", json!(NOW - 1_800));
    assert!(validate_claims(&older, &expected).is_ok(), "some servers repeat the first one");
    assert_refused(validate_claims(&with("sub", json!("2")), &expected), "sub", "as at the login");
    assert_refused(validate_claims(&with("iss", json!("https://b")), &expected), "iss", "`iss`");

    let before = PinnedClaims { iss: "https://old.example".into(), ..first.clone() };
    let expected = Expectations { previous: Some(&before), ..expected };
    assert_refused(
        validate_claims(&claims(), &expected),
        "pinned iss",
        "`https://old.example` as at",
    );

    let trusted = trusting(&["b"]);
    let before = PinnedClaims { aud: vec!["b".into(), CLIENT.into()], ..first.clone() };
    let expected =
        Expectations { previous: Some(&before), trusted_audiences: &trusted, ..expected };
    assert_refused(validate_claims(&claims(), &expected), "fewer audiences", "`aud`");
    let mut both = with("aud", json!([CLIENT, "b"]));
    both["azp"] = json!(CLIENT);
    assert!(validate_claims(&both, &expected).is_ok(), "order does not matter");
}

#[test]
fn max_age_requires_a_recent_authentication() {
    let expected = Expectations { max_age: Some(60), ..expectations() };
    let at = |time: u64| validate_claims(&with("auth_time", json!(time)), &expected);
    assert!(at(NOW - 60 - MAX_SKEW).is_ok());
    assert!(at(NOW - 61 - MAX_SKEW).unwrap_err().message().contains("auth_time"));
    assert!(validate_claims(&claims(), &expected).unwrap_err().message().contains("auth_time"));
    assert!(validate_claims(&with("auth_time", json!("now")), &expected).is_err());
    assert!(validate_claims(&claims(), &expectations()).is_ok());
}
