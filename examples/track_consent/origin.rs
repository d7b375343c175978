//! The name by which browsers know this site, and which requests are meant for it.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Method, header};
use url::{ParseError, Url};

/// The origin as browsers write it: the port that goes without saying is left out.
pub fn of(at: SocketAddr) -> Result<String, ParseError> {
    Ok(Url::parse(&format!("http://{at}"))?.origin().ascii_serialization())
}

/// Whether a request was sent to this site by its own name, and a form from one of its own pages.
pub fn is_ours(origin: &str, method: &Method, headers: &HeaderMap) -> bool {
    // Of two, others on the way may have believed the other one.
    let is = |name, wanted: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().is_some_and(|value| value == wanted) && values.next().is_none()
    };
    is(header::HOST, origin.trim_start_matches("http://"))
        && (method == Method::GET || is(header::ORIGIN, origin))
}
