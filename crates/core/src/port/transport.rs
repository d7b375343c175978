//! How requests are sent.

use std::time::Duration;

use url::Url;

use super::BoxFuture;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Timestamp;

/// Maximum size of a response's body after decompression, in bytes: 1 MiB.
pub const MAX_BODY: usize = 1024 * 1024;

/// The methods that OAuth uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

impl Method {
    /// Returns the method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A request. Its `Debug` omits headers and body: both contain secrets.
#[derive(Clone)]
pub struct HttpRequest {
    /// The purpose of the request, in a few words: "token request".
    pub purpose: &'static str,
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: zeroize::Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} ({})",
            self.method.as_str(),
            self.url.host_str().unwrap_or(""),
            self.purpose
        )
    }
}

/// A response with any status. Its `Debug` omits headers and body.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case. They include `content-length`, `transfer-encoding` and `content-encoding`: a
    /// form-encoded body is accepted only if one of them shows that it is complete.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed, 1 MiB at most.
    pub body: zeroize::Zeroizing<Vec<u8>>,
}

impl HttpResponse {
    /// Returns the first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Returns what the server's clock said (RFC 9110, section 6.6.1).
    pub fn date(&self) -> Option<Timestamp> {
        let at = httpdate::parse_http_date(self.header("date")?.trim()).ok()?;
        let at = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_unix(at.as_secs()))
    }

    /// Returns how long the client must wait before the next request (RFC 9110, section 10.2.3). The server gives it
    /// in seconds or as a date.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let at = httpdate::parse_http_date(value).ok()?;
        let at = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_unix(at.as_secs()).remaining(now))
    }

    /// Whether the server compressed the body.
    pub(crate) fn is_gzip(&self) -> bool {
        self.header("content-encoding").is_some_and(|coding| {
            let coding = coding.trim();
            coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip")
        })
    }

    /// Whether the body says where it ends (RFC 9112, section 6.3; RFC 1952), so that one that was cut short is not
    /// taken for a whole one. Else it ends with the connection, whatever ended that.
    pub(crate) fn is_delimited(&self) -> bool {
        let mut codings = self.headers.iter().filter(|(name, _)| name == "transfer-encoding");
        let last =
            codings.next_back().map(|(_, codings)| codings.rsplit(',').next().unwrap_or_default());
        let is_framed = match last {
            // Only chunks have an end of their own. With any other coding the length says nothing.
            Some(coding) => coding.trim().eq_ignore_ascii_case("chunked"),
            None => self.header("content-length").is_some(),
        };
        is_framed || self.is_gzip()
    }
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}, {} bytes", self.status, self.body.len())
    }
}

/// Why there is no response.
#[derive(Debug, Clone)]
pub struct HttpError {
    /// Whether the request was not sent, so that the server cannot have acted on it.
    pub not_sent: bool,
    /// The error message, without secrets.
    pub message: String,
    /// The hint: a sentence, without secrets, converts to advice with `into()`.
    pub hint: Option<Advice>,
    /// Whether only a change of the configuration helps. The request is then not sent again, and the error
    /// is of kind [`Config`](ErrorKind::Config), otherwise of kind [`Unavailable`](ErrorKind::Unavailable).
    pub misconfigured: bool,
}

impl HttpError {
    /// Returns a failure before anything was sent, for this reason.
    pub fn not_sent(message: impl Into<String>, hint: Option<Advice>) -> Self {
        Self { not_sent: true, message: message.into(), hint, misconfigured: false }
    }

    /// Returns the flow's error for it, with this message and its own hint.
    pub(crate) fn told(&self, message: impl Into<String>) -> Error {
        let kind = if self.misconfigured { ErrorKind::Config } else { ErrorKind::Unavailable };
        let error = Error::new(kind, message);
        match &self.hint {
            Some(hint) => error.hint(hint.clone()),
            None => error,
        }
    }
}

/// Sends requests.
///
/// An implementation must verify TLS, must never follow a redirect or send a request twice, and must return
/// a response of any status: it is not the transport's task to interpret it. A request may contain a code
/// or a refresh token, so no part of it may be logged.
pub trait Http: Send + Sync {
    /// Sends one request and reads its whole response, within 30 s and 1 MiB.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no response. Set [`HttpError::not_sent`] only if the server cannot have
    /// acted on the request: the flow then sends it again.
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_with_an_end_of_its_own_is_delimited() {
        let is_delimited = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            HttpResponse { status: 200, headers, body: Vec::new().into() }.is_delimited()
        };
        let te = "transfer-encoding";
        for whole in [
            &[("content-length", "3")][..],
            &[(te, "gzip, Chunked")],
            &[(te, "gzip"), (te, "chunked")],
            &[("content-encoding", "gzip")],
        ] {
            assert!(is_delimited(whole), "{whole:?}");
        }
        for cut in [
            &[][..],
            &[(te, "identity")],
            &[(te, "gzip")],
            &[(te, "chunked"), (te, "gzip")],
            &[(te, "identity"), ("content-length", "3")],
            &[("content-encoding", "br")],
        ] {
            assert!(!is_delimited(cut), "{cut:?}");
        }
    }
}
