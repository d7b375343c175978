//! Providers whose client authenticates with a key or a certificate.

use std::sync::Arc;

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;
use crate::faults::token_of;
use crate::support::{Answer, Api, Broker, Browser, Home, provider};

/// More than any token lives.
const NEW: &str = "?min_ttl=24h";

/// A private key as PEM and as JWK, and its public half.
fn client_key() -> (String, Value, Value) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = STANDARD.encode(pair.to_pkcs8v1().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(32);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let public = json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": text(x), "y": text(y) });
    let mut private = public.clone();
    private["d"] = text(pair.private_key().as_be_bytes().unwrap().as_ref()).into();
    (pem, private, public)
}

#[tokio::test]
async fn private_key_signs_for_code_and_refresh() {
    let sandbox = provider().await;
    let home = Home::new();
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    for form in ["pem", "jwk", "jwk-text"] {
        let (pem, private, public) = client_key();
        let (key, secret) = match form {
            "pem" => (json!(pem), pem.lines().nth(1).unwrap().to_owned()),
            "jwk" => (private.clone(), private["d"].as_str().unwrap().to_owned()),
            _ => (json!(private.to_string()), private["d"].as_str().unwrap().to_owned()),
        };
        let client = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [public] },
            "redirect_uris": [format!("{}/callback", broker.url)],
        });
        let registered = reqwest::Client::builder().no_proxy().build().unwrap();
        let registered = registered
            .post(format!("{}/register", sandbox.issuer()))
            .header("content-type", "application/json")
            .body(client.to_string());
        let registered = registered.send().await.unwrap().text().await.unwrap();
        let registered: Value = serde_json::from_str(&registered).unwrap();
        let body = json!({
            "issuer": sandbox.issuer(), "client_id": registered["client_id"],
            "client_auth": "private_key_jwt", "private_key": key, "scopes": ["openid"],
        });
        let path = format!("/v1/providers/{form}");
        let put = api.put(&path, &body).await;
        assert_eq!(put.json(201)["has_private_key"], true, "{form}");
        api.connect(form, "u-1").await;
        let first = api.token(form, "u-1").await.json(200);
        let second = api.get(&format!("/v1/connections/{form}/u-1/token{NEW}")).await.json(200);
        assert_ne!(first["access_token"], second["access_token"], "{form}");
        for answer in [put, api.get(&path).await] {
            assert!(!answer.text.contains(&secret), "{form}: {}", answer.text);
        }
        for file in std::fs::read_dir(home.path().join("state")).unwrap() {
            let file = file.unwrap().path();
            let Ok(bytes) = std::fs::read(&file) else { continue };
            let is_there = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_there, "{form}: {}", file.display());
        }
        assert!(!broker.log().contains(&secret), "{form}: {}", broker.log());
    }
}

fn certified(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate of this authority and its key, PEM.
fn issued(issuer: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, issuer).unwrap(), key)
}

/// A TLS server that requires a certificate of `authority` and passes everything on. Returns its origin.
async fn behind_certificates(inner: &str, authority: &CertifiedIssuer<'static, KeyPair>) -> String {
    let (own, key) = issued(authority, "127.0.0.1");
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![own.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        );
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    let inner = inner.strip_prefix("http://").unwrap().to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, inner) = (acceptor.clone(), inner.clone());
            tokio::spawn(async move {
                let mut outer = acceptor.accept(stream).await.ok()?;
                let mut inner = TcpStream::connect(inner).await.ok()?;
                tokio::io::copy_bidirectional(&mut outer, &mut inner).await.ok()
            });
        }
    });
    origin
}

async fn connect(api: &Api, provider: &str) -> Answer {
    let link = api.link(&json!({ "provider": provider, "user": "u-1" })).await;
    Browser::default().follow(&link).await
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_is_presented_for_code_refresh_revoke() {
    let authority = Authority::start().await;
    let (issuer, stranger) = (certified("authority.example"), certified("stranger.example"));
    let server = behind_certificates(&authority.url, &issuer).await;
    let home = Home::new();
    let trusted = home.path().join("trusted.pem");
    std::fs::write(&trusted, issuer.pem()).unwrap();
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let broker = Broker::start(command.env("SSL_CERT_FILE", &trusted));
    let api = broker.api(&home.tenant("acme", &[]));
    let (certificate, key) = issued(&issuer, "client.example");
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    let mut good = authority.provider();
    good["token_endpoint"] = format!("{server}/token").into();
    good["revocation_endpoint"] = format!("{server}/revoke").into();
    let with = |certificate: Option<&str>, key: &str| {
        let mut body = good.clone();
        body["client_auth"] = "tls_client_auth".into();
        body["private_key"] = key.into();
        if let Some(certificate) = certificate {
            body["certificate"] = certificate.into();
        }
        body
    };
    let both = format!("{certificate}{key}");
    for (name, body) in [("p", with(Some(&certificate), &key)), ("both", with(None, &both))] {
        let path = format!("/v1/providers/{name}");
        let put = api.put(&path, &body).await;
        put.json(201);
        assert_eq!(connect(&api, name).await.status, 200, "{}", broker.log());
        api.get(&token_of("u-1", NEW).replace("/p/", &format!("/{name}/"))).await.json(200);
        for answer in [put, api.get(&path).await] {
            assert_eq!(answer.text.matches("BEGIN").count(), 0, "{}", answer.text);
        }
    }
    // Another provider at the same server has no certificate, or one of another authority.
    let (other, its_key) = issued(&stranger, "client.example");
    api.put("/v1/providers/none", &good).await.json(201);
    let foreign = with(Some(&other.pem()), &its_key.serialize_pem());
    api.put("/v1/providers/foreign", &foreign).await.json(201);
    for name in ["none", "foreign"] {
        assert_ne!(connect(&api, name).await.status, 200, "{name}");
        api.token(name, "u-1").await.problem(404);
    }
    let deleted = api.delete("/v1/connections/p/u-1").await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    assert!(authority.memory().revoked.contains(&"rt-0-2".to_owned()));
    authority.assert_nothing_was_lost();
    // What cannot be used is refused at once.
    for (certificate, key) in [(Some("x"), key.as_str()), (Some(&certificate), "x"), (None, &key)] {
        let answer = api.put("/v1/providers/q", &with(certificate, key)).await;
        answer.problem(400);
        assert!(!answer.text.contains("BEGIN"), "{}", answer.text);
    }
}
