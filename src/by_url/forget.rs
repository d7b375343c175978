//! Forgets logins by URL and their clients.
//!
//! A client is forgotten in steps, because its server is asked to delete the registration and no lock is held
//! meanwhile. First it is marked, so that no login begins to use it. Then it must be in no grant and in no other login. Its
//! records are the last to be removed: if this process dies, the next logout begins again.

use std::collections::BTreeSet;

use oauthctl_core::flow::FlowManager;
use oauthctl_core::grant::Pin;
use oauthctl_core::{Error, Result};

use super::login::{IssuedClient, UrlClient, UrlLogin};
use super::logins::{LockedUrlLogins, UrlLogins};
use super::place::Place;

/// Maximum number of earlier clients of a URL that are kept though no account of it uses them.
pub const FORMER: usize = 16;

/// What became of the registration of a client, if it had one.
type Deleted = Option<Result<()>>;

/// Removes the login of a URL that no longer has an account, and those of its clients in `places` that no other login
/// uses. If another login cannot be read, nothing is removed.
///
/// # Errors
///
/// Returns `Store` if the login may still be there.
pub async fn forget(
    places: &[Place],
    manager: &FlowManager,
    login: &UrlLogin,
    local: bool,
) -> Result<Deleted> {
    let mut outcome = None;
    for place in places {
        let here = login.clients_in(&place.store_name);
        let read = || Ok((place.logins.complete()?, with_replaced(place, here)?));
        let clients = match read() {
            Ok((_, clients)) => clients,
            Err(error) => return Ok(Some(Err(not_forgotten(error)))),
        };
        let forgetter = Forgetter { place, manager, url: Some(&login.url), local, next_too: true };
        for one in clients {
            let deleted = forgetter.forget(&one).await?;
            outcome = match outcome {
                Some(Err(error)) => Some(Err(error)),
                earlier => deleted.or(earlier),
            };
        }
    }
    let Some(place) = places.first() else { return Ok(outcome) };
    let lock = place.logins.lock().await?;
    // Another account may have been logged in meanwhile.
    if place.state.some_accounts(&login.url, 1)?.is_empty() {
        lock.forget(&login.url)?;
    }
    Ok(outcome)
}

/// Forgets the client of an account of a URL that was logged out, if no other account and no other login uses it.
///
/// # Errors
///
/// Returns `Store` if a secret of the client may still be there.
pub async fn forget_account(
    place: &Place,
    manager: &FlowManager,
    login: &UrlLogin,
    pin: &Pin,
    local: bool,
) -> Result<Deleted> {
    let mut here = login.clients_in(&place.store_name);
    let Some(own) = here.find(|one| one.has(pin)) else { return Ok(None) };
    let pins = match place.pins(&login.url).await {
        Ok(pins) => pins,
        Err(error) => return Ok(Some(Err(not_forgotten(error)))),
    };
    if pins.iter().any(|pin| own.has(pin)) {
        return Ok(None);
    }
    // The next login uses the client of the last one, unless there is another one at its issuer.
    let is_last = own.store.is_none() && own.is(&login.issuer, &login.client.id);
    if is_last && successor(login, &pins).is_none() {
        return Ok(None);
    }
    Forgetter { place, manager, url: Some(&login.url), local, next_too: true }.forget(&own).await
}

/// Returns which earlier client of a URL can take the place of the last one: an account in its store uses it, at the same
/// issuer.
fn successor(login: &UrlLogin, pins: &[Pin]) -> Option<usize> {
    login.former.iter().position(|one| {
        let is_there = one.store.is_none() && one.issuer == login.issuer;
        is_there && pins.iter().any(|pin| one.has(pin))
    })
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
                all.push(IssuedClient::new(&issuer, client));
            }
        }
    }
    Ok(all)
}

/// Forgets the oldest clients of a URL if there are many, except those that an account uses.
///
/// # Errors
///
/// Returns `Store` if a secret may still be there.
pub async fn forget_excess(place: &Place, manager: &FlowManager, url: &str) -> Result<()> {
    let login = place.logins.find(url)?.filter(|login| login.store == place.store_name);
    let Some(login) = login else { return Ok(()) };
    // The first is that of the login.
    let excess: Vec<IssuedClient> = login.clients_in(&login.store).skip(1 + FORMER).collect();
    if excess.is_empty() {
        return Ok(());
    }
    let pins = place.pins(url).await.map_err(not_forgotten)?;
    let forgetter = Forgetter { place, manager, url: Some(url), local: false, next_too: false };
    for one in excess {
        if !pins.iter().any(|pin| one.has(pin)) {
            forgetter.forget(&one).await?;
        }
    }
    Ok(())
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
    let forgetter = Forgetter { place, manager, url: None, local: false, next_too: false };
    let logins = forgetter.others(&place.logins)?;
    for one in clients {
        let used = forgetter.uses(&logins, &one, next(place, &place.logins, &one)?);
        if used.is_empty() || unused_items(&one.client, &used).next().is_some() {
            forgetter.forget(&one).await?;
        }
    }
    Ok(())
}

/// Forgets the client of a login that has failed, unless another login uses it.
///
/// # Errors
///
/// Returns `Store` if it may still be there.
pub async fn forget_failed(place: &Place, manager: &FlowManager, login: &UrlLogin) -> Result<()> {
    let one = IssuedClient::new(&login.issuer, login.client.clone());
    let forgetter = Forgetter { place, manager, url: None, local: false, next_too: true };
    forgetter.forget(&one).await.map(|_| ())
}

/// Returns what the next login at the issuer of this client would use, if it is this client.
fn next(place: &Place, logins: &UrlLogins, one: &IssuedClient) -> Result<Option<UrlClient>> {
    let client = logins.client(&one.issuer, &place.store_name)?;
    Ok(client.filter(|client| client.id == one.client.id))
}

/// Returns the items of the store that belong to a client.
pub fn items(client: &UrlClient) -> impl Iterator<Item = &String> {
    [&client.secret_item, &client.registration_token_item].into_iter().flatten()
}

/// Returns the items of a client to which none of its uses refers.
fn unused_items<'a>(client: &'a UrlClient, used: &[UrlClient]) -> impl Iterator<Item = &'a String> {
    items(client).filter(|item| !used.iter().flat_map(items).any(|used| used == *item))
}

/// Forgets clients.
struct Forgetter<'a> {
    place: &'a Place,
    manager: &'a FlowManager,
    /// The URL whose login uses a client only as long as one of its accounts does.
    url: Option<&'a str>,
    /// Whether the server is not asked.
    local: bool,
    /// Whether a client is forgotten even if the next login at its issuer would use it.
    next_too: bool,
}

impl Forgetter<'_> {
    /// Returns the logins that use a client whether or not one of their accounts does.
    fn others(&self, logins: &UrlLogins) -> Result<Vec<UrlLogin>> {
        let mut others = logins.complete().map_err(not_forgotten)?;
        others.retain(|login| Some(login.url.as_str()) != self.url);
        Ok(others)
    }

    /// Returns the client as those have it that use it from this store.
    fn uses(
        &self,
        others: &[UrlLogin],
        one: &IssuedClient,
        next: Option<UrlClient>,
    ) -> Vec<UrlClient> {
        let of_others = others.iter().flat_map(|login| login.clients_in(&self.place.store_name));
        let of_others = of_others.filter(|used| used.is(&one.issuer, &one.client.id));
        of_others.map(|used| used.client).chain(next.filter(|_| !self.next_too)).collect()
    }

    /// Forgets a client, unless something uses it: then only the items to which nothing refers are removed. Returns what
    /// became of its registration.
    async fn forget(&self, one: &IssuedClient) -> Result<Deleted> {
        let (place, IssuedClient { issuer, client, .. }) = (self.place, one);
        let lock = place.logins.lock().await?;
        let Some(mark) = lock.mark_deleted(issuer, &place.store_name, &client.id)? else {
            return Ok(None);
        };
        let others = self.others(&lock)?;
        let next = next(place, &lock, one)?;
        drop(lock);
        // The accounts that use it are those that exist now: no login begins to use it any more.
        let pins = match self.url {
            Some(url) => place.pins(url).await.map_err(not_forgotten)?,
            None => Vec::new(),
        };
        if pins.iter().any(|pin| one.has(pin)) {
            return Ok(None);
        }
        let used = self.uses(&others, one, next.clone());
        // A login that was moved to another store has taken its client with it.
        let mut anywhere = others.iter().flat_map(UrlLogin::clients);
        let deleted = match used.is_empty() && !anywhere.any(|used| used.is(issuer, &client.id)) {
            true => self.unregister(client).await,
            false => None,
        };
        for item in std::iter::once(client).chain(&next).flat_map(|it| unused_items(it, &used)) {
            place.store.items.unset(item).await?;
        }
        let lock = place.logins.lock().await?;
        if let Some(url) = self.url {
            remove_from(&lock, (url, &place.store_name), one, &pins)?;
        }
        if used.is_empty() {
            lock.forget_client(issuer, &place.store_name, &client.id)?;
        }
        drop(mark);
        Ok(deleted)
    }

    /// Deletes the registration of a client at its server, if that is possible.
    async fn unregister(&self, client: &UrlClient) -> Deleted {
        let (uri, item) =
            client.registration_uri.as_ref().zip(client.registration_token_item.as_ref())?;
        if self.local {
            return None;
        }
        Some(match self.place.store.items.get(item).await {
            Ok(Some(token)) => self.manager.unregister_client(uri, &token).await,
            Ok(None) => return None,
            Err(error) => Err(error),
        })
    }
}

/// Removes a client in a store from the login of a URL. If it is that of the last login, an earlier one takes its place.
fn remove_from(
    lock: &LockedUrlLogins,
    (url, store): (&str, &str),
    one: &IssuedClient,
    pins: &[Pin],
) -> Result<()> {
    let Some(mut login) = lock.find(url)? else { return Ok(()) };
    let own_store = login.store.clone();
    let is_it = |known: &IssuedClient| {
        known.is(&one.issuer, &one.client.id)
            && known.store.as_deref().unwrap_or(&own_store) == store
    };
    login.former.retain(|former| !is_it(former));
    if own_store == store && one.is(&login.issuer, &login.client.id) {
        let Some(place) = successor(&login, pins) else { return Ok(()) };
        login.client = login.former.remove(place).client;
    }
    lock.keep(&login)
}
