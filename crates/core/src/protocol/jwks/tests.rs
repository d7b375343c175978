//! Reading, choosing, and fetching keys.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::*;
use crate::ErrorKind;
use crate::port::HttpError;
use crate::protocol::jws::b64;
use crate::protocol::test_issuer::{Served, TestKey, set};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn parse(keys: &[Value]) -> JwkSet {
    JwkSet::parse(set(keys).to_string().as_bytes()).unwrap()
}

/// A token of this key with this `kid`.
fn token(key: &TestKey, kid: Option<&str>) -> String {
    let mut header = json!({"alg": "ES256"});
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    key.sign(Algorithm::ES256, &header, &json!({"sub": "1"}))
}

fn check(set: &JwkSet, token: &str) -> Check {
    set.verify(&Compact::parse(token, "token", 10_000).unwrap())
}

fn kid(key: &TestKey, kid: &str) -> Value {
    key.jwk(json!({ "kid": kid }))
}

#[test]
fn keys_of_other_kinds_and_uses_are_passed_over() {
    let key = TestKey::p256();
    let set = parse(&[
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}),
        json!({"kty": "EC", "crv": "P-256"}),
        json!("not a key"),
        key.jwk(json!({"use": "enc"})),
        key.jwk(json!({"key_ops": ["encrypt"]})),
        key.jwk(json!({"alg": "ECDH-ES"})),
    ]);
    assert!(set.keys.is_empty());
    assert_eq!(check(&set, &token(&key, None)), Check::NoKey);
    for more in [json!({}), json!({"use": "sig"}), json!({"key_ops": ["verify"], "alg": "ES256"})] {
        assert_eq!(check(&parse(&[key.jwk(more)]), &token(&key, None)), Check::Verified);
    }
}

#[test]
fn kid_chooses_among_keys() {
    let (a, b) = (TestKey::p256(), TestKey::p256());
    let both = parse(&[kid(&a, "a"), kid(&b, "b")]);
    assert_eq!(check(&both, &token(&a, Some("a"))), Check::Verified);
    assert_eq!(check(&both, &token(&b, Some("b"))), Check::Verified);
    assert_eq!(check(&both, &token(&a, Some("b"))), Check::BadSignature);
    assert_eq!(check(&both, &token(&a, Some("c"))), Check::NoKey);
    assert_eq!(check(&both, &token(&a, Some("A"))), Check::NoKey);
    let other_name = parse(&[kid(&a, "b"), kid(&b, "a")]);
    assert_eq!(check(&other_name, &token(&a, Some("a"))), Check::BadSignature);
    let same = parse(&[kid(&a, "x"), kid(&b, "x")]);
    assert_eq!(check(&same, &token(&b, Some("x"))), Check::Verified);
}

#[test]
fn without_a_kid_the_keys_that_fit_are_tried() {
    let (a, b, other) = (TestKey::p256(), TestKey::p256(), TestKey::ed25519());
    assert_eq!(check(&parse(std::slice::from_ref(&a.public)), &token(&a, None)), Check::Verified);
    assert_eq!(check(&parse(&[kid(&a, "a")]), &token(&a, None)), Check::Verified);
    let several = parse(&[kid(&other, "o"), kid(&a, "a"), kid(&b, "b")]);
    assert_eq!(check(&several, &token(&b, None)), Check::Verified);
    assert_eq!(check(&parse(&[kid(&other, "o")]), &token(&b, None)), Check::NoKey);
    let announced = parse(&[b.jwk(json!({"alg": "ES384"}))]);
    assert_eq!(check(&announced, &token(&b, None)), Check::NoKey);
}

#[test]
fn key_without_kid_verifies_a_token_with_one() {
    let (a, b, other) = (TestKey::p256(), TestKey::p256(), TestKey::ed25519());
    let nameless = parse(&[other.public.clone(), b.public.clone(), a.public.clone()]);
    assert_eq!(check(&nameless, &token(&a, Some("a"))), Check::Verified);
    let beside = parse(&[kid(&b, "b"), a.public.clone()]);
    assert_eq!(check(&beside, &token(&a, Some("a"))), Check::Verified);
    assert_eq!(check(&beside, &token(&b, Some("a"))), Check::BadSignature, "`b` was not named");
    assert_eq!(
        check(&parse(std::slice::from_ref(&other.public)), &token(&a, Some("a"))),
        Check::NoKey
    );
}

#[test]
fn key_without_kid_is_found_among_all_of_a_set() {
    let (a, b) = (TestKey::p256(), TestKey::p256());
    let mut keys = vec![a.public.clone(); MAX_KEYS - 1];
    keys.push(b.public.clone());
    for name in [None, Some("b")] {
        assert_eq!(check(&parse(&keys), &token(&b, name)), Check::Verified, "{name:?}");
    }
}

/// A token that a key pair with the fingerprint did sign: without the check it would be believed.
#[test]
fn roca_key_is_refused_though_it_made_the_signature() {
    let modulus = "xYP8x5Ywgg4NXsVZZDKPDWS9p0AmOHMpkPlESn1suC6UbnFU_gfCXwbBGu58bK2BPA6W6gyluJA3zTd_hkb_wjfV\
                   0_u1_9IQaO5bWVJHkUsnaMztYmX6Upufe5beCQ6KMRUXZOMrOGrNO4HxFbd1pU2fFJ-ni4mAP2MB6S1-YSjhG1I7\
                   E0BJjirx69wGMXptBF6IX34qfMjSwy6wcDymZNClKobu0oEbi3Ao37PV0sopNlLnhvrTwR54Fzrh10yTOTs5CQMG\
                   KkBKSLNH7pjalEU-yWb3rrvsGoui59nPhWwX1tbBBMhosk5fHH6goCAkD6bdUHjZgeIJzAZWfv4xbQ";
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJvY2EifQ.eyJzdWIiOiIxIn0.q_ZHd7dEuwE-0V44rNFSHO90ccv0xMEyl\
                 G7Fh6OWlpcbHwPQkt5N2Pd2kb6gR4lyRlbiL3E5ORLr6sRFHiFYOLrP3pYdChZR7nao4XwM_EX20HjV43ywTNbe-\
                 amzmKrL1Vc4i93yLSPy2eMQWE_dYFY5ty1PApp-sfv-bhVQGNe2yRLWNKqJlHg7mfvnEZXTfuzocba0GdSF3LoGE\
                 AZptb-yBSU9UFGqSuoXOR0znLw16oxMr8BeSL1pAv2-jtiMNKpYynA3np1k1rQj7g6G1slzPR3fbyCgLBuh7fMzX\
                 2cQHd_UDEwGhQfxGaMU70af2VsFE9xtZ4lMx8ydFQB7Bw";
    let honest = TestKey::rsa();
    let set = parse(&[
        json!({"kty": "RSA", "kid": "roca", "n": modulus, "e": "AQAB"}),
        honest.jwk(json!({"kid": "fine"})),
    ]);
    let compact = Compact::parse(token, "id_token", 10_000).unwrap();
    assert_eq!(set.verify(&compact), Check::Weak(Weakness::Roca));
    assert!(!set.keys[0].key.verify(compact.alg, compact.signed, &compact.signature));
    let error = require_valid(set.verify(&compact), &compact, "id_token").unwrap_err();
    assert!(error.message().contains("`roca`, it can be factored"), "{error}");
    let header = json!({"alg": "RS256", "kid": "fine"});
    let fine = honest.sign(Algorithm::RS256, &header, &json!({"sub": "1"}));
    assert_eq!(check(&set, &fine), Check::Verified, "other keys of the set are not touched");
}

#[test]
fn weak_rsa_key_with_a_valid_signature_is_refused() {
    let weak = "tZdlL79pzk6ner7Yh491tDbwGPNvxx4xo7TzFyJ2doDFrV4BsMsnKjrU2HrocO3zyKKCNuVVVZ4ATnQGMFLOeKrq\
                vEvYdV7O5z1SL3cvGbjdDZnvRvCiNanQ-7nH_lq0cFFzc3IpblS5KRBc1ezITa4VVF4ypx6dsjgn_o5MJkc";
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IndlYWsifQ.eyJzdWIiOiIxIn0.R97gJyokmz7gmr0wMm65PZaZ-ZWDcYsQ\
                 MeofEbS7-Z0ySPcghCynCPQQ3fDK1ISJKBKvZF-lDITE-JYoJtpo_mvEDub5PhyNJWwBC_lg0lUUeqEft3j34jVq\
                 fK17N97SRZSSrDYkZaUrnt6Ly9vQqcha-yeWL9qMRyKmSMIK3rE";
    let set = parse(&[json!({"kty": "RSA", "kid": "weak", "n": weak, "e": "AQAB"})]);
    let compact = Compact::parse(token, "id_token", 10_000).unwrap();
    let weak = Check::Weak(Weakness::Short(1024));
    assert_eq!(set.verify(&compact), weak);
    assert!(!set.keys[0].key.verify(compact.alg, compact.signed, &compact.signature));
    let error = require_valid(weak, &compact, "id_token").unwrap_err();
    assert!(error.message().contains("`weak`, 1024 bits"), "{error}");
}

#[test]
fn malformed_or_too_large_jwks_is_refused() {
    let key = TestKey::p256().public;
    assert_eq!(parse(&vec![key.clone(); 100]).keys.len(), 100);
    let many = set(&vec![key; 101]).to_string();
    let padded = format!("{}{}", set(&[]), " ".repeat(MAX_SET_BYTES));
    let deep = "[".repeat(10_000);
    for (json, part) in [
        ("", "not JSON"),
        ("<html>", "not JSON"),
        ("[]", "no array"),
        ("{}", "no array"),
        (r#"{"keys":{}}"#, "no array"),
        (&deep, "not JSON"),
        (&many, "101 keys"),
        (&padded, "bytes"),
    ] {
        let error = JwkSet::parse(json.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn addresses_are_https_or_loopback() {
    for uri in [
        "https://as.example/jwks?v=1",
        "http://127.0.0.1:8080/jwks",
        "http://[::1]/jwks",
        "http://localhost:9/jwks",
    ] {
        assert!(KeySource::new(uri).is_ok(), "{uri}");
    }
    for uri in [
        "http://as.example/jwks",
        "http://localhost.evil.example/jwks",
        "http://169.254.169.254/jwks",
        "http://[::ffff:127.0.0.1]/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "data:application/json,{}",
        "jwks",
        "",
        "https://user:canary@as.example/jwks",
    ] {
        let error = KeySource::new(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{uri}");
        assert!(!error.message().contains("canary"), "{error}");
    }
}

fn source() -> KeySource {
    KeySource::new("https://as.example/jwks").unwrap()
}

async fn verify(source: &KeySource, http: &Served, raw: &str, now: Timestamp) -> Result<()> {
    let token = Compact::parse(raw, "id_token", 10_000)?;
    source.verify(http, &token, "id_token", now).await
}

#[tokio::test]
async fn jwks_response_must_have_status_200() {
    let key = TestKey::p256();
    let body = set(std::slice::from_ref(&key.public)).to_string().into_bytes();
    for (status, kind) in [
        (201, ErrorKind::Validation),
        (204, ErrorKind::Validation),
        (301, ErrorKind::Validation),
        (307, ErrorKind::Validation),
        (404, ErrorKind::Validation),
        (429, ErrorKind::Unavailable),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
    ] {
        let http = Served::new(vec![Ok((status, body.clone()))]);
        let error = verify(&source(), &http, &token(&key, None), at(0)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error}");
        assert!(error.message().contains(&status.to_string()), "{error}");
    }
    let broken =
        HttpError { not_sent: true, message: "no route".into(), hint: None, misconfigured: false };
    let http = Served::new(vec![Err(broken)]);
    let error = verify(&source(), &http, &token(&key, None), at(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("no route"), "{error}");
}

#[tokio::test]
async fn request_is_a_get_of_the_configured_address() {
    let key = TestKey::p256();
    let http = Served::sets(&[set(std::slice::from_ref(&key.public))]);
    verify(&source(), &http, &token(&key, None), at(0)).await.unwrap();
    let request = &http.requests()[0];
    assert_eq!(request.url.as_str(), "https://as.example/jwks");
    assert_eq!(request.method, Method::Get);
    assert!(request.body.is_empty());
}

#[tokio::test]
async fn fetched_keys_serve_until_they_are_an_hour_old() {
    let key = TestKey::p256();
    let served = set(&[kid(&key, "a")]);
    let http = Served::sets(&[served.clone(), served]);
    let source = source();
    for (now, fetched) in [(0, 1), (1, 1), (3_599, 1), (3_600, 2), (3_601, 2)] {
        verify(&source, &http, &token(&key, Some("a")), at(now)).await.unwrap();
        assert_eq!(http.count(), fetched, "after {now} s");
    }
}

#[tokio::test]
async fn keys_of_another_source_age_and_rotate() {
    let (old, new) = (TestKey::p256(), TestKey::p256());
    let (before, after) = (set(&[kid(&old, "1")]), set(&[kid(&new, "2")]));
    let http = Served::sets(std::slice::from_ref(&before));
    let first = source();
    verify(&first, &http, &token(&old, Some("1")), at(100)).await.unwrap();
    let (document, fetched_at) = first.take_fetched().await.unwrap();
    assert_eq!(fetched_at, at(100));
    assert_eq!(first.take_fetched().await, None, "given once");

    for (now, signer, name, fetched) in [
        (100, &old, "1", 0),
        (3_699, &old, "1", 0),
        (3_700, &new, "2", 1),
        (99, &new, "2", 1),
        (101, &new, "2", 1),
    ] {
        let http = Served::sets(std::slice::from_ref(&after));
        let mut second = source();
        second.start_with(&document, fetched_at, at(now));
        verify(&second, &http, &token(signer, Some(name)), at(now)).await.unwrap();
        assert_eq!(http.count(), fetched, "at {now} with {name}");
        assert_eq!(second.take_fetched().await.is_some(), fetched == 1);
    }
}

#[tokio::test]
async fn invalid_jwks_is_not_cached() {
    let key = TestKey::p256();
    let http = Served::sets(&[set(&[kid(&key, "1")])]);
    let mut source = source();
    source.start_with(b"{}", at(0), at(0));
    verify(&source, &http, &token(&key, Some("1")), at(0)).await.unwrap();
    assert_eq!(http.count(), 1);
}

#[tokio::test]
async fn rotated_keys_are_fetched_once_more() {
    let (old, new) = (TestKey::p256(), TestKey::p256());
    // Another name, the same name, and no name at all.
    for (before, after, name) in [
        (kid(&old, "1"), kid(&new, "2"), Some("2")),
        (kid(&old, "1"), kid(&new, "1"), Some("1")),
        (old.public.clone(), new.public.clone(), None),
    ] {
        let http = Served::sets(&[set(std::slice::from_ref(&before)), set(&[after])]);
        let source = source();
        let first = before["kid"].as_str();
        verify(&source, &http, &token(&old, first), at(0)).await.unwrap();
        verify(&source, &http, &token(&new, name), at(1)).await.unwrap();
        assert_eq!(http.count(), 2);
    }
}

#[tokio::test]
async fn set_fetched_for_this_token_is_not_fetched_again() {
    let (key, other) = (TestKey::p256(), TestKey::p256());
    let http = Served::sets(&[set(&[kid(&key, "a")])]);
    let error = verify(&source(), &http, &token(&other, Some("b")), at(0)).await.unwrap_err();
    assert!(error.message().contains("does not publish (`kid` `b`, ES256)"), "{error}");
    assert_eq!(http.count(), 1);
}

#[tokio::test]
async fn random_kids_cause_one_fetch_in_30_seconds() {
    let key = TestKey::p256();
    let served = set(&[kid(&key, "a")]);
    let http = Served::sets(&vec![served; 35]);
    let source = source();
    verify(&source, &http, &token(&key, Some("a")), at(0)).await.unwrap();
    for second in 0..1_000 {
        let hostile = token(&key, Some(&format!("random-{second}")));
        let error = verify(&source, &http, &hostile, at(second)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
    assert_eq!(http.count(), 1 + 34);
    verify(&source, &http, &token(&key, Some("a")), at(1_000)).await.unwrap();
}

#[tokio::test]
async fn concurrent_callers_share_a_fetch() {
    let (old, new) = (TestKey::p256(), TestKey::p256());
    let http = Served::sets(&[set(&[kid(&old, "1")]), set(&[kid(&new, "2")])]);
    let source = source();
    let (old, new) = (token(&old, Some("1")), token(&new, Some("2")));
    let (a, b) =
        tokio::join!(verify(&source, &http, &old, at(0)), verify(&source, &http, &old, at(0)));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(http.count(), 1);
    let (a, b) =
        tokio::join!(verify(&source, &http, &new, at(1)), verify(&source, &http, &new, at(1)));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(http.count(), 2);
}

#[tokio::test]
async fn caller_with_old_keys_gets_refetched_ones() {
    let (old, new) = (TestKey::p256(), TestKey::p256());
    let http = Served::sets(&[set(&[kid(&old, "1")]), set(&[kid(&new, "2")])]);
    let source = source();
    let (_, seen, _) = source.current(&http, at(0)).await.unwrap();
    let expected = parse(&[kid(&new, "2")]);
    for _ in 0..2 {
        let newer = source.newer(&http, seen, at(1)).await.unwrap();
        assert_eq!(newer.as_deref(), Some(&expected));
    }
    assert_eq!(http.count(), 2);
}

#[tokio::test]
async fn refetch_that_fails_leaves_the_old_keys_in_use() {
    let (key, other) = (TestKey::p256(), TestKey::p256());
    let http = Served::new(vec![
        Ok((200, set(&[kid(&key, "a")]).to_string().into_bytes())),
        Ok((503, Vec::new())),
        Ok((503, Vec::new())),
    ]);
    let source = source();
    let fine = token(&key, Some("a"));
    verify(&source, &http, &fine, at(0)).await.unwrap();
    let error = verify(&source, &http, &token(&other, Some("b")), at(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "the key may be new: {error}");
    let error = verify(&source, &http, &token(&other, Some("a")), at(40)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "a forgery stays one: {error}");
    verify(&source, &http, &fine, at(41)).await.unwrap();
    assert_eq!(http.count(), 3);
}

#[test]
fn hostile_kid_is_shown_harmless() {
    let raw = format!(
        "{}.{}.{}",
        b64(json!({"alg": "ES256", "kid": "\u{1b}[2J\n\u{202e}"}).to_string()),
        b64("{}"),
        b64("s")
    );
    let compact = Compact::parse(&raw, "id_token", 10_000).unwrap();
    let error = require_valid(Check::NoKey, &compact, "id_token").unwrap_err();
    assert!(error.message().chars().all(text::is_harmless), "{error:?}");
}
