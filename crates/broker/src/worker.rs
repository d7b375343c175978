//! Background tasks: refreshes tokens before they expire, revokes grants that no application confirmed, and
//! removes expired records.

mod backoff;
mod deliveries;
mod queue;
mod slots;

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_core::{AccessToken, ErrorKind, Grant, TokenRequest};

use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::connections;
use crate::flow::Place;
use crate::storage::{Record, Space};
use backoff::{Backoff, below};
use queue::{Queue, Times};
use slots::Slots;

/// Maximum number of concurrent refreshes, in total and at one provider of a tenant. A single tenant gets half of the
/// total: more than its slowest provider can use up.
const AT_ONCE: (usize, usize) = (720, 320);

/// Lease of a claimed grant in seconds: longer than a refresh can take.
const LEASE: u64 = 120;

/// How often expired records are removed.
const SWEEP: Duration = Duration::from_secs(60);

/// Pause in seconds before a failed refresh is retried, if the failure says nothing about other connections.
const LATER: u64 = 60;

/// Runs until the process shuts down.
pub async fn run(broker: Arc<Broker>) {
    tokio::spawn(deliveries::run(Arc::clone(&broker)));
    let slots = Slots::new(AT_ONCE.0, AT_ONCE.1);
    let mut queues = [Space::Grants, Space::Unconfirmed].map(|space| {
        let times = Times { lease: LEASE, disabled: 300, pause: Duration::from_secs(1) };
        Queue::new(Arc::clone(&broker), space, Arc::clone(&slots), times)
    });
    let worker = Arc::new(Worker { broker, backoff: Backoff::default() });
    let mut swept_at = Instant::now();
    while !worker.broker.is_draining() {
        let mut next = SWEEP;
        for queue in &mut queues {
            let work = |record, lease| Arc::clone(&worker).work(record, lease);
            next = next.min(queue.round(work).await);
        }
        if swept_at.elapsed() > SWEEP {
            swept_at = Instant::now();
            let _ = worker.broker.vault.storage().sweep().await;
        }
        tokio::time::sleep(next).await;
    }
}

/// The state that background refreshes share.
struct Worker {
    broker: Arc<Broker>,
    backoff: Backoff,
}

impl Worker {
    async fn work(self: Arc<Self>, record: Record, lease: u64) {
        let (broker, key) = (&self.broker, record.key.clone());
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
        // A grant that was saved meanwhile has set its own due time.
        let _ = broker.vault.storage().reschedule(&key, Some(lease), next).await;
    }

    /// Refreshes a grant. Returns when it is next due, if it was not saved.
    async fn refresh(&self, place: &Place, grant: &Grant) -> Option<u64> {
        let profile = place.profile();
        if let Some(until) = self.backoff.paused_until(&profile) {
            return Some(until);
        }
        let left = grant.tokens.expires_at.map_or(0, |at| at.unix().saturating_sub(now_seconds()));
        // A longer lifetime than is left: a new token from another instance satisfies it, the stored one does not.
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
        // If a provider does not respond, all its connections pause. A failure of one connection does not concern the
        // others.
        let until = match error.kind() {
            ErrorKind::Unavailable => self.backoff.failed(&profile),
            _ => now_seconds() + LATER + below(LATER),
        };
        // No valid token will be available before the next attempt succeeds.
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
