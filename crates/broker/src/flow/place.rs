//! Where a grant of the core is stored: the core names a profile and an account, the broker a tenant, a provider and
//! a user.

use oauthctl_core::GrantKey;

use crate::model::Link;
use crate::storage::{Key, Space};
use crate::vault::Vault;

/// Prefix of the accounts of unconfirmed grants. A user reference cannot contain a control character.
pub const UNCONFIRMED: &str = "\u{1}unconfirmed ";

/// The tenant, the provider and the user of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The tenant.
    pub tenant: String,
    /// The provider.
    pub provider: String,
    /// The application's reference for the user; for an unconfirmed grant, [`UNCONFIRMED`] and the id of the
    /// grant.
    pub user: String,
}

impl Place {
    /// Creates a place.
    pub fn new(
        tenant: impl Into<String>,
        provider: impl Into<String>,
        user: impl Into<String>,
    ) -> Self {
        Self { tenant: tenant.into(), provider: provider.into(), user: user.into() }
    }

    /// Returns the place of the connection that a link is for.
    pub fn of_link(link: &Link) -> Self {
        Self::new(&link.tenant, &link.provider, &link.user)
    }

    /// Creates the place that a caller names; `None` for a user that no caller can have: a reference has 1 to 256
    /// characters, none of them control characters. Without this, whoever knows the id of a grant could reach it before
    /// its confirmation.
    pub fn of_caller(
        tenant: impl Into<String>,
        provider: impl Into<String>,
        user: impl Into<String>,
    ) -> Option<Self> {
        let place = Self::new(tenant, provider, user);
        let is_short = (1..=256).contains(&place.user.chars().count());
        (is_short && !place.user.chars().any(char::is_control)).then_some(place)
    }

    /// Returns the place of a key of the core.
    pub fn of(key: &GrantKey) -> Self {
        // Neither name contains a slash.
        let (tenant, provider) = key.profile.split_once('/').unwrap_or(("", &key.profile));
        Self::new(tenant, provider, &key.account)
    }

    /// Returns the name of the profile in the core.
    pub fn profile(&self) -> String {
        format!("{}/{}", self.tenant, self.provider)
    }

    /// Returns the key in the core.
    pub fn grant_key(&self) -> GrantKey {
        GrantKey::new(self.profile(), &self.user)
    }

    /// Returns whether the application still has to confirm the user.
    pub fn is_unconfirmed(&self) -> bool {
        self.user.starts_with(UNCONFIRMED)
    }

    /// Returns the key of the record of the grant.
    pub fn grant(&self, vault: &Vault) -> Key {
        let space = if self.is_unconfirmed() { Space::Unconfirmed } else { Space::Grants };
        self.record(vault, space)
    }

    /// Returns the key of another record about the grant.
    pub fn record(&self, vault: &Vault, space: Space) -> Key {
        let id = vault.names().connection(&self.tenant, &self.provider, &self.user);
        Key::new(space, &self.tenant, id)
    }

    /// Returns the name of the lock of the grant.
    pub fn lock(&self, vault: &Vault) -> String {
        let id = vault.names().connection(&self.tenant, &self.provider, &self.user);
        format!("grant/{}/{id}", self.tenant)
    }
}
