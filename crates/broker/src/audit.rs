//! The audit log of a tenant: what happened to its connections, the oldest first.

use oauthctl_core::Result;
use serde::Serialize;
use utoipa::ToSchema;

use crate::events::Entry;
use crate::storage::Space;
use crate::vault::Vault;

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
    // One more says whether there is a next page.
    let mut found = vault.list::<Entry>(Space::Audit, tenant, "", after, limit + 1).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| has_more).map(|stored| stored.key.id.clone());
    let events = found.into_iter().map(|stored| stored.document).collect();
    Ok(AuditPage { events, next_cursor })
}
