//! A clock that is advanced manually. The tests of the sandbox compile this file too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauthctl_core::Timestamp;
use oauthctl_core::port::{BoxFuture, Clock};

/// Whoever sleeps by it looks at it frequently.
pub struct ManualClock {
    now: AtomicU64,
    slept: AtomicU64,
}

impl ManualClock {
    pub fn at(seconds: u64) -> Self {
        Self { now: AtomicU64::new(seconds), slept: AtomicU64::new(0) }
    }

    pub fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn unix(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    /// How many seconds others wanted to sleep so far.
    pub fn slept(&self) -> u64 {
        self.slept.load(Ordering::SeqCst)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.unix())
    }

    fn sleep<'a>(&'a self, duration: Duration) -> BoxFuture<'a, ()> {
        self.slept.fetch_add(duration.as_secs(), Ordering::SeqCst);
        Box::pin(tokio::time::sleep(Duration::from_millis(1)))
    }
}

/// The sandbox reads the same clock.
impl oauthctl_sandbox::Clock for ManualClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.unix())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Clock::sleep(self, duration)
    }
}
