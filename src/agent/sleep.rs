//! Notices that the machine slept.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Whether [`CLOCK`] and [`Instant`] are adjusted alike: then they differ by the time asleep alone.
const AGREES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A clock that goes on while the machine sleeps. [`Instant`] stands still then.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// A sleep that is noticed, also as the sum of shorter ones.
const SHORTEST: Duration = Duration::from_secs(1);

/// After this time, the comparison of clocks that disagree begins anew.
const WINDOW: Duration = Duration::from_secs(60);

/// Compares the two clocks.
pub struct Sleep(Mutex<(Instant, Duration)>);

impl Sleep {
    /// Begins to compare.
    pub fn new() -> Self {
        Self(Mutex::new(begin()))
    }

    /// Does this if the machine slept since the last call. Whoever calls meanwhile waits until it is done.
    pub fn if_it_was(&self, act: impl FnOnce()) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = read().saturating_sub(since.1);
        let awake = since.0.elapsed();
        let has_slept = is_sleep(passed, awake);
        if has_slept {
            act();
        }
        if has_slept || (!AGREES && awake > WINDOW) {
            *since = begin();
        }
    }
}

/// Returns whether the clocks differ by more than their adjustments.
fn is_sleep(passed: Duration, awake: Duration) -> bool {
    let drift = if AGREES { Duration::ZERO } else { awake / 1_000 };
    passed > awake + drift + SHORTEST
}

/// Reads both clocks. A pause between the two makes the difference that is found later smaller.
fn begin() -> (Instant, Duration) {
    let awake = Instant::now();
    (awake, read())
}

fn read() -> Duration {
    let now = clock_gettime(CLOCK);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn short_sleep_after_days_awake_is_noticed() {
        for days in [0, 1, 30, 365] {
            let awake = Duration::from_secs(days * 86_400);
            assert!(!is_sleep(awake, awake), "{days}");
            assert!(is_sleep(awake + Duration::from_secs(2), awake), "{days}");
        }
    }

    /// A request that comes right after the machine woke up must not overtake the one that notices it.
    #[test]
    fn requests_wait_while_a_sleep_is_handled() {
        let slept = read().saturating_sub(Duration::from_secs(10));
        let sleep = Sleep(Mutex::new((Instant::now(), slept)));
        let is_locked = std::sync::atomic::AtomicBool::new(false);
        let (noticed, waits) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let sleep = &sleep;
            scope.spawn(|| {
                sleep.if_it_was(|| {
                    noticed.send(()).unwrap();
                    std::thread::sleep(Duration::from_millis(100));
                    is_locked.store(true, std::sync::atomic::Ordering::SeqCst);
                });
            });
            waits.recv().unwrap();
            sleep.if_it_was(|| panic!("it slept once"));
            assert!(is_locked.load(std::sync::atomic::Ordering::SeqCst));
        });
    }
}
