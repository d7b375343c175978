//! A request and its outcome, as the trace shows them.

use std::time::Duration;

use super::redact::Body;

/// A request, without its secrets.
pub(super) struct Request {
    pub(super) number: usize,
    pub(super) started: Duration,
    pub(super) purpose: &'static str,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) base: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) size: usize,
}

/// A response, without its secrets.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) size: usize,
}

/// The outcome of a request.
pub(super) enum Outcome {
    /// A response.
    Answer(Response),
    /// No response, and why.
    Failure(String),
}

/// Returns the usual phrase for a status, with a leading space.
pub(super) fn phrase(status: u16) -> &'static str {
    match status {
        200 => " OK",
        201 => " Created",
        204 => " No Content",
        301 | 308 => " moved (not followed)",
        302 | 303 | 307 => " redirect (not followed)",
        400 => " Bad Request",
        401 => " Unauthorized",
        403 => " Forbidden",
        404 => " Not Found",
        405 => " Method Not Allowed",
        429 => " Too Many Requests",
        500 => " Internal Server Error",
        502 => " Bad Gateway",
        503 => " Service Unavailable",
        504 => " Gateway Timeout",
        _ => "",
    }
}
