//! Forgets a login by URL and its clients.

use std::collections::BTreeSet;

use oauthctl_core::flow::FlowManager;
use oauthctl_core::profile::url_login::{IssuedClient, UrlClient, UrlLogin};
use oauthctl_core::{Error, Result};

use super::place::Place;

/// Forgets the login of a URL, with its clients that no other login uses. Returns what became of their
/// registrations, if there were any. If another login cannot be read, nothing is forgotten.
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
    let read = || Ok((place.logins.complete()?, with_replaced(place, login.clients())?));
    let (mut others, clients) = match read() {
        Ok(read) => read,
        Err(error) => return Ok(Some(Err(not_forgotten(error)))),
    };
    others.retain(|other| other.url != login.url && other.store == login.store);
    let mut outcome = None;
    for one in clients {
        let deleted = forget_client(place, manager, &others, &one, local).await?;
        outcome = match outcome {
            Some(Err(error)) => Some(Err(error)),
            earlier => deleted.or(earlier),
        };
    }
    place.logins.forget(&login.url)?;
    Ok(outcome)
}

fn not_forgotten(error: Error) -> Error {
    error.context("the client is kept, because another login may use it")
}

/// Returns these clients, and those that others have replaced at their issuers.
fn with_replaced(
    place: &Place,
    clients: impl Iterator<Item = IssuedClient>,
) -> Result<Vec<IssuedClient>> {
    let mut all: Vec<IssuedClient> = clients.collect();
    let issuers: BTreeSet<String> = all.iter().map(|one| one.issuer.clone()).collect();
    for issuer in issuers {
        for client in place.logins.former_clients(&issuer, &place.store_name)? {
            if !all.iter().any(|one| one.is(&issuer, &client.id)) {
                all.push(IssuedClient { issuer: issuer.clone(), client });
            }
        }
    }
    Ok(all)
}

/// Forgets which of these clients no login uses any more. A registration that cannot be deleted is left to its
/// server.
///
/// # Errors
///
/// Returns `Store` if a secret may still be there.
pub async fn forget_unused(
    place: &Place,
    manager: &FlowManager,
    clients: Vec<IssuedClient>,
) -> Result<()> {
    let mut logins = place.logins.complete().map_err(not_forgotten)?;
    logins.retain(|login| login.store == place.store_name);
    for one in clients {
        match of_issuer(place, &one)? {
            // The next login uses it.
            Some(next) => forget_items(place, &logins, &one, Some(&next)).await?,
            None => forget_client(place, manager, &logins, &one, false).await.map(|_| ())?,
        }
    }
    Ok(())
}

/// Returns what the next login at the issuer of this client would use, if it is this client.
fn of_issuer(place: &Place, one: &IssuedClient) -> Result<Option<UrlClient>> {
    let client = place.logins.client(&one.issuer, &place.store_name)?;
    Ok(client.filter(|client| client.id == one.client.id))
}

/// Removes the items of a client to which neither these logins nor the next one refer.
async fn forget_items(
    place: &Place,
    logins: &[UrlLogin],
    one: &IssuedClient,
    next: Option<&UrlClient>,
) -> Result<()> {
    let used = logins.iter().flat_map(UrlLogin::clients);
    let used = used.filter(|used| used.is(&one.issuer, &one.client.id)).map(|used| used.client);
    let used: Vec<UrlClient> = used.chain(next.cloned()).collect();
    for item in items(&one.client) {
        if !used.iter().flat_map(items).any(|used| used == item) {
            place.store.items.unset(item).await?;
        }
    }
    Ok(())
}

/// Returns the items of the store that belong to a client.
fn items(client: &UrlClient) -> impl Iterator<Item = &String> {
    [&client.secret_item, &client.registration_token_item].into_iter().flatten()
}

/// Forgets the client of a login that has failed, unless another login uses it.
///
/// # Errors
///
/// Returns `Store` if it may still be there.
pub async fn forget_failed(place: &Place, manager: &FlowManager, login: &UrlLogin) -> Result<()> {
    let mut others = place.logins.complete().map_err(not_forgotten)?;
    others.retain(|other| other.store == login.store);
    let client = IssuedClient { issuer: login.issuer.clone(), client: login.client.clone() };
    forget_client(place, manager, &others, &client, false).await.map(|_| ())
}

/// Forgets a client, unless one of these logins uses it: then only the items that none of them refers to are removed.
/// Returns what became of its registration.
async fn forget_client(
    place: &Place,
    manager: &FlowManager,
    others: &[UrlLogin],
    one: &IssuedClient,
    local: bool,
) -> Result<Option<Result<()>>> {
    let IssuedClient { issuer, client } = one;
    let next = of_issuer(place, one)?;
    if others.iter().any(|other| other.clients().any(|used| used.is(issuer, &client.id))) {
        forget_items(place, others, one, next.as_ref()).await?;
        return Ok(None);
    }
    let deleted = unregister(place, manager, client, local).await;
    for item in std::iter::once(client).chain(&next).flat_map(items) {
        place.store.items.unset(item).await?;
    }
    place.logins.forget_client(issuer, &place.store_name, &client.id)?;
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
