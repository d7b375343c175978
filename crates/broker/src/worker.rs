//! What happens in the background: tokens are refreshed ahead of their expiry, grants that nobody confirmed are
//! revoked, and what has expired is removed.
//!
//! All instances share the work. A record that is due is claimed by moving the time at which it is due, which only one
//! of them can do; if that one dies, the record is due again after the lease.

mod backoff;

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_core::{ErrorKind, Grant, TokenRequest};
use tokio::sync::Semaphore;

use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::connections;
use crate::flow::Place;
use crate::storage::{Record, Space};
use backoff::Backoff;

/// The most refreshes at once.
const AT_ONCE: usize = 256;

/// How long a claimed record is left alone: longer than a refresh can take.
const LEASE: u64 = 120;

/// How often the store is asked what is due.
const PAUSE: Duration = Duration::from_secs(1);

/// How often expired records are removed.
const SWEEP: Duration = Duration::from_secs(60);

/// Works until the process is about to end.
pub async fn run(broker: Arc<Broker>) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let backoff = Arc::new(Backoff::default());
    let mut swept_at = Instant::now();
    while !broker.is_draining() {
        for space in [Space::Grants, Space::Unconfirmed] {
            round(&broker, space, &slots, &backoff).await;
        }
        if swept_at.elapsed() > SWEEP {
            swept_at = Instant::now();
            let _ = broker.vault.storage().sweep().await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Claims what is due and starts to work on it.
async fn round(broker: &Arc<Broker>, space: Space, slots: &Arc<Semaphore>, backoff: &Arc<Backoff>) {
    let storage = broker.vault.storage();
    // A failing store is not asked harder: `/readyz` tells of it.
    let Ok(due) = storage.due(space, now_seconds(), AT_ONCE).await else { return };
    for record in due {
        let Ok(slot) = Arc::clone(slots).acquire_owned().await else { return };
        let lease = now_seconds() + LEASE;
        let claimed = storage.reschedule(&record.key, record.due_at, Some(lease)).await;
        if !matches!(claimed, Ok(true)) {
            continue;
        }
        let (broker, backoff) = (Arc::clone(broker), Arc::clone(backoff));
        tokio::spawn(async move {
            let _slot = slot;
            work(&broker, record, lease, &backoff).await;
        });
    }
}

async fn work(broker: &Broker, record: Record, lease: u64, backoff: &Backoff) {
    let key = record.key.clone();
    let Ok(stored) = broker.vault.document::<Grant>(record).await else { return };
    let grant = stored.document;
    let place = Place::of(&grant.key);
    let next = match key.space {
        Space::Unconfirmed => match connections::end(broker, &place).await {
            Ok(_) => None,
            Err(_) => Some(now_seconds() + LEASE),
        },
        _ => refresh(broker, &place, &grant, backoff).await,
    };
    // What was saved meanwhile has set its own time.
    let _ = broker.vault.storage().reschedule(&key, Some(lease), next).await;
}

/// Refreshes a grant. Returns when to look at it again, if it was not saved.
async fn refresh(broker: &Broker, place: &Place, grant: &Grant, backoff: &Backoff) -> Option<u64> {
    let profile = place.profile();
    if let Some(until) = backoff.paused_until(&profile) {
        return Some(until);
    }
    let left = grant.tokens.expires_at.map_or(0, |at| at.unix().saturating_sub(now_seconds()));
    // More than is left: a sibling's new token will do, the stored one will not.
    let request = TokenRequest::default().min_ttl(Duration::from_secs(left + 1));
    match broker.flow.manager.token(&place.grant_key(), &request).await {
        Ok(token) if token.warning.is_none() => {
            backoff.succeeded(&profile);
            None
        }
        Err(error) if error.kind() == ErrorKind::LoginRequired => {
            tracing::info!(
                tenant = place.tenant,
                provider = place.provider,
                grant_id = grant.id,
                "login required"
            );
            None
        }
        failed => {
            let error = match failed {
                Ok(token) => token.warning,
                Err(error) => Some(error),
            };
            let word = error.map_or("internal", |error| error.kind().word());
            let until = backoff.failed(&profile);
            tracing::warn!(
                tenant = place.tenant,
                provider = place.provider,
                grant_id = grant.id,
                error = word,
                "not refreshed in the background"
            );
            Some(until)
        }
    }
}
