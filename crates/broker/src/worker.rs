//! What happens in the background: tokens are refreshed ahead of their expiry, grants that nobody confirmed are
//! revoked, and what has expired is removed.
//!
//! All instances share the work. A record that is due is claimed by moving the time at which it is due, which only one
//! of them can do; if that one dies, the record is due again after the lease.

mod backoff;
mod deliveries;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oauthctl_core::{AccessToken, ErrorKind, Grant, TokenRequest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::connections;
use crate::flow::Place;
use crate::storage::{Record, Space};
use crate::tenants;
use backoff::{Backoff, below};

/// The most refreshes at once, of all providers and of one provider of a tenant.
const AT_ONCE: (usize, usize) = (640, 320);

/// The most records that are claimed before the store is asked again what is due.
const BATCH: usize = 256;

/// How long a claimed record is left alone: longer than a refresh can take.
const LEASE: u64 = 120;

/// How often the store is asked what is due.
const PAUSE: Duration = Duration::from_secs(1);

/// How soon it is asked again while more is due than may be begun.
const CROWDED: Duration = Duration::from_millis(100);

/// How often expired records are removed.
const SWEEP: Duration = Duration::from_secs(60);

/// How long to wait, in seconds, before a refresh is tried again whose failure says nothing about others.
const LATER: u64 = 60;

/// How long the grants of a disabled tenant are left alone before it is looked at again, in seconds.
const DISABLED: u64 = 300;

/// Works until the process is about to end.
pub async fn run(broker: Arc<Broker>) {
    let worker = Arc::new(Worker {
        broker,
        slots: Arc::new(Semaphore::new(AT_ONCE.0)),
        crowds: Crowds::default(),
        backoff: Backoff::default(),
    });
    tokio::spawn(deliveries::run(Arc::clone(&worker.broker)));
    let mut swept_at = Instant::now();
    while !worker.broker.is_draining() {
        let mut next = PAUSE;
        for space in [Space::Grants, Space::Unconfirmed] {
            next = next.min(worker.round(space).await);
        }
        if swept_at.elapsed() > SWEEP {
            swept_at = Instant::now();
            let _ = worker.broker.vault.storage().sweep().await;
        }
        tokio::time::sleep(next).await;
    }
}

/// What the refreshes in the background share.
struct Worker {
    broker: Arc<Broker>,
    slots: Arc<Semaphore>,
    crowds: Crowds,
    backoff: Backoff,
}

impl Worker {
    /// Claims what is due and starts to work on it. Returns how long to wait before the next round.
    async fn round(self: &Arc<Self>, space: Space) -> Duration {
        let storage = self.broker.vault.storage();
        // A failing store is not asked harder: `/readyz` tells of it.
        let Ok(mut due) = storage.due(space, now_seconds(), BATCH).await else { return PAUSE };
        let is_more = due.len() == BATCH;
        // Instances that ask at the same time begin at different ends.
        shuffle(&mut due);
        let (mut claims, mut crowded) = (JoinSet::new(), Vec::new());
        for record in due {
            let Some(place) = self.crowds.enter(&provider_of(&record)) else {
                crowded.push(record);
                continue;
            };
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { break };
            if self.broker.is_draining() {
                break;
            }
            claims.spawn(Arc::clone(self).claim(record, (slot, place)));
        }
        let is_begun = !claims.is_empty();
        while claims.join_next().await.is_some() {}
        if is_more && !is_begun {
            // Whatever is due after those of providers that are busy has its turn.
            for record in crowded {
                let later = now_seconds() + 2 + below(3);
                let _ = storage.reschedule(&record.key, record.due_at, Some(later)).await;
            }
        }
        match (is_more, is_begun) {
            (true, true) => Duration::ZERO,
            (true, false) => CROWDED,
            (false, _) => PAUSE,
        }
    }

    /// Claims a record, and starts to work on it if no other instance was faster.
    async fn claim(self: Arc<Self>, record: Record, held: (OwnedSemaphorePermit, Inside)) {
        let until = now_seconds() + LEASE;
        let storage = self.broker.vault.storage();
        let claimed = storage.reschedule(&record.key, record.due_at, Some(until)).await;
        if !matches!(claimed, Ok(true)) {
            return;
        }
        tokio::spawn(async move {
            let _held = held;
            self.work(record, until).await;
        });
    }

    async fn work(&self, record: Record, lease: u64) {
        let (broker, key) = (&self.broker, record.key.clone());
        let Ok(is_disabled) = tenants::is_disabled(&broker.vault, &key.tenant).await else {
            return;
        };
        if is_disabled {
            let next = now_seconds() + DISABLED + below(DISABLED);
            let _ = broker.vault.storage().reschedule(&key, Some(lease), Some(next)).await;
            return;
        }
        let Ok(stored) = broker.vault.document::<Grant>(record).await else { return };
        let grant = stored.document;
        let place = Place::of(&grant.key);
        let next = match key.space {
            Space::Unconfirmed => match connections::end(broker, &place).await {
                Ok(_) => None,
                Err(_) => Some(now_seconds() + LEASE),
            },
            _ => self.refresh(&place, &grant).await,
        };
        // What was saved meanwhile has set its own time.
        let _ = broker.vault.storage().reschedule(&key, Some(lease), next).await;
    }

    /// Refreshes a grant. Returns when to look at it again, if it was not saved.
    async fn refresh(&self, place: &Place, grant: &Grant) -> Option<u64> {
        let profile = place.profile();
        if let Some(until) = self.backoff.paused_until(&profile) {
            return Some(until);
        }
        let left = grant.tokens.expires_at.map_or(0, |at| at.unix().saturating_sub(now_seconds()));
        // More than is left: a sibling's new token will do, the stored one will not.
        let request = TokenRequest::default().min_ttl(Duration::from_secs(left + 1));
        let error = match self.broker.flow.token(&place.grant_key(), &request).await {
            Ok(AccessToken { warning: None, .. }) => {
                self.backoff.succeeded(&profile);
                return None;
            }
            Ok(AccessToken { warning: Some(error), .. }) | Err(error) => error,
        };
        if error.kind() == ErrorKind::LoginRequired {
            self.backoff.succeeded(&profile);
            tracing::info!(
                tenant = place.tenant,
                provider = place.provider,
                grant_id = grant.id,
                "login required"
            );
            return None;
        }
        // A provider that does not answer is left alone; what is wrong with one connection concerns no other.
        let until = match error.kind() {
            ErrorKind::Unavailable => self.backoff.failed(&profile),
            _ => now_seconds() + LATER + below(LATER),
        };
        // Nobody gets a valid token before the next attempt succeeds.
        let is_stuck = now_seconds() + left <= until;
        tracing::warn!(
            tenant = place.tenant,
            provider = place.provider,
            grant_id = grant.id,
            error = error.kind().word(),
            is_stuck,
            next_attempt_in = until.saturating_sub(now_seconds()),
            "not refreshed in the background"
        );
        Some(until)
    }
}

/// Returns the provider of a grant, as the pauses name it.
fn provider_of(record: &Record) -> String {
    let provider = record.key.id.split('/').next().unwrap_or_default();
    format!("{}/{provider}", record.key.tenant)
}

fn shuffle(records: &mut [Record]) {
    for at in (1..records.len()).rev() {
        let other = usize::try_from(below(at as u64 + 1)).unwrap_or(0);
        records.swap(at, other);
    }
}

/// How many refreshes of each provider are under way.
#[derive(Clone, Default)]
struct Crowds(Arc<Mutex<HashMap<String, usize>>>);

/// One of them, until it is dropped.
struct Inside(Crowds, String);

impl Crowds {
    /// Enters another one, unless there are enough.
    fn enter(&self, provider: &str) -> Option<Inside> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(provider.to_owned()).or_insert(0);
        if *count >= AT_ONCE.1 {
            return None;
        }
        *count += 1;
        Some(Inside(self.clone(), provider.to_owned()))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.1);
            }
        }
    }
}
