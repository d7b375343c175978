//! The time as stores count it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[expect(
    clippy::disallowed_methods,
    reason = "what is stored is compared with the clocks of other instances"
)]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Returns the Unix time in seconds.
pub fn now_seconds() -> u64 {
    since_epoch().as_secs()
}

/// Returns the Unix time in milliseconds.
pub fn now_millis() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}
