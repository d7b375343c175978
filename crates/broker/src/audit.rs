//! The audit log of a tenant: what happened to its connections, oldest first.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::Result;
use serde::Serialize;
use utoipa::ToSchema;

use crate::broker::Broker;
use crate::events::Entry;
use crate::model::Tenant;
use crate::storage::{Condition, Space};
use crate::vault::Vault;

/// The most entries that a tenant keeps; beyond, the oldest are removed.
const MOST: usize = 1_000_000;

/// How often that is checked. Until then, there may be as many more as happen meanwhile.
const PAUSE: Duration = Duration::from_secs(3_600);

/// The number of entries that are removed at once.
const BATCH: usize = 500;

/// Removes the oldest entries of tenants that have too many, until the process is about to end.
pub async fn run(broker: Arc<Broker>) {
    while !broker.is_draining() {
        tokio::time::sleep(PAUSE).await;
        if let Err(error) = trim_all(&broker.vault).await {
            let (error, reason) = (error.kind().word(), error.message_to_keep());
            tracing::warn!(error, reason, "the audit log was not trimmed");
        }
    }
}

async fn trim_all(vault: &Vault) -> Result<()> {
    let mut after = None;
    loop {
        let (tenants, next) =
            vault.page::<Tenant>(Space::Tenants, "", "", after.as_deref(), BATCH).await?;
        for stored in tenants {
            trim(vault, &stored.document.name, MOST).await?;
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Removes the oldest entries of a tenant until there are at most so many.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn trim(vault: &Vault, tenant: &str, most: usize) -> Result<()> {
    let storage = vault.storage();
    loop {
        let count = storage.count(Space::Audit, tenant, most + BATCH).await?;
        if count <= most {
            return Ok(());
        }
        for record in storage.list(Space::Audit, tenant, "", None, count - most).await? {
            storage.delete(&record.key, Condition::Always).await?;
        }
    }
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries, oldest first.
    pub events: Vec<Entry>,
    /// The cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

/// Returns the entries after this id, with the id to continue from.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn list(
    vault: &Vault,
    tenant: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<AuditPage> {
    let (found, next_cursor) = vault.page::<Entry>(Space::Audit, tenant, "", after, limit).await?;
    let events = found.into_iter().map(|stored| stored.document).collect();
    Ok(AuditPage { events, next_cursor })
}
