//! Which profiles there are, and which grants and pending flows of them.

use super::{FlowManager, PendingFlows, PendingInfo};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{AccountEntry, Grant, GrantKey};
use crate::profile::{Profile, diagnose};
use crate::text::{self, one_line};

impl FlowManager {
    /// The profile of this name.
    ///
    /// # Errors
    ///
    /// `Config`, with the nearest name.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        self.profiles.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
            let error = Error::config(format!("there is no profile `{}`", one_line(name)));
            match diagnose::nearest(name, names.iter().copied()) {
                Some((near, likeness)) if likeness >= 0.8 => {
                    error.hint(Advice::DidYouMean(near.to_owned()))
                }
                Some(_) => error.hint(format!("known profiles: {}", text::names(names))),
                None => error.hint("there is none at all: give the manager some"),
            }
        })
    }

    /// All profiles, sorted by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// The stored grant, as it is: no lock, no network, and no judgement of whether its token still
    /// works, for which there is [`FlowManager::token`].
    ///
    /// # Errors
    ///
    /// `Store` where it cannot be read.
    pub async fn grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        Ok(self.load(key).await?)
    }

    /// The grants that are known, of one profile or of all, sorted by key, without their secrets.
    ///
    /// They are those of the store where it can list them
    /// ([`GrantStore::list`](crate::port::GrantStore::list)), else those of the coordinator's index.
    /// Profiles that this manager does not have are listed too.
    ///
    /// # Errors
    ///
    /// `Store` where the store or the index cannot be read.
    pub async fn list(&self, profile: Option<&str>) -> Result<Vec<AccountEntry>> {
        let is_meant = |key: &GrantKey| profile.is_none_or(|name| key.profile == name);
        let Some(mut keys) = self.ports.store.list().await? else {
            let mut known = self.ports.coordinator.accounts()?;
            known.retain(|entry| is_meant(&entry.key));
            return Ok(known);
        };
        keys.retain(is_meant);
        keys.sort();
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            // One that went meanwhile is not there any more.
            let Some(grant) = self.load(&key).await? else { continue };
            let mut entry = AccountEntry::of(&grant, &self.ports.store.name());
            // The index knows of failures that left the grant as it was.
            if let Some(known) = self.ports.coordinator.account(&key)?
                && known.grant_id == entry.grant_id
            {
                entry.login_required |= known.login_required;
                entry.last_error = known.last_error;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The flows that were started and wait for their response, those first that expire first.
    ///
    /// # Errors
    ///
    /// `Config` where the manager has no pending store, `Store` where that fails.
    pub async fn pending(&self) -> Result<Vec<PendingInfo>> {
        self.pending_flows()?.list().await
    }

    /// Forgets a started flow, named by its grant id: its response will be refused. `false` where
    /// there is none, or it was completed meanwhile. A sealed flow is in no store, and cannot be
    /// cancelled.
    ///
    /// # Errors
    ///
    /// As [`FlowManager::pending`].
    pub async fn cancel(&self, grant_id: &str) -> Result<bool> {
        let flows = self.pending_flows()?;
        match flows.list().await?.iter().find(|flow| flow.grant_id == grant_id) {
            Some(flow) => flows.cancel(flow).await,
            None => Ok(false),
        }
    }

    /// The pending store and the keys, as the ports have them.
    pub(super) fn pending_flows(&self) -> Result<PendingFlows> {
        let ports = &self.ports;
        let store = ports.pending.clone().ok_or_else(|| {
            Error::config("there is no store in which a started authorization could wait")
                .hint("give the manager one: `Ports::with_pending`")
        })?;
        Ok(PendingFlows::new(store, ports.state_keys.clone(), ports.clock.clone()))
    }
}
