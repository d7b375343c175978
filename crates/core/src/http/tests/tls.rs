//! Which servers are believed.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs};

use super::*;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for this name, and its key.
fn issue(issuer: &Issuer, params: CertificateParams) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, issuer).unwrap(), key)
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn ca_file(directory: &Path, issuer: &Issuer) -> Options {
    let path = directory.join("ca.pem");
    std::fs::write(&path, issuer.pem()).unwrap();
    Options { ca_file: Some(path), ..options() }
}

/// A TLS server for one connection. Gives its URL, and what it was asked, or nothing.
async fn tls_server(
    issuer: &Issuer,
    params: CertificateParams,
    clients: Option<&Issuer>,
) -> (String, JoinHandle<Option<String>>) {
    let (certificate, key) = issue(issuer, params);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    serve_once(vec![certificate.der().clone()], key, clients).await
}

/// The same with this certificate.
async fn serve_once(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Option<&Issuer>,
) -> (String, JoinHandle<Option<String>>) {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let config = builder.with_single_cert(chain, key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/token", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()?;
        let request = read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.ok()?;
        stream.shutdown().await.ok()?;
        Some(request)
    });
    (url, served)
}

#[tokio::test]
async fn server_of_an_authority_in_ca_file_is_trusted() {
    let directory = tempfile::tempdir().unwrap();
    let issuer = authority("one");
    let (url, served) = tls_server(&issuer, params("127.0.0.1"), None).await;
    let answer = send(ca_file(directory.path(), &issuer), &url).await.unwrap();
    assert_eq!(answer.status, 204);
    assert!(served.await.unwrap().unwrap().starts_with("POST /token"));
}

#[tokio::test]
async fn unknown_authority_gets_nothing_and_hint_names_key() {
    let (url, served) = tls_server(&authority("one"), params("127.0.0.1"), None).await;
    let error = fail(options(), &url).await;
    assert!(error.not_sent);
    assert!(error.hint.unwrap().to_string().contains("`ca_file`"));
    assert_eq!(served.await.unwrap(), None);
}

#[tokio::test]
async fn error_names_the_ca_file_of_another_authority() {
    let directory = tempfile::tempdir().unwrap();
    for (other, expected) in [
        ("two", "an untrusted authority; the CA file "),
        ("one", "has a different key; the CA file "),
    ] {
        let (url, served) = tls_server(&authority("one"), params("127.0.0.1"), None).await;
        let options = ca_file(directory.path(), &authority(other));
        let path = options.ca_file.clone().unwrap();
        let error = fail(options, &url).await;
        let expected = format!("{expected}{}", path.display());
        assert!(error.not_sent && error.message.contains(&expected), "{error:?}");
        assert_eq!(served.await.unwrap(), None);
    }
}

#[tokio::test]
async fn certificate_of_another_host_or_time_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let issuer = authority("one");
    let mut expired = params("127.0.0.1");
    expired.not_before = rcgen::date_time_ymd(2020, 1, 1);
    expired.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let mut early = params("127.0.0.1");
    early.not_before = rcgen::date_time_ymd(4000, 1, 1);
    early.not_after = rcgen::date_time_ymd(4001, 1, 1);
    for (params, expected) in [
        (params("other.example"), "it is for another host (certificate is only valid for"),
        (expired, "it has expired or is not valid yet"),
        (early, "it has expired or is not valid yet"),
    ] {
        let (url, served) = tls_server(&issuer, params, None).await;
        let error = fail(ca_file(directory.path(), &issuer), &url).await;
        assert!(error.not_sent && error.message.contains(expected), "{error:?}");
        assert_eq!(served.await.unwrap(), None);
    }
}

#[tokio::test]
async fn client_certificate_is_presented_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let (issuer, clients) = (authority("one"), authority("two"));
    let (certificate, key) = issue(&clients, params("client.example"));
    let pem = Secret::new(format!("{}{}", certificate.pem(), key.serialize_pem()));
    let options = ca_file(directory.path(), &issuer);

    let (url, served) = tls_server(&issuer, params("127.0.0.1"), Some(&clients)).await;
    let with = Options { client_certificate: Some(pem), ..options.clone() };
    assert_eq!(send(with, &url).await.unwrap().status, 204);
    assert!(served.await.unwrap().is_some());

    let (url, served) = tls_server(&issuer, params("127.0.0.1"), Some(&clients)).await;
    let error = fail(options, &url).await;
    assert!(error.hint.unwrap().to_string().contains("client certificate"));
    assert_eq!(served.await.unwrap(), None);
}

#[tokio::test]
async fn unusable_files_are_named_and_keys_are_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for content in [None, Some(""), Some("no PEM"), Some(garbage)] {
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let options = Options { ca_file: Some(path.clone()), ..options() };
        let error = fail(options, "https://127.0.0.1:9/").await;
        let expected = format!("cannot use the CA file {}: ", path.display());
        assert!(error.not_sent && error.message.starts_with(&expected), "{error:?}");
    }
    for pem in [CANARY, "-----BEGIN PRIVATE KEY-----\nYzRuNHJ5\n-----END PRIVATE KEY-----\n"] {
        let client_certificate = Some(Secret::new(pem));
        let error = fail(Options { client_certificate, ..options() }, "https://127.0.0.1:9/").await;
        assert!(error.not_sent && error.message == "cannot use the client certificate");
    }
}

#[tokio::test]
async fn ca_file_that_was_mended_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let issuer = authority("one");
    let (url, _served) = tls_server(&issuer, params("127.0.0.1"), None).await;
    let options = ca_file(directory.path(), &issuer);
    let path = options.ca_file.clone().unwrap();
    std::fs::write(&path, "").unwrap();
    let client = HttpClient::new(options);
    client.send(&request(&url)).await.unwrap_err();
    std::fs::write(&path, issuer.pem()).unwrap();
    assert_eq!(client.send(&request(&url)).await.unwrap().status, 204);
}

/// The usual way to make a self-signed certificate makes one of an authority.
#[tokio::test]
async fn authority_as_a_server_is_explained_with_a_hint() {
    let directory = tempfile::tempdir().unwrap();
    for (is_ca, is_accepted) in
        [(IsCa::Ca(BasicConstraints::Unconstrained), false), (IsCa::ExplicitNoCa, true)]
    {
        let mut own = params("127.0.0.1");
        own.is_ca = is_ca;
        let own = CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap();
        let key = PrivateKeyDer::try_from(own.key().serialize_der()).unwrap();
        let (url, served) = serve_once(vec![own.der().clone()], key, None).await;
        let options = ca_file(directory.path(), &own);
        if is_accepted {
            assert_eq!(send(options, &url).await.unwrap().status, 204);
            continue;
        }
        let error = fail(options, &url).await;
        assert!(error.message.contains("CA certificate (CA:TRUE)"), "{error:?}");
        assert!(!error.message.contains("CaUsedAsEndEntity"), "{error:?}");
        assert!(error.hint.unwrap().to_string().contains("basicConstraints=CA:FALSE"));
        assert_eq!(served.await.unwrap(), None);
    }
}
