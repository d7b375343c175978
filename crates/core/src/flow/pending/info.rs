//! The public view of a pending flow.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::time::Timestamp;

/// A pending flow as [`FlowManager::pending`](crate::FlowManager::pending) shows it: no state, no verifier.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct PendingInfo {
    /// The id of the flow: the [`PendingRecord::id`](crate::port::PendingRecord::id) under which it is stored, and the
    /// `jti` of its state.
    pub id: String,
    /// The id that the grant will have, by which the flow is cancelled.
    pub grant_id: String,
    /// The profile.
    pub profile: String,
    /// The account under which the grant will be stored.
    pub account: String,
    /// The caller's reference for the user.
    pub user: Option<String>,
    /// The attributes that the grant will have.
    pub attributes: BTreeMap<String, Value>,
    /// The redirect URI.
    pub redirect_uri: String,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When the flow expires.
    pub expires_at: Timestamp,
}

crate::redact::debug::redacted_debug!(PendingInfo {
    id,
    grant_id,
    profile,
    account,
    user,
    attributes => names_of,
    redirect_uri,
    scopes,
    started_at,
    expires_at,
});
