//! Limits how slowly a client may send the body of a request, and read the response.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Maximum pause within a body.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// Maximum time for a body.
const BODY: Duration = Duration::from_secs(30);

/// Maximum pause in reading a response.
const READ_PAUSE: Duration = Duration::from_secs(15);

/// Maximum time for reading what has been written.
const READ: Duration = Duration::from_secs(120);

/// Two time limits: for a pause, and in total.
#[derive(Default)]
struct Pace {
    whole: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// Waits until the current pause or the total time exceeds its limit.
    fn poll_late(&mut self, pause: Duration, whole: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let whole = *self.whole.get_or_insert(now + whole);
        let until = whole.min(now + pause);
        self.timer.get_or_insert_with(|| Box::pin(sleep_until(until))).as_mut().poll(cx)
    }

    /// Ends the pause.
    fn went_on(&mut self) {
        self.timer = None;
    }
}

/// The body of a request, which fails if it takes too long.
pub(super) struct TimedBody<B: Body> {
    body: B,
    pace: Pace,
    is_late: Arc<AtomicBool>,
    has_ended: bool,
    is_unread: Arc<AtomicBool>,
}

impl<B: Body> TimedBody<B> {
    /// Starts to wait for a body. The returned flag is set if the body took too long, and `is_unread` if it is dropped
    /// before its end.
    pub(super) fn new(body: B, is_unread: Arc<AtomicBool>) -> (Self, Arc<AtomicBool>) {
        let is_late = Arc::new(AtomicBool::new(false));
        let pace = Pace { whole: Some(Instant::now() + BODY), timer: None };
        (Self { body, pace, is_late: Arc::clone(&is_late), has_ended: false, is_unread }, is_late)
    }
}

impl<B: Body> Drop for TimedBody<B> {
    fn drop(&mut self) {
        if !self.has_ended && !self.body.is_end_stream() {
            self.is_unread.store(true, Ordering::Release);
        }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Body for TimedBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.pace.went_on();
            self.has_ended = frame.is_none();
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.pace.poll_late(BODY_PAUSE, BODY, cx));
        self.is_late.store(true, Ordering::Release);
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream whose peer must read what is written to it.
pub(super) struct TimedStream<S> {
    stream: S,
    pace: Pace,
}

impl<S> TimedStream<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, pace: Pace::default() }
    }

    /// Returns the result of a write, or an error if it took too long.
    fn within_time<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.pace.went_on();
            return written;
        }
        ready!(self.pace.poll_late(READ_PAUSE, READ, cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.within_time(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.within_time(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Flushes. Called when everything has been written, it ends the total time.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_ready() {
            self.pace.whole = None;
        }
        self.within_time(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.within_time(ended, cx)
    }
}
