//! Keeps a login by URL that succeeds.

use oauthctl_core::flow::{Committed, FlowManager};
use oauthctl_core::grant::Grant;
use oauthctl_core::port::BoxFuture;
use oauthctl_core::profile::Profile;
use oauthctl_core::{Result, Secret};

use super::forget::{FORMER, forget_excess, forget_unused};
use super::login::{ClientOrigin, IssuedClient, UrlLogin};
use super::place::Place;

/// Keeps a login once its tokens are valid, and before they are stored: there is no grant whose login and client
/// secret are not.
pub struct Keeper {
    place: Place,
    login: UrlLogin,
    secret: Option<Secret>,
    replaced: Vec<IssuedClient>,
}

impl Keeper {
    /// Returns what keeps this login, and the client secret that the user gave.
    ///
    /// # Errors
    ///
    /// Returns `Store` if what it replaces cannot be read.
    pub fn new(place: &Place, login: &UrlLogin, secret: Option<Secret>) -> Result<Self> {
        let replaced = replaced(place, login)?;
        Ok(Self { place: place.clone(), login: login.clone(), secret, replaced })
    }

    /// Keeps the login. Only now does the client secret replace the one before, which other logins of the same
    /// client may use.
    async fn keep(&self) -> Result<()> {
        let Self { place, login, secret, .. } = self;
        if let (Some(item), Some(secret)) = (&login.client.secret_item, secret) {
            place.store.items.set(item, secret).await?;
        }
        let lock = place.logins.lock().await?;
        if login.client.origin == ClientOrigin::Given {
            lock.keep_client(&login.issuer, &login.store, &login.client)?;
        }
        let before = lock.find(&login.url)?;
        let former = before.map(|before| former(&before, login)).unwrap_or_default();
        lock.keep(&UrlLogin { former, ..login.clone() })
    }

    /// Keeps the login again if the last account of the URL was logged out while its tokens were being stored.
    async fn keep_again(&self) -> Result<()> {
        match self.place.logins.find(&self.login.url)? {
            Some(_) => Ok(()),
            None => self.keep().await,
        }
    }

    /// Forgets what the login has replaced, once it has succeeded.
    ///
    /// # Errors
    ///
    /// Returns `Store` if a secret may still be there.
    pub async fn forget_replaced(&self, manager: &FlowManager) -> Result<()> {
        forget_excess(&self.place, manager, &self.login.url).await?;
        forget_unused(&self.place, manager, self.replaced.clone()).await
    }
}

impl Committed for Keeper {
    fn before_first<'a>(&'a self, _: &'a Profile, _: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.keep())
    }

    fn committed<'a>(&'a self, _: &'a Profile, _: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.keep_again())
    }
}

/// Returns the clients of the previous login, without the one that is used now. Other accounts may have been logged in
/// with them, and this one until its new tokens are stored.
fn former(before: &UrlLogin, login: &UrlLogin) -> Vec<IssuedClient> {
    let others = before.clients().map(|one| {
        let store = Some(before.store_of(&one).to_owned());
        IssuedClient { store: store.filter(|store| *store != login.store), ..one }
    });
    let is_used =
        |one: &IssuedClient| one.store.is_none() && one.is(&login.issuer, &login.client.id);
    others.filter(|one| !is_used(one)).collect()
}

/// Returns the clients that this login may replace: those of the previous login, the one that the issuer has now, and
/// the oldest that were replaced before.
fn replaced(place: &Place, login: &UrlLogin) -> Result<Vec<IssuedClient>> {
    let (issuer, store) = (&login.issuer, &login.store);
    let before = place.logins.find(&login.url)?;
    let mut clients: Vec<IssuedClient> =
        before.iter().flat_map(|before| before.clients_in(store)).collect();
    let given = place.logins.client(issuer, store)?;
    let given = given.filter(|client| client.origin == ClientOrigin::Given);
    let oldest = place.logins.former_clients(issuer, store)?.into_iter().skip(FORMER);
    let of_issuer = given.into_iter().chain(oldest);
    clients.extend(of_issuer.map(|client| IssuedClient::new(issuer, client)));
    Ok(clients)
}
