//! Where logins by URL are kept.

use oauthctl_core::Result;
use oauthctl_core::profile::url_login::UrlLogin;
use oauthctl_core::store::{Store, UrlLogins};

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
        let spec = context.store_spec(of_login)?;
        Ok(Self {
            logins: context.url_logins()?,
            store: context.open_store(&spec)?,
            store_name: spec.to_string(),
            metadata_url: defaults.client_id_metadata_url.clone(),
        })
    }
}
