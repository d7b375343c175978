//! The origin of this site in browsers, and which requests are addressed to it.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Method, header};
use url::{ParseError, Url};

/// Returns the origin as browsers write it: without the default port.
pub fn of(at: SocketAddr) -> Result<String, ParseError> {
    Ok(Url::parse(&format!("http://{at}"))?.origin().ascii_serialization())
}

/// Returns whether a request was sent to this site by its own name, and a form by one of its own pages.
pub fn is_ours(origin: &str, method: &Method, headers: &HeaderMap) -> bool {
    // If there are two, an intermediary may have used the other one.
    let is = |name, wanted: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().is_some_and(|value| value == wanted) && values.next().is_none()
    };
    is(header::HOST, origin.trim_start_matches("http://"))
        && (method == Method::GET || is(header::ORIGIN, origin))
}
