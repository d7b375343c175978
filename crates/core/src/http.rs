//! Sends HTTP requests (the only user of reqwest).
//!
//! For every request: TLS is verified, by rustls with the platform's verifier; plain http is sent only to a
//! loopback host, and never through a proxy; no redirect is followed; nothing is sent twice; and both the
//! time and the size of a response are limited.

pub mod api;
mod body;
mod certificate;
mod failure;
mod no_proxy;
mod options;
mod proxy;
mod reach;
mod target;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use url::Url;
use zeroize::Zeroizing;

use self::target::Target;
use crate::files::{named, trusted};
use crate::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse, Method};
use crate::secret::Secret;

pub use crate::port::MAX_BODY;
pub use options::{Options, Proxy, client_certificate};
pub use proxy::{address_of_environment as proxy_address, unreadable_exceptions};
pub use reach::Reach;

/// Maximum size of all header names and values together, in bytes.
const MAX_HEADERS: usize = 64 * 1024;

/// Interval of TCP keep-alive probes on a connection that waits for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Value of the `User-Agent` header.
pub const USER_AGENT: &str = concat!("oauthctl/", env!("CARGO_PKG_VERSION"));

/// Maximum size of a file of certificate authorities, in bytes.
const MAX_CA_FILE: usize = 16 << 20;

/// Sends requests over HTTP/1.1, each on a new connection: a reused connection can fail just as a request
/// is written to it, and then it is unknown whether a code was spent.
///
/// TLS is set up at the first https request; a request to a loopback server over plain http loads no
/// certificates. Sending requires a tokio runtime with timer and I/O enabled.
pub struct HttpClient {
    options: Options,
    connections: Connections,
    plain: OnceLock<Client>,
    direct_tls: OnceLock<Client>,
    proxied_tls: OnceLock<Client>,
}

/// How a client uses its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connections {
    /// Each for one HTTP/1.1 request.
    Single,
    /// Each for many requests, with HTTP/2 if the server supports it.
    Shared,
    /// Each for one HTTP/1.1 request that may switch protocols.
    Upgraded,
}

impl HttpClient {
    /// Creates a client with these options. Files are read when they are first needed.
    pub fn new(options: Options) -> Self {
        Self::with(options, Connections::Single)
    }

    fn with(options: Options, connections: Connections) -> Self {
        Self {
            options,
            connections,
            plain: OnceLock::new(),
            direct_tls: OnceLock::new(),
            proxied_tls: OnceLock::new(),
        }
    }

    /// Checks that the files and the certificate of the options can be used. Otherwise an error would only
    /// appear at the first https request.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Config`](crate::ErrorKind::Config).
    pub fn check_options(&self) -> crate::Result<()> {
        if self.options.ca_file.is_none() && self.options.client_certificate.is_none() {
            return Ok(());
        }
        self.client(true, None).map(drop).map_err(|error| error.told(&error.message))
    }

    /// Sends a request as [`send`](Http::send) does, but takes its body from here. This body must have the same length.
    /// It is not read before the connection is established, so it can still decide whether it is sent.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no response.
    pub async fn send_body(
        &self,
        request: &HttpRequest,
        body: api::Body,
    ) -> Result<HttpResponse, HttpError> {
        self.timed(request, Some(body)).await
    }

    async fn timed(
        &self,
        request: &HttpRequest,
        body: Option<api::Body>,
    ) -> Result<HttpResponse, HttpError> {
        let limit = self.options.total_timeout;
        let mut exchange = std::pin::pin!(self.exchange(request, body));
        // For a process that was stopped, the time is over but the response may have arrived: waiting a
        // moment longer avoids losing it.
        for limit in [limit, MOMENT] {
            if let Ok(outcome) = tokio::time::timeout(limit, &mut exchange).await {
                return outcome;
            }
        }
        Err(failure::of_time(&request.url, limit))
    }

    async fn exchange(
        &self,
        request: &HttpRequest,
        body: Option<api::Body>,
    ) -> Result<HttpResponse, HttpError> {
        let target = Target::of(&request.url)?;
        if !self.options.reach.allows_host(&request.url) {
            return Err(failure::of_reach(&target));
        }
        let proxy = self.proxy_of(&request.url, &target);
        let client = self.client(target.tls, proxy.clone())?;
        let outgoing = outgoing(&client, request, body)?;
        match client.execute(outgoing).await {
            Ok(answer) => read(answer, &target).await,
            Err(error) => Err(self.unsent(error, &target, proxy.as_ref()).await),
        }
    }

    /// Explains why there is no response, and names a certificate that is not trusted.
    async fn unsent(
        &self,
        error: reqwest::Error,
        target: &Target,
        proxy: Option<&Secret>,
    ) -> HttpError {
        if proxy.is_some() && error.is_connect() && error.is_timeout() {
            return failure::of_silent_proxy(target, self.options.connect_timeout);
        }
        // Looking at the certificate is another connection, to wherever the name leads by then.
        let may_look = self.options.reach == Reach::Anywhere;
        let presented = match may_look && failure::is_of_certificate(&error) {
            true => certificate::presented(&target.host, target.port, proxy).await,
            false => None,
        };
        failure::of_sending(error, target, &self.options, presented.as_ref())
    }

    /// Returns the client for this kind of connection. A failure is not cached: the file may be corrected.
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
        let builder = match self.options.reach {
            Reach::Anywhere => Client::builder(),
            reach => Client::builder().dns_resolver(Arc::new(reach::Resolver(reach))),
        };
        let builder = builder
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.options.connect_timeout)
            .resolve_to_addrs("localhost", &localhost);
        match self.connections {
            Connections::Single => without_probes(
                builder.user_agent(USER_AGENT).http1_only().pool_max_idle_per_host(0),
            ),
            Connections::Shared => builder.tcp_keepalive(KEEP_ALIVE),
            Connections::Upgraded => builder.http1_only().pool_max_idle_per_host(0),
        }
    }

    fn with_tls(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, HttpError> {
        if let Some(path) = &self.options.ca_file {
            // Reading a pipe could block beyond every time limit.
            if std::fs::metadata(path).is_ok_and(|is| !is.is_file()) {
                return Err(failure::of_ca_file(path, &"not a regular file"));
            }
            let pem = read_ca_file(path)?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(failure::of_ca_file(path, &"it contains no PEM certificate"));
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

    /// Returns the proxy for a target. Loopback uses none, and neither does plain http, which is only for
    /// loopback.
    fn proxy_of(&self, url: &Url, target: &Target) -> Option<Secret> {
        match &self.options.proxy {
            _ if target.loopback || !target.tls => None,
            Proxy::Direct => None,
            Proxy::Environment => proxy::of_environment(url),
            Proxy::Url(proxy) => Some(proxy.clone()),
        }
    }
}

/// Sets no options on sockets: the total time of a request limits how long a dead connection is waited for.
fn without_probes(builder: ClientBuilder) -> ClientBuilder {
    let builder =
        builder.tcp_keepalive(None).tcp_keepalive_interval(None).tcp_keepalive_retries(None);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let builder = builder.tcp_user_timeout(None);
    builder
}

/// Returns whether requests to this URL go through the proxy that the environment sets.
pub fn is_proxied(url: &Url) -> bool {
    let target = Target::of(url).ok().filter(|target| target.tls && !target.loopback);
    target.is_some() && proxy::of_environment(url).is_some()
}

fn through(builder: ClientBuilder, url: &Secret) -> Result<ClientBuilder, HttpError> {
    if !proxy::can_be_proxy(url.expose()) {
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
        Box::pin(self.timed(request, None))
    }
}

/// How long to wait for a response that may have arrived while the process was stopped.
const MOMENT: Duration = Duration::from_millis(100);

/// Reads a file of additional certificate authorities, which no other user may be able to write to.
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

fn outgoing(
    client: &Client,
    request: &HttpRequest,
    body: Option<api::Body>,
) -> Result<reqwest::Request, HttpError> {
    let invalid = || HttpError::not_sent(format!("the {} is malformed", request.purpose), None);
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
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut builder = client.request(method, request.url.clone()).headers(headers);
    if let Some(body) = body {
        // Otherwise, the length is not announced, which few servers accept.
        builder = builder.header(CONTENT_LENGTH, request.body.len()).body(body);
    } else if request.method == Method::Post || !request.body.is_empty() {
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
