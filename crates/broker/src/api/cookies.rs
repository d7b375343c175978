//! Cookies of requests and responses.

use axum::http::{HeaderMap, header};
use axum::response::Response;

/// Returns the cookies of a request. Other programs on the same host may set cookies with any content.
pub(super) fn cookies(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut cookies = Vec::new();
    for header in headers.get_all(header::COOKIE) {
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let Ok(pair) = std::str::from_utf8(pair) else { continue };
            if let Some((name, value)) = pair.trim().split_once('=') {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    cookies
}

/// Which requests from other sites include a cookie.
#[derive(Debug, Clone, Copy)]
pub(super) enum SameSite {
    /// Navigation only.
    Lax,
    /// None.
    Strict,
}

/// Adds a cookie with this lifetime to a response; a lifetime of zero removes it.
pub(super) fn set(response: &mut Response, name: &str, value: &str, seconds: u64, site: SameSite) {
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={site:?}{secure}");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Removes a cookie.
pub(super) fn remove(response: &mut Response, name: &str) {
    set(response, name, "", 0, SameSite::Lax);
}
