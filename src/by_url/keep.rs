//! Keeps a login by URL that succeeds.

use oauthctl_core::flow::{Committed, FlowManager};
use oauthctl_core::grant::Grant;
use oauthctl_core::port::BoxFuture;
use oauthctl_core::profile::Profile;
use oauthctl_core::profile::url_login::{ClientOrigin, IssuedClient, UrlLogin};
use oauthctl_core::{Result, Secret};

use super::forget::forget_unused;
use super::place::Place;

/// Maximum number of earlier clients that are kept for a URL.
pub const FORMER: usize = 16;

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
        if login.client.origin == ClientOrigin::Given {
            place.logins.keep_client(&login.issuer, &login.store, &login.client)?;
        }
        place.logins.keep(login)
    }

    /// Forgets what the login has replaced, once it has succeeded.
    ///
    /// # Errors
    ///
    /// Returns `Store` if a secret may still be there.
    pub async fn forget_replaced(&self, manager: &FlowManager) -> Result<()> {
        forget_unused(&self.place, manager, self.replaced.clone()).await
    }
}

impl Committed for Keeper {
    fn before_first<'a>(&'a self, _: &'a Profile, _: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.keep())
    }

    fn committed<'a>(&'a self, _: &'a Profile, _: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Returns the clients that this login may replace: those of the login before, the one that the issuer has now, and
/// the oldest that were replaced before.
fn replaced(place: &Place, login: &UrlLogin) -> Result<Vec<IssuedClient>> {
    let (issuer, store) = (&login.issuer, &login.store);
    let before = place.logins.find(&login.url)?.filter(|before| before.store == *store);
    let mut clients: Vec<IssuedClient> = before.iter().flat_map(UrlLogin::clients).collect();
    let given = place.logins.client(issuer, store)?;
    let given = given.filter(|client| client.origin == ClientOrigin::Given);
    let oldest = place.logins.former_clients(issuer, store)?.into_iter().skip(FORMER);
    let of_issuer = given.into_iter().chain(oldest);
    clients.extend(of_issuer.map(|client| IssuedClient { issuer: issuer.clone(), client }));
    Ok(clients)
}
