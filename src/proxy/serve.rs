//! Accepts connections, within limits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use super::forward::{self, Peer};
use super::listen::{Listener, Stream};
use super::shared::Proxy;

/// Maximum number of connections. More of them wait.
const CONNECTIONS: usize = 256;

/// Time limit for the head of a request.
const HEAD: Duration = Duration::from_secs(30);

/// Maximum size of a head, in bytes.
const HEAD_SIZE: usize = 64 * 1024;

/// Serves until the future is dropped.
pub async fn serve(proxy: Proxy, listener: Listener) {
    let proxy = Arc::new(proxy);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let proxy = Arc::clone(&proxy);
                tokio::spawn(async move {
                    match stream {
                        Stream::Tcp(stream) => converse(proxy, peer, TokioIo::new(stream)).await,
                        #[cfg(unix)]
                        Stream::Unix(stream) => converse(proxy, peer, TokioIo::new(stream)).await,
                    }
                    drop(permit);
                });
            }
            // Out of descriptors, or a client that is gone already.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn converse<S: Read + Write + Unpin + Send + 'static>(
    proxy: Arc<Proxy>,
    peer: Peer,
    stream: S,
) {
    let service = service_fn(|request| {
        let proxy = Arc::clone(&proxy);
        async move { Ok::<_, Infallible>(forward::answer(proxy, peer, request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_SIZE);
    // A client that breaks off needs no answer.
    let _ = server.serve_connection(stream, service).with_upgrades().await;
}
