//! Background tasks: refreshes tokens before they expire, revokes grants that no application confirmed, and
//! removes expired records.

mod backoff;
mod deliveries;
mod queue;
mod slots;

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_core::grant::AccountEntry;
use oauthctl_core::port::Coordinator;
use oauthctl_core::{AccessToken, Error, ErrorKind, Grant, Result, Timestamp, TokenRequest};

use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::connections;
use crate::flow::{Locks, Place};
use crate::storage::{Record, Space};
use backoff::{Backoff, below};
use queue::{Next, Queue, Times};
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

/// The shortest pause in seconds if the store failed.
const SOONEST: u64 = 2;

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
            let work = |record| Arc::clone(&worker).work(record);
            next = next.min(queue.round(work).await);
        }
        if swept_at.elapsed() > SWEEP {
            swept_at = Instant::now();
            let _ = worker.broker.vault.storage().sweep().await;
            let _ = worker.broker.vault.read_again().await;
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
    async fn work(self: Arc<Self>, record: Record) -> Result<Next> {
        let (broker, space) = (&self.broker, record.key.space);
        let grant = match broker.vault.examine::<Grant>(record).await? {
            Ok(stored) => stored.document,
            Err(_) => return Ok(Next::Unreadable),
        };
        let place = Place::of(&grant.key);
        // A grant that was saved meanwhile has set its own due time.
        Ok(Next::Due(match space {
            Space::Unconfirmed => match Box::pin(connections::end(broker, &place)).await {
                Ok(_) => None,
                Err(_) => Some(now_seconds() + LEASE),
            },
            _ if connections::has_ended(&grant) => match self.report_end(&place, &grant).await {
                Ok(()) => None,
                Err(_) => Some(now_seconds() + LATER),
            },
            _ => Box::pin(self.refresh(&place, &grant)).await,
        }))
    }

    /// Returns until when the connections of a provider pause that cannot be used, whatever the connection.
    async fn refused_until(&self, place: &Place) -> Option<u64> {
        let provider = self.broker.flow.providers.profile(&place.tenant, &place.provider).await;
        let error = provider.err().filter(|error| error.kind() == ErrorKind::Config)?;
        tracing::warn!(
            tenant = place.tenant,
            provider = place.provider,
            reason = error.message_to_keep(),
            "the connections of a provider are not refreshed"
        );
        Some(self.backoff.failed(&place.profile()))
    }

    /// Reports that the user must log in again, if this grant is still the current one.
    async fn report_end(&self, place: &Place, grant: &Grant) -> Result<()> {
        let (vault, key) = (&self.broker.vault, place.grant_key());
        let mut lock = self.broker.flow.locks.lock(&key, Duration::from_secs(LATER)).await?;
        let current = vault.get_readable::<Grant>(&place.grant(vault)).await?;
        let Some(current) = current.map(|stored| stored.document) else { return Ok(()) };
        if current.id != grant.id || !connections::has_ended(&current) {
            return Ok(());
        }
        let entry = AccountEntry::of(&current, vault.storage().kind());
        lock.publish(&AccountEntry { login_required: true, ..entry }).await
    }

    /// Refreshes a grant. Returns when it is next due, if it was not saved.
    async fn refresh(&self, place: &Place, grant: &Grant) -> Option<u64> {
        let profile = place.profile();
        if let Some(until) = self.backoff.paused_until(&profile) {
            return Some(until);
        }
        if let Some(until) = self.refused_until(place).await {
            return Some(until);
        }
        let left = grant.tokens.expires_at.map_or(0, |at| at.unix().saturating_sub(now_seconds()));
        // A longer lifetime than is left: a new token from another instance satisfies it, the stored one does not.
        let request = TokenRequest::default().min_ttl(Duration::from_secs(left + 1));
        let key = place.grant_key();
        // Boxed, because each layer around such a large future would copy it onto the stack.
        let work = Box::pin(self.broker.flow.token(&key, &request));
        let (outcome, is_busy) = Locks::watch(work).await;
        let error = match outcome {
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
        let until = next_attempt(&self.backoff, &profile, grant, (&error, is_busy));
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

/// Returns when a failed refresh is retried. If a provider does not respond, all its connections pause. A failure of
/// one connection does not concern the others, nor does a lock that someone else holds.
fn next_attempt(
    backoff: &Backoff,
    profile: &str,
    grant: &Grant,
    (error, is_busy): (&Error, bool),
) -> u64 {
    let now = now_seconds();
    let from_expiry = |at: Timestamp| now.abs_diff(at.unix());
    let pause = match error.kind() {
        ErrorKind::Unavailable if !is_busy => return backoff.failed(profile),
        ErrorKind::Store | ErrorKind::Unavailable => {
            grant.tokens.expires_at.map_or(LATER, |at| pause(from_expiry(at)))
        }
        _ => LATER,
    };
    now + pause + below(pause)
}

/// Returns the pause after a failure of the store or of a lock, for a token that expires within this time or expired this long ago:
/// several attempts before it expires, and fewer ones later.
fn pause(from_expiry: u64) -> u64 {
    (from_expiry / 8).clamp(SOONEST, LATER)
}

#[cfg(test)]
mod tests {
    use oauthctl_core::GrantKey;
    use serde_json::json;

    use super::*;

    #[test]
    fn held_lock_does_not_pause_the_provider() {
        let now = Timestamp::now();
        let grant = serde_json::from_value(json!({
            "version": 1, "id": "g", "generation": 1, "key": GrantKey::new("acme/p", "u-1"),
            "grant_type": "authorization_code",
            "pin": { "issuer": null, "token_endpoint": "https://as.example/token", "client_id": "c",
                "client_auth": "none" },
            "tokens": { "access_token": "a", "token_type": "Bearer", "expires_at": now, "scopes": [] },
            "obtained_at": now, "refreshed_at": now,
        }));
        let (grant, backoff) = (grant.unwrap(), Backoff::default());
        let error = Error::unavailable("held");
        assert!(next_attempt(&backoff, "acme/p", &grant, (&error, true)) > now.unix());
        assert_eq!(backoff.paused_until("acme/p"), None);
        next_attempt(&backoff, "acme/p", &grant, (&error, false));
        assert!(backoff.paused_until("acme/p").is_some());
    }

    #[test]
    fn failed_store_leaves_several_attempts_before_expiry() {
        for (lifetime, least) in [(30, 2), (300, 8), (600, 10), (3_600, 8), (86_400, 5)] {
            // With the longest pauses.
            let (mut left, mut attempts) = (crate::schedule::lead(lifetime), 0);
            while left > 0 {
                attempts += 1;
                left = left.saturating_sub(2 * pause(left) - 1);
            }
            assert!(attempts >= least, "{lifetime}: {attempts}");
        }
        assert_eq!(pause(0), SOONEST);
        assert_eq!(pause(86_400), LATER);
    }
}
