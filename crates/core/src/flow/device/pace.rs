//! When to poll (RFC 8628, section 3.5).

use std::time::Duration;

/// The interval if the server names none (section 3.2).
const USUAL: Duration = Duration::from_secs(5);

/// Limits of the interval. A longer interval is honored as far as the lifetime of the codes permits.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(120);

/// What `slow_down` adds.
const SLOWER: Duration = Duration::from_secs(5);

/// The longest pause after a poll without an answer, unless the interval is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pace of polling, and the time that it may take.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// Polls in a row that got no answer.
    unanswered: u32,
    /// What is left of the lifetime, by the time that was waited.
    left: Duration,
}

impl Pace {
    pub(super) fn new(interval: Option<Duration>, life: Duration) -> Self {
        let interval = interval.map_or(USUAL, |interval| interval.clamp(SHORTEST, LONGEST));
        Self { interval, unanswered: 0, left: life }
    }

    /// Returns how long to wait before the next poll: the interval, doubled for each poll in a row without an
    /// answer.
    pub(super) fn wait(&self) -> Duration {
        let doubled = self.interval.saturating_mul(1 << self.unanswered.min(10));
        doubled.min(LONGEST_PAUSE.max(self.interval))
    }

    pub(super) fn answered(&mut self) {
        self.unanswered = 0;
    }

    pub(super) fn unanswered(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Polls more rarely from now on: by 5 seconds, or at the interval that the server names, if that is longer.
    pub(super) fn slow_down(&mut self, asked: Option<Duration>) {
        self.unanswered = 0;
        let slower = self.interval.saturating_add(SLOWER);
        self.interval = asked.map_or(slower, |asked| asked.min(LONGEST).max(slower));
    }

    pub(super) fn waited(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    /// Returns whether the lifetime has passed.
    pub(super) fn is_over(&self) -> bool {
        self.left.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(interval: Option<f64>) -> Pace {
        Pace::new(interval.map(Duration::from_secs_f64), Duration::from_secs(900))
    }

    #[test]
    fn interval_is_the_servers_within_limits() {
        let wait = |interval| pace(interval).wait().as_secs_f64();
        assert_eq!([wait(None), wait(Some(2.5))], [5.0, 2.5]);
        assert_eq!([wait(Some(0.001)), wait(Some(1e9))], [1.0, 120.0]);
    }

    #[test]
    fn slow_down_lasts_and_timeout_doubles_the_interval() {
        let mut pace = pace(None);
        let mut waits = Vec::new();
        let mut after = |step: fn(&mut Pace)| {
            step(&mut pace);
            waits.push(pace.wait().as_secs());
        };
        after(|pace| pace.slow_down(None));
        after(Pace::answered);
        after(|pace| pace.slow_down(Some(Duration::from_secs(1))));
        after(|pace| pace.slow_down(Some(Duration::from_secs(30))));
        after(Pace::unanswered);
        after(Pace::unanswered);
        after(Pace::answered);
        assert_eq!(waits, [10, 10, 15, 30, 60, 60, 30]);
    }
}
