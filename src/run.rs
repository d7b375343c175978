//! Runs asynchronous work: the runtime, the signals, and the report of a panic.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use oauthctl_core::flow::{CriticalPart, FlowManager};
use oauthctl_core::{Error, ErrorKind, Result};

use crate::descriptors::room_for_descriptors;
use crate::signals::{Ending, Signals};
use crate::ui;

/// Runs a future to its end, or until a signal ends it.
///
/// While the manager spends something that is not saved yet, the first signal waits for it to finish; a
/// second one does not.
///
/// # Errors
///
/// Returns the error of the future. After a signal, the program exits here.
pub fn block_on<T>(
    manager: Option<&FlowManager>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    room_for_descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::internal(format!("cannot start the runtime: {e}")).caused_by(&e))?;
    let outcome = runtime.block_on(until_signal(manager, work));
    // Whatever still runs (an idle connection, a reader of stdin) must not delay the exit.
    runtime.shutdown_background();
    match outcome {
        Ended::Done(result) => result,
        Ended::Signal(signal, unfinished) => Err(interrupted(signal, unfinished)),
    }
}

/// Runs a future to its end, whatever signals come: it passes them on to the command that it waits for. Then
/// waits until the manager has saved what it spends.
///
/// # Errors
///
/// Returns the error of the future.
pub fn block_on_child<T>(
    manager: Option<&FlowManager>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    room_for_descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::internal(format!("cannot start the runtime: {e}")).caused_by(&e))?;
    let outcome = runtime.block_on(async {
        let outcome = work.await;
        while manager.is_some_and(FlowManager::is_critical) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        outcome
    });
    runtime.shutdown_background();
    outcome
}

enum Ended<T> {
    Done(Result<T>),
    /// A signal ended it, with this part unfinished.
    Signal(Ending, Option<CriticalPart>),
}

/// How long a registration of a client may take after a signal: a server could delay the end of the program for longer,
/// and the loss is only a client that nobody uses.
const REGISTRATION_WAIT: Duration = Duration::from_secs(5);

async fn until_signal<T>(
    manager: Option<&FlowManager>,
    work: impl Future<Output = Result<T>>,
) -> Ended<T> {
    let mut work = std::pin::pin!(work);
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return Ended::Done(Err(error)),
    };
    let unfinished = || manager.and_then(FlowManager::critical_part);
    let signal = tokio::select! {
        biased;
        signal = signals.next() => signal,
        result = &mut work => return Ended::Done(result),
    };
    let mut is_told = false;
    // After the critical part there is no reason to continue, whatever work remains.
    let critical_part = std::future::poll_fn(|cx| {
        if unfinished().is_some()
            && work.as_mut().poll(cx).is_pending()
            && let Some(part) = unfinished()
        {
            if !std::mem::replace(&mut is_told, true) {
                ui::insist(&waiting(signal, part));
            }
            return Poll::Pending;
        }
        Poll::Ready(())
    });
    let too_long = async {
        tokio::time::sleep(REGISTRATION_WAIT).await;
        let is_registration = || unfinished() == Some(CriticalPart::Registration);
        // It is polled whenever the work progresses.
        std::future::poll_fn(|_| if is_registration() { Poll::Ready(()) } else { Poll::Pending })
            .await;
    };
    tokio::select! {
        biased;
        second = signals.next() => Ended::Signal(second, unfinished()),
        () = critical_part => Ended::Signal(signal, None),
        () = too_long => Ended::Signal(signal, unfinished()),
    }
}

/// Returns what is finished before the program ends, and the cost of not waiting.
fn waiting(signal: Ending, part: CriticalPart) -> String {
    let of_registration = format!(
        "finishing the registration of the client first, for at most {} seconds",
        REGISTRATION_WAIT.as_secs()
    );
    let (first, cost) = match part {
        CriticalPart::Refresh => (
            "finishing the token request first",
            "the new refresh token may be lost and you may have to log in again",
        ),
        CriticalPart::Redemption => (
            "finishing the login first",
            "the tokens may be lost and you would have to log in again",
        ),
        CriticalPart::Revocation => {
            ("finishing the logout first", "the tokens may stay valid at the server")
        }
        CriticalPart::Registration => {
            (of_registration.as_str(), "the server may keep a client that nobody uses")
        }
        _ => ("saving the changes first", "they may be lost"),
    };
    format!("interrupted: {first}; {} to stop now ({cost})", signal.again())
}

/// Returns the error after a signal that left this part unfinished.
pub fn interrupted(signal: Ending, unfinished: Option<CriticalPart>) -> Error {
    let name = signal.name();
    let (what, hint) = match unfinished {
        None => (format!("interrupted by {name}"), None),
        Some(CriticalPart::Refresh) => (
            format!("interrupted by {name} before the token request was finished"),
            Some("run the command again; if the server refuses, log in again"),
        ),
        Some(CriticalPart::Redemption) => (
            format!("interrupted by {name} before the login was finished"),
            Some("start the login again"),
        ),
        Some(CriticalPart::Revocation) => (
            format!("interrupted by {name} before the logout was finished"),
            Some("run the same command again"),
        ),
        Some(CriticalPart::Registration) => (
            format!("interrupted by {name} before the registration of the client was finished"),
            Some(
                "start the login again; it registers another client, and the server may keep the first one",
            ),
        ),
        Some(_) => (format!("interrupted by {name} before the changes were saved"), None),
    };
    let error = Error::new(ErrorKind::Interrupted, what).with_exit_code(signal.exit_code());
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Keeps this process's memory, and with it the tokens, out of core dumps and away from other processes of
/// the same user. Programs that it executes are not affected.
pub fn harden() {
    // If the system does not support it, the program still works.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Reports a panic and its location, without its message, which could quote a secret.
#[expect(clippy::print_stderr, reason = "a panic has no other way to be seen")]
pub fn report_panic(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
    eprintln!("error: unexpected internal error at {place}");
    eprintln!("hint: please report this line and the command that you ran");
}
