//! The headers that every response has.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Adds the headers that every response has.
pub(super) fn complete(headers: &mut HeaderMap, id: HeaderValue) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REQUEST_ID, id);
}

/// The header with the id of a request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The ids of requests: random at the start of the process, then counted.
pub(super) struct Ids {
    process: u64,
    count: AtomicU64,
}

impl Ids {
    /// Starts with a random id.
    pub(super) fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self { process: RandomState::new().hash_one(0), count: AtomicU64::new(0) }
    }

    /// Returns another id.
    pub(super) fn next(&self) -> HeaderValue {
        let id = self.process.wrapping_add(self.count.fetch_add(1, Ordering::Relaxed));
        let mut text = [0; 16];
        for (at, byte) in text.iter_mut().enumerate() {
            let digit = (id >> (60 - 4 * at)) & 15;
            *byte = b"0123456789abcdef"[usize::try_from(digit).unwrap_or(0)];
        }
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}
