//! TLS with the certificate files of the operator.

use std::path::Path;
use std::sync::Arc;

use oauthctl_core::{Error, Result};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::private_files::read_secret;

/// Reads the certificate chain and its private key.
///
/// # Errors
///
/// Returns `Config` if a file cannot be read, or the two do not belong together.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let unusable = |path: &Path| Error::config(format!("cannot use {}", path.display()));
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|_| unusable(certificate).hint("it must be a certificate chain in PEM"))?;
    let private = PrivateKeyDer::from_pem_slice(read_secret(key)?.as_bytes())
        .map_err(|_| unusable(key).hint("it must be a private key in PEM, without a password"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::internal("TLS cannot be set up"))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|_| {
            unusable(certificate).hint("set `tls_private_key` to the key of this certificate")
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
