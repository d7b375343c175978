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
use crate::storage::{Condition, Key, Space, Written};
use crate::vault::{Terms, Vault};

/// Maximum time that a place is kept, in seconds. It is more than a redemption can take: 105 s for the lock, 44 s each for
/// two token requests and three others to the provider, and 5 s for each rule.
const KEPT: u64 = 600;

/// The most flows of a tenant that are looked at.
const MOST: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Kept {
    since: u64,
}

/// A place that is kept, until it is given up or has expired. Once its account is connected, it does not count.
/// Without a quota, there is nothing to keep.
#[derive(Debug)]
pub struct Reservation(Option<Key>);

impl Reservation {
    /// Keeps a place for an account; returns `None` if the quota of connections is used up. The flows of one account
    /// share its place, and an account that is connected has one.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    pub async fn take(vault: &Vault, tenant: &Tenant, place: &Place) -> Result<Option<Self>> {
        let Some(most) = tenant.quota.connections else { return Ok(Some(Self(None))) };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let work = |condition| take(vault, place, most, condition);
        Turn::run(vault, Space::Reservations, &tenant.name, work).await
    }

    /// Gives the place up. One that is not given up expires.
    pub async fn give_up(self, vault: &Vault) {
        if let Some(key) = self.0 {
            let _ = vault.delete(&key).await;
        }
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
    let now = now_seconds();
    let terms = Terms { expires_at: Some(now + KEPT), ..Terms::only_if(condition) };
    match vault.put(key.clone(), &Kept { since: now }, terms).await? {
        Written::Stored(_) => Ok(Some(Reservation(Some(key)))),
        Written::Refused => Err(Error::store("the store took too long")),
    }
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
        let kept = kept.iter().filter_map(|record| record.key.id.rsplit_once('/'));
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
