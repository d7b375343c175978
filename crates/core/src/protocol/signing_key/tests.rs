//! Keys in every form that is read, and what is said of those that are not.

use aws_lc_rs::encoding::EcPrivateKeyRfc5915Der;
use serde_json::{Map, json};

use super::*;
use crate::ErrorKind;
use crate::protocol::jws::b64;
use crate::protocol::test_issuer::{TestKey, pem};

fn read(text: &str) -> Result<SigningKey> {
    SigningKey::read(&Secret::new(text))
}

/// The integers of an `RSAPrivateKey` (RFC 8017, appendix A.1.2) without its version.
fn rsa_integers(pkcs1: &[u8]) -> Vec<String> {
    let (mut rest, _) = der_value(pkcs1, 0x30).unwrap();
    let mut integers = Vec::new();
    while let Some((value, after)) = der_value(rest, 0x02) {
        let value: Vec<u8> = value.iter().copied().skip_while(|b| *b == 0).collect();
        integers.push(b64(value));
        rest = after;
    }
    integers.split_off(1)
}

fn rsa_jwk(more: Value) -> Value {
    let integers = rsa_integers(TestKey::rsa().encoding.as_bytes());
    let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
    let mut jwk: Map<String, Value> =
        names.iter().map(|n| n.to_string()).zip(integers.into_iter().map(Value::String)).collect();
    jwk.insert("kty".into(), "RSA".into());
    jwk.extend(more.as_object().unwrap().clone());
    Value::Object(jwk)
}

fn ec_jwk(key: &TestKey, curve: &'static signature::EcdsaSigningAlgorithm) -> Value {
    let pair = EcdsaKeyPair::from_pkcs8(curve, &key.pkcs8).unwrap();
    let d = aws_lc_rs::encoding::AsBigEndian::<aws_lc_rs::encoding::EcPrivateKeyBin>::as_be_bytes(
        &pair.private_key(),
    )
    .unwrap();
    key.jwk(json!({"d": b64(d.as_ref()), "kid": "ec-1"}))
}

fn sec1(key: &TestKey, curve: &'static signature::EcdsaSigningAlgorithm) -> Vec<u8> {
    let pair = EcdsaKeyPair::from_pkcs8(curve, &key.pkcs8).unwrap();
    AsDer::<EcPrivateKeyRfc5915Der>::as_der(&pair.private_key()).unwrap().as_ref().to_vec()
}

fn ed_jwk(key: &TestKey) -> Value {
    let pair = Ed25519KeyPair::from_pkcs8(&key.pkcs8).unwrap();
    let seed =
        aws_lc_rs::encoding::AsBigEndian::<aws_lc_rs::encoding::Curve25519SeedBin>::as_be_bytes(
            &pair.seed().unwrap(),
        )
        .unwrap();
    key.jwk(json!({"d": b64(seed.as_ref())}))
}

/// Signs with the key that was read, and verifies with the other implementation.
#[track_caller]
fn assert_signs(what: &str, key: &SigningKey, alg: jsonwebtoken::Algorithm, with: &TestKey) {
    let raw = key.sign_jwt(json!({"typ": "JWT"}), &json!({"sub": "1"})).unwrap();
    let mut rules = jsonwebtoken::Validation::new(alg);
    rules.required_spec_claims.clear();
    let token = jsonwebtoken::decode::<Value>(&raw, &with.decoding(), &rules)
        .unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(token.claims, json!({"sub": "1"}), "{what}");
    assert_eq!(token.header.typ.as_deref(), Some("JWT"));
    assert_eq!(key.public().unwrap().to_jwk(), with.public, "{what}");
}

#[test]
fn every_form_of_every_kind_is_read_and_signs() {
    use jsonwebtoken::Algorithm as A;
    let (rsa, p256, p384, ed) =
        (TestKey::rsa(), TestKey::p256(), TestKey::p384(), TestKey::ed25519());
    let (curve256, curve384) = (CURVES[0].0, CURVES[1].0);
    let rows: Vec<(&str, String, A, &TestKey)> = vec![
        ("RSA PKCS #8", pem("PRIVATE KEY", &rsa.pkcs8), A::RS256, rsa),
        ("RSA PKCS #1", pem("RSA PRIVATE KEY", rsa.encoding.as_bytes()), A::RS256, rsa),
        ("RSA JWK", rsa_jwk(json!({})).to_string(), A::RS256, rsa),
        ("RSA JWK PS256", rsa_jwk(json!({"alg": "PS256"})).to_string(), A::PS256, rsa),
        ("RSA JWK RS512", rsa_jwk(json!({"alg": "RS512"})).to_string(), A::RS512, rsa),
        ("P-256 PKCS #8", pem("PRIVATE KEY", &p256.pkcs8), A::ES256, &p256),
        ("P-256 SEC 1", pem("EC PRIVATE KEY", &sec1(&p256, curve256)), A::ES256, &p256),
        ("P-256 JWK", ec_jwk(&p256, curve256).to_string(), A::ES256, &p256),
        ("P-384 PKCS #8", pem("PRIVATE KEY", &p384.pkcs8), A::ES384, &p384),
        ("P-384 SEC 1", pem("EC PRIVATE KEY", &sec1(&p384, curve384)), A::ES384, &p384),
        ("P-384 JWK", ec_jwk(&p384, curve384).to_string(), A::ES384, &p384),
        ("Ed25519 PKCS #8", pem("PRIVATE KEY", &ed.pkcs8), A::EdDSA, &ed),
        ("Ed25519 JWK", ed_jwk(&ed).to_string(), A::EdDSA, &ed),
    ];
    for (what, text, alg, with) in rows {
        let key = read(&text).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_signs(what, &key, alg, with);
        let stored = SigningKey::from_stored(&key.to_stored().unwrap()).unwrap();
        assert_eq!(stored.public().unwrap(), key.public().unwrap(), "{what}");
    }
}

#[test]
fn text_around_a_pem_is_ignored() {
    let key = TestKey::p256();
    let body = pem("EC PRIVATE KEY", &sec1(&key, CURVES[0].0));
    let parameters = pem("EC PARAMETERS", &[6, 8, 42, 134, 72, 206, 61, 3, 1, 7]);
    let certificate = pem("CERTIFICATE", b"anything");
    for text in [
        format!("{parameters}{body}"),
        format!("{certificate}{body}"),
        format!("\u{feff}\n  Bag Attributes\n{body}{certificate}\n"),
        body.replace('\n', "\r\n"),
    ] {
        assert_eq!(read(&text).unwrap().public().unwrap().to_jwk(), key.public);
    }
}

#[test]
fn kid_of_a_jwk_is_kept() {
    let key = TestKey::p256();
    assert_eq!(read(&ec_jwk(&key, CURVES[0].0).to_string()).unwrap().kid(), Some("ec-1"));
    assert_eq!(read(&pem("PRIVATE KEY", &key.pkcs8)).unwrap().kid(), None);
}

#[test]
fn unusable_key_is_refused_unquoted() {
    let (p256, ed) = (TestKey::p256(), TestKey::ed25519());
    let good = pem("PRIVATE KEY", &p256.pkcs8);
    let encrypted = good.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\n", 1);
    let mut other_point = ec_jwk(&p256, CURVES[0].0);
    other_point["x"] = TestKey::p256().public["x"].clone();
    let mut other_public = ed_jwk(&ed);
    other_public["x"] = TestKey::ed25519().public["x"].clone();
    let mut bare_rsa = rsa_jwk(json!({}));
    bare_rsa.as_object_mut().unwrap().remove("qi");
    let rows: Vec<(String, &str)> = vec![
        (String::new(), "is empty"),
        ("  \n".into(), "is empty"),
        ("canary".into(), "neither PEM nor a JWK"),
        ("/path/to/canary.pem".into(), "neither PEM nor a JWK"),
        ("{\"canary".into(), "not a JWK"),
        (json!({"keys": []}).to_string(), "not a JWK"),
        (p256.public.to_string(), "public key"),
        (json!({"kty": "oct", "k": "canary", "d": "canary"}).to_string(), "of an unsupported type"),
        (p256.jwk(json!({"d": "canary"})).to_string(), "damaged"),
        (rsa_jwk(json!({"alg": "ES256"})).to_string(), "`alg`"),
        (rsa_jwk(json!({"alg": "HS256"})).to_string(), "`alg`"),
        (rsa_jwk(json!({"use": "enc"})).to_string(), "not for signing"),
        (bare_rsa.to_string(), "damaged"),
        (other_point.to_string(), "damaged"),
        (other_public.to_string(), "damaged"),
        (pem("PUBLIC KEY", b"canary"), "contains something else"),
        (pem("CERTIFICATE", b"canary"), "contains something else"),
        (pem("PRIVATE KEY", b"canary"), "damaged"),
        (pem("OPENSSH PRIVATE KEY", b"canary"), "of an unsupported type"),
        (pem("RSA PRIVATE KEY", &p256.pkcs8), "damaged"),
        (pem("ENCRYPTED PRIVATE KEY", b"canary"), "encrypted"),
        (encrypted, "encrypted"),
        (good.replace("-----END", "--END"), "truncated"),
        (good.replacen("\n", "\n!canary!", 1), "not base64"),
        (format!("{}{}", &good[..60], &good[70..]), "damaged"),
    ];
    for (text, part) in rows {
        let error = read(&text).expect_err(part);
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains(part), "`{error}` does not say `{part}`");
        assert!(!error.message().contains("canary"), "{error}");
        assert!(error.advice_text().unwrap().contains("PKCS #8"));
    }
}

#[test]
fn damaged_stored_keys_are_the_store_s_fault() {
    for stored in ["", "!", "AAAA"] {
        let error = SigningKey::from_stored(&Secret::new(stored)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
    }
}

#[test]
fn debug_shows_no_key() {
    let key = SigningKey::generate().unwrap();
    assert_eq!(format!("{key:?}"), "SigningKey(ES256)");
}

#[test]
fn der_that_lies_about_its_length_is_no_key() {
    for der in [
        &[][..],
        &[0x30],
        &[0x30, 0x80],
        &[0x30, 0x85, 1, 1, 1, 1, 1],
        &[0x30, 0x84, 255, 255],
        &[0x30, 0x84, 255, 255, 255, 255],
        &[0x30, 3, 2, 1],
        &[0x30, 3, 2, 1, 5],
        &[2, 1, 1],
    ] {
        assert_eq!(rsa_public(der), None, "{der:?}");
    }
}
