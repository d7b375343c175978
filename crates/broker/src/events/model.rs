//! Events, and the records that report them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The kind of an event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
pub enum Kind {
    /// The user has connected an account.
    #[serde(rename = "connection.created")]
    Created,
    /// The tokens were replaced.
    #[serde(rename = "connection.refreshed")]
    Refreshed,
    /// Refreshes have begun to fail.
    #[serde(rename = "connection.refresh_failed")]
    RefreshFailed,
    /// The connection works again.
    #[serde(rename = "connection.recovered")]
    Recovered,
    /// Only a new login by the user helps.
    #[serde(rename = "connection.login_required")]
    LoginRequired,
    /// The connection was removed.
    #[serde(rename = "connection.revoked")]
    Revoked,
}

impl Kind {
    /// Returns the name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "connection.created",
            Self::Refreshed => "connection.refreshed",
            Self::RefreshFailed => "connection.refresh_failed",
            Self::Recovered => "connection.recovered",
            Self::LoginRequired => "connection.login_required",
            Self::Revoked => "connection.revoked",
        }
    }
}

/// What happened to a connection. It contains neither tokens nor attributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The id of the grant.
    pub grant_id: String,
    /// The provider.
    pub provider: String,
    /// The application's reference for the user.
    pub user: String,
    /// The granted scopes: the first 100 at most, and 4096 bytes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When the access token expires (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The kind of error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The provider's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_error: Option<String>,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// The id, which is also that of the webhook message.
    pub id: String,
    /// When it happened (RFC 3339, UTC).
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A message for a webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// The id of the webhook that it was created for. A later webhook of the same name does not get the message.
    pub webhook: String,
    /// The id of the message.
    pub id: String,
    /// What happened.
    pub kind: Kind,
    /// The body.
    pub body: String,
    /// When it happened, in Unix seconds.
    pub created_at: u64,
    /// The number of failed attempts.
    pub attempts: u32,
}
