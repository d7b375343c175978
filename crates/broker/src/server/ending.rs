//! How a connection ends: with a problem if hyper refuses a request before the service sees it, and only after the
//! client had time to read the last response.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::headers::{Ids, REQUEST_ID, complete};
use crate::metrics::METRICS;
use crate::problem::Problem;

/// How long the rest of a request is read and discarded after the last response. A connection that is closed while
/// its client still sends is reset, and the client may lose the response (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(5);

/// A stream for hyper, which itself answers a request that it cannot parse, without a body. That response is replaced.
pub(super) struct EndingStream<S> {
    stream: S,
    ids: Arc<Ids>,
    /// Set if a request was answered before all of it was read.
    is_unread: Arc<AtomicBool>,
    /// What is not written yet of the response to a request that hyper refused.
    refusal: Bytes,
    linger: Option<Pin<Box<Sleep>>>,
    has_begun: bool,
}

impl<S> EndingStream<S> {
    /// Wraps a stream. The flag is to be set if a request is answered before all of it was read.
    pub(super) fn new(stream: S, ids: Arc<Ids>, is_unread: Arc<AtomicBool>) -> Self {
        Self { stream, ids, is_unread, refusal: Bytes::new(), linger: None, has_begun: false }
    }

    /// Prepares the response that replaces this head.
    fn refuse(&mut self, head: &str) {
        let status = head.get(START.len()..).and_then(|rest| rest.split(' ').next());
        let status =
            status.and_then(|status| status.parse().ok()).unwrap_or(StatusCode::BAD_REQUEST);
        METRICS.answered("none", status.as_u16());
        let problem = Problem::refused_head(status);
        let body = problem.to_json();
        let mut response = problem.into_response();
        complete(response.headers_mut(), self.ids.next());
        let mut text = String::new();
        for line in head.lines().filter(|line| !line.is_empty() && !line.starts_with(LENGTH)) {
            text += &format!("{line}\r\n");
        }
        for (name, value) in response.headers() {
            text += &format!("{name}: {}\r\n", value.to_str().unwrap_or_default());
        }
        text += &format!("{LENGTH} {}\r\n\r\n", body.len());
        self.refusal = [text.into_bytes(), body].concat().into();
        self.is_unread.store(true, Ordering::Release);
    }
}

/// How a connection begins whose client speaks HTTP/2, up to the end of what looks like the head of a request.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

const START: &str = "HTTP/1.1 ";
const LENGTH: &str = "content-length:";

/// Returns the response of hyper's own that these bytes end with, and where it begins. It has no body and, unlike all
/// responses of the service, no request id.
fn own_response(bytes: &[u8]) -> Option<(usize, &str)> {
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let at = bytes.windows(START.len()).rposition(|part| part == START.as_bytes())?;
    let head = std::str::from_utf8(&bytes[at..]).ok()?;
    let is_refusal = head[START.len()..].starts_with(['4', '5']);
    (is_refusal && !head.contains(REQUEST_ID.as_str())).then_some((at, head))
}

impl<S: AsyncRead + AsyncWrite + Unpin> EndingStream<S> {
    /// Writes what remains of a refusal.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.refusal.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.refusal))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            drop(self.refusal.split_to(written));
        }
        Poll::Ready(Ok(()))
    }

    /// Discards what the client still sends, until it ends the connection or the time is over.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut discarded = [0; 8192];
        while timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut discarded);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for EndingStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        // hyper answers this head, but not the whole greeting of HTTP/2.
        if !self.has_begun && buffer.filled()[before..].starts_with(HTTP_2) {
            buffer.set_filled(before + HTTP_2.len());
        }
        self.has_begun = true;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for EndingStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match own_response(bytes) {
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
            Some((0, head)) => {
                self.refuse(head);
                Poll::Ready(Ok(bytes.len()))
            }
            // It follows the end of an earlier response.
            Some((at, _)) => Pin::new(&mut self.stream).poll_write(cx, &bytes[..at]),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bytes {
            [only] => self.poll_write(cx, only),
            [earlier @ .., last] if own_response(last).is_some() => {
                Pin::new(&mut self.stream).poll_write_vectored(cx, earlier)
            }
            all => Pin::new(&mut self.stream).poll_write_vectored(cx, all),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(this.poll_refusal(cx))?;
            ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        if this.is_unread.load(Ordering::Acquire) {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Records what is written, a few bytes at a time.
    #[derive(Default)]
    struct Recorder(Vec<u8>);

    impl AsyncRead for Recorder {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Recorder {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let some = &bytes[..bytes.len().min(7)];
            self.0.extend(some);
            Poll::Ready(Ok(some.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// What is sent if hyper writes these bytes at once, and then ends the connection.
    async fn sent(bytes: &str, is_vectored: bool) -> String {
        let ids = Arc::new(Ids::new());
        let mut stream = EndingStream::new(Recorder::default(), ids, Arc::default());
        let mut rest = bytes.as_bytes();
        while !rest.is_empty() {
            let (earlier, last) = rest.split_at(rest.len().saturating_sub(REFUSAL.len()));
            let written = poll_fn(|cx| match is_vectored && !earlier.is_empty() {
                true => {
                    let parts = [earlier, last].map(IoSlice::new);
                    Pin::new(&mut stream).poll_write_vectored(cx, &parts)
                }
                false => Pin::new(&mut stream).poll_write(cx, rest),
            });
            rest = &rest[written.await.unwrap()..];
        }
        poll_fn(|cx| Pin::new(&mut stream).poll_shutdown(cx)).await.unwrap();
        String::from_utf8(stream.stream.0).unwrap()
    }

    const EARLIER: &str = "HTTP/1.1 200 OK\r\nx-request-id: 1\r\ncontent-length: 2\r\n\r\nok";
    const REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: today\r\n\r\n";

    #[tokio::test]
    async fn refusal_behind_a_response_is_replaced() {
        let both = format!("{EARLIER}{REFUSAL}");
        for (bytes, is_vectored) in [(REFUSAL, false), (&both, false), (&both, true)] {
            let sent = sent(bytes, is_vectored).await;
            let refusal = sent.strip_prefix(EARLIER).unwrap_or(&sent);
            let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\ndate: today\r\n"), "{sent}");
            assert!(head.ends_with(&format!("\r\ncontent-length: {}", body.len())), "{sent}");
            assert_eq!(head.matches("content-length").count(), 1, "{sent}");
            assert!(body.contains("\"status\":400"), "{sent}");
        }
    }

    #[tokio::test]
    async fn response_of_the_service_is_not_replaced() {
        for bytes in [
            EARLIER,
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nx-request-id: 1\r\ncontent-length: 9\r\n\r\n",
        ] {
            assert_eq!(sent(bytes, false).await, bytes);
        }
    }
}
