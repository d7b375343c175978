//! The sockets: accepts connections, limits their cost, and shuts down without losing anything.

mod connections;
mod ending;
mod fast;
mod headers;
mod host;
mod pace;
pub mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use axum::response::IntoResponse;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use oauthctl_core::{Error, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tracing::Instrument;

use crate::api;
use crate::broker::Broker;
use crate::metrics::METRICS;
use crate::problem::Problem;
use connections::{Connection, Connections};
use ending::EndingStream;
use headers::{Ids, complete};
use pace::{TimedBody, TimedStream};

/// Maximum number of open connections.
const CONNECTIONS: usize = 8_192;

/// Time limit for the head of a request, and for the pause between two requests.
const HEAD: Duration = Duration::from_secs(30);

/// Time limit for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Maximum size of the head of a request: browsers bring the cookies of other programs on the same host.
const LARGEST_HEAD: usize = 64 * 1024;

/// How long requests may continue after a signal: longer than the slowest refresh.
const GRACE: Duration = Duration::from_secs(60);

/// Opens the socket.
///
/// # Errors
///
/// Returns `Unavailable` if the port is in use or not allowed.
pub async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let failed = |error: std::io::Error| {
        Error::unavailable(format!("cannot listen on {address}: {error}")).caused_by(&error)
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

/// What the connections share.
struct Shared {
    broker: Arc<Broker>,
    router: TowerToHyperService<Router>,
    /// Makes the ids of requests.
    ids: Arc<Ids>,
}

/// Serves until `ended`, then finishes the requests in progress.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    broker: Arc<Broker>,
    ended: impl Future<Output = ()>,
) {
    let router = TowerToHyperService::new(api::router(Arc::clone(&broker)));
    let shared = Arc::new(Shared { broker, router, ids: Arc::new(Ids::new()) });
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = Connections::new(CONNECTIONS, shared.broker.settings.connections_per_address);
    let graceful = GracefulShutdown::new();
    let mut ended = std::pin::pin!(ended);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => (stream, peer.ip()),
                // Out of descriptors, or the client has disconnected already.
                Err(_) => {
                    connections.make_room();
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
            () = &mut ended => break,
        };
        let Some(connection) = connections.add(peer) else { continue };
        // A shutdown is noticed even while every slot is taken.
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot,
            () = &mut ended => break,
        };
        let Ok(slot) = slot else { return };
        let _ = stream.set_nodelay(true);
        let (shared, watcher, tls) = (Arc::clone(&shared), graceful.watcher(), tls.clone());
        let (connection, client) = (Arc::new(connection), Client { shared, peer });
        tokio::spawn(async move {
            let _slot = slot;
            let conversation = begin(stream, tls, client, Arc::clone(&connection), watcher);
            tokio::select! {
                () = conversation => {}
                () = connection.closed() => {}
            }
        });
    }
    shared.broker.drain();
    drop(listener);
    let finished = async {
        graceful.shutdown().await;
        // A refresh continues even if its client has disconnected.
        let (broker, flow) = (&shared.broker, &shared.broker.flow);
        while flow.manager.is_critical() || !flow.spool.is_durable() || broker.is_working() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(GRACE, finished).await;
}

/// Who is at the other end of a connection.
struct Client {
    shared: Arc<Shared>,
    peer: IpAddr,
}

/// Answers the requests of a connection, after the TLS handshake if there is one.
async fn begin(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    client: Client,
    connection: Arc<Connection>,
    watcher: Watcher,
) {
    let Some(tls) = tls else { return converse(stream, client, connection, watcher).await };
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        converse(stream, client, connection, watcher).await;
    }
}

async fn converse<S>(stream: S, client: Client, connection: Arc<Connection>, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let is_unread = Arc::new(AtomicBool::new(false));
    let stream = TimedStream::new(stream);
    let stream = EndingStream::new(stream, Arc::clone(&client.shared.ids), Arc::clone(&is_unread));
    let service = service_fn(move |request| {
        let (shared, connection) = (Arc::clone(&client.shared), Arc::clone(&connection));
        let is_unread = Arc::clone(&is_unread);
        async move {
            if !connection.begin() {
                // The connection is about to be closed without a response.
                return std::future::pending().await;
            }
            let answer = answer(&shared, client.peer, request, &is_unread).await;
            connection.end();
            answer
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    // The buffer alone is no exact limit.
    builder.max_header_size(LARGEST_HEAD).max_buf_size(LARGEST_HEAD);
    let _ = watcher.watch(builder.serve_connection(TokioIo::new(stream), service)).await;
}

async fn answer(
    shared: &Shared,
    peer: IpAddr,
    request: Request<Incoming>,
    is_unread: &Arc<AtomicBool>,
) -> std::result::Result<Response<Body>, Infallible> {
    let id = shared.ids.next();
    let mut response = match over_rate(&shared.broker, peer, &request)
        .or_else(|| without_host(&request))
        .or_else(|| fast::token(&shared.broker, &request).inspect(|_| METRICS.answered_fast()))
    {
        Some(response) => {
            is_unread.fetch_or(!request.body().is_end_stream(), Ordering::AcqRel);
            response
        }
        None => {
            let span = tracing::info_span!("request", request_id = id.to_str().unwrap_or_default());
            routed(shared, request, is_unread).instrument(span).await?
        }
    };
    complete(response.headers_mut(), id);
    Ok(response)
}

/// Returns the router's response. A request whose body takes too long always gets the same response.
async fn routed(
    shared: &Shared,
    request: Request<Incoming>,
    is_unread: &Arc<AtomicBool>,
) -> std::result::Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let (body, is_late) = TimedBody::new(body, Arc::clone(is_unread));
    let mut response = shared.router.call(Request::from_parts(head, body)).await?;
    api::separate_methods(response.headers_mut());
    if !is_late.load(Ordering::Acquire) {
        return Ok(response);
    }
    let mut response = Problem::too_slow().into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}

/// Returns the response for an address that exceeds its rate. Health checks are never limited.
fn over_rate<B>(broker: &Broker, peer: IpAddr, request: &Request<B>) -> Option<Response<Body>> {
    let most = broker.settings.requests_per_address?;
    if ["/healthz", "/readyz"].contains(&request.uri().path()) {
        return None;
    }
    let is_over = !broker.rates.allow_address(peer, most);
    is_over
        .then(|| Problem::too_many("too many requests come from this address", 1).into_response())
}

/// Returns the response to a request without the `Host` that HTTP requires. The connection ends with it.
fn without_host<B>(request: &Request<B>) -> Option<Response<Body>> {
    if host::is_valid(request.version(), request.headers()) {
        return None;
    }
    let problem =
        Problem::invalid("the request must have exactly one `Host` header, with a valid value");
    METRICS.answered("none", problem.status().as_u16());
    let mut response = problem.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}
