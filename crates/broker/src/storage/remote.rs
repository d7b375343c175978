//! TLS, for stores on other hosts.

use std::net::IpAddr;
use std::sync::Arc;

use oauthctl_core::{Error, Result};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

/// Returns whether a host is this machine. Only the name `localhost` counts: any other name could resolve to
/// another host later.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns the TLS settings: the certificate authorities of the platform.
///
/// # Errors
///
/// Returns `Store` if the platform has none.
pub(super) fn tls_config() -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|e| Error::store(format!("cannot set up TLS for the store: {e}")))?;
    Ok(Arc::new(config.with_no_client_auth()))
}
