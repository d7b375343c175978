//! The signals that end a run, and the one that the file size limit sends.
//!
//! A signal that was ignored when the program started, as `nohup` and background jobs of a shell do, stays
//! ignored: no handler is set for it. It therefore stays ignored in every command that is run. All other
//! signals have their default effect there: the system resets caught signals in a new program.

use oauthctl_core::Result;

/// A signal that ends the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Interrupt,
    Terminate,
    HangUp,
}

impl Ending {
    /// Returns the name of the signal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        }
    }

    /// Returns 128 plus the number of the signal.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::HangUp => 129,
        }
    }

    /// Sends the signal to a process that was started. A terminal sends its interrupt to all processes in the
    /// foreground, so that one is not passed on.
    #[cfg(unix)]
    pub fn pass_on(self, id: u32) {
        use rustix::process::{Pid, Signal};
        let signal = match self {
            Self::Interrupt if is_in_foreground() => return,
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
            Self::HangUp => Signal::HUP,
        };
        if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            // It may have ended.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Does nothing: the console sends its interrupt to all processes.
    #[cfg(not(unix))]
    pub fn pass_on(self, _: u32) {}

    /// Returns how the user can send it again.
    pub fn again(self) -> &'static str {
        match self {
            Self::Interrupt => "press Ctrl-C again",
            Self::Terminate | Self::HangUp => "send another signal",
        }
    }
}

/// Returns whether a terminal sends its signals to this process.
#[cfg(unix)]
fn is_in_foreground() -> bool {
    let Ok(terminal) = std::fs::File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(unix)]
pub use unix::{Signals, outlive_file_size_limit};

#[cfg(unix)]
mod unix {
    use std::sync::OnceLock;
    use std::task::Poll;

    use oauthctl_core::Error;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{Ending, Result};
    use crate::descriptors::room_for_descriptors;

    /// SIGXFSZ, which has this number on every Unix that is supported.
    const FILE_SIZE: i32 = 25;

    /// The signals that end the program and were not ignored when it started.
    pub struct Signals(Vec<(Ending, Signal)>);

    impl Signals {
        /// Starts catching them. Requires a runtime.
        ///
        /// # Errors
        ///
        /// Returns an error if the system refuses.
        pub fn new() -> Result<Self> {
            let ignored = ignored_at_start();
            [
                (Ending::Interrupt, SignalKind::interrupt()),
                (Ending::Terminate, SignalKind::terminate()),
                (Ending::HangUp, SignalKind::hangup()),
            ]
            .into_iter()
            .filter(|(_, kind)| !contains(ignored, kind.as_raw_value()))
            .map(|(ending, kind)| Ok((ending, signal(kind)?)))
            .collect::<std::io::Result<_>>()
            .map(Self)
            .map_err(|e| Error::internal(format!("cannot handle signals: {e}")).caused_by(&e))
        }

        /// Waits for the next one.
        pub async fn next(&mut self) -> Ending {
            std::future::poll_fn(|cx| {
                for (ending, signal) in &mut self.0 {
                    if signal.poll_recv(cx).is_ready() {
                        return Poll::Ready(*ending);
                    }
                }
                Poll::Pending
            })
            .await
        }
    }

    /// Makes a write beyond the file size limit (`ulimit -f`) fail with an error. By default, the
    /// accompanying signal ends the program.
    pub fn outlive_file_size_limit() {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
        if limit.current.is_none() || contains(ignored_at_start(), FILE_SIZE) {
            return;
        }
        // The handler stays beyond the runtime in which it is set. If the open files that it requires are
        // not available, nothing large is written either.
        let runtime = room_for_descriptors()
            .ok()
            .and_then(|()| tokio::runtime::Builder::new_current_thread().enable_io().build().ok());
        if let Some(runtime) = runtime {
            let _inside = runtime.enter();
            let _ = signal(SignalKind::from_raw(FILE_SIZE));
        }
    }

    fn contains(mask: u64, signal: i32) -> bool {
        u32::try_from(signal - 1).is_ok_and(|bit| mask.checked_shr(bit).unwrap_or(0) & 1 == 1)
    }

    /// Returns the signals that were ignored at the first call, before any handler is set; none if the
    /// system does not report them.
    fn ignored_at_start() -> u64 {
        static IGNORED: OnceLock<u64> = OnceLock::new();
        *IGNORED.get_or_init(ignored_now)
    }

    /// Reads the ignored signals. Without `unsafe`, only Linux reports them to a process.
    fn ignored_now() -> u64 {
        if !cfg!(target_os = "linux") {
            return 0;
        }
        let status = std::fs::read("/proc/self/status").unwrap_or_default();
        mask(&String::from_utf8_lossy(&status)).unwrap_or(0)
    }

    /// Returns the mask of ignored signals in the text of `/proc/PID/status`.
    fn mask(status: &str) -> Option<u64> {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn mask_of_ignored_signals_is_read() {
            let ignored =
                mask("Name:\tSigIgn: x\nSigBlk:\t1\nSigIgn:\t0000000001001003\nSigCgt:\t0");
            assert_eq!(ignored, Some(0x100_1003));
            for (signal, is_ignored) in [(1, true), (2, true), (13, true), (15, false), (25, true)]
            {
                assert_eq!(contains(0x100_1003, signal), is_ignored, "{signal}");
            }
            assert_eq!((mask(""), mask("SigIgn:\tx")), (None, None));
            assert!(!contains(u64::MAX, 0) && !contains(u64::MAX, 65));
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use super::{Ending, Result};

    /// The interrupt of the console.
    pub struct Signals;

    impl Signals {
        /// Returns the signals; cannot fail.
        ///
        /// # Errors
        ///
        /// None.
        pub fn new() -> Result<Self> {
            Ok(Self)
        }

        /// Waits for the next one.
        pub async fn next(&mut self) -> Ending {
            let _ = tokio::signal::ctrl_c().await;
            Ending::Interrupt
        }
    }

    /// Does nothing: there is no such signal here.
    pub fn outlive_file_size_limit() {}
}

#[cfg(not(unix))]
pub use elsewhere::{Signals, outlive_file_size_limit};
