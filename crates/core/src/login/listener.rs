//! The loopback listener (RFC 8252, section 7.3): accepts well-formed responses one after the other, and
//! answers everything else with an error page without ending the wait.
//!
//! Why hyper: tiny_http limits neither the size of a head nor the time it takes to arrive, so one idle peer
//! or one endless header could block the real callback.
//!
//! The connections are tasks of the caller's runtime. They make progress whenever it runs, not only inside
//! [`Listener::next`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::bind;
use super::candidate::Candidate;
use super::connection::{self, Shared};
use super::page::Page;
use super::rejected::{Meter, RejectedRequest};
use super::slots::{Phase, Slots};
use crate::error::Result;
use crate::profile::RedirectUri;

/// Maximum number of connections at a time. One more replaces the oldest that waits for its request.
const CONNECTIONS: usize = 64;

/// Maximum number of candidates that wait for the caller.
const QUEUE: usize = 48;

/// Maximum time that pending replies may delay the end.
const GRACE_LIMIT: Duration = Duration::from_secs(1);

/// Options of a listener.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListenOptions {
    /// Accepts the response as a POSTed form (`response_mode=form_post`) instead of a query.
    pub form_post: bool,
    /// Moves from `127.0.0.1` to `[::1]` on a host without IPv4. Only for a redirect URI that the user did
    /// not configure.
    pub other_family: bool,
}

/// An incoming request.
#[derive(Debug)]
pub enum Event {
    /// A request that has the form of the callback. Its `state` is not validated yet.
    Candidate(Candidate),
    /// A request that was answered with an error page; the first few of each reason are reported.
    Rejected(RejectedRequest),
}

/// Sockets on the loopback addresses that wait for a callback. Dropping it closes everything.
#[derive(Debug)]
pub struct Listener {
    redirect_uri: String,
    port: u16,
    addresses: Vec<SocketAddr>,
    candidates: mpsc::Receiver<Candidate>,
    reports: mpsc::Receiver<RejectedRequest>,
    acceptors: JoinSet<()>,
    shared: Arc<Shared>,
}

impl Listener {
    /// Opens the listener for the first of these redirect URIs whose port is free.
    ///
    /// A URI without a port gets one from the operating system; `port` replaces the port of all. A
    /// `localhost` URI uses 127.0.0.1 and ::1 on the same port, or only the address that the host has. Must
    /// be called inside a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    ///
    /// Returns [`Unavailable`](crate::ErrorKind::Unavailable) if every requested port is in use (the hint
    /// names them) or no loopback address exists, and [`Config`](crate::ErrorKind::Config) if there is no
    /// redirect URI or this user may not open a port.
    pub async fn bind(
        redirects: &[RedirectUri],
        port: Option<u16>,
        options: ListenOptions,
    ) -> Result<Self> {
        let bound = bind::bind_first(redirects, port, options.other_family).await?;
        let (sender, candidates) = mpsc::channel(QUEUE);
        let (meter, reports) = Meter::new();
        let shared = Arc::new(Shared {
            authority: bound.authority,
            path: bound.path,
            form_post: options.form_post,
            meter: Arc::new(meter),
            candidates: sender,
            slots: Slots::new(CONNECTIONS),
        });
        let addresses = bound.sockets.iter().filter_map(|s| s.local_addr().ok()).collect();
        let mut acceptors = JoinSet::new();
        for socket in bound.sockets {
            acceptors.spawn(accept(socket, Arc::clone(&shared)));
        }
        let (redirect_uri, port) = (bound.redirect_uri, bound.port);
        Ok(Self { redirect_uri, port, addresses, candidates, reports, acceptors, shared })
    }

    /// Returns the redirect URI with its port: byte for byte what both requests contain.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the bound addresses.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the next event; candidates come first. Dropping the future at any time loses none.
    pub async fn next(&mut self) -> Event {
        tokio::select! {
            biased;
            Some(candidate) = self.candidates.recv() => Event::Candidate(candidate),
            Some(report) = self.reports.recv() => Event::Rejected(report),
            // Both senders live as long as `shared`.
            else => std::future::pending().await,
        }
    }

    /// Returns how many requests were not the callback, including those with a refused state.
    pub fn rejected_count(&self) -> u64 {
        self.shared.meter.count()
    }

    /// Ends the wait: closes the port immediately, tells waiting candidates that the login is over, and gives
    /// pending replies `grace` (at most one second) to be sent.
    pub async fn close(mut self, grace: Duration) {
        self.acceptors.shutdown().await;
        self.candidates.close();
        while let Ok(candidate) = self.candidates.try_recv() {
            candidate.reply(Page::Over);
        }
        self.shared.slots.abort(|phase| phase == Phase::Idle);
        let _ = tokio::time::timeout(grace.min(GRACE_LIMIT), self.shared.slots.emptied()).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.acceptors.abort_all();
        self.shared.slots.abort(|_| true);
    }
}

async fn accept(socket: TcpListener, shared: Arc<Shared>) {
    loop {
        match socket.accept().await {
            Ok((stream, _)) => {
                if shared.slots.make_room() {
                    let common = Arc::clone(&shared);
                    shared.slots.admit(|slot| connection::serve(slot, stream, common));
                }
                // A new connection is read before the next one can replace it.
                tokio::task::yield_now().await;
            }
            Err(_) => {
                // Out of descriptors, or a peer that disconnected early: yield, then continue.
                shared.slots.drop_oldest_idle();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
