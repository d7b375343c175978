//! Forgets a login by URL and its clients.

use oauthctl_core::Result;
use oauthctl_core::flow::FlowManager;
use oauthctl_core::profile::url_login::{IssuedClient, UrlClient, UrlLogin};

use super::place::Place;

/// Forgets the login of a URL, with its clients that no other login uses. Returns what became of their
/// registrations, if there were any.
///
/// # Errors
///
/// Returns `Store` if the login may still be there.
pub async fn forget(
    place: &Place,
    manager: &FlowManager,
    login: &UrlLogin,
    local: bool,
) -> Result<Option<Result<()>>> {
    let mut others = place.logins.all()?;
    others.retain(|other| other.url != login.url && other.store == login.store);
    let mut outcome = None;
    for one in login.clients() {
        let deleted = forget_client(place, manager, &others, &one, local).await?;
        outcome = match outcome {
            Some(Err(error)) => Some(Err(error)),
            earlier => deleted.or(earlier),
        };
    }
    place.logins.forget(&login.url)?;
    Ok(outcome)
}

/// Forgets the client of a login that has failed, unless another login uses it.
///
/// # Errors
///
/// Returns `Store` if it may still be there.
pub async fn forget_failed(place: &Place, manager: &FlowManager, login: &UrlLogin) -> Result<()> {
    let mut others = place.logins.all()?;
    others.retain(|other| other.store == login.store);
    let client = IssuedClient { issuer: login.issuer.clone(), client: login.client.clone() };
    forget_client(place, manager, &others, &client, false).await.map(|_| ())
}

/// Forgets a client that none of these logins uses. Returns what became of its registration.
async fn forget_client(
    place: &Place,
    manager: &FlowManager,
    others: &[UrlLogin],
    one: &IssuedClient,
    local: bool,
) -> Result<Option<Result<()>>> {
    let IssuedClient { issuer, client } = one;
    if others.iter().any(|other| other.clients().any(|used| used.is(issuer, &client.id))) {
        return Ok(None);
    }
    let deleted = unregister(place, manager, client, local).await;
    for item in [&client.secret_item, &client.registration_token_item].into_iter().flatten() {
        place.store.items.unset(item).await?;
    }
    let kept = place.logins.client(issuer, &place.store_name)?;
    if kept.is_some_and(|kept| kept.id == client.id) {
        place.logins.forget_client(issuer, &place.store_name)?;
    }
    Ok(deleted)
}

/// Deletes the registration of a client at its server, if that is possible.
async fn unregister(
    place: &Place,
    manager: &FlowManager,
    client: &UrlClient,
    local: bool,
) -> Option<Result<()>> {
    let (uri, item) =
        client.registration_uri.as_ref().zip(client.registration_token_item.as_ref())?;
    if local {
        return None;
    }
    Some(match place.store.items.get(item).await {
        Ok(Some(token)) => manager.unregister_client(uri, &token).await,
        Ok(None) => return None,
        Err(error) => Err(error),
    })
}
