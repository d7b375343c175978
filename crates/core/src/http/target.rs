//! Which URLs a request may go to.

use url::Url;

use crate::port::HttpError;
use crate::profile::endpoint::is_loopback;

/// The destination of a request that may be sent.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) loopback: bool,
    pub(super) tls: bool,
}

impl Target {
    pub(super) fn of(url: &Url) -> Result<Self, HttpError> {
        let refuse = |why: String| Err(HttpError::not_sent(why, None));
        let host = url.host_str().unwrap_or_default().to_owned();
        let tls = match url.scheme() {
            "https" => true,
            "http" if is_loopback(url) => false,
            "http" => {
                return Err(HttpError::not_sent(
                    format!("cannot send a request to {host} without TLS"),
                    Some("use its https URL; plain http is allowed only for loopback hosts".into()),
                ));
            }
            scheme => return refuse(format!("cannot send requests to a `{scheme}` URL")),
        };
        if host.is_empty() {
            return refuse("the URL has no host".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(format!("the URL for {host} contains a user name or a password"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(Self { host, port, loopback: is_loopback(url), tls })
    }
}
