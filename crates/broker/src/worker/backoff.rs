//! Pauses for providers that fail: one attempt at the end of each pause, not one for each connection.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::now_seconds;

/// The first pause and the longest, in seconds.
const PAUSES: (u64, u64) = (5, 600);

/// How many seconds after its pause a provider without further attempts is forgotten: it was deleted, or nothing is left
/// to do. A webhook message is retried after two hours at most.
const FORGOTTEN: u64 = 3 * 3_600;

/// The failing providers.
#[derive(Default)]
pub(super) struct Backoff(Mutex<HashMap<String, Failing>>);

#[derive(Default)]
struct Failing {
    failures: u32,
    pause: u64,
    until: u64,
    /// Whether the attempt at the end of the pause is under way.
    is_tried: bool,
}

impl Backoff {
    /// Returns until when a provider is paused. At the end of a pause, the first caller may try.
    pub(super) fn paused_until(&self, provider: &str) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = all.get_mut(provider)?;
        let now = now_seconds();
        if now >= failing.until {
            // The others wait for the result of this attempt.
            (failing.until, failing.is_tried) = (now + PAUSES.0, true);
            return None;
        }
        Some(failing.until + jitter(failing.pause))
    }

    pub(super) fn succeeded(&self, provider: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(provider);
    }

    /// Records a failure, and returns when to try again. Attempts that began before a pause and fail during it do not
    /// make it longer.
    pub(super) fn failed(&self, provider: &str) -> u64 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(provider) {
            let now = now_seconds();
            all.retain(|_, failing| now < failing.until.saturating_add(FORGOTTEN));
        }
        let failing = all.entry(provider.to_owned()).or_default();
        let now = now_seconds();
        if now >= failing.until || failing.is_tried {
            failing.failures = failing.failures.saturating_add(1);
            let pause = PAUSES.0.saturating_mul(1 << failing.failures.min(10).saturating_sub(1));
            (failing.pause, failing.is_tried) = (pause.min(PAUSES.1), false);
            failing.until = now + failing.pause;
        }
        failing.until + jitter(failing.pause)
    }
}

/// Returns a random time, so that records that waited for the same pause are not all due at once.
fn jitter(pause: u64) -> u64 {
    below(3 + pause / 2)
}

/// Returns a random number below `most`.
pub(super) fn below(most: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    if most == 0 { 0 } else { RandomState::new().hash_one(most) % most }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_provider_is_probed_once_after_each_pause() {
        let backoff = Backoff::default();
        assert_eq!(backoff.paused_until("p"), None);
        let first = backoff.failed("p");
        assert!(first >= now_seconds() + PAUSES.0 - 1);
        assert!(backoff.paused_until("p").is_some());
        assert_eq!(backoff.paused_until("q"), None);
        for _ in 0..20 {
            backoff.0.lock().unwrap().get_mut("p").unwrap().until = 0;
            assert!(backoff.failed("p") <= now_seconds() + PAUSES.1 * 3 / 2 + 3);
        }
        assert_eq!(backoff.0.lock().unwrap()["p"].pause, PAUSES.1);
        backoff.0.lock().unwrap().get_mut("p").unwrap().until = 0;
        assert_eq!(backoff.paused_until("p"), None);
        assert!(backoff.paused_until("p").is_some(), "a second probe");
        backoff.succeeded("p");
        assert_eq!(backoff.paused_until("p"), None);
    }

    #[test]
    fn attempts_that_fail_together_count_as_one() {
        let backoff = Backoff::default();
        let pause = |backoff: &Backoff| backoff.0.lock().unwrap()["p"].pause;
        for expected in [PAUSES.0, 2 * PAUSES.0, 4 * PAUSES.0] {
            for _ in 0..8 {
                backoff.failed("p");
            }
            assert_eq!(pause(&backoff), expected);
            // The attempt at the end of the pause fails before the next one would be allowed.
            backoff.0.lock().unwrap().get_mut("p").unwrap().until = 0;
            assert_eq!(backoff.paused_until("p"), None);
        }
    }

    #[test]
    fn provider_that_nobody_asks_is_forgotten() {
        let backoff = Backoff::default();
        for provider in 0..100 {
            backoff.failed(&format!("deleted-{provider}"));
        }
        for failing in backoff.0.lock().unwrap().values_mut() {
            failing.until = now_seconds() - FORGOTTEN;
        }
        backoff.failed("p");
        backoff.failed("q");
        let mut left: Vec<_> = backoff.0.lock().unwrap().keys().cloned().collect();
        left.sort();
        assert_eq!(left, ["p", "q"]);
    }
}
