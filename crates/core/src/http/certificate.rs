//! The certificate that a server presented, for the message about why it is not trusted.
//!
//! The transport's own error does not contain it. So after such a failure, a second handshake records the certificate
//! and ends: nothing is trusted and nothing is sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use url::Url;
use zeroize::Zeroizing;

use super::proxy::with_scheme;
use crate::secret::Secret;
use crate::text::one_line;

/// How long the second handshake may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who a certificate is for, and who issued it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Presented {
    pub(super) subject: String,
    pub(super) issuer: String,
}

impl std::fmt::Display for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { subject, issuer } = self;
        match subject == issuer {
            true => write!(f, "the certificate of `{subject}`, which is self-signed"),
            false => write!(f, "the certificate of `{subject}`, issued by `{issuer}`"),
        }
    }
}

/// Returns the certificate that this server presents, directly or through a proxy; `None` if it presents none now.
pub(super) async fn presented(host: &str, port: u16, proxy: Option<&Secret>) -> Option<Presented> {
    let host = host.trim_matches(['[', ']']);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let recorder = Arc::new(Recorder { provider: Arc::clone(&provider), seen: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let handshake = async {
        let stream = match proxy {
            None => TcpStream::connect((host, port)).await.ok()?,
            Some(proxy) => tunnel(proxy, host, port).await?,
        };
        // It fails, because the recorder accepts nothing.
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.err()
    };
    tokio::time::timeout(PATIENCE, handshake).await.ok()?;
    let seen = recorder.seen.lock().unwrap_or_else(PoisonError::into_inner);
    names(seen.as_deref()?)
}

/// Maximum size of a proxy's answer, in bytes.
const LONGEST_ANSWER: usize = 8 * 1024;

/// Opens a tunnel through a proxy of the scheme `http` (RFC 9110, section 9.3.6); `None` for one of another kind.
async fn tunnel(proxy: &Secret, host: &str, port: u16) -> Option<TcpStream> {
    let url = Url::parse(&Zeroizing::new(with_scheme(proxy.expose()))).ok()?;
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    if url.scheme() != "http" || user.contains('%') || password.contains('%') {
        return None;
    }
    let at = url.host_str()?.trim_matches(['[', ']']);
    let mut stream = TcpStream::connect((at, url.port_or_known_default()?)).await.ok()?;
    let target =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut head = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
    if !user.is_empty() || !password.is_empty() {
        let credentials = Zeroizing::new(format!("{user}:{password}"));
        let encoded = Zeroizing::new(STANDARD.encode(credentials.as_bytes()));
        head.push_str(&format!("Proxy-Authorization: Basic {}\r\n", encoded.as_str()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < LONGEST_ANSWER {
        answer.push(stream.read_u8().await.ok()?);
    }
    let is_open = answer.starts_with(b"HTTP/1.") && answer.get(8..12) == Some(b" 200");
    is_open.then_some(stream)
}

/// A verifier that refuses every certificate, and keeps it.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Vec<u8>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        Err(refused())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(refused())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(refused())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn refused() -> Error {
    Error::General("only recorded".to_owned())
}

/// The tags of DER that are read.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const VERSION: u8 = 0xa0;

/// Returns the names in a certificate (RFC 5280, section 4.1).
fn names(certificate: &[u8]) -> Option<Presented> {
    let (SEQUENCE, outer, _) = element(certificate)? else { return None };
    let (SEQUENCE, mut rest, _) = element(outer)? else { return None };
    if let (VERSION, _, after) = element(rest)? {
        rest = after;
    }
    let mut parts = Vec::new();
    // Serial number, algorithm, issuer, validity, subject.
    for _ in 0..5 {
        let (_, content, after) = element(rest)?;
        parts.push(content);
        rest = after;
    }
    Some(Presented { issuer: name(parts[2])?, subject: name(parts[4])? })
}

/// The attributes of a name that are shown, by the last part of their id under 2.5.4.
const ATTRIBUTES: [(u8, &str); 4] = [(3, "CN"), (11, "OU"), (10, "O"), (6, "C")];

/// Returns a name as text; one without a known attribute is empty.
fn name(mut rest: &[u8]) -> Option<String> {
    let mut shown = Vec::new();
    while !rest.is_empty() {
        let (SET, set, after) = element(rest)? else { return None };
        rest = after;
        let (SEQUENCE, pair, _) = element(set)? else { return None };
        let (OBJECT_ID, id, value) = element(pair)? else { return None };
        let (_, value, _) = element(value)?;
        if let [0x55, 4, kind] = id
            && let Some((_, label)) = ATTRIBUTES.iter().find(|(known, _)| known == kind)
        {
            shown.push(format!("{label}={}", one_line(&String::from_utf8_lossy(value))));
        }
    }
    Some(if shown.is_empty() { "(no name)".to_owned() } else { shown.join(", ") })
}

/// Returns the tag and the content of the first element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_certificate_are_read() {
        let mut parameters = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "Example \u{1b}[2J AG");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let found = names(certificate.der()).unwrap();
        assert_eq!(found.subject, found.issuer);
        assert!(found.subject.contains("O=Example  [2J AG"), "{found:?}");
        assert!(found.to_string().contains("self-signed"));
    }

    #[test]
    fn damaged_certificate_has_no_names() {
        let key = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let der = key.cert.der();
        assert!(names(der).is_some());
        for length in 0..der.len().min(200) {
            assert_eq!(names(&der[..length]), None, "{length}");
        }
        for bytes in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(names(bytes), None);
        }
    }
}
