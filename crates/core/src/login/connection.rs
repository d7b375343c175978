//! One connection: one request, one page, closed.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::candidate::Candidate;
use super::head::{NoRequest, read_request};
use super::page::{self, Page};
use super::rejected::{Meter, RejectionReason};
use super::slots::{Phase, Slot, Slots};
use crate::protocol::callback::parse_query;

/// Time limit for receiving a whole request.
const READ_DEADLINE: Duration = Duration::from_secs(5);

/// Time limit for sending a page.
const WRITE_DEADLINE: Duration = Duration::from_secs(2);

/// Time and size limit for what a refused peer may still send. Closing a socket with unread data would
/// reset the connection and lose the page on its way.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_LIMIT: usize = 4 * 1024 * 1024;

/// The input for hyper if there is no request that it may see.
const NO_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: -\r\n\r\n";

/// The state that a listener's connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) form_post: bool,
    pub(super) meter: Arc<Meter>,
    pub(super) candidates: mpsc::Sender<Candidate>,
    pub(super) slots: Arc<Slots>,
}

/// Serves a connection from its first byte to its end.
pub(super) async fn serve(slot: Slot, mut stream: TcpStream, shared: Arc<Shared>) {
    let read = timeout(READ_DEADLINE, read_request(&mut stream, shared.form_post)).await;
    match read {
        Err(_) | Ok(Err(NoRequest::Gone)) => {}
        Ok(Err(NoRequest::Bad(why))) => {
            shared.meter.record(RejectionReason::Malformed, why);
            write(&mut stream, NO_REQUEST.into(), &slot, |_| async { Page::Malformed }).await;
            linger(&mut stream, &slot).await;
        }
        Ok(Ok(request)) => {
            let parameters = if shared.form_post { request.body } else { request.query };
            let page = |request| page_for(request, &parameters, &shared, &slot);
            if !write(&mut stream, request.head, &slot, page).await {
                shared.meter.record(RejectionReason::Malformed, "not HTTP/1.1");
            }
            linger(&mut stream, &slot).await;
        }
    }
}

/// Lets hyper parse these bytes and write the page that `answer` chooses. Returns whether hyper found a
/// request; otherwise it has written a bare 400 itself.
async fn write<F, A>(stream: &mut TcpStream, request: Vec<u8>, slot: &Slot, answer: F) -> bool
where
    F: Fn(Request<Incoming>) -> A,
    A: Future<Output = Page>,
{
    let decided = Notify::new();
    let parsed = AtomicBool::new(false);
    let service = service_fn(|request| {
        parsed.store(true, Ordering::Relaxed);
        let page = answer(request);
        let decided = &decided;
        async move {
            let page = page.await;
            slot.enter(Phase::Answering);
            decided.notify_one();
            Ok::<_, Infallible>(respond(&page))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(Replay { request, at: 0, stream }), service);
    let too_slow = async {
        decided.notified().await;
        tokio::time::sleep(WRITE_DEADLINE).await;
    };
    tokio::select! {
        _ = connection => {}
        () = too_slow => {}
    }
    parsed.load(Ordering::Relaxed)
}

fn respond(page: &Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.html())));
    *response.status_mut() =
        StatusCode::from_u16(page.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in page::headers().into_iter().chain(page.extra_header()) {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Decides whether a request is a candidate, and how to respond.
async fn page_for(
    request: Request<Incoming>,
    parameters: &[u8],
    shared: &Shared,
    slot: &Slot,
) -> Page {
    let path = request.uri().path();
    let detail = format!("{} {path}", request.method());
    let refuse = |reason, page| {
        shared.meter.record(reason, &detail);
        page
    };
    if !names_host(request.headers(), shared) {
        return refuse(RejectionReason::Host, Page::WrongHost);
    }
    if path != shared.path {
        return refuse(RejectionReason::Path, Page::NotFound);
    }
    let (method, name) =
        if shared.form_post { (Method::POST, "POST") } else { (Method::GET, "GET") };
    if *request.method() != method {
        return refuse(RejectionReason::Method, Page::MethodNotAllowed(name));
    }
    if is_prefetch(request.headers()) {
        return refuse(RejectionReason::Prefetch, Page::Prefetch);
    }
    if shared.form_post && !is_form(request.headers()) {
        return refuse(RejectionReason::Method, Page::MediaType);
    }
    offer(parameters, shared, slot).await
}

/// Passes a well-formed response to the caller, and waits for the page that the caller chooses.
async fn offer(raw: &[u8], shared: &Shared, slot: &Slot) -> Page {
    if raw.is_empty() {
        shared.meter.record(RejectionReason::Parameters, "no parameters");
        return Page::Waiting;
    }
    let parameters = match parse_query(raw) {
        Ok(parameters) => parameters,
        Err(error) => {
            shared.meter.record(RejectionReason::Parameters, error.message());
            return Page::Malformed;
        }
    };
    if let Err(error) = parameters.require_response() {
        let has_state = parameters.get("state").is_some_and(|state| !state.is_empty());
        let reason = if has_state { RejectionReason::Parameters } else { RejectionReason::State };
        shared.meter.record(reason, error.message());
        return Page::NotTheCallback;
    }
    let (candidate, answer) = Candidate::new(parameters, &shared.meter);
    if !slot.enter(Phase::Holding) {
        return Page::Busy;
    }
    match shared.candidates.try_send(candidate) {
        Ok(()) => answer.await.unwrap_or(Page::Interrupted),
        Err(mpsc::error::TrySendError::Full(_)) => {
            shared.meter.record(RejectionReason::Flood, "");
            Page::Busy
        }
        Err(mpsc::error::TrySendError::Closed(_)) => Page::Over,
    }
}

fn names_host(headers: &HeaderMap, shared: &Shared) -> bool {
    let host = headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    // Browsers omit the default port of the scheme.
    let without_port = shared.authority.strip_suffix(":80");
    host == shared.authority.as_bytes()
        || without_port.is_some_and(|authority| host == authority.as_bytes())
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        headers.get_all(*name).iter().any(|value| {
            value.to_str().is_ok_and(|value| {
                let value = value.to_ascii_lowercase();
                value.contains("prefetch")
                    || value.contains("prerender")
                    || value.contains("preview")
            })
        })
    })
}

/// Returns whether the only media type is that of a form, with no parameter except UTF-8.
fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let (essence, parameter) = value.split_once(';').unwrap_or((&value, ""));
    essence.trim() == "application/x-www-form-urlencoded"
        && (essence.len() == value.len() || parameter.trim() == "charset=utf-8")
}

/// Discards what the peer still sends, within limits.
async fn linger(stream: &mut TcpStream, slot: &Slot) {
    let mut sink = [0; 4096];
    match stream.try_read(&mut sink) {
        Ok(read) if read > 0 => {}
        _ => return,
    }
    slot.enter(Phase::Idle);
    let discard = async {
        let mut total = 0;
        while total < LINGER_LIMIT {
            match stream.read(&mut sink).await {
                Ok(read) if read > 0 => total += read,
                _ => break,
            }
        }
    };
    let _ = timeout(LINGER, discard).await;
}

/// A stream that reads these bytes and then nothing, and writes to the connection.
struct Replay<'a> {
    request: Vec<u8>,
    at: usize,
    stream: &'a mut TcpStream,
}

impl AsyncRead for Replay<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.request[self.at..];
        if rest.is_empty() {
            // Neither more bytes nor an end: the connection stays open until the page is written.
            return Poll::Pending;
        }
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Replay<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}
