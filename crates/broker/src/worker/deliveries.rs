//! Sends the messages of webhooks, in order for each connection.
//!
//! A message is claimed like every due record. If it is not the first of its connection, it waits for that
//! one. An accepted message is removed, and the next one of its connection is due at once.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::port::{HttpRequest, Method};
use oauthctl_core::{Result, Timestamp};
use url::Url;

use super::backoff::{Backoff, below};
use super::queue::{Next, Queue, Times};
use super::slots::Slots;
use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::events::Delivery;
use crate::storage::{Condition, Key, Record, Space};
use crate::vault::{Stored, Terms};
use crate::webhooks::{self, DeliveryFailure, Endpoint, Webhook, signature};

/// Maximum number of concurrent deliveries, in total and to one webhook.
const AT_ONCE: (usize, usize) = (128, 8);

/// The first and the longest pause before a message is sent again, in seconds.
const PAUSES: (u64, u64) = (5, 3_600);

/// The state that the tasks share.
struct Shared {
    broker: Arc<Broker>,
    backoff: Backoff,
}

/// Sends messages until the process shuts down.
pub(super) async fn run(broker: Arc<Broker>) {
    let slots = Slots::new(AT_ONCE.0, AT_ONCE.1);
    let times = Times { lease: 60, disabled: 10, pause: Duration::from_millis(500) };
    let mut queue = Queue::new(Arc::clone(&broker), Space::Deliveries, slots, times);
    let shared = Arc::new(Shared { broker, backoff: Backoff::default() });
    while !shared.broker.is_draining() {
        let work = |record| Arc::clone(&shared).work(record);
        let next = queue.round(work).await;
        tokio::time::sleep(next).await;
    }
}

/// The parts of the id of a message: `WEBHOOK/CONNECTION/SEQUENCE`.
struct Parts<'a> {
    webhook: &'a str,
    /// Prefix of the ids of all messages of the connection for this webhook.
    queue: &'a str,
}

impl<'a> Parts<'a> {
    fn of(key: &'a Key) -> Option<Self> {
        let (webhook, _) = key.id.split_once('/')?;
        let (queue, _) = key.id.rsplit_once('/')?;
        Some(Self { webhook, queue: &key.id[..=queue.len()] })
    }
}

impl Shared {
    /// Sends a message that is claimed.
    async fn work(self: Arc<Self>, record: Record) -> Result<Next> {
        let stored = match self.broker.vault.examine::<Delivery>(record).await? {
            Ok(stored) => stored,
            Err(_) => return Ok(Next::Unreadable),
        };
        self.handle(stored).await
    }

    /// Sends a message, if it is its turn.
    async fn handle(&self, stored: Stored<Delivery>) -> Result<Next> {
        let vault = &self.broker.vault;
        let key = stored.key.clone();
        let Some(parts) = Parts::of(&key) else {
            return vault.delete(&key).await.map(|_| Next::Written);
        };
        let first = self.first(&key, &parts).await?;
        if let Some(first) = first.filter(|first| first.key.id < key.id) {
            let waits_until = first.due_at.unwrap_or_default().max(now_seconds());
            return Ok(Next::Due(Some(waits_until + 1)));
        }
        let webhook = webhooks::key_of(&key.tenant, parts.webhook);
        let webhook = match vault.inspect::<Webhook>(&webhook).await? {
            Some(Ok(webhook)) if webhook.document.id == stored.document.webhook => webhook.document,
            Some(Err(_)) => return Ok(Next::Unreadable),
            _ => return self.remove(&key, &parts).await.map(|()| Next::Written),
        };
        let name = format!("{}/{}", key.tenant, parts.webhook);
        let is_late = now_seconds() >= stored.document.created_at + webhooks::LONGEST;
        if let Some(until) = self.backoff.paused_until(&name) {
            if is_late && stored.document.attempts > 0 {
                self.give_up(&key, &parts, &stored.document, None).await?;
                return Ok(Next::Written);
            }
            return Ok(Next::Due(Some(until)));
        }
        match self.send(&webhook, &stored.document).await {
            Ok(()) => {
                self.backoff.succeeded(&name);
                self.note(&key, &webhook.id, |endpoint| {
                    let was_failing = endpoint.failing_since.is_some();
                    (endpoint.failing_since, endpoint.last_failure) = (None, None);
                    was_failing
                })
                .await;
                self.remove(&key, &parts).await.map(|()| Next::Written)
            }
            Err(reason) => {
                self.backoff.failed(&name);
                self.failed(stored, &parts, reason, is_late).await.map(|()| Next::Written)
            }
        }
    }

    /// Returns the first message of a connection for a webhook. One that cannot be read is never sent, so the others do
    /// not wait for it.
    async fn first(&self, key: &Key, parts: &Parts<'_>) -> Result<Option<Record>> {
        let (vault, mut after) = (&self.broker.vault, None::<String>);
        loop {
            let (space, from) = (Space::Deliveries, after.as_deref());
            let next = vault.storage().list(space, &key.tenant, parts.queue, from, 1).await?.pop();
            let Some(record) = next else { return Ok(None) };
            if vault.examine::<Delivery>(record.clone()).await?.is_ok() {
                return Ok(Some(record));
            }
            after = Some(record.key.id);
        }
    }

    /// Removes a message, and makes the next one of its connection due.
    async fn remove(&self, key: &Key, parts: &Parts<'_>) -> Result<()> {
        let storage = self.broker.vault.storage();
        storage.delete(key, Condition::Always).await?;
        // An instance that claimed the next message may still have seen this one, and postponed it.
        while let Some(next) = self.first(key, parts).await? {
            if storage.reschedule(&next.key, next.due_at, Some(now_seconds())).await? {
                break;
            }
        }
        Ok(())
    }

    /// Sends a message once. The error is the reason why it was not accepted.
    async fn send(&self, webhook: &Webhook, delivery: &Delivery) -> Result<(), String> {
        let Ok(url) = Url::parse(&webhook.url) else { return Err("the URL is invalid".to_owned()) };
        let now = now_seconds();
        let headers = signature::headers(&webhook.secrets, &delivery.id, now, &delivery.body);
        let request = HttpRequest {
            purpose: "webhook",
            method: Method::Post,
            url,
            headers: headers.map_err(|error| error.message().to_owned())?,
            body: delivery.body.clone().into_bytes().into(),
        };
        match self.broker.outbound.send(&request).await {
            Ok(response) if (200..300).contains(&response.status) => Ok(()),
            Ok(response) => Err(format!("HTTP status {}", response.status)),
            Err(error) => Err(error.message),
        }
    }

    /// Schedules a message that was not accepted for another attempt, for up to a day.
    async fn failed(
        &self,
        stored: Stored<Delivery>,
        parts: &Parts<'_>,
        reason: String,
        is_late: bool,
    ) -> Result<()> {
        let Stored { key, revision, expires_at, mut document, .. } = stored;
        let failure = failure(&document, reason);
        let now = now_seconds();
        self.note(&key, &document.webhook, |endpoint| {
            endpoint.failing_since.get_or_insert(now);
            endpoint.last_failure = Some(failure.clone());
            true
        })
        .await;
        if is_late {
            return self.give_up(&key, parts, &document, Some(failure)).await;
        }
        document.attempts = document.attempts.saturating_add(1);
        let pause = PAUSES.0.saturating_mul(1 << (document.attempts - 1).min(12)).min(PAUSES.1);
        let due_at = Some(now + pause + below(pause));
        let condition = Condition::Revision(revision);
        let terms = Terms { due_at, expires_at, ..Terms::only_if(condition) };
        self.broker.vault.put(key, &document, terms).await.map(drop)
    }

    /// Gives a message up, and records that in the state of its webhook.
    async fn give_up(
        &self,
        key: &Key,
        parts: &Parts<'_>,
        delivery: &Delivery,
        failure: Option<DeliveryFailure>,
    ) -> Result<()> {
        tracing::warn!(
            tenant = key.tenant,
            webhook = parts.webhook,
            event_type = delivery.kind.name(),
            "a webhook message was dropped"
        );
        self.note(key, &delivery.webhook, |endpoint| {
            endpoint.dead = endpoint.dead.saturating_add(1);
            let reason = || endpoint.last_failure.as_ref().map(|last| last.reason.clone());
            let unsent = || self::failure(delivery, reason().unwrap_or_default());
            endpoint.last_dead = Some(failure.clone().unwrap_or_else(unsent));
            true
        })
        .await;
        self.remove(key, parts).await
    }

    /// Changes the state of the webhook of a message, if the change says so.
    async fn note(&self, key: &Key, webhook: &str, change: impl Fn(&mut Endpoint) -> bool) {
        let Some(parts) = Parts::of(key) else { return };
        let webhook = (parts.webhook, webhook);
        webhooks::note(&self.broker.vault, &key.tenant, webhook, change).await;
    }
}

fn failure(delivery: &Delivery, reason: String) -> DeliveryFailure {
    let (id, kind) = (delivery.id.clone(), delivery.kind);
    DeliveryFailure { at: Timestamp::now().to_string(), id, kind, reason }
}
