//! Points in time, in whole seconds, and durations as users write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time: seconds since 1970-01-01T00:00:00Z. Displayed as RFC 3339 in UTC.
///
/// ```
/// use oauthctl_core::Timestamp;
/// assert_eq!(Timestamp::from_unix(0).to_string(), "1970-01-01T00:00:00Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub struct Timestamp(u64);

impl From<u64> for Timestamp {
    fn from(seconds: u64) -> Self {
        Self::from_unix(seconds)
    }
}

impl From<Timestamp> for u64 {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl Timestamp {
    /// The last second that RFC 3339 can represent (9999-12-31T23:59:59Z).
    pub const MAX: Timestamp = Timestamp(253_402_300_799);

    /// Creates a timestamp from seconds since the Unix epoch, limited to [`Timestamp::MAX`].
    pub fn from_unix(seconds: u64) -> Self {
        Self(seconds.min(Self::MAX.0))
    }

    /// Returns the wall clock's time. Code that makes decisions uses a [`crate::port::Clock`] instead.
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    pub fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_unix(elapsed.as_secs())
    }

    /// Returns the seconds since the Unix epoch.
    pub fn unix(self) -> u64 {
        self.0
    }

    /// Returns the time that is this much later, limited to [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_unix(self.0.saturating_add(duration.as_secs()))
    }

    /// Returns how long it is from `now` until `self`; zero once it has passed.
    pub fn remaining(self, now: Timestamp) -> Duration {
        Duration::from_secs(self.0.saturating_sub(now.0))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = &'static str;

    /// Parses a time in UTC as RFC 3339 writes it; fractions of a second are ignored.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let time = humantime::parse_rfc3339(text).map_err(|_| "it is no time in UTC")?;
        let elapsed = time.duration_since(UNIX_EPOCH).map_err(|_| "it is before 1970")?;
        Ok(Self::from_unix(elapsed.as_secs()))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(self.0)).fmt(f)
    }
}

/// Parses a duration: `30s`, `5m`, `2h`, `7d`, or a number of seconds.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(oauthctl_core::time::parse_duration("5m"), Ok(Duration::from_secs(300)));
/// assert!(oauthctl_core::time::parse_duration("soon").is_err());
/// ```
pub fn parse_duration(text: &str) -> std::result::Result<Duration, String> {
    let text = text.trim();
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let factor: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => {
            return Err(format!(
                "invalid duration `{text}`: expected a value such as 30s, 5m, 2h or 7d, or a number of seconds"
            ));
        }
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .filter(|seconds| *seconds <= 3_650 * 86_400)
        .map(Duration::from_secs)
        .ok_or_else(|| {
            format!("invalid duration `{text}`: expected a value such as 30s, 5m, 2h or 7d, at most ten years")
        })
}

/// Formats a duration as [`parse_duration`] reads it, in the largest unit that expresses it exactly: `5m`.
pub fn shortest(duration: Duration) -> String {
    let s = duration.as_secs();
    let fits = |unit: u64| s != 0 && s.is_multiple_of(unit);
    match s {
        _ if fits(86_400) => format!("{}d", s / 86_400),
        _ if fits(3_600) => format!("{}h", s / 3_600),
        _ if fits(60) => format!("{}m", s / 60),
        _ => format!("{s}s"),
    }
}

/// Formats a duration for users, in its two largest units: `2 h 5 min`.
pub fn describe(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => two(s, 60, "min", 1, "s"),
        3_600..86_400 => two(s, 3_600, "h", 60, "min"),
        _ => two(s, 86_400, "d", 3_600, "h"),
    }
}

fn two(seconds: u64, large: u64, large_name: &str, small: u64, small_name: &str) -> String {
    let (a, b) = (seconds / large, seconds % large / small);
    if b == 0 { format!("{a} {large_name}") } else { format!("{a} {large_name} {b} {small_name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_of_each_unit_is_parsed() {
        for (text, seconds) in
            [("0", 0), ("45", 45), ("30s", 30), ("5m", 300), ("2h", 7200), ("7d", 604_800)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "-1", "1.5h", "5 m", "1w", "99999999999999999999", "9999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn duration_is_written_as_it_is_read() {
        for text in ["0s", "45s", "60m", "90m", "25h", "7d", "61s"] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(parse_duration(&shortest(duration)), Ok(duration), "{text}");
        }
        assert_eq!(shortest(Duration::from_secs(300)), "5m");
        assert_eq!(shortest(Duration::from_secs(3_600)), "1h");
    }

    #[test]
    fn timestamp_is_parsed_as_it_is_displayed() {
        for seconds in [0, 1_700_000_000, Timestamp::MAX.0] {
            let at = Timestamp::from_unix(seconds);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
        for text in
            ["", "2100-01-01", "1969-12-31T23:59:59Z", "2100-01-01T00:00:00+01:00", "\u{e9}"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn timestamps_neither_overflow_nor_panic() {
        assert_eq!(Timestamp::from_unix(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_unix(5).remaining(Timestamp::from_unix(9)), Duration::ZERO);
    }
}
