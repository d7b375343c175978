//! Each method, byte for byte, and what is refused.

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::*;
use crate::ErrorKind;
use crate::protocol::test_issuer::{TestKey, pem};

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://as.example";
const HARD: &str = ":+%& é\"";

type Pairs = Vec<(String, String)>;

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

fn terms(now: Timestamp) -> Terms<'static> {
    Terms { audience: ISSUER, algs: &[], now }
}

fn with_secret(secret: &str) -> Credentials {
    Credentials { secret: Some(Secret::new(secret)), ..Credentials::default() }
}

/// What is added to a request that has a grant type.
fn added(method: ClientAuth, id: &str, credentials: &Credentials) -> Result<(Pairs, Pairs)> {
    let mut headers = pairs(&[("accept", "application/json")]);
    let mut form = pairs(&[("grant_type", "x")]);
    let now = Timestamp::from_unix(NOW);
    let client = Client { method, id, credentials };
    authenticate(client, terms(now), &mut headers, &mut form)?;
    assert_eq!(headers.remove(0).0, "accept");
    assert_eq!(form.remove(0).0, "grant_type");
    Ok((headers, form))
}

#[test]
fn public_client_only_says_who_it_is() {
    // Even a client that has a secret does not send it where it is not asked for.
    for method in [ClientAuth::None, ClientAuth::TlsClientAuth] {
        let (headers, form) = added(method, "id", &with_secret("s")).unwrap();
        assert_eq!((headers, form), (vec![], pairs(&[("client_id", "id")])));
    }
}

#[test]
fn basic_encodes_both_halves_and_keeps_the_body() {
    let (headers, form) = added(ClientAuth::ClientSecretBasic, "id", &with_secret(HARD)).unwrap();
    // base64 of `id:%3A%2B%25%26+%C3%A9%22`
    let value = "Basic aWQ6JTNBJTJCJTI1JTI2KyVDMyVBOSUyMg==";
    assert_eq!(headers, pairs(&[("authorization", value)]));
    assert_eq!(form, vec![]);

    let (headers, _) =
        added(ClientAuth::ClientSecretBasic, "https://app:1/é", &with_secret("a*b-c.d_e~f"))
            .unwrap();
    let value = headers[0].1.strip_prefix("Basic ").unwrap();
    let pair = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
    assert_eq!(pair, "https%3A%2F%2Fapp%3A1%2F%C3%A9:a*b-c.d_e%7Ef");
}

#[test]
fn post_puts_both_in_the_body_as_they_are() {
    let (headers, form) = added(ClientAuth::ClientSecretPost, "id", &with_secret(HARD)).unwrap();
    assert_eq!(headers, vec![]);
    assert_eq!(form, pairs(&[("client_id", "id"), ("client_secret", HARD)]));
}

/// The assertion of a form, after a look at what stands beside it.
fn assertion_of(form: &Pairs) -> &str {
    assert_eq!(form[0], ("client_id".into(), "id".into()));
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(form[1], ("client_assertion_type".into(), kind.into()));
    assert_eq!((form[2].0.as_str(), form.len()), ("client_assertion", 3));
    &form[2].1
}

#[track_caller]
fn assert_claims(raw: &str, key: &DecodingKey, alg: Algorithm) -> (String, Option<String>) {
    let mut rules = Validation::new(alg);
    rules.set_audience(&[ISSUER]);
    rules.validate_exp = false;
    let token = jsonwebtoken::decode::<Value>(raw, key, &rules).unwrap();
    let mut claims = token.claims;
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    let expected = json!({"iss": "id", "sub": "id", "aud": ISSUER, "iat": NOW, "exp": NOW + 60});
    assert_eq!(claims, expected);
    let jti = jti.as_str().unwrap().to_owned();
    assert_eq!(jti.len(), 22, "128 bits: {jti}");
    (jti, token.header.kid)
}

#[test]
fn client_secret_jwt_is_signed_with_the_secret() {
    let (headers, form) = added(ClientAuth::ClientSecretJwt, "id", &with_secret(HARD)).unwrap();
    assert_eq!(headers, vec![]);
    let key = DecodingKey::from_secret(HARD.as_bytes());
    assert_claims(assertion_of(&form), &key, Algorithm::HS256);
    assert!(!format!("{form:?}").contains(HARD), "the secret itself is not sent");
}

#[test]
fn private_key_jwt_verifies_with_each_kind_of_key() {
    let (p256, p384, ed) = (TestKey::p256(), TestKey::p384(), TestKey::ed25519());
    for (key, alg) in [
        (TestKey::rsa(), Algorithm::RS256),
        (&p256, Algorithm::ES256),
        (&p384, Algorithm::ES384),
        (&ed, Algorithm::EdDSA),
    ] {
        let text = Secret::new(pem("PRIVATE KEY", &key.pkcs8));
        let credentials = Credentials {
            key: Some(Arc::new(SigningKey::read(&text).unwrap())),
            ..Credentials::default()
        };
        let mut seen = HashSet::new();
        for _ in 0..3 {
            let (headers, form) = added(ClientAuth::PrivateKeyJwt, "id", &credentials).unwrap();
            assert_eq!(headers, vec![]);
            let (jti, kid) = assert_claims(assertion_of(&form), &key.decoding(), alg);
            assert_eq!(kid, None);
            assert!(seen.insert(jti), "every assertion has a jti of its own");
        }
    }
}

#[test]
fn kid_of_a_jwk_is_in_the_header() {
    let jwk = json!({
        // The key of RFC 8037, appendix A.1.
        "kty": "OKP", "crv": "Ed25519", "kid": "k-1",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let key = SigningKey::read(&Secret::new(jwk.to_string())).unwrap();
    let public = DecodingKey::from_ed_components(jwk["x"].as_str().unwrap()).unwrap();
    let credentials = Credentials { key: Some(key.into()), ..Credentials::default() };
    let (_, form) = added(ClientAuth::PrivateKeyJwt, "id", &credentials).unwrap();
    let (_, kid) = assert_claims(assertion_of(&form), &public, Algorithm::EdDSA);
    assert_eq!(kid.as_deref(), Some("k-1"));
}

#[test]
fn federated_assertion_goes_out_as_it_came() {
    let credentials = Credentials {
        assertion: Some(Secret::new(" ey.J.x\n")),
        key: Some(Arc::new(SigningKey::generate().unwrap())),
        ..Credentials::default()
    };
    let (headers, form) = added(ClientAuth::PrivateKeyJwt, "id", &credentials).unwrap();
    assert_eq!(headers, vec![]);
    assert_eq!(assertion_of(&form), "ey.J.x");
}

#[test]
fn missing_credential_is_never_sent() {
    let empty = with_secret("");
    let none = Credentials::default();
    let blank = Credentials { assertion: Some(Secret::new(" \n")), ..Credentials::default() };
    use ClientAuth::{ClientSecretBasic, ClientSecretJwt, ClientSecretPost, PrivateKeyJwt};
    for (method, credentials, part) in [
        (ClientSecretBasic, &empty, "is empty"),
        (ClientSecretPost, &empty, "is empty"),
        (ClientSecretJwt, &empty, "is empty"),
        (ClientSecretBasic, &none, "is missing"),
        (ClientSecretPost, &none, "is missing"),
        (ClientSecretJwt, &none, "is missing"),
        (PrivateKeyJwt, &none, "no private key"),
        (PrivateKeyJwt, &empty, "no private key"),
        (PrivateKeyJwt, &blank, "assertion is empty"),
    ] {
        let error = added(method, "id", credentials).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn request_is_never_authenticated_twice() {
    let now = Timestamp::from_unix(NOW);
    let credentials = with_secret("s");
    for (headers, form, kind) in [
        (vec![], pairs(&[("client_secret", "canary")]), ErrorKind::Config),
        (vec![], pairs(&[("client_assertion", "canary")]), ErrorKind::Config),
        (vec![], pairs(&[("client_id", "canary")]), ErrorKind::Config),
        (pairs(&[("Authorization", "canary")]), vec![], ErrorKind::Internal),
    ] {
        for (_, method) in ClientAuth::ALL {
            let (mut headers, mut form) = (headers.clone(), form.clone());
            let client = Client { method, id: "id", credentials: &credentials };
            let error = authenticate(client, terms(now), &mut headers, &mut form).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(!error.message().contains("canary"), "{error}");
        }
    }
    // The same id named before is not a contradiction, and is not said twice.
    let credentials =
        Credentials { key: Some(Arc::new(SigningKey::generate().unwrap())), ..credentials };
    for (_, method) in ClientAuth::ALL {
        let client = Client { method, id: "id", credentials: &credentials };
        let (mut headers, mut form) = (vec![], pairs(&[("client_id", "id"), ("a", "b")]));
        authenticate(client, terms(now), &mut headers, &mut form).unwrap();
        let times = form.iter().filter(|(name, _)| name == "client_id").count();
        let basic = method == ClientAuth::ClientSecretBasic;
        assert_eq!(times, 1, "{method:?}");
        assert_eq!(headers.len(), usize::from(basic), "{method:?}");
        let (mut headers, mut form) = (vec![], pairs(&[("a", "b")]));
        authenticate(client, terms(now), &mut headers, &mut form).unwrap();
        let times = form.iter().filter(|(name, _)| name == "client_id").count();
        assert_eq!(times, usize::from(!basic), "{method:?}");
    }
}

#[test]
fn debug_shows_no_credential() {
    let credentials = Credentials {
        is_svid: false,
        secret: Some(Secret::new("canary")),
        key: Some(Arc::new(SigningKey::generate().unwrap())),
        assertion: Some(Secret::new("canary")),
        certificate: None,
    };
    assert!(!format!("{credentials:?}").contains("canary"));
}
