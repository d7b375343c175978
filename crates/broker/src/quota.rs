//! Enforces the quota of a tenant.

mod reservation;

use oauthctl_core::Result;

use crate::flow::Place;
use crate::limits::Turn;
use crate::model::Tenant;
use crate::problem::Problem;
use crate::storage::{Condition, Space};
use crate::vault::Vault;

pub use reservation::Reservation;

/// Maximum number of providers of a tenant, whatever its quota.
pub const PROVIDERS: usize = 500;

/// The most links of a tenant that wait for their users, and the most of its authorizations in browsers, whatever its
/// quota.
const PENDING: usize = 20_000;

/// How many authorizations in browsers a tenant may have with any quota: a user may open a link several times.
const FLOWS: usize = 20;

/// Maximum number of API keys that a tenant issues to itself.
const KEYS: usize = 100;

/// How many requests may be about to add a record without a turn: as many as an instance has connections.
const AT_ONCE: usize = 8_192;

fn at_most(quota: Option<u32>, limit: usize) -> usize {
    quota.and_then(|quota| usize::try_from(quota).ok()).map_or(limit, |quota| quota.min(limit))
}

/// Room for one more record. Where there is little, it comes with the turn of its writer.
pub struct Room(Option<Turn>);

impl Room {
    /// Returns the condition of the write that uses the room.
    pub fn condition(&self) -> Condition {
        self.0.as_ref().map_or(Condition::Always, Turn::condition)
    }

    /// Says that the room is used, or not needed.
    pub async fn end(self) {
        if let Some(turn) = self.0 {
            turn.end().await;
        }
    }
}

/// Returns room in a space with at most so many records of a tenant; `None` if it is full.
async fn room(vault: &Vault, space: Space, tenant: &str, most: usize) -> Result<Option<Room>> {
    let count = || vault.storage().count(space, tenant, most);
    let found = count().await?;
    if found >= most {
        return Ok(None);
    }
    if found + AT_ONCE < most {
        return Ok(Some(Room(None)));
    }
    let turn = Turn::wait(vault, space, tenant).await?;
    match count().await {
        Ok(found) if found < most => Ok(Some(Room(Some(turn)))),
        full => {
            turn.end().await;
            full.map(|_| None)
        }
    }
}

/// Returns whether an account can be connected: it is connected already, or the quota has room.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn has_room(vault: &Vault, tenant: &Tenant, place: &Place) -> Result<bool> {
    let Some(most) = tenant.quota.connections else { return Ok(true) };
    if vault.storage().get(&place.grant(vault)).await?.is_some() {
        return Ok(true);
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    Ok(vault.storage().count(Space::Grants, &tenant.name, most).await? < most)
}

/// Returns the problem of a connection over the quota.
pub fn no_connection() -> Problem {
    Problem::quota_exceeded("the tenant has reached its limit of connections")
}

/// Returns room for one more link that waits for its user.
///
/// # Errors
///
/// Returns 429 if there is none, and 503 if the store fails.
pub async fn room_for_link(vault: &Vault, tenant: &Tenant) -> Result<Room, Problem> {
    let most = at_most(tenant.quota.pending, PENDING);
    let room = room(vault, Space::Links, &tenant.name, most).await?;
    room.ok_or_else(|| Problem::too_many("too many pending links", 60))
}

/// Returns room for one more authorization in a browser; `None` if there is none.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn room_for_flow(vault: &Vault, tenant: &Tenant) -> Result<Option<Room>> {
    let most = at_most(tenant.quota.pending, PENDING).max(FLOWS);
    room(vault, Space::OpenFlows, &tenant.name, most).await
}

/// Returns room for one more API key that a tenant issues to itself.
///
/// # Errors
///
/// Returns 403 if there is none, and 503 if the store fails.
pub async fn room_for_key(vault: &Vault, tenant: &str) -> Result<Room, Problem> {
    let room = room(vault, Space::KeyNames, tenant, KEYS).await?;
    room.ok_or_else(|| Problem::quota_exceeded("the tenant has reached its limit of API keys"))
}

/// Keeps a place for one more grant that the application must confirm. Returns whether there is room for it.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn keep_unconfirmed(
    vault: &Vault,
    tenant: &Tenant,
    grant_id: &str,
    kept: &mut Reservation,
) -> Result<bool> {
    let most = at_most(tenant.quota.pending, PENDING);
    let Some(room) = room(vault, Space::Unconfirmed, &tenant.name, most).await? else {
        return Ok(false);
    };
    // Where there is much room, no place is kept.
    let outcome = match &room.0 {
        Some(turn) => {
            let flow = (tenant.name.as_str(), grant_id);
            kept.add_unconfirmed(vault, flow, most, turn.condition()).await
        }
        None => Ok(true),
    };
    room.end().await;
    outcome
}

/// Refuses a provider over the quota.
///
/// # Errors
///
/// Returns 403 if the quota is used up, and 503 if the store fails.
pub async fn check_provider(vault: &Vault, tenant: &Tenant) -> Result<(), Problem> {
    let most = at_most(tenant.quota.providers, PROVIDERS);
    match vault.storage().count(Space::Providers, &tenant.name, most).await? < most {
        true => Ok(()),
        false => Err(Problem::quota_exceeded("the tenant has reached its limit of providers")),
    }
}
