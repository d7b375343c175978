//! Requests to APIs: any method, bodies that stream in both directions, connections that are used again.

use reqwest::header::HeaderMap;
use url::Url;

use super::target::Target;
use super::{Connections, HttpClient, Options, failure};
use crate::port::HttpError;

pub use reqwest::{Body, Method, StatusCode, Version, header};

/// Sends requests to APIs. TLS, trust, proxies and the rule for plain http are those of [`HttpClient`]; but
/// connections are reused, over HTTP/2 if the server supports it, and neither the size of a body nor its
/// duration is limited.
///
/// It follows no redirects and adds no headers of its own.
pub struct ApiClient {
    shared: HttpClient,
    upgraded: HttpClient,
}

/// A request to an API.
#[derive(Debug)]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, if there is one.
    pub body: Option<Body>,
    /// Whether the connection may switch to another protocol (RFC 9110, section 7.8). It is then HTTP/1.1 and
    /// used for nothing else.
    pub may_upgrade: bool,
}

/// A response, whose body is read as it arrives.
#[derive(Debug)]
pub struct ApiResponse {
    response: reqwest::Response,
    target: Target,
}

impl ApiClient {
    /// Creates a client. The total time limit of the options does not apply.
    pub fn new(options: Options) -> Self {
        Self {
            shared: HttpClient::with(options.clone(), Connections::Shared),
            upgraded: HttpClient::with(options, Connections::Upgraded),
        }
    }

    /// Sends a request and reads the head of its response.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no response.
    pub async fn send(&self, request: ApiRequest) -> Result<ApiResponse, HttpError> {
        let ApiRequest { method, url, headers, body, may_upgrade } = request;
        let target = Target::of(&url)?;
        let http = if may_upgrade { &self.upgraded } else { &self.shared };
        let proxy = http.proxy_of(&url, &target);
        let client = http.client(target.tls, proxy.clone())?;
        let mut outgoing = reqwest::Request::new(method, url);
        *outgoing.headers_mut() = headers;
        *outgoing.body_mut() = body;
        match client.execute(outgoing).await {
            Ok(response) => Ok(ApiResponse { response, target }),
            Err(error) => Err(http.unsent(error, &target, proxy.as_ref()).await),
        }
    }
}

impl ApiResponse {
    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Returns the version of HTTP.
    pub fn version(&self) -> Version {
        self.response.version()
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Returns the next part of the body, or `None` at its end.
    ///
    /// # Errors
    ///
    /// Returns an error if the body was interrupted.
    pub async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, HttpError> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|error| failure::of_reading(error, &self.target))
    }

    /// Returns the body, to be sent on as it arrives.
    pub fn into_body(self) -> Body {
        self.response.into()
    }

    /// Returns the connection, after a response with status 101.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection has ended.
    pub async fn upgrade(
        self,
    ) -> Result<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + use<>, HttpError>
    {
        let Self { response, target } = self;
        response.upgrade().await.map_err(|error| failure::of_reading(error, &target))
    }
}
