//! The system clock.

use std::time::Duration;

use crate::port::{BoxFuture, Clock};
use crate::time::Timestamp;

/// The wall clock, with tokio's timer for waiting: `sleep` requires a tokio runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep<'a>(&'a self, duration: Duration) -> BoxFuture<'a, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
