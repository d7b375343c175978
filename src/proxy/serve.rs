//! Accepts connections, within limits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use oauthctl_core::login::slots::{Phase, Slot, Slots};

use super::forward::{self, Peer};
use super::listen::{Listener, Stream};
use super::shared::Proxy;
use super::watched::Watched;

/// Maximum number of connections. One more replaces the one that has waited longest for a request; if all are busy, it
/// waits.
const CONNECTIONS: usize = 256;

/// Time limit for the head of a request.
const HEAD: Duration = Duration::from_secs(30);

/// Maximum size of a head, in bytes.
const HEAD_SIZE: usize = 64 * 1024;

/// Serves until the future is dropped.
pub async fn serve(proxy: Proxy, listener: Listener) {
    let proxy = Arc::new(proxy);
    let slots = Slots::new(CONNECTIONS);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                slots.room().await;
                let proxy = Arc::clone(&proxy);
                slots.admit(|slot| async move {
                    match stream {
                        Stream::Tcp(stream) => {
                            converse(proxy, peer, slot, TokioIo::new(stream)).await;
                        }
                        #[cfg(unix)]
                        Stream::Unix(stream) => {
                            converse(proxy, peer, slot, TokioIo::new(stream)).await;
                        }
                    }
                });
                // A new connection is read before the next one can replace it.
                tokio::task::yield_now().await;
            }
            Err(_) => {
                // Out of descriptors, or a client that is gone already.
                slots.drop_oldest_idle();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn converse<S: Read + Write + Unpin + Send + 'static>(
    proxy: Arc<Proxy>,
    peer: Peer,
    slot: Slot,
    stream: S,
) {
    let slot = Arc::new(slot);
    let stream = Watched::new(stream, &slot);
    let service = service_fn(|request| {
        let (proxy, slot) = (Arc::clone(&proxy), Arc::clone(&slot));
        async move {
            if !slot.enter(Phase::Holding) {
                // Another connection has replaced this one, whose task ends here.
                std::future::pending::<()>().await;
            }
            let response = forward::answer(proxy, peer, request).await;
            Ok::<_, Infallible>(response.map(|body| body.held_by(slot)))
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_SIZE);
    // A client that breaks off needs no answer.
    let _ = server.serve_connection(stream, service).with_upgrades().await;
}
