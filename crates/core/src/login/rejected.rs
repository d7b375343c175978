//! Requests that are not the callback: always counted, but reported only a few times each, so that no web
//! page can flood a terminal.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::text;

/// How many different requests are reported for each reason; the rest is only counted.
const REPORTS: usize = 4;

/// The number of reasons.
const REASONS: usize = 8;

/// Maximum number of characters of a request's target that are shown.
const SHOWN: usize = 80;

/// Why a request is not the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionReason {
    /// It is not well-formed HTTP/1.1, or over the limits.
    Malformed,
    /// It names another host (a sign of DNS rebinding).
    Host,
    /// It requests another path.
    Path,
    /// It uses another method, or another media type.
    Method,
    /// The browser only prefetched it (`Sec-Purpose: prefetch`).
    Prefetch,
    /// Its parameters are hostile, contradictory, or not an authorization response.
    Parameters,
    /// Its `state` is missing or not the expected one.
    State,
    /// Too many callbacks arrived at once.
    Flood,
}

impl RejectionReason {
    fn words(self) -> &'static str {
        match self {
            Self::Malformed => "not a well-formed request",
            Self::Host => "addressed to another host",
            Self::Path => "not the path of the callback",
            Self::Method => "not the method of the callback",
            Self::Prefetch => "only a prefetch",
            Self::Parameters => "not an authorization response",
            Self::State => "its state is missing or not the expected one",
            Self::Flood => "too many at once",
        }
    }
}

/// A request that was answered with an error page and did not end the wait.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RejectedRequest {
    /// Why it is not the callback.
    pub reason: RejectionReason,
    /// What it requested (method and path, without the query) or what is wrong with it, sanitized for a
    /// terminal.
    pub detail: String,
}

impl std::fmt::Display for RejectedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ignored a request to the callback listener: {}", self.reason.words())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

/// Counts rejected requests, and reports the first requests of each kind.
#[derive(Debug)]
pub(super) struct Meter {
    count: AtomicU64,
    seen: Mutex<HashSet<RejectedRequest>>,
    reports: mpsc::Sender<RejectedRequest>,
}

impl Meter {
    pub(super) fn new() -> (Self, mpsc::Receiver<RejectedRequest>) {
        let (reports, receiver) = mpsc::channel(REPORTS * REASONS);
        (Self { count: AtomicU64::new(0), seen: Mutex::default(), reports }, receiver)
    }

    pub(super) fn record(&self, reason: RejectionReason, detail: &str) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut detail = text::one_line(detail);
        if let Some((cut, _)) = detail.char_indices().nth(SHOWN) {
            detail.truncate(cut);
            detail.push('…');
        }
        let report = RejectedRequest { reason, detail };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = seen.iter().filter(|other| other.reason == reason).count();
        if alike < REPORTS && seen.insert(report.clone()) {
            // The channel holds as many as are ever sent: only a closed one refuses.
            let _ = self.reports.try_send(report);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_request_is_reported_once_and_counted() {
        let (meter, mut reports) = Meter::new();
        for _ in 0..3 {
            meter.record(RejectionReason::Path, "GET /favicon.ico");
        }
        for n in 0..100 {
            meter.record(RejectionReason::Path, &format!("GET /{n}"));
        }
        meter.record(RejectionReason::State, "");
        let mut shown = Vec::new();
        while let Ok(report) = reports.try_recv() {
            shown.push(report.detail);
        }
        assert_eq!(meter.count(), 104);
        assert_eq!(shown, ["GET /favicon.ico", "GET /0", "GET /1", "GET /2", ""]);
    }

    #[test]
    fn report_is_one_short_harmless_line() {
        let (meter, mut reports) = Meter::new();
        meter.record(RejectionReason::Host, &format!("\u{1b}]0;x\u{7}\n{}", "y".repeat(5_000)));
        let line = reports.try_recv().unwrap().to_string();
        assert!(line.chars().all(text::is_harmless) && line.chars().count() < 200, "{line:?}");
    }
}
