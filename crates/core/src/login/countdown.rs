//! Shows the remaining time of a login every second while the user is at a terminal.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

/// The maximum width of the line with the remaining time, in columns.
///
/// The line is written without a newline, with the cursor back at its start, and filled up with blanks to
/// this width. Then whatever is shown next replaces it.
pub const COUNTDOWN_COLUMNS: usize = 44;

/// Tells when the line is due. Nothing is due while the process is in the background of its terminal.
#[derive(Debug)]
pub(super) struct Countdown(Option<Interval>);

impl Countdown {
    /// Starts at once, or never.
    pub(super) fn new(is_shown: bool) -> Self {
        Self(is_shown.then(|| {
            let mut ticks = tokio::time::interval(Duration::from_secs(1));
            // After a sleep of the machine there is one line to show, not one for each second.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            ticks
        }))
    }

    /// Waits until the line is due.
    pub(super) async fn next(&mut self) {
        loop {
            match &mut self.0 {
                Some(ticks) => ticks.tick().await,
                None => std::future::pending().await,
            };
            #[cfg(unix)]
            if is_in_background(std::io::stderr()) {
                continue;
            }
            return;
        }
    }
}

/// Returns whether another process group has this terminal; without job control, none has.
#[cfg(unix)]
pub(super) fn is_in_background(terminal: impl std::os::fd::AsFd) -> bool {
    let foreground = rustix::termios::tcgetpgrp(terminal);
    foreground.is_ok_and(|group| group != rustix::process::getpgrp())
}
