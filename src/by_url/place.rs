//! Where logins by URL are kept.

use oauthctl_core::Result;
use oauthctl_core::grant::Pin;
use oauthctl_core::store::{StateDir, Store, StoreSpec};

use super::login::UrlLogin;
use super::logins::UrlLogins;
use crate::context::Context;

/// The place where a login by URL keeps what it needs.
#[derive(Clone)]
pub struct Place {
    /// The logins by URL.
    pub logins: UrlLogins,
    /// The store of tokens and secrets.
    pub store: Store,
    /// Its name, as in `--store`.
    pub store_name: String,
    /// `client_id_metadata_url` of the configuration.
    pub metadata_url: Option<String>,
    /// The index of accounts.
    pub state: StateDir,
}

impl Place {
    /// Returns the place of this login, or of a new one.
    ///
    /// # Errors
    ///
    /// Returns an error if the configuration cannot be read or the store cannot be opened.
    pub fn of(context: &Context, known: Option<&UrlLogin>) -> Result<Self> {
        let defaults = &context.config()?.defaults;
        let of_login = known.map(|login| login.store.as_str()).or(defaults.store.as_deref());
        Self::in_store(context, &context.store_spec(of_login)?)
    }

    /// Returns the place of a login in this store.
    ///
    /// # Errors
    ///
    /// See [`Place::of`].
    pub fn in_store(context: &Context, spec: &StoreSpec) -> Result<Self> {
        let defaults = &context.config()?.defaults;
        Ok(Self {
            logins: context.url_logins()?,
            store: context.open_store(spec)?,
            store_name: spec.to_string(),
            state: context.state()?,
            metadata_url: defaults.client_id_metadata_url.clone(),
        })
    }

    /// Returns the clients to which the grants of a URL in this store are pinned.
    ///
    /// # Errors
    ///
    /// Returns `Store` if one of them cannot be read.
    pub async fn pins(&self, url: &str) -> Result<Vec<Pin>> {
        let store = self.store.grants.name();
        let mut pins = Vec::new();
        for entry in self.state.some_accounts(url, usize::MAX)? {
            if entry.store == store
                && let Some(grant) = self.store.grants.load(&entry.key).await?
            {
                pins.push(grant.pin);
            }
        }
        Ok(pins)
    }
}
