//! Proofs, verified by another implementation with nothing but the key in their header.

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::*;
use crate::protocol::test_issuer::{TestKey, pem};

const NOW: u64 = 1_800_000_000;

/// The claims of a proof whose signature its own key verifies, and that key.
#[track_caller]
fn opened(proof: &str, alg: Algorithm) -> (Value, Value) {
    let header = jsonwebtoken::decode_header(proof).unwrap();
    assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
    let jwk = header.jwk.unwrap();
    let mut rules = Validation::new(alg);
    rules.required_spec_claims.clear();
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    let claims = jsonwebtoken::decode::<Value>(proof, &key, &rules).unwrap().claims;
    (claims, raw_header(proof)["jwk"].clone())
}

fn raw_header(proof: &str) -> Value {
    use base64::Engine;
    let (header, _) = proof.split_once('.').unwrap();
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
    serde_json::from_slice(&json).unwrap()
}

fn prove(key: &SigningKey, url: &str, nonce: Option<&str>, token: Option<&Secret>) -> String {
    let url = Url::parse(url).unwrap();
    let request = Request { method: "POST", url: &url, nonce, access_token: token };
    proof(key, request, Timestamp::from_unix(NOW)).unwrap()
}

#[test]
fn proof_names_its_request_and_nothing_more() {
    let key = SigningKey::generate().unwrap();
    let raw = prove(&key, "https://as.example/token?code=canary#frag", None, None);
    let (mut claims, jwk) = opened(&raw, Algorithm::ES256);
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(jti.as_str().unwrap().len(), 22, "128 bits");
    let expected = json!({"htm": "POST", "htu": "https://as.example/token", "iat": NOW});
    assert_eq!(claims, expected);
    assert_eq!(jwk, key.public().unwrap().to_jwk());
    let members: HashSet<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, HashSet::from(["crv", "kty", "x", "y"]), "no private member");
}

#[test]
fn nonce_and_token_hash_are_there_when_given() {
    let key = SigningKey::generate().unwrap();
    // The pair of RFC 9449, section 7.1.
    let token = Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    let raw = prove(&key, "https://rs.example/", Some("n\"1"), Some(&token));
    let (claims, _) = opened(&raw, Algorithm::ES256);
    assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    assert_eq!(claims["nonce"], "n\"1");
}

#[test]
fn no_two_proofs_share_their_jti() {
    let key = SigningKey::generate().unwrap();
    let seen: HashSet<String> = (0..200)
        .map(|_| opened(&prove(&key, "https://as.example/", None, None), Algorithm::ES256).0)
        .map(|claims| claims["jti"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(seen.len(), 200);
}

#[test]
fn profile_s_key_of_any_kind_makes_proofs() {
    let (p384, ed) = (TestKey::p384(), TestKey::ed25519());
    for (key, alg) in
        [(TestKey::rsa(), Algorithm::RS256), (&p384, Algorithm::ES384), (&ed, Algorithm::EdDSA)]
    {
        let read = SigningKey::read(&Secret::new(pem("PRIVATE KEY", &key.pkcs8))).unwrap();
        let (_, jwk) = opened(&prove(&read, "https://as.example/", None, None), alg);
        assert_eq!(jwk, key.public);
    }
}

#[test]
fn stored_key_is_the_same_key() {
    let key = SigningKey::generate().unwrap();
    let again = SigningKey::from_stored(&key.to_stored().unwrap()).unwrap();
    assert_eq!(thumbprint(&key).unwrap(), thumbprint(&again).unwrap());
    assert_ne!(thumbprint(&key).unwrap(), thumbprint(&SigningKey::generate().unwrap()).unwrap());
    let by_others: jsonwebtoken::jwk::Jwk =
        serde_json::from_value(key.public().unwrap().to_jwk()).unwrap();
    let theirs = by_others.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256);
    assert_eq!(thumbprint(&key).unwrap(), theirs.unwrap());
}
