//! How a client reaches servers.

use std::path::PathBuf;
use std::time::Duration;

use super::proxy;
use super::reach::Reach;
use crate::error::Result;
use crate::protocol::signing_key::SigningKey;
use crate::secret::Secret;

/// The options of a client.
#[derive(Debug, Clone)]
pub struct Options {
    /// A PEM file with the certificates of additional authorities, trusted in addition to the platform's.
    pub ca_file: Option<PathBuf>,
    /// A client certificate with its chain and its private key, in PEM (RFC 8705).
    pub client_certificate: Option<Secret>,
    /// Time limit for name resolution, connection, proxy and TLS handshake together.
    pub connect_timeout: Duration,
    /// Time limit for the whole exchange.
    pub total_timeout: Duration,
    /// The proxy for https hosts that are not loopback.
    pub proxy: Proxy,
    /// The addresses that may be connected to. If a proxy is used, the proxy resolves names and applies
    /// its own rules.
    pub reach: Reach,
}

/// Returns a client certificate with its private key in PEM, as [`Options::client_certificate`] has it. The
/// key may be a JWK.
///
/// # Errors
///
/// Returns an error of kind [`Config`](crate::ErrorKind::Config) if the key is a JWK that cannot be used.
pub fn client_certificate(certificate: &Secret, key: &Secret) -> Result<Secret> {
    let is_jwk = key.expose().trim_start().starts_with('{');
    let pem = if is_jwk { SigningKey::read(key)?.to_pem()? } else { key.clone() };
    Ok(Secret::new(format!("{}\n{}", certificate.expose(), pem.expose())))
}

impl Default for Options {
    /// Returns 10 s to connect, 30 s in total, and the environment's proxy.
    fn default() -> Self {
        Self {
            ca_file: None,
            client_certificate: None,
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            proxy: Proxy::Environment,
            reach: Reach::Anywhere,
        }
    }
}

/// The proxy for connections to other hosts.
#[derive(Debug, Clone)]
pub enum Proxy {
    /// The proxy that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` set, in upper or lower case. A value that is not a
    /// valid proxy URL is ignored. Use [`from_environment`](Self::from_environment) to make requests fail instead.
    /// `NO_PROXY` is a list of hosts separated by commas or white space: `*`, `corp.test` with all names below it,
    /// `*.corp.test` for those alone, an IP address, or a network such as `10.0.0.0/8`; a name or an address may have a
    /// `:PORT`.
    Environment,
    /// No proxy.
    Direct,
    /// This proxy: `http://`, `https://` or one of `socks4://`, `socks4a://`, `socks5://` and `socks5h://` with a host;
    /// without a scheme, `http://` is assumed. The URL may contain a user and a password. If it is invalid, requests fail.
    Url(Secret),
}

impl Proxy {
    /// Returns the proxy of the environment. If the variable that sets it contains an invalid URL, returns a
    /// [`Url`](Self::Url) with which every request fails: without the proxy, requests could take a route that the user
    /// did not intend.
    pub fn from_environment() -> Self {
        proxy::invalid_of_environment().map_or(Self::Environment, Self::Url)
    }
}
