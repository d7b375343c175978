//! Profiles, grants and pending flows: looking them up and listing them.

use std::sync::Arc;

use super::commit::lock_recovered;
use super::index::refuse_older;
use super::load::load;
use super::pending::PendingFlows;
use super::ports::Ports;
use super::turn::{LOCK_WAIT, Shared};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{AccountEntry, Grant, GrantKey};
use crate::profile::{Profile, similar};
use crate::text::{self, one_line};

/// Returns the profile of this name.
pub(super) async fn profile(shared: &Shared, name: &str) -> Result<Arc<Profile>> {
    if let Some(profile) = shared.profile(name).await? {
        return Ok(profile);
    }
    let all = shared.profiles.list().await?;
    let names: Vec<&str> = all.iter().map(|profile| &*profile.name).collect();
    let error = Error::config(format!("unknown profile `{}`", one_line(name)));
    Err(match similar(name, names.iter().copied()) {
        Some(near) => error.hint(Advice::DidYouMean(near.to_owned())),
        None if names.is_empty() => {
            error.hint("no profiles are configured: pass them to `FlowManager::new`")
        }
        None => error.hint(format!("known profiles: {}", text::names(names))),
    })
}

/// Returns the stored grant, after every save that was begun.
///
/// A copy of an older, restored record would make both copies useless, because its refresh token has been
/// used.
pub(super) async fn export(shared: &Shared, key: &GrantKey) -> Result<Option<Grant>> {
    let ports = &shared.ports;
    let _held = lock_recovered(shared, key, LOCK_WAIT).await?;
    let grant = load(ports, key).await?;
    refuse_older(ports, grant.as_ref()).await?;
    Ok(grant)
}

/// Returns the grants that are known, without their secrets.
pub(super) async fn list(ports: &Ports, profile: Option<&str>) -> Result<Vec<AccountEntry>> {
    let is_meant = |key: &GrantKey| profile.is_none_or(|name| key.profile == name);
    let Some(mut keys) = ports.store.list().await? else {
        let mut known = ports.coordinator.accounts().await?;
        known.retain(|entry| is_meant(&entry.key));
        return Ok(known);
    };
    keys.retain(is_meant);
    keys.sort();
    let mut entries = Vec::with_capacity(keys.len());
    for key in keys {
        // Skip a grant that was removed meanwhile.
        let Some(grant) = load(ports, &key).await? else { continue };
        let mut entry = AccountEntry::of(&grant, &ports.store.name());
        // The index records failures that left the grant unchanged.
        if let Some(known) = ports.coordinator.account(&key).await?
            && known.grant_id == entry.grant_id
        {
            entry.login_required |= known.login_required;
            entry.last_error = known.last_error;
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Returns the pending store and the keys, as the ports have them.
pub(super) fn pending_flows(ports: &Ports) -> Result<PendingFlows> {
    let store = ports.pending.clone().ok_or_else(|| {
        Error::config("no pending store for started authorizations is configured")
            .hint("set one with `Ports::with_pending`")
    })?;
    Ok(PendingFlows::new(store, ports.state_keys.clone(), ports.clock.clone()))
}

/// Forgets a started flow, named by its grant id.
pub(super) async fn cancel(flows: &PendingFlows, grant_id: &str) -> Result<bool> {
    match flows.list().await?.iter().find(|flow| flow.grant_id == grant_id) {
        Some(flow) => flows.cancel(flow).await,
        None => Ok(false),
    }
}
