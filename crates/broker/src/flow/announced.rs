//! The body of a request with a refresh token. It is read when it is about to be written to an established connection, so it
//! is the last to decide whether the token may still be sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use oauthctl_core::http::api;
use oauthctl_core::port::HttpRequest;

/// The body of a request with a refresh token that was announced: it is written soon after that, or never.
pub(super) struct Announced {
    body: Option<Bytes>,
    at: Instant,
    soon: Duration,
    is_late: Arc<AtomicBool>,
}

impl Announced {
    /// Returns the body of a request, and whether it was refused.
    pub(super) fn body_of(
        request: &HttpRequest,
        at: Instant,
        soon: Duration,
    ) -> (api::Body, Arc<AtomicBool>) {
        let is_late = Arc::new(AtomicBool::new(false));
        let body = Some(Bytes::from(request.body.to_vec()));
        let announced = Self { body, at, soon, is_late: Arc::clone(&is_late) };
        (api::Body::wrap(announced), is_late)
    }
}

impl Body for Announced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.body.is_some() && self.at.elapsed() > self.soon {
            self.is_late.store(true, Ordering::Release);
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, |body| body.len() as u64))
    }
}
