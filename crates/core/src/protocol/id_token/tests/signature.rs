//! Every way to have no valid signature.

use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::*;
use crate::protocol::test_issuer::{Served, pem};

#[test]
fn every_allowed_algorithm_verifies() {
    let (rsa, p256, p384, ed) =
        (TestKey::rsa(), &TestKey::p256(), &TestKey::p384(), &TestKey::ed25519());
    let rows = [
        (Algorithm::RS256, "RS256", rsa),
        (Algorithm::RS384, "RS384", rsa),
        (Algorithm::RS512, "RS512", rsa),
        (Algorithm::PS256, "PS256", rsa),
        (Algorithm::PS384, "PS384", rsa),
        (Algorithm::PS512, "PS512", rsa),
        (Algorithm::ES256, "ES256", p256),
        (Algorithm::ES384, "ES384", p384),
        (Algorithm::EdDSA, "EdDSA", ed),
        (Algorithm::EdDSA, "Ed25519", ed),
    ];
    let all = keys(&[rsa, p256, p384, ed].map(|key| key.jwk(json!({}))));
    for (alg, name, key) in rows {
        let raw = Secret::new(key.sign(alg, &json!({"alg": name}), &claims()));
        let verdict = valid(validate_with(&raw, &expectations(), &all));
        assert!(verdict.is_ok(), "{name}: {verdict:?}");

        let only = [name.to_owned()];
        let expected = Expectations { algs: &only, ..expectations() };
        assert!(validate_with(&raw, &expected, &all).is_ok(), "{name} announced");
        let other = if name == "RS256" { "PS256" } else { "RS256" };
        let others = [other.to_owned(), "HS256".to_owned(), "none".to_owned()];
        let expected = Expectations { algs: &others, ..expectations() };
        let shown = Alg::parse(name).unwrap().as_str();
        let part = format!("`{shown}`, but the server's metadata allows {other}");
        assert_refused(validate_with(&raw, &expected, &all), name, &part);
    }
}

#[test]
fn announced_none_and_hmac_algorithms_are_refused() {
    let rsa = TestKey::rsa();
    let set = keys(&[rsa.jwk(json!({}))]);
    let announced =
        ["none", "None", "nOnE", "HS256", "HS384", "hs256", "XS256", ""].map(str::to_owned);
    let expected = Expectations { algs: &announced, ..expectations() };
    let honest = rsa.sign(Algorithm::RS256, &json!({"alg": "RS256"}), &claims());
    let (_, signature) = honest.rsplit_once('.').unwrap();
    for alg in &announced {
        let message =
            format!("{}.{}", b64(json!({"alg": alg}).to_string()), b64(claims().to_string()));
        for signature in ["", signature] {
            let raw = Secret::new(format!("{message}.{signature}"));
            let part = match alg.starts_with("HS") {
                true => format!("is signed with {alg}, which is accepted only if"),
                false => format!("`alg` is `{alg}`"),
            };
            let part = if signature.is_empty() && alg.starts_with("HS") { "empty" } else { &part };
            assert_refused(validate_with(&raw, &expected, &set), alg, part);
        }
    }
}

#[test]
fn public_key_is_not_accepted_as_hmac_secret() {
    let rsa = TestKey::rsa();
    let set = keys(&[rsa.jwk(json!({"kid": "1"}))]);
    let pair = aws_lc_rs::signature::RsaKeyPair::from_pkcs8(&rsa.pkcs8).unwrap();
    let pkcs1 = pair.public_key().as_ref();
    let n = URL_SAFE_NO_PAD.decode(rsa.public["n"].as_str().unwrap()).unwrap();
    let forms = [
        pem("RSA PUBLIC KEY", pkcs1).into_bytes(),
        pkcs1.to_vec(),
        n,
        rsa.jwk(json!({"kid": "1"})).to_string().into_bytes(),
        b"client-secret".to_vec(),
        Vec::new(),
    ];
    for secret in forms {
        let key = TestKey {
            pkcs8: Vec::new(),
            encoding: jsonwebtoken::EncodingKey::from_secret(&secret),
            public: Value::Null,
        };
        for alg in ["HS256", "RS256"] {
            let header = json!({"alg": alg, "kid": "1"});
            let raw = Secret::new(key.sign(Algorithm::HS256, &header, &claims()));
            let part = if alg == "RS256" { "invalid signature of" } else { "signed with HS256" };
            assert_refused(validate_with(&raw, &expectations(), &set), alg, part);
        }
    }
}

#[test]
fn signature_of_another_algorithm_or_key_is_wrong() {
    let (rsa, p256) = (TestKey::rsa(), TestKey::p256());
    let set = keys(&[rsa.jwk(json!({})), p256.jwk(json!({}))]);
    let signed = |key: &TestKey, alg, name| key.sign(alg, &json!({"alg": name}), &claims());
    let rows = [
        ("other RSA key", signed(TestKey::other_rsa(), Algorithm::RS256, "RS256")),
        ("PSS as PKCS #1", signed(rsa, Algorithm::PS256, "RS256")),
        ("PKCS #1 as PSS", signed(rsa, Algorithm::RS256, "PS256")),
        ("other hash", signed(rsa, Algorithm::RS512, "RS256")),
        ("other EC key", signed(&TestKey::p256(), Algorithm::ES256, "ES256")),
        ("RSA as EC", signed(rsa, Algorithm::RS256, "ES256")),
        ("EC as RSA", signed(&p256, Algorithm::ES256, "RS256")),
    ];
    for (what, raw) in rows {
        let verdict = validate_with(&Secret::new(raw), &expectations(), &set);
        assert_refused(verdict, what, "invalid signature of");
    }
    // Zeros, the classic forgery against ECDSA (r = s = 0).
    let honest = signed(&p256, Algorithm::ES256, "ES256");
    let (message, _) = honest.rsplit_once('.').unwrap();
    for size in [1, 63, 64, 65, 96] {
        let raw = Secret::new(format!("{message}.{}", b64(vec![0; size])));
        assert_refused(validate_with(&raw, &expectations(), &set), "zeros", "invalid signature of");
    }
}

#[test]
fn id_token_truncated_anywhere_is_refused() {
    let key = TestKey::p256();
    let set = keys(&[key.jwk(json!({}))]);
    let honest = key.sign(Algorithm::ES256, &json!({"alg": "ES256"}), &claims());
    for end in 0..honest.len() {
        let raw = Secret::new(&honest[..end]);
        assert_refused(validate_with(&raw, &expectations(), &set), "truncated", "id_token");
    }
    assert!(validate_with(&Secret::new(honest), &expectations(), &set).is_ok());
}

#[tokio::test]
async fn keys_are_fetched_only_when_needed() {
    let key = TestKey::p256();
    let raw = Secret::new(key.sign(Algorithm::ES256, &json!({"alg": "ES256"}), &claims()));
    let http = Served::sets(&[set(&[key.jwk(json!({}))])]);
    let source = KeySource::new("https://as.example/jwks").unwrap();

    let no_issuer = Expectations { issuer: None, ..expectations() };
    let verdict = validate(&raw, &no_issuer, Some(&source), &http).await.unwrap();
    assert!(matches!(verdict, Verdict::Unverifiable(why) if why.contains("issuer")));
    let verdict = validate(&raw, &expectations(), None, &http).await.unwrap();
    assert!(matches!(verdict, Verdict::Unverifiable(_)));
    let unsigned = Secret::new(key.sign(Algorithm::ES256, &json!({"alg": "none"}), &claims()));
    assert!(validate(&unsigned, &expectations(), Some(&source), &http).await.is_err());
    assert_eq!(http.count(), 0);

    let forged = TestKey::p256().sign(Algorithm::ES256, &json!({"alg": "ES256"}), &claims());
    let verdict = validate(&Secret::new(forged), &expectations(), Some(&source), &http).await;
    assert_refused(verdict, "forged", "invalid signature of");
    assert_eq!(http.count(), 1);

    let verdict = validate(&raw, &expectations(), Some(&source), &http).await;
    assert_eq!(valid(verdict).unwrap().sub, "248289761001");
    assert_eq!(http.count(), 1);
}

/// What a token brings along is no key: neither used, nor fetched, nor a reason to refuse it.
#[tokio::test]
async fn keys_in_the_header_are_ignored() {
    let (key, own) = (TestKey::p256(), TestKey::p256());
    let set = set(&[key.jwk(json!({"kid": "1"}))]);
    for (name, value) in [
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", own.public.clone()),
        ("x5c", json!(["MIIB"])),
        ("jku", Value::Null),
    ] {
        let header = json!({"alg": "ES256", "kid": "1", name: value});
        let http = Served::sets(&[set.clone(), set.clone()]);
        let source = KeySource::new("https://as.example/jwks").unwrap();
        let honest = Secret::new(key.sign(Algorithm::ES256, &header, &claims()));
        let verdict = validate(&honest, &expectations(), Some(&source), &http).await;
        assert!(valid(verdict).is_ok(), "{name}");
        let forged = Secret::new(own.sign(Algorithm::ES256, &header, &claims()));
        let verdict = validate(&forged, &expectations(), Some(&source), &http).await;
        assert_refused(verdict, name, "invalid signature of");
        assert!(http.requests().iter().all(|r| r.url.as_str() == "https://as.example/jwks"));
    }
}

/// A key of HMAC, as the other implementation signs with it.
fn mac_key(secret: &str) -> TestKey {
    TestKey {
        pkcs8: Vec::new(),
        encoding: jsonwebtoken::EncodingKey::from_secret(secret.as_bytes()),
        public: Value::Null,
    }
}

const MACS: [(Algorithm, &str, Alg); 3] = [
    (Algorithm::HS256, "HS256", Alg::HS256),
    (Algorithm::HS384, "HS384", Alg::HS384),
    (Algorithm::HS512, "HS512", Alg::HS512),
];

#[tokio::test]
async fn hmac_is_accepted_only_as_configured() {
    let (secret, nothing) = (Secret::new("client-sécret"), Secret::default());
    let http = Served::new(Vec::new());
    let source = KeySource::new("https://as.example/jwks").unwrap();
    for (alg, name, ours) in MACS {
        let sign =
            |secret: &str| Secret::new(mac_key(secret).sign(alg, &json!({"alg": name}), &claims()));
        let expected =
            Expectations { alg: Some(ours), client_secret: Some(&secret), ..expectations() };
        let raw = sign("client-sécret");
        let verdict = validate(&raw, &expected, Some(&source), &http).await;
        assert_eq!(valid(verdict).unwrap().sub, "248289761001", "{name}");
        assert!(valid(validate(&raw, &expected, None, &http).await).is_ok(), "no `jwks_uri`");
        let other = validate(&sign("other"), &expected, Some(&source), &http).await;
        let error = other.unwrap_err();
        assert!(error.message().contains("not created with the client secret"), "{error}");
        assert!(!format!("{error:?}").contains("sécret"), "{error:?}");
        // An empty secret is everybody's, and no secret is none.
        for secret in [Some(&nothing), None] {
            let expected = Expectations { client_secret: secret, ..expected };
            let error = validate(&sign(""), &expected, Some(&source), &http).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        }
        for (_, _, not_ours) in MACS.iter().filter(|row| row.2 != ours) {
            let expected = Expectations { alg: Some(*not_ours), ..expected };
            let verdict = validate(&raw, &expected, Some(&source), &http).await;
            let part = format!("`alg` is `{name}`, but the profile accepts");
            assert_refused(verdict, name, &part);
        }
    }
    assert_eq!(http.count(), 0, "no public key has to do with it");
}

/// The profile's algorithm stands above what the metadata lists, and above what a token says.
#[test]
fn configured_algorithm_is_the_only_one() {
    let (rsa, p256, ed) = (TestKey::rsa(), TestKey::p256(), TestKey::ed25519());
    let set = keys(&[rsa.jwk(json!({})), p256.jwk(json!({})), ed.jwk(json!({}))]);
    let signed =
        |key: &TestKey, alg, name| Secret::new(key.sign(alg, &json!({"alg": name}), &claims()));
    let secret = Secret::new("s");
    let announced = ["RS256".to_owned()];
    let only = |alg| Expectations {
        alg: Some(alg),
        algs: &announced,
        client_secret: Some(&secret),
        ..expectations()
    };
    let es256 = signed(&p256, Algorithm::ES256, "ES256");
    assert!(validate_with(&es256, &only(Alg::ES256), &set).is_ok(), "though not announced");
    let refused = validate_with(&es256, &expectations_with(&announced), &set).unwrap_err();
    let hint = "set `id_token_signed_response_alg = \"ES256\"` in the profile";
    assert!(refused.advice_text().unwrap().contains(hint), "{refused:?}");
    let rs256 = signed(rsa, Algorithm::RS256, "RS256");
    let refused = validate_with(&rs256, &only(Alg::ES256), &set).unwrap_err();
    assert!(refused.message().contains("`RS256`, but the profile accepts only ES256"), "{refused}");
    assert!(refused.advice_text().unwrap().contains("id_token_signed_response_alg = \"RS256\""));
    for name in ["EdDSA", "Ed25519"] {
        let raw = signed(&ed, Algorithm::EdDSA, name);
        assert!(validate_with(&raw, &only(Alg::parse(name).unwrap()), &set).is_ok(), "{name}");
    }
    let hs256 = signed(&mac_key("s"), Algorithm::HS256, "HS256");
    let refused = validate_with(&hs256, &only(Alg::RS256), &set).unwrap_err();
    assert!(refused.advice_text().unwrap().contains("needs a `client_secret`"), "{refused:?}");
}

fn expectations_with(algs: &[String]) -> Expectations<'_> {
    Expectations { algs, ..expectations() }
}

/// A small generator of its own (xorshift), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

#[test]
fn no_mutation_of_a_token_validates_or_panics() {
    let (rsa, p256) = (TestKey::rsa(), TestKey::p256());
    let set = keys(&[rsa.jwk(json!({"kid": "r"})), p256.jwk(json!({"kid": "e"}))]);
    let tokens = [
        rsa.sign(Algorithm::RS256, &json!({"alg": "RS256", "kid": "r"}), &claims()),
        p256.sign(Algorithm::ES256, &json!({"alg": "ES256", "kid": "e"}), &claims()),
    ];
    let alphabet = b"ABCabc019-_.=+/ \n\0{}\"\xc3\xa9";
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..6_000 {
        let honest = tokens[round % 2].as_bytes();
        let mut bytes = honest.to_vec();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            match dice.roll(5) {
                0 => bytes[at] = alphabet[dice.roll(alphabet.len())],
                1 => bytes.insert(at, alphabet[dice.roll(alphabet.len())]),
                2 => drop(bytes.remove(at)),
                3 => {
                    let other = dice.roll(bytes.len());
                    bytes.swap(at, other);
                }
                _ => {
                    let end = at + dice.roll(bytes.len() - at);
                    bytes.drain(at..end);
                }
            }
        }
        if bytes == honest {
            continue;
        }
        let raw = Secret::new(String::from_utf8_lossy(&bytes).into_owned());
        let verdict = validate_with(&raw, &expectations(), &set);
        assert!(verdict.is_err(), "round {round}: {}", raw.expose());
    }
    for honest in tokens {
        assert!(validate_with(&Secret::new(honest), &expectations(), &set).is_ok());
    }
}
