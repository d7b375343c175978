//! A connection that becomes idle once its response is sent, and closes only after the client has had time to read
//! the response.

use std::future::Future;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use oauthctl_core::login::slots::Slot;
use tokio::time::{Sleep, sleep};

/// How long the rest of a request is read and discarded after the last response. A connection that is closed while
/// its client still sends is reset, and the client may lose the response (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(5);

/// The stream of a connection.
pub struct Watched<S> {
    stream: S,
    /// Not held: a connection that has become another protocol has no slot.
    slot: Weak<Slot>,
    linger: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    /// Wraps a stream.
    pub fn new(stream: S, slot: &Arc<Slot>) -> Self {
        Self { stream, slot: Arc::downgrade(slot), linger: None }
    }
}

impl<S: Read + Unpin> Watched<S> {
    /// Discards what the client still sends, until it ends the connection or the time is over.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut discarded = [0; 8192];
        while timer.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut discarded);
            match ready!(Pin::new(&mut self.stream).poll_read(context, buffer.unfilled())) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: Read + Unpin> Read for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Read + Write + Unpin> Write for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        // hyper flushes the stream when it has written everything that it has.
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        if let Some(slot) = self.slot.upgrade() {
            slot.end_answer();
        }
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        // What the client still sends in another protocol is for the server.
        if self.slot.strong_count() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.poll_linger(context).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
