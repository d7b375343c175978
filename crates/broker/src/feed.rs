//! Keeps the caches of this process up to date.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::storage::Space;

/// How long to wait after a failure of the store.
const PAUSE: Duration = Duration::from_millis(200);

/// Reads the feed of changes until the process ends.
pub async fn follow(broker: Arc<Broker>) {
    let mut position: Option<String> = None;
    loop {
        let asked_at = Instant::now();
        match broker.vault.storage().changes(position.as_deref()).await {
            Ok(mut changes) => {
                // The feed does not contain what changed before the first position.
                changes.is_incomplete |= position.is_none();
                broker.caches.apply(&changes);
                if changes.changed.iter().any(|change| change.key.space == Space::Meta) {
                    let _ = broker.vault.adopt_successor().await;
                }
                broker.caches.mark_fresh(asked_at);
                position = Some(changes.position);
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
