//! A body of unknown length that is forwarded as it arrives. A small body is kept so that it can be sent again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use oauthctl_core::http::api::Body;

/// Maximum size of a body that is kept to be sent again.
pub const KEPT: usize = 256 * 1024;

/// The part of a body that has arrived.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// None once it is too large, or has trailers.
    bytes: Option<Vec<u8>>,
    is_whole: bool,
    is_broken: bool,
}

impl Kept {
    /// Passes a body on.
    pub fn passed_on(&self, body: Incoming) -> Body {
        self.state().bytes = Some(Vec::new());
        Body::wrap(Passing { inner: body, kept: self.clone() })
    }

    /// Returns a copy of the body, if it is small and all of it has arrived.
    pub fn again(&self) -> Option<Body> {
        let state = self.state();
        state.bytes.as_ref().filter(|_| state.is_whole).map(|bytes| bytes.clone().into())
    }

    /// Returns whether the client disconnected, or sent an invalid body.
    pub fn is_broken(&self) -> bool {
        self.state().is_broken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body on its way.
struct Passing {
    inner: Incoming,
    kept: Kept,
}

impl HttpBody for Passing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        let mut state = self.kept.state();
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                // Trailers are not kept, and a request without them would be another one.
                let data = frame.data_ref();
                let bytes = state.bytes.take().zip(data);
                state.bytes = bytes.and_then(|(mut bytes, data)| {
                    bytes.extend_from_slice(data);
                    (bytes.len() <= KEPT).then_some(bytes)
                });
            }
            Poll::Ready(Some(Err(_))) => state.is_broken = true,
            Poll::Ready(None) => state.is_whole = true,
            Poll::Pending => {}
        }
        state.is_whole |= self.inner.is_end_stream();
        drop(state);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
