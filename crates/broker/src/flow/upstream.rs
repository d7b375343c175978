//! Limits the refreshes at a provider: the number of concurrent requests, and a pause when the provider asks
//! for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oauthctl_core::Timestamp;
use oauthctl_core::port::{HttpError, HttpResponse};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum number of concurrent refreshes at each provider of a tenant.
const AT_ONCE: usize = 384;

/// How long to wait for one of them to finish.
const PATIENCE: Duration = Duration::from_secs(15);

/// The pause for a provider that names no time, and the longest pause.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3_600));

/// How long other requests wait for the result of the first request after a pause.
const PROBE: Duration = Duration::from_secs(50);

/// Number of known providers above which idle ones are forgotten.
const MANY: usize = 1_024;

/// The providers in use.
#[derive(Default)]
pub(super) struct Upstreams(Mutex<HashMap<String, Arc<Upstream>>>);

/// A provider.
pub(super) struct Upstream {
    slots: Arc<Semaphore>,
    pause: Mutex<Option<Pause>>,
}

struct Pause {
    until: Instant,
    /// Number of consecutive responses that asked for a pause.
    refusals: u32,
}

impl Upstreams {
    /// Returns the provider of this name.
    pub(super) fn of(&self, name: &str) -> Arc<Upstream> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.get(name) {
            return Arc::clone(found);
        }
        if all.len() > MANY {
            all.retain(|_, upstream| Arc::strong_count(upstream) > 1 || upstream.is_paused());
        }
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let new = Arc::new(Upstream { slots, pause: Mutex::new(None) });
        all.insert(name.to_owned(), Arc::clone(&new));
        new
    }
}

impl Upstream {
    /// Waits until another request may be sent.
    ///
    /// # Errors
    ///
    /// Returns an error if the provider asked to be left alone, or keeps all requests waiting.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit, HttpError> {
        let alone = || HttpError::not_sent("the provider requested a pause", None);
        if self.is_paused() {
            return Err(alone());
        }
        let slot = Arc::clone(&self.slots).acquire_owned();
        let slot = tokio::time::timeout(PATIENCE, slot).await;
        let busy = |_| HttpError::not_sent("too many refreshes are waiting for the provider", None);
        let slot = slot.map_err(|_| busy(()))?.map_err(|_| busy(()))?;
        match self.may_probe() {
            true => Ok(slot),
            false => Err(alone()),
        }
    }

    fn is_paused(&self) -> bool {
        let pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.as_ref().is_some_and(|pause| Instant::now() < pause.until)
    }

    /// Returns whether a request may be sent now. After a pause, only one may.
    fn may_probe(&self) -> bool {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        match pause.as_mut() {
            Some(pause) if Instant::now() < pause.until => false,
            Some(pause) => {
                pause.until = Instant::now() + PROBE;
                true
            }
            None => true,
        }
    }

    /// Records a response: 429, or 503 with a time, asks for a pause.
    pub(super) fn note(&self, response: &HttpResponse) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = response.retry_after(Timestamp::now());
        let refusals = pause.as_ref().map_or(0, |pause| pause.refusals);
        let wait = match (response.status, asked) {
            (429 | 503, Some(asked)) => asked,
            (429, None) => PAUSES.0.saturating_mul(1 << refusals.min(10)),
            _ => {
                *pause = None;
                return;
            }
        };
        let until = Instant::now() + wait.min(PAUSES.1);
        // Requests that were in progress at the same time count as one.
        let is_known = pause.as_ref().is_some_and(|known| until <= known.until + PAUSES.0);
        let refusals = if is_known { refusals.max(1) } else { refusals.saturating_add(1) };
        *pause = Some(Pause { until, refusals });
    }

    /// Records that no response arrived: the next request may then be the first after the pause.
    pub(super) fn note_silence(&self) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pause) = pause.as_mut() {
            pause.until = Instant::now() + PAUSES.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, retry_after: Option<&str>) -> HttpResponse {
        let headers = retry_after.map(|value| ("retry-after".to_owned(), value.to_owned()));
        HttpResponse { status, headers: headers.into_iter().collect(), body: Vec::new().into() }
    }

    fn end_pause(upstream: &Upstream) {
        upstream.pause.lock().unwrap().as_mut().unwrap().until = Instant::now();
    }

    #[tokio::test]
    async fn provider_that_refuses_is_probed_by_one_request() {
        let all = Upstreams::default();
        let upstream = all.of("acme/p");
        let before = upstream.enter().await.unwrap();
        upstream.note(&response(429, Some("3600")));
        assert!(upstream.enter().await.is_err());
        assert!(all.of("acme/p").enter().await.is_err());
        assert!(all.of("acme/q").enter().await.is_ok());
        drop(before);
        end_pause(&upstream);
        let probe = upstream.enter().await;
        assert!(probe.is_ok());
        assert!(upstream.enter().await.is_err(), "a second probe");
        upstream.note(&response(200, None));
        assert!(upstream.enter().await.is_ok());
    }

    #[tokio::test]
    async fn pause_is_what_the_provider_says_within_limits() {
        let left = |upstream: &Upstream| {
            let pause = upstream.pause.lock().unwrap();
            pause.as_ref().map(|pause| pause.until.duration_since(Instant::now()).as_secs_f64())
        };
        for (status, header, least, most) in [
            (429, Some("30"), 29.0, 30.0),
            (503, Some("30"), 29.0, 30.0),
            (429, Some("1000000000"), 3_599.0, 3_600.0),
            (429, Some("junk"), 4.0, 5.0),
            (429, Some("-1"), 4.0, 5.0),
            (429, None, 4.0, 5.0),
        ] {
            let upstream = Upstreams::default().of("p");
            upstream.note(&response(status, header));
            let left = left(&upstream).unwrap();
            assert!((least..=most).contains(&left), "{status} {header:?}: {left}");
        }
        for status in [200, 400, 500, 503] {
            let upstream = Upstreams::default().of("p");
            upstream.note(&response(status, None));
            assert_eq!(left(&upstream), None, "{status}");
        }
    }

    #[tokio::test]
    async fn refusals_in_a_row_make_the_pause_longer() {
        let upstream = Upstreams::default().of("p");
        let mut last = Duration::ZERO;
        for _ in 0..4 {
            upstream.note(&response(429, None));
            let until = upstream.pause.lock().unwrap().as_ref().unwrap().until;
            let pause = until.duration_since(Instant::now());
            assert!(pause > last, "{pause:?}");
            last = pause;
            end_pause(&upstream);
        }
    }
}
