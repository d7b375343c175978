//! Notices that the machine slept.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A clock that goes on while the machine sleeps. [`Instant`] stands still then.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// After this time, the comparison begins anew: the clocks may be adjusted in different ways.
const WINDOW: Duration = Duration::from_secs(60);

/// Compares the two clocks.
pub struct Sleep(Mutex<(Instant, Duration)>);

impl Sleep {
    /// Begins to compare.
    pub fn new() -> Self {
        Self(Mutex::new((Instant::now(), read())))
    }

    /// Returns whether the machine slept since the last call.
    pub fn has_been(&self) -> bool {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let awake = since.0.elapsed();
        let passed = read().saturating_sub(since.1);
        let has_slept = passed > awake + awake / 1_000 + Duration::from_secs(1);
        if has_slept || awake > WINDOW {
            *since = (Instant::now(), read());
        }
        has_slept
    }
}

fn read() -> Duration {
    let now = clock_gettime(CLOCK);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}
