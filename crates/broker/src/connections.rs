//! The connections of a tenant: their state, their attributes, and their removal.

use std::collections::BTreeMap;
use std::sync::Arc;

use oauthctl_core::flow::{AtServer, AttributeChanges, Revoked};
use oauthctl_core::grant::{AccountEntry, LastError};
use oauthctl_core::{ErrorKind, Grant, Result, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::broker::Broker;
use crate::flow::Place;
use crate::problem::Problem;
use crate::storage::{Key, Space};
use crate::vault::Stored;

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A valid token can be provided.
    Connected,
    /// The user must log in again.
    LoginRequired,
}

/// The user who granted access, as the provider reports it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Identity {
    /// The subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// The email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The user name.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// The last failed refresh, until one succeeds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    /// When it failed (RFC 3339, UTC).
    at: String,
    /// The kind of error.
    error: String,
    /// The provider's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_error: Option<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.oauth_error {
            Some(code) => write!(f, "{}, {code} ({})", self.error, self.at),
            None => write!(f, "{} ({})", self.error, self.at),
        }
    }
}

/// A connection, without its tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct Connection {
    /// The id of the grant, constant over every refresh.
    pub grant_id: String,
    /// The provider.
    pub provider: String,
    /// The application's reference for the user.
    pub user: String,
    /// The state.
    pub status: Status,
    /// The attributes that have not expired, and the values that the provider's responses left.
    pub attributes: BTreeMap<String, Value>,
    /// The user who granted access.
    pub identity: Identity,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// When the access token expires (RFC 3339, UTC); null if the provider did not say.
    pub expires_at: Option<String>,
    /// When the user connected the account.
    pub created_at: String,
    /// When the tokens were last replaced.
    pub refreshed_at: String,
    /// The last failed refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Failure>,
    /// Since when there is no working token although the user need not log in: refreshes fail (RFC 3339, UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_since: Option<String>,
    /// The revision, which is also in the ETag.
    #[serde(skip)]
    pub revision: u64,
}

impl Connection {
    pub(crate) fn of(stored: Stored<Grant>, last_error: Option<LastError>) -> Self {
        let Stored { document: grant, revision, .. } = stored;
        let place = Place::of(&grant.key);
        let expired_at = grant.tokens.expires_at.filter(|at| *at <= Timestamp::now());
        let status = match grant.dead.is_some() || has_ended(&grant) {
            true => Status::LoginRequired,
            false => Status::Connected,
        };
        let is_failing = last_error.is_some() && status == Status::Connected;
        let stuck_since = expired_at.filter(|_| is_failing).map(|at| at.to_string());
        Self {
            grant_id: grant.id.clone(),
            provider: place.provider,
            user: place.user,
            status,
            attributes: grant.attributes_at(Timestamp::now()),
            scopes: grant.tokens.scopes,
            expires_at: grant.tokens.expires_at.map(|at| at.to_string()),
            stuck_since,
            created_at: grant.obtained_at.to_string(),
            refreshed_at: grant.refreshed_at.to_string(),
            last_error: last_error.map(|last| Failure {
                at: last.at.to_string(),
                error: last.error.unwrap_or_default(),
                oauth_error: last.oauth_error,
            }),
            identity: Identity {
                sub: grant.identity.sub,
                email: grant.identity.email,
                username: grant.identity.username,
                name: grant.identity.name,
            },
            revision,
        }
    }
}

/// Returns whether only the user can renew the token of a grant, because it has expired and has no refresh token.
pub fn has_ended(grant: &Grant) -> bool {
    let is_expired = grant.tokens.expires_at.is_some_and(|at| at <= Timestamp::now());
    is_expired && grant.tokens.refresh_token.is_none()
}

/// A page of connections.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    /// The connections.
    pub connections: Vec<Connection>,
    /// What continues the list; null at its end.
    pub next_cursor: Option<String>,
}

async fn last_error(broker: &Broker, grant: &Key) -> Result<Option<LastError>> {
    let key = Key { space: Space::Accounts, ..grant.clone() };
    let found = broker.vault.get_readable::<AccountEntry>(&key).await?;
    Ok(found.and_then(|stored| stored.document.last_error))
}

/// Returns a connection; `None` if there is none.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn get(broker: &Broker, place: &Place) -> Result<Option<Connection>> {
    let Some(stored) = broker.vault.get::<Grant>(&place.grant(&broker.vault)).await? else {
        return Ok(None);
    };
    let last_error = last_error(broker, &stored.key).await?;
    Ok(Some(Connection::of(stored, last_error)))
}

/// Returns the connections of a tenant, of one provider or of all, after this id, and the id to continue
/// from.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn list(
    broker: &Broker,
    tenant: &str,
    provider: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Page> {
    let prefix = provider.map(|provider| format!("{provider}/")).unwrap_or_default();
    let vault = &broker.vault;
    let (found, next_cursor) =
        vault.page::<Grant>(Space::Grants, tenant, &prefix, after, limit).await?;
    let mut connections = Vec::with_capacity(found.len());
    for stored in found {
        let last_error = last_error(broker, &stored.key).await?;
        connections.push(Connection::of(stored, last_error));
    }
    Ok(Page { connections, next_cursor })
}

/// Returns a page of the connections of one user, for one provider or for all. The page starts after this id and
/// contains the id to continue from.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn of_user(
    broker: &Broker,
    tenant: &str,
    (provider, user): (Option<&str>, &str),
    after: Option<&str>,
    limit: usize,
) -> Result<Page> {
    let providers = match provider {
        Some(provider) => vec![provider.to_owned()],
        None => crate::providers::names(broker, tenant).await?,
    };
    let places = providers.into_iter().filter_map(|name| Place::of_caller(tenant, name, user));
    let mut places: Vec<_> = places.map(|place| (place.grant(&broker.vault).id, place)).collect();
    places.retain(|(id, _)| after.is_none_or(|after| id.as_str() > after));
    places.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (mut connections, mut last) = (Vec::new(), None);
    for (id, place) in places {
        let Some(connection) = get(broker, &place).await? else { continue };
        if connections.len() == limit {
            return Ok(Page { connections, next_cursor: last });
        }
        connections.push(connection);
        last = Some(id);
    }
    Ok(Page { connections, next_cursor: None })
}

/// Changes attributes, if the connection has a revision that the caller accepts.
///
/// # Errors
///
/// Returns 404 for an unknown connection, 412 for another revision, 400 for attributes that are too large, and 503 if
/// the store fails.
pub async fn change_attributes(
    broker: &Broker,
    place: &Place,
    changes: AttributeChanges,
    accepts: Option<impl Fn(&Connection) -> bool>,
) -> Result<Connection, Problem> {
    let known = match accepts {
        Some(accepts) => Some(accepted(broker, place, accepts).await?),
        None if broker.vault.storage().get(&place.grant(&broker.vault)).await?.is_some() => None,
        None => return Err(Problem::not_found()),
    };
    let key = place.grant_key();
    if !broker.flow.manager.change_attributes(&key, changes, known.as_ref()).await? {
        return Err(Problem::precondition_failed());
    }
    get(broker, place).await?.ok_or_else(Problem::not_found)
}

/// Returns the stored connection, if it is one that the caller accepts.
///
/// # Errors
///
/// Returns 404 for an unknown connection, 412 for one that is not accepted, and 503 if the store fails.
async fn accepted(
    broker: &Broker,
    place: &Place,
    accepts: impl Fn(&Connection) -> bool,
) -> Result<Grant, Problem> {
    let stored = broker.vault.get::<Grant>(&place.grant(&broker.vault)).await?;
    let stored = stored.ok_or_else(Problem::not_found)?;
    let grant = stored.document.clone();
    let last_error = last_error(broker, &stored.key).await?;
    match accepts(&Connection::of(stored, last_error)) {
        true => Ok(grant),
        false => Err(Problem::precondition_failed()),
    }
}

/// Ends a connection that the caller accepts, as [`end`] does. Nothing can change it between the decision and the end.
///
/// # Errors
///
/// Returns 404 for an unknown connection, 412 for one that is not accepted, and 503 if it may still be there.
pub async fn end_if(
    broker: &Arc<Broker>,
    place: &Place,
    accepts: Option<impl Fn(&Connection) -> bool>,
) -> Result<(), Problem> {
    // Without a condition, a connection that cannot be read is removed as well.
    let known = match accepts {
        Some(accepts) => Some(accepted(broker, place, accepts).await?),
        None => None,
    };
    match revoke(broker, place, known).await? {
        Some(true) => Ok(()),
        Some(false) => Err(Problem::not_found()),
        None => Err(Problem::precondition_failed()),
    }
}

/// Ends a connection: revokes it at the provider and removes it. A refresh in progress finishes first, and
/// its tokens are revoked too. Returns whether the connection existed.
///
/// # Errors
///
/// Returns `Store` if it may still be there.
pub async fn end(broker: &Arc<Broker>, place: &Place) -> Result<bool> {
    revoke(broker, place, None).await.map(|ended| ended == Some(true))
}

/// Ends a connection, unless another one than `known` is stored: `None` says so.
async fn revoke(broker: &Arc<Broker>, place: &Place, known: Option<Grant>) -> Result<Option<bool>> {
    let key = place.grant_key();
    let flow = broker.flow.clone();
    let work = async move {
        let revoked = Box::pin(flow.manager.revoke_if(&key, known.as_ref()));
        match flow.present(&key.profile, revoked).await {
            // A provider that is not accepted cannot be asked, and must not keep the connection alive.
            Err(error) if error.kind() == ErrorKind::Config && known.is_none() => {
                let mut ended = Revoked::default();
                ended.forgotten = flow.manager.forget(&key).await?;
                ended.at_server = AtServer::Failed(error);
                Ok(Some(ended))
            }
            ended => ended,
        }
    };
    let Some(ended) = broker.complete(work).await? else { return Ok(None) };
    if let AtServer::Failed(error) = &ended.at_server {
        tracing::warn!(
            tenant = place.tenant,
            provider = place.provider,
            error = error.kind().word(),
            reason = error.message_to_keep(),
            "not revoked at the provider"
        );
    }
    Ok(Some(ended.forgotten))
}
