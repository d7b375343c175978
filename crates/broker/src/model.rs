//! The documents that the broker stores in addition to the grants of the core.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::now_seconds;

/// A tenant: an application with its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The name, which is also its id.
    pub name: String,
    /// The name of the application, as end users know it.
    #[serde(default)]
    pub title: Option<String>,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
    /// Whether its requests are refused.
    #[serde(default)]
    pub disabled: bool,
    /// URLs to which users may be redirected after a connection, as parsed.
    #[serde(default)]
    pub redirects: Vec<String>,
    /// The quota.
    #[serde(default)]
    pub quota: Quota,
}

/// The quota of a tenant; `None` means that only the limits of the broker apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quota {
    /// Connections.
    pub connections: Option<u32>,
    /// Providers.
    pub providers: Option<u32>,
    /// Links that wait for their users.
    pub pending: Option<u32>,
    /// Requests that an instance answers within a second.
    pub requests: Option<u32>,
}

impl Tenant {
    /// Creates a tenant.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            created_at: now_seconds(),
            disabled: false,
            redirects: Vec::new(),
            quota: Quota::default(),
        }
    }
}

/// An API key of a tenant. The key itself is not stored, only its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The tenant.
    pub tenant: String,
    /// The id, which does not reveal the key.
    pub id: String,
    /// The label that the operator gave it.
    #[serde(default)]
    pub name: String,
    /// The hash of the key, by which it is found.
    pub hash: String,
    /// Whether the tenant issued it to itself with the password of its account.
    #[serde(default)]
    pub by_password: bool,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
    /// When it ends, in Unix seconds.
    #[serde(default)]
    pub expires_at: Option<u64>,
}

/// A provider of a tenant: the keys of a profile as they were set, including the client secret. Has no
/// `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// The keys.
    pub keys: Map<String, Value>,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
    /// Whether the tenant requested a redirect URI for this provider alone.
    #[serde(default)]
    pub own_callback: bool,
    /// The issuer whose responses were found to have no `iss`. The provider keeps its own redirect URI for as long as
    /// it has this issuer, because that URI is registered there.
    #[serde(default)]
    pub without_iss: Option<String>,
}

/// How the user and the browser of a flow are bound together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// The browser that opened the link must also receive the callback.
    #[default]
    Cookie,
    /// The application confirms the user of the flow.
    Application,
}

/// A link to connect an account, with its options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The tenant.
    pub tenant: String,
    /// The provider.
    pub provider: String,
    /// The application's reference for the user.
    pub user: String,
    /// The id that the grant will have.
    pub grant_id: String,
    /// Attributes of the new grant.
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    /// Scopes that replace the provider's.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The URL to redirect the user to afterwards.
    #[serde(default)]
    pub redirect_to: Option<String>,
    /// How the flow is bound.
    #[serde(default)]
    pub binding: Binding,
    /// Whether the user first sees a page that explains the connection.
    #[serde(default)]
    pub page: bool,
    /// When it ends, in Unix seconds.
    pub expires_at: u64,
}
