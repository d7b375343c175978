//! Running asynchronous work: the runtime, the signals, and the report of a fault of our own.

use std::future::Future;
use std::task::Poll;

use oauthctl::flow::FlowManager;
use oauthctl::{Error, ErrorKind, Result};

/// Ends the program with 128 and the signal's number.
const INTERRUPTED: [(&str, u8); 3] = [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)];

/// Runs a future to its end, or until a signal ends it.
///
/// While the manager is spending something that is not yet saved, a first signal waits for that;
/// a second one does not.
///
/// # Errors
///
/// The future's; the program ends here after a signal.
pub fn block_on<T>(
    manager: Option<&FlowManager>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    room_for_descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::internal(format!("the runtime could not be started: {e}")))?;
    let outcome = runtime.block_on(until_signal(manager, work));
    // Whatever still runs (an idle connection, a reader of stdin) must not delay the end.
    runtime.shutdown_background();
    match outcome {
        Ended::Done(result) => result,
        Ended::Signal(index) => {
            let (name, code) = INTERRUPTED[index];
            Err(Error::new(ErrorKind::Interrupted, format!("interrupted by {name}"))
                .with_exit_code(code))
        }
    }
}

/// The open files that a run may need at once: its runtime, sockets, a record and its directories.
#[cfg(unix)]
const DESCRIPTORS: usize = 24;

/// Proves that they can be had. Without them the runtime panics, or a token that was spent cannot be
/// saved.
#[cfg(unix)]
fn room_for_descriptors() -> Result<()> {
    let taken = std::os::unix::net::UnixStream::pair().and_then(|(one, other)| {
        let more = (2..DESCRIPTORS).map(|_| one.try_clone());
        more.collect::<std::io::Result<Vec<_>>>().map(|more| (more, other))
    });
    match taken {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::unavailable(format!(
            "this needs up to {DESCRIPTORS} open files at once: {error}"
        ))),
    }
}

#[cfg(not(unix))]
fn room_for_descriptors() -> Result<()> {
    Ok(())
}

enum Ended<T> {
    Done(Result<T>),
    Signal(usize),
}

async fn until_signal<T>(
    manager: Option<&FlowManager>,
    work: impl Future<Output = Result<T>>,
) -> Ended<T> {
    let mut work = std::pin::pin!(work);
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return Ended::Done(Err(error)),
    };
    let is_critical = || manager.is_some_and(FlowManager::is_critical);
    let signal = tokio::select! {
        biased;
        signal = signals.next() => signal,
        result = &mut work => return Ended::Done(result),
    };
    // Once the critical part is over there is no reason to go on, whatever the work still does.
    let critical_part = std::future::poll_fn(|cx| {
        if is_critical() && work.as_mut().poll(cx).is_pending() && is_critical() {
            return Poll::Pending;
        }
        Poll::Ready(())
    });
    tokio::select! {
        biased;
        second = signals.next() => Ended::Signal(second),
        () = critical_part => Ended::Signal(signal),
    }
}

#[cfg(unix)]
struct Signals {
    ending: [tokio::signal::unix::Signal; 3],
    /// The file size limit's. Caught, so that the write that exceeds it fails with an error instead.
    _too_large: Option<tokio::signal::unix::Signal>,
}

/// SIGXFSZ, which has this number on every Unix that is supported.
#[cfg(unix)]
const FILE_SIZE: i32 = 25;

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |e: std::io::Error| Error::internal(format!("signals cannot be handled: {e}"));
        Ok(Self {
            ending: [
                signal(SignalKind::interrupt()).map_err(failed)?,
                signal(SignalKind::terminate()).map_err(failed)?,
                signal(SignalKind::hangup()).map_err(failed)?,
            ],
            _too_large: signal(SignalKind::from_raw(FILE_SIZE)).ok(),
        })
    }

    async fn next(&mut self) -> usize {
        let [interrupt, terminate, hangup] = &mut self.ending;
        tokio::select! {
            _ = interrupt.recv() => 0,
            _ = terminate.recv() => 1,
            _ = hangup.recv() => 2,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> usize {
        let _ = tokio::signal::ctrl_c().await;
        0
    }
}

/// Keeps this process's memory, and with it the tokens, out of core dumps and from other processes
/// of the same user. What it executes is not affected.
pub fn harden() {
    // Where the system does not offer it, the program still does its work.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Says that this is our fault, and where, without the panic's message: it could quote a secret.
#[expect(clippy::print_stderr, reason = "a panic has no other way to be seen")]
pub fn report_panic(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
    eprintln!("error: oauthctl has a fault at {place}");
    eprintln!("hint: please report it with this line and what you ran");
}
