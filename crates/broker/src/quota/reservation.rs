//! Places among the connections of a tenant that are kept for flows. A flow takes its place before its code is
//! redeemed, so that users who come back at the same time do not all get the last one.

use std::collections::BTreeSet;

use oauthctl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::clock::now_seconds;
use crate::flow::Place;
use crate::keys::random_name;
use crate::limits::Turn;
use crate::model::Tenant;
use crate::storage::{Condition, Key, Removal, Space, Written};
use crate::vault::{Terms, Vault};

/// Maximum time that a place is kept, in seconds. It is more than a redemption can take: 105 s for the lock, 44 s each for
/// two token requests and three others to the provider, and 5 s for each rule.
const KEPT: u64 = 600;

/// The prefix of places among the grants of a tenant that the application has not confirmed. No provider is called so.
const UNCONFIRMED: &str = "~/";

/// The most flows of a tenant that are looked at.
const MOST: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Kept {
    since: u64,
}

/// Places that are kept, until they are given up or have expired. Once its account is connected, a place does not count.
/// Without a quota, there is nothing to keep. Each request has its own places, also if several are for the same flow: one
/// that is refused must not give up the place of another one.
#[derive(Debug, Default)]
pub struct Reservation(Vec<Removal>);

impl Reservation {
    /// Keeps a place for an account; returns `None` if the quota of connections is used up. The flows of one account
    /// share its place, and an account that is connected has one.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    pub async fn take(vault: &Vault, tenant: &Tenant, place: &Place) -> Result<Option<Self>> {
        let Some(most) = tenant.quota.connections else { return Ok(Some(Self::default())) };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let work = |condition| take(vault, place, most, condition);
        Turn::run(vault, Space::Reservations, &tenant.name, work).await
    }

    /// Also keeps a place for a grant that the application has not confirmed, unless there are `most` of them. Returns
    /// whether it does. Must be called in a turn, with its condition.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    pub(super) async fn add_unconfirmed(
        &mut self,
        vault: &Vault,
        (tenant, grant_id): (&str, &str),
        most: usize,
        condition: Condition,
    ) -> Result<bool> {
        let storage = vault.storage();
        // A place is counted as kept or as saved, and the counts are only believed to be too high if none was saved between
        // them.
        loop {
            let before = storage.count(Space::Unconfirmed, tenant, most).await?;
            let space = Space::Reservations;
            let kept = storage.count_prefixed(space, tenant, UNCONFIRMED, most).await?;
            let after = storage.count(Space::Unconfirmed, tenant, most).await?;
            if after + kept < most {
                break;
            }
            if before == after {
                return Ok(false);
            }
        }
        let id = format!("{UNCONFIRMED}{grant_id}/{}", random_name()?);
        self.0.push(keep(vault, Key::new(Space::Reservations, tenant, id), condition).await?);
        Ok(true)
    }

    /// Returns the records that the write that uses the places must remove: without them, the places belong to others.
    pub fn required(&self) -> Vec<Removal> {
        self.0.clone()
    }

    /// Gives the places up. What is not given up expires.
    pub async fn give_up(self, vault: &Vault) {
        for Removal { key, .. } in self.0 {
            let _ = vault.delete(&key).await;
        }
    }
}

/// Writes a place that is kept.
async fn keep(vault: &Vault, key: Key, condition: Condition) -> Result<Removal> {
    let now = now_seconds();
    let terms = Terms { expires_at: Some(now + KEPT), ..Terms::only_if(condition) };
    match vault.put(key.clone(), &Kept { since: now }, terms).await? {
        Written::Stored(revision) => Ok(Removal { key, revision }),
        Written::Refused => Err(Error::store("the store took too long")),
    }
}

async fn take(
    vault: &Vault,
    place: &Place,
    most: usize,
    condition: Condition,
) -> Result<Option<Reservation>> {
    let account = place.grant(vault);
    if vault.storage().get(&account).await?.is_none() && is_full(vault, &account, most).await? {
        return Ok(None);
    }
    let key =
        Key::new(Space::Reservations, &place.tenant, format!("{}/{}", account.id, random_name()?));
    Ok(Some(Reservation(vec![keep(vault, key, condition).await?])))
}

/// Returns whether there is no place for this account. Nobody else takes one meanwhile, but accounts whose places are
/// kept become connected: a place is counted as kept or as connected, and the counts are only believed to be too high
/// if none became connected between them.
async fn is_full(vault: &Vault, account: &Key, most: usize) -> Result<bool> {
    let storage = vault.storage();
    let count = || storage.count(Space::Grants, &account.tenant, most);
    loop {
        let before = count().await?;
        if before >= most {
            return Ok(true);
        }
        let kept = storage.list(Space::Reservations, &account.tenant, "", None, MOST).await?;
        let kept = kept.iter().map(|record| record.key.id.as_str());
        let kept = kept.filter(|id| !id.starts_with(UNCONFIRMED));
        let kept = kept.filter_map(|id| id.rsplit_once('/'));
        let mut waiting = 0;
        for id in kept.map(|(id, _)| id).collect::<BTreeSet<_>>() {
            if id == account.id {
                return Ok(false);
            }
            let key = Key { id: id.to_owned(), ..account.clone() };
            waiting += usize::from(storage.get(&key).await?.is_none());
        }
        let after = count().await?;
        if after + waiting < most || before == after {
            return Ok(after + waiting >= most);
        }
    }
}
