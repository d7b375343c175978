//! How much of everything a tenant may have.

use oauthctl_core::Result;

use crate::broker::Broker;
use crate::flow::Place;
use crate::model::Tenant;
use crate::problem::Problem;
use crate::storage::Space;

/// The most providers of a tenant, whatever its quota.
pub const PROVIDERS: usize = 500;

/// The most links of a tenant that wait for their users, whatever its quota.
const LINKS: usize = 20_000;

/// Returns whether there are at least so many records.
async fn has(broker: &Broker, space: Space, tenant: &Tenant, count: usize) -> Result<bool> {
    Ok(broker.vault.storage().count(space, &tenant.name, count).await? >= count)
}

fn at_most(quota: Option<u32>, limit: usize) -> usize {
    quota.and_then(|quota| usize::try_from(quota).ok()).map_or(limit, |quota| quota.min(limit))
}

/// Returns whether an account can be connected: it is connected already, or there is room for another one.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn has_room(broker: &Broker, tenant: &Tenant, place: &Place) -> Result<bool> {
    let Some(quota) = tenant.quota.connections else { return Ok(true) };
    if broker.vault.storage().get(&place.grant(&broker.vault)).await?.is_some() {
        return Ok(true);
    }
    Ok(!has(broker, Space::Grants, tenant, at_most(Some(quota), usize::MAX)).await?)
}

/// Returns the problem of one connection too many.
pub fn no_connection() -> Problem {
    Problem::quota_exceeded("the tenant has as many connections as it may have")
}

/// Refuses a link for an account that could not be connected, and one too many that waits for its user.
///
/// # Errors
///
/// Returns 403 if the quota of connections is used up, 429 if that of links is, and 503 if the store fails.
pub async fn check_link(broker: &Broker, tenant: &Tenant, place: &Place) -> Result<(), Problem> {
    if !has_room(broker, tenant, place).await? {
        return Err(no_connection());
    }
    if has(broker, Space::Links, tenant, at_most(tenant.quota.pending, LINKS)).await? {
        return Err(Problem::too_many("too many pending links", 60));
    }
    Ok(())
}

/// Refuses one provider too many.
///
/// # Errors
///
/// Returns 403 if the quota is used up, and 503 if the store fails.
pub async fn check_provider(broker: &Broker, tenant: &Tenant) -> Result<(), Problem> {
    match has(broker, Space::Providers, tenant, at_most(tenant.quota.providers, PROVIDERS)).await? {
        true => Err(Problem::quota_exceeded("the tenant has as many providers as it may have")),
        false => Ok(()),
    }
}
