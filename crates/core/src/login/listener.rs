//! The loopback listener (RFC 8252, section 7.3): accepts well-formed responses one after the other, and
//! answers everything else with an error page without ending the wait.
//!
//! Why hyper: tiny_http limits neither the size of a head nor the time it takes to arrive, so one idle peer
//! or one endless header could block the real callback.
//!
//! The connections are tasks of the caller's runtime. They make progress whenever it runs, not only inside
//! [`Listener::next`].

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::bind;
use super::connection;
use super::noise::{Meter, Noise, NoiseReport};
use super::page::Page;
use crate::error::Result;
use crate::profile::RedirectUri;
use crate::protocol::callback::Parameters;

/// Maximum number of connections at a time. One more replaces the oldest that waits for its request, so
/// that idle peers cannot block the real callback.
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
    Noise(NoiseReport),
}

/// A request to the callback that waits for its page.
///
/// If it is dropped without a reply, the browser shows that the program was interrupted.
#[derive(Debug)]
pub struct Candidate {
    parameters: Parameters,
    answer: oneshot::Sender<Page>,
    meter: Arc<Meter>,
}

impl Candidate {
    pub(super) fn new(parameters: Parameters, shared: &Shared) -> (Self, oneshot::Receiver<Page>) {
        let (answer, receiver) = oneshot::channel();
        (Self { parameters, answer, meter: Arc::clone(&shared.meter) }, receiver)
    }

    /// Returns the decoded parameters: a `state`, and either a `code` or an `error`.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Sends the browser its page. The page is sent while the runtime runs; [`Listener::close`] waits for
    /// it, but never for a peer that does not read.
    pub fn reply(self, page: Page) {
        // A peer that has disconnected needs no page.
        let _ = self.answer.send(page);
    }

    /// Replies that this is not the callback, because of its `state`, and counts it as noise.
    pub fn refuse_state(self) {
        self.meter.record(Noise::State, "");
        self.reply(Page::NotTheCallback);
    }
}

/// Sockets on the loopback addresses that wait for a callback. Dropping it closes everything.
#[derive(Debug)]
pub struct Listener {
    redirect_uri: String,
    port: u16,
    addresses: Vec<SocketAddr>,
    candidates: mpsc::Receiver<Candidate>,
    reports: mpsc::Receiver<NoiseReport>,
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
            slots: Mutex::default(),
            freed: Notify::new(),
            serial: AtomicU64::new(0),
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
            Some(report) = self.reports.recv() => Event::Noise(report),
            // Both senders live as long as `shared`.
            else => std::future::pending().await,
        }
    }

    /// Returns how many requests were not the callback, refused states included.
    pub fn noise_count(&self) -> u64 {
        self.shared.meter.count()
    }

    /// Ends the wait: closes the port at once, tells waiting candidates that the login is over, and gives
    /// pending replies `grace` (at most one second) to be sent.
    pub async fn close(mut self, grace: Duration) {
        self.acceptors.shutdown().await;
        self.candidates.close();
        while let Ok(candidate) = self.candidates.try_recv() {
            candidate.reply(Page::Over);
        }
        self.shared.abort(|phase| phase == IDLE);
        let _ = tokio::time::timeout(grace.min(GRACE_LIMIT), self.shared.emptied()).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.acceptors.abort_all();
        self.shared.abort(|_| true);
    }
}

async fn accept(socket: TcpListener, shared: Arc<Shared>) {
    loop {
        match socket.accept().await {
            Ok((stream, _)) => {
                if shared.make_room() {
                    shared.admit(stream);
                }
                // A new connection is read before the next one can replace it.
                tokio::task::yield_now().await;
            }
            Err(_) => {
                // Out of descriptors, or a peer that disconnected early: yield, then continue.
                shared.drop_oldest_idle();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// The state that a listener's connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) form_post: bool,
    pub(super) meter: Arc<Meter>,
    pub(super) candidates: mpsc::Sender<Candidate>,
    slots: Mutex<Vec<Entry>>,
    freed: Notify,
    serial: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    serial: u64,
    phase: Arc<AtomicU8>,
    task: AbortHandle,
}

/// Reads its request, or discards the rest of it.
const IDLE: u8 = 0;
/// Waits for the caller's decision.
const HOLDING: u8 = 1;
/// Writes its page.
const ANSWERING: u8 = 2;

/// A connection's slot; released when dropped.
pub(super) struct Slot {
    serial: u64,
    phase: Arc<AtomicU8>,
    shared: Arc<Shared>,
}

impl Slot {
    pub(super) fn idle(&self) {
        self.phase.store(IDLE, Ordering::Relaxed);
    }

    pub(super) fn holding(&self) {
        self.phase.store(HOLDING, Ordering::Relaxed);
    }

    pub(super) fn answering(&self) {
        self.phase.store(ANSWERING, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.entries().retain(|entry| entry.serial != self.serial);
        self.shared.freed.notify_one();
    }
}

impl Shared {
    fn entries(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(self: &Arc<Self>, stream: tokio::net::TcpStream) {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let phase = Arc::new(AtomicU8::new(IDLE));
        let slot = Slot { serial, phase: Arc::clone(&phase), shared: Arc::clone(self) };
        // Locked while spawning, so that the task cannot end before it is registered.
        let mut entries = self.entries();
        let task = tokio::spawn(connection::serve(slot, stream, Arc::clone(self))).abort_handle();
        entries.push(Entry { serial, phase, task });
    }

    /// Returns whether there is room for one more connection, after dropping an idle one if necessary.
    fn make_room(&self) -> bool {
        self.entries().len() < CONNECTIONS || self.drop_oldest_idle()
    }

    fn drop_oldest_idle(&self) -> bool {
        let mut entries = self.entries();
        let idle = entries.iter().position(|entry| entry.phase.load(Ordering::Relaxed) == IDLE);
        let oldest = idle.map(|at| entries.remove(at));
        drop(entries);
        oldest.map(|entry| entry.task.abort()).is_some()
    }

    fn abort(&self, which: impl Fn(u8) -> bool) {
        // Not under the lock, which a task acquires when it is dropped.
        let wanted = |entry: &&Entry| which(entry.phase.load(Ordering::Relaxed));
        let tasks: Vec<_> = self.entries().iter().filter(wanted).map(|e| e.task.clone()).collect();
        tasks.iter().for_each(AbortHandle::abort);
    }

    async fn emptied(&self) {
        while !self.entries().is_empty() {
            self.freed.notified().await;
        }
    }
}
