//! The `Host` header that a request must have (RFC 9112, section 3.2).

use axum::http::{HeaderMap, Version, header};

/// Returns whether a request has exactly one valid `Host`, or none if its version does not require one.
pub(super) fn is_valid(version: Version, headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(header::HOST).iter();
    match (all.next(), all.next()) {
        (None, _) => version < Version::HTTP_11,
        (Some(host), None) => is_authority(host.as_bytes()),
        _ => false,
    }
}

/// Returns whether this is a host, optionally with a port (RFC 3986, section 3.2).
fn is_authority(text: &[u8]) -> bool {
    let is_literal = text.first() == Some(&b'[');
    let end = match is_literal {
        true => text.iter().position(|byte| *byte == b']').map(|at| at + 1),
        false => text.iter().position(|byte| *byte == b':').or(Some(text.len())),
    };
    let Some((host, port)) = end.and_then(|end| text.split_at_checked(end)) else { return false };
    let is_host = match is_literal {
        true => host[1..host.len() - 1].iter().all(|b| b.is_ascii_hexdigit() || b":.".contains(b)),
        false => host.iter().all(|b| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(b)),
    };
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_host && !host.is_empty() && is_port
}
