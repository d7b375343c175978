//! A connection to a store that breaks when the store has received a request and its response is on the way.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const OPEN: u8 = 0;
/// The next request that is the one breaks the connection.
const ARMED: u8 = 1;
/// The connection is broken, and no other works.
const BROKEN: u8 = 2;

/// Whether the response to a request is lost.
pub type Marker = fn(&[u8]) -> bool;

/// What happens after the connection broke.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Other connections work.
    OthersWork,
    /// No connection works until [`Severed::mend`].
    NoneWorks,
    /// Nothing is closed, and the response comes after [`Severed::mend`].
    IsSilent,
}

/// A port that leads to a store.
pub struct Severed {
    pub address: SocketAddr,
    state: watch::Sender<u8>,
    /// Where new connections lead.
    store: watch::Sender<SocketAddr>,
    /// Connections that are older than this bring no responses, and stay open.
    silent: watch::Sender<Option<Instant>>,
}

impl Severed {
    /// A port that leads to this address.
    pub async fn to(address: SocketAddr, is_it: Marker, after: After) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let state = watch::Sender::new(OPEN);
        let (store, silent) = (watch::Sender::new(address), watch::Sender::new(None));
        let (shared, target, is_silent) = (state.clone(), store.subscribe(), silent.subscribe());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let to = *target.borrow();
                let Ok(store) = TcpStream::connect(to).await else { continue };
                let silence = Silence { since: Instant::now(), before: is_silent.clone() };
                let task = carry(client, store, shared.clone(), (is_it, after), silence);
                tokio::spawn(task);
            }
        });
        Self { address: at, state, store, silent }
    }

    /// From now on, the connections that are open bring no responses. New ones do.
    pub fn silence(&self) {
        self.silent.send_replace(Some(Instant::now()));
    }

    /// New connections lead to this address. Those that are open stay as they are.
    pub fn lead_to(&self, address: SocketAddr) {
        self.store.send_replace(address);
    }

    pub fn arm(&self) {
        self.state.send_replace(ARMED);
    }

    /// Waits until a connection has broken.
    pub async fn has_broken(&self) {
        let broken = async { drop(self.state.subscribe().wait_for(|state| *state != ARMED).await) };
        tokio::time::timeout(Duration::from_secs(30), broken).await.unwrap();
    }

    pub fn mend(&self) {
        self.state.send_replace(OPEN);
    }
}

/// Whether a connection brings responses.
struct Silence {
    since: Instant,
    before: watch::Receiver<Option<Instant>>,
}

async fn carry(
    mut client: TcpStream,
    mut store: TcpStream,
    state: watch::Sender<u8>,
    (is_it, after): (Marker, After),
    silence: Silence,
) -> Option<()> {
    let (mut request, mut response) = (vec![0; 65_536], vec![0; 65_536]);
    let mut is_last = false;
    loop {
        tokio::select! {
            count = read(&mut client, &mut request) => {
                let request = &request[..count?];
                if after == After::NoneWorks && *state.borrow() == BROKEN {
                    return None;
                }
                let next = if after == After::OthersWork { OPEN } else { BROKEN };
                is_last |= is_it(request) && state.send_if_modified(|state| {
                    let is_armed = *state == ARMED;
                    *state = if is_armed { next } else { *state };
                    is_armed
                });
                store.write_all(request).await.ok()?;
            }
            count = read(&mut store, &mut response) => {
                let count = count?;
                if silence.before.borrow().is_some_and(|before| silence.since < before) {
                    continue;
                }
                if is_last && after != After::IsSilent {
                    return None;
                }
                if is_last {
                    state.subscribe().wait_for(|state| *state == OPEN).await.ok()?;
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
