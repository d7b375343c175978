//! Sends HTTP requests (the sole user of reqwest).
//!
//! What holds for every request: TLS is verified, by rustls with the platform's verifier; plain
//! http goes to a loopback host only, and what goes there never passes a proxy; no redirect is
//! followed; nothing is sent twice; and both the time and the size of an answer are bounded.

mod body;
mod failure;
mod no_proxy;
mod proxy;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use url::Url;
use zeroize::Zeroizing;

use crate::files::{named, trusted};
use crate::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse, Method};
use crate::profile::endpoint::is_loopback;
use crate::secret::Secret;

pub use crate::port::MAX_BODY;
pub use proxy::can_be_proxy;
pub use proxy::unreadable_exceptions;

/// The most bytes of all header names and values together.
pub const MAX_HEADERS: usize = 64 * 1024;

/// The most bytes of a file of certificate authorities.
const MAX_CA_FILE: usize = 16 << 20;

/// How a client reaches servers.
#[derive(Debug, Clone)]
pub struct Options {
    /// A PEM file with the certificates of further authorities, trusted beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// A client certificate with its chain and its private key, in PEM (RFC 8705).
    pub client_certificate: Option<Secret>,
    /// The most time for name resolution, connection, proxy and TLS handshake together.
    pub connect_timeout: Duration,
    /// The most time for the whole exchange.
    pub total_timeout: Duration,
    /// The proxy for https hosts that are not loopback.
    pub proxy: Proxy,
}

impl Default for Options {
    /// 10 s to connect, 30 s in all, the environment's proxy.
    fn default() -> Self {
        Self {
            ca_file: None,
            client_certificate: None,
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            proxy: Proxy::Environment,
        }
    }
}

/// Where connections to other hosts go through.
#[derive(Debug, Clone)]
pub enum Proxy {
    /// What `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case. A value that
    /// [cannot name a proxy](can_be_proxy) is passed over. `NO_PROXY` is a list of hosts separated by commas
    /// or white space: `*`, `corp.test` with all names below it, `*.corp.test` for those alone, an IP
    /// address, or a network such as `10.0.0.0/8`; a name or an address may have a `:PORT`.
    Environment,
    /// None.
    Direct,
    /// This one: its URL may carry a user and a password.
    Url(Secret),
}

/// Sends requests over HTTP/1.1, each on a connection of its own: a connection kept for later can
/// die just as a request is written to it, and then nobody knows whether a code was spent.
///
/// TLS is set up at the first https request; a request to a plain loopback server loads no
/// certificates. Sending needs a tokio runtime with its timer and its I/O.
pub struct HttpClient {
    options: Options,
    plain: OnceLock<Client>,
    direct_tls: OnceLock<Client>,
    proxied_tls: OnceLock<Client>,
}

impl HttpClient {
    /// A client with these options. Files are read when they are first needed.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            plain: OnceLock::new(),
            direct_tls: OnceLock::new(),
            proxied_tls: OnceLock::new(),
        }
    }

    /// Checks that the files and the certificate of the options can be used, which would otherwise
    /// show at the first https request.
    ///
    /// # Errors
    ///
    /// Of kind [`Config`](crate::ErrorKind::Config).
    pub fn check_options(&self) -> crate::Result<()> {
        if self.options.ca_file.is_none() && self.options.client_certificate.is_none() {
            return Ok(());
        }
        self.client(true, None).map(drop).map_err(|error| error.told(&error.message))
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let target = Target::of(&request.url)?;
        let client = self.client(target.tls, self.proxy_of(&request.url, &target))?;
        let outgoing = outgoing(&client, request)?;
        let answer = client
            .execute(outgoing)
            .await
            .map_err(|error| failure::of_sending(error, &target, &self.options))?;
        read(answer, &target).await
    }

    /// The client for this kind of connection. A failure is not remembered: the file may be mended.
    fn client(&self, tls: bool, proxy: Option<Secret>) -> Result<Client, HttpError> {
        let slot = match (tls, &proxy) {
            (false, _) => &self.plain,
            (true, None) => &self.direct_tls,
            (true, Some(_)) => &self.proxied_tls,
        };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let mut builder = self.base();
        builder = if tls { self.with_tls(builder)? } else { builder.tls_certs_only([]) };
        builder = match proxy {
            None => builder.no_proxy(),
            Some(url) => through(builder, &url)?,
        };
        let client = builder.build().map_err(|error| failure::of_set_up(&error, &self.options))?;
        Ok(slot.get_or_init(|| client).clone())
    }

    fn base(&self) -> ClientBuilder {
        // `localhost` is not left to a resolver, which may lead elsewhere (RFC 8252, section 8.3).
        let localhost = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            .map(|address| SocketAddr::new(address, 0));
        Client::builder()
            .user_agent(concat!("oauthctl/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(self.options.connect_timeout)
            .resolve_to_addrs("localhost", &localhost)
    }

    fn with_tls(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, HttpError> {
        if let Some(path) = &self.options.ca_file {
            // A pipe would be waited for, beyond every time limit.
            if std::fs::metadata(path).is_ok_and(|is| !is.is_file()) {
                return Err(failure::of_ca_file(path, &"it is no plain file"));
            }
            let pem = read_ca_file(path)?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(failure::of_ca_file(path, &"it holds no certificate in PEM"));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        if let Some(pem) = &self.options.client_certificate {
            let identity = Identity::from_pem(pem.expose().as_bytes())
                .map_err(|_| failure::of_client_certificate())?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }

    /// The proxy that a target is reached through. Loopback is reached through none, and so is plain http,
    /// which is for loopback alone.
    fn proxy_of(&self, url: &Url, target: &Target) -> Option<Secret> {
        match &self.options.proxy {
            _ if target.loopback || !target.tls => None,
            Proxy::Direct => None,
            Proxy::Environment => proxy::of_environment(url),
            Proxy::Url(proxy) => Some(proxy.clone()),
        }
    }
}

fn through(builder: ClientBuilder, url: &Secret) -> Result<ClientBuilder, HttpError> {
    if !can_be_proxy(url.expose()) {
        return Err(failure::of_proxy_url());
    }
    let url = Zeroizing::new(proxy::with_scheme(url.expose()));
    let proxy = reqwest::Proxy::https(url.as_str()).map_err(|_| failure::of_proxy_url())?;
    Ok(builder.proxy(proxy))
}

impl Http for HttpClient {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let limit = self.options.total_timeout;
            let mut exchange = std::pin::pin!(self.exchange(request));
            // A process that was stopped finds its time over and, perhaps, the answer there: with
            // a moment more it is taken, and what it brings is not lost.
            for limit in [limit, MOMENT] {
                if let Ok(outcome) = tokio::time::timeout(limit, &mut exchange).await {
                    return outcome;
                }
            }
            Err(failure::of_time(&request.url, limit))
        })
    }
}

/// What is waited for an answer that came while nobody could look.
const MOMENT: Duration = Duration::from_millis(100);

/// Where a request goes, once it is known that it may.
struct Target {
    host: String,
    port: u16,
    loopback: bool,
    tls: bool,
}

impl Target {
    fn of(url: &Url) -> Result<Self, HttpError> {
        let refuse = |why: String| Err(failure::not_sent(why, None));
        let host = url.host_str().unwrap_or_default().to_owned();
        let tls = match url.scheme() {
            "https" => true,
            "http" if is_loopback(url) => false,
            "http" => {
                return Err(failure::not_sent(
                    format!("refused to send a request to {host} without TLS"),
                    Some("use its https URL; plain http is for loopback hosts only".into()),
                ));
            }
            scheme => return refuse(format!("cannot send requests to a `{scheme}` URL")),
        };
        if host.is_empty() {
            return refuse("the URL names no host".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(format!("the URL for {host} carries a user name or a password"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(Self { host, port, loopback: is_loopback(url), tls })
    }
}

/// Reads a file of further certificate authorities, which nobody else may be able to write to.
fn read_ca_file(path: &Path) -> Result<Vec<u8>, HttpError> {
    let failed = |error: std::io::Error| failure::of_ca_file(path, &error);
    let file = named::open(path).map_err(failed)?;
    trusted::check(&file, path).map_err(|error| failure::of_writable_ca_file(&error))?;
    let pem = named::read(&file, MAX_CA_FILE).map_err(failed)?;
    match pem.len() > MAX_CA_FILE {
        true => Err(failure::of_ca_file(path, &"it is larger than 16 MiB")),
        false => Ok(pem.to_vec()),
    }
}

fn outgoing(client: &Client, request: &HttpRequest) -> Result<reqwest::Request, HttpError> {
    let invalid = || failure::not_sent(format!("the {} is malformed", request.purpose), None);
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| invalid())?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let mut builder = client.request(method, request.url.clone()).headers(headers);
    if request.method == Method::Post || !request.body.is_empty() {
        builder = builder.body(request.body.to_vec());
    }
    builder.build().map_err(|_| invalid())
}

async fn read(answer: reqwest::Response, target: &Target) -> Result<HttpResponse, HttpError> {
    let status = answer.status().as_u16();
    let headers: Vec<(String, String)> = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    if headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_HEADERS {
        return Err(failure::of_size(target, "head", MAX_HEADERS));
    }
    let body = body::read(answer, target).await?;
    body::decompressed(HttpResponse { status, headers, body }, target)
}
