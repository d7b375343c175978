//! A connection to a store that breaks when the store has carried out a request and its response is on the way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OPEN: u8 = 0;
/// The next request with the marker is the last one.
const ARMED: u8 = 1;
const CLOSED: u8 = 2;

/// A port that leads to a store.
pub struct Severed {
    pub address: SocketAddr,
    state: Arc<AtomicU8>,
}

/// What happens after the connection broke.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Other connections work.
    Works,
    /// No connection works until [`Severed::mend`].
    Stays,
}

impl Severed {
    /// A port that leads to this address. Once armed, the response to a request with this marker is lost.
    pub async fn to(address: SocketAddr, marker: &'static str, after: After) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let state = Arc::new(AtomicU8::new(OPEN));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(store) = TcpStream::connect(address).await else { continue };
                tokio::spawn(carry(client, store, Arc::clone(&shared), (marker, after)));
            }
        });
        Self { address: at, state }
    }

    pub fn arm(&self) {
        self.state.store(ARMED, Ordering::SeqCst);
    }

    pub fn has_broken(&self) -> bool {
        self.state.load(Ordering::SeqCst) != ARMED
    }

    pub fn mend(&self) {
        self.state.store(OPEN, Ordering::SeqCst);
    }
}

async fn carry(
    mut client: TcpStream,
    mut store: TcpStream,
    state: Arc<AtomicU8>,
    (marker, after): (&str, After),
) -> Option<()> {
    let (mut request, mut response) = (vec![0; 65_536], vec![0; 65_536]);
    let mut is_last = false;
    loop {
        tokio::select! {
            count = read(&mut client, &mut request) => {
                let request = &request[..count?];
                if state.load(Ordering::SeqCst) == CLOSED {
                    return None;
                }
                if request.windows(marker.len()).any(|part| part == marker.as_bytes()) {
                    let next = if after == After::Stays { CLOSED } else { OPEN };
                    let armed = state.compare_exchange(ARMED, next, Ordering::SeqCst, Ordering::SeqCst);
                    is_last = armed.is_ok();
                }
                store.write_all(request).await.ok()?;
            }
            count = read(&mut store, &mut response) => {
                let count = count?;
                if is_last {
                    return None;
                }
                client.write_all(&response[..count]).await.ok()?;
            }
        }
    }
}

/// Reads some bytes; `None` at the end.
async fn read(from: &mut (impl AsyncRead + Unpin), into: &mut [u8]) -> Option<usize> {
    from.read(into).await.ok().filter(|count| *count > 0)
}
