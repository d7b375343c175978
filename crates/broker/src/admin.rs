//! The operator's pages: tenants, connections, and connections that are stuck. They show no secret.

use std::time::Duration;

use oauthctl_core::grant::{AccountEntry, LastError};
use oauthctl_core::{Grant, Result, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::connections::{self, Connection, Status};
use crate::flow::Place;
use crate::keys::random_name;
use crate::model::Tenant;
use crate::names::of_secret;
use crate::pages::admin::{self, Overview, Row, State, TenantRow, UnreadableRow};
use crate::providers;
use crate::storage::{Condition, Key, Space};
use crate::tenants;
use crate::vault::Terms;

/// Lifetime of a session.
pub const SESSION: Duration = Duration::from_secs(8 * 3600);

/// Maximum number of rows of a table.
const ROWS: usize = 50;

/// Maximum number of connections that the first page searches for errors.
const EXAMINED: usize = 2_000;

/// A count of this and more is shown as `10000 or more`.
const COUNTED: usize = 10_000;

/// How late a refresh may be, in seconds, before it counts as overdue: longer than the lease of an instance
/// that died.
const LATE: u64 = 150;

/// A session that has not ended. Its record is removed when the operator signs out, which ends it at all instances.
#[derive(Serialize, Deserialize)]
struct Session {
    began_at: u64,
}

/// Begins a session for whoever has given this key; `None` for another key than the admin key.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn sign_in(broker: &Broker, key: &str) -> Result<Option<String>> {
    let is_right = |expected: &Secret| Secret::new(key) == *expected;
    if !broker.settings.admin_key.as_ref().is_some_and(is_right) {
        return Ok(None);
    }
    let (began_at, id) = (now_seconds(), random_name()?);
    let expires_at = began_at + SESSION.as_secs();
    let ends = expires_at.to_string();
    let session = format!("{ends}.{id}.{}", session_proof(broker, &ends, &id));
    let terms = Terms { expires_at: Some(expires_at), ..Terms::default() };
    broker.vault.put(session_record(&session), &Session { began_at }, terms).await?;
    Ok(Some(session))
}

/// Returns the token that forms of a session must send; `None` if the session is invalid or has ended.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn csrf(broker: &Broker, session: &str) -> Result<Option<String>> {
    if !is_proven(broker, session) {
        return Ok(None);
    }
    let found = broker.vault.get::<Session>(&session_record(session)).await?;
    Ok(found.map(|_| proof(broker, "admin form", session)))
}

/// Ends a session.
///
/// # Errors
///
/// Returns `Store` if the store fails: the session may go on.
pub async fn sign_out(broker: &Broker, session: &str) -> Result<()> {
    broker.vault.delete(&session_record(session)).await.map(drop)
}

/// Returns whether a session was begun with the admin key. Only such a one is looked for in the store.
fn is_proven(broker: &Broker, session: &str) -> bool {
    let mut parts = session.splitn(3, '.');
    let (Some(ends), Some(id), Some(given)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let lasts = ends.parse::<u64>().is_ok_and(|ends| now_seconds() < ends);
    lasts && Secret::new(given) == Secret::new(session_proof(broker, ends, id))
}

fn session_proof(broker: &Broker, ends: &str, id: &str) -> String {
    proof(broker, "admin session", &format!("{ends}.{id}"))
}

fn session_record(session: &str) -> Key {
    Key::new(Space::Sessions, "", of_secret(session))
}

/// Returns a proof that only instances with this admin key can compute. Changing the key ends all sessions.
fn proof(broker: &Broker, purpose: &str, text: &str) -> String {
    let key = broker.settings.admin_key.as_ref().map_or("", |key| key.expose());
    broker.vault.names().hashed(purpose, &[key, text])
}

/// Returns the first page, with the tenants after this one.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn overview(broker: &Broker, csrf: String, after: Option<&str>) -> Result<Overview> {
    let storage = broker.vault.storage();
    let (listed, next) = broker.vault.page::<Tenant>(Space::Tenants, "", "", after, ROWS).await?;
    let mut tenants = Vec::new();
    for stored in listed {
        tenants.push(tenant_row(broker, &stored.document).await?);
    }
    let late = now_seconds().saturating_sub(LATE);
    let mut overdue = Vec::new();
    let mut due = storage.due(Space::Grants, late, ROWS + 1).await?;
    let overdue_is_cut = due.len() > ROWS;
    due.truncate(ROWS);
    for grant in broker.vault.readable::<Grant>(due).await? {
        let account = Key { space: Space::Accounts, ..grant.key.clone() };
        let entry = broker.vault.get_readable::<AccountEntry>(&account).await?;
        let last_error = entry.and_then(|stored| stored.document.last_error);
        overdue.push(row(&grant.document, last_error));
    }
    let (failing, failing_is_cut) = failing(broker).await?;
    Ok(Overview {
        csrf,
        store: storage.kind(),
        is_ready: storage.check().await.is_ok(),
        version: env!("CARGO_PKG_VERSION"),
        tenants,
        next,
        overdue,
        overdue_is_cut,
        failing,
        failing_is_cut,
        unreadable: unreadable(broker).await?,
    })
}

/// Returns the records that this instance could not read and that are still there.
async fn unreadable(broker: &Broker) -> Result<Vec<UnreadableRow>> {
    broker.vault.read_again().await?;
    let found = broker.vault.unreadable().all().into_iter().take(ROWS);
    let row = |(key, since): (Key, u64)| UnreadableRow {
        kind: format!("{:?}", key.space),
        space: key.space.number(),
        tenant: key.tenant,
        id: key.id,
        since: Timestamp::from_unix(since).to_string(),
    };
    Ok(found.map(row).collect())
}

/// Removes a record that this instance could not read. Returns whether there was one.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn remove_unreadable(broker: &Broker, key: &Key) -> Result<bool> {
    if !broker.vault.unreadable().all().iter().any(|(known, _)| known == key) {
        return Ok(false);
    }
    let Some(record) = broker.vault.storage().get(key).await? else { return Ok(false) };
    let condition = Condition::Revision(record.revision);
    let removed = broker.vault.storage().delete(key, condition).await?;
    broker.caches.forget(key);
    broker.vault.read_again().await?;
    Ok(removed)
}

/// Returns the connections whose last refresh failed, latest first, and whether there may be more.
async fn failing(broker: &Broker) -> Result<(Vec<Row>, bool)> {
    let records = broker.vault.storage().scan(Space::Accounts, None, EXAMINED).await?;
    let mut is_cut = records.len() == EXAMINED;
    let mut found = Vec::new();
    for stored in broker.vault.readable::<AccountEntry>(records).await? {
        let entry = stored.document;
        if entry.last_error.is_some() || entry.login_required {
            found.push(entry);
        }
    }
    found.sort_by_key(|entry| std::cmp::Reverse(entry.last_error.as_ref().map(|last| last.at)));
    is_cut |= found.len() > ROWS;
    found.truncate(ROWS);
    Ok((found.into_iter().map(account_row).collect(), is_cut))
}

/// Returns the page of a tenant, with the connections after this one.
///
/// # Errors
///
/// Returns `Config` for an unknown tenant, and `Store` if the store fails.
pub async fn tenant(
    broker: &Broker,
    csrf: String,
    name: &str,
    after: Option<&str>,
) -> Result<admin::Tenant> {
    let tenant = tenants::get(&broker.vault, name).await?;
    let page = connections::list(broker, name, None, after, ROWS).await?;
    Ok(admin::Tenant {
        csrf,
        providers: providers::names(broker, name).await?,
        redirects: tenant.redirects.clone(),
        tenant: tenant_row(broker, &tenant).await?,
        rows: page.connections.into_iter().map(|one| connection_row(name, one)).collect(),
        next: page.next_cursor,
    })
}

async fn tenant_row(broker: &Broker, tenant: &Tenant) -> Result<TenantRow> {
    let count = async |space: Space| -> Result<String> {
        let count = broker.vault.storage().count(space, &tenant.name, COUNTED).await?;
        Ok(if count < COUNTED { count.to_string() } else { format!("{COUNTED} or more") })
    };
    Ok(TenantRow {
        name: tenant.name.clone(),
        title: tenant.title.clone().unwrap_or_else(|| tenant.name.clone()),
        is_disabled: tenant.disabled,
        connections: count(Space::Grants).await?,
        providers: count(Space::Providers).await?,
        created_at: Timestamp::from_unix(tenant.created_at).to_string(),
    })
}

fn state(login_required: bool, has_failed: bool) -> State {
    match (login_required, has_failed) {
        (true, _) => State::LoginRequired,
        (false, true) => State::Failing,
        (false, false) => State::Connected,
    }
}

/// Returns when and why a refresh failed: the kind of error and the provider's error code, never its text.
fn reason(last: &LastError) -> String {
    let words = [last.error.as_deref(), last.oauth_error.as_deref()];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("{words} ({})", last.at)
}

fn row(grant: &Grant, last_error: Option<LastError>) -> Row {
    let place = Place::of(&grant.key);
    Row {
        state: state(grant.dead.is_some(), last_error.is_some()),
        error: last_error.as_ref().map(reason).unwrap_or_default(),
        expires_at: grant.tokens.expires_at.map(|at| at.to_string()).unwrap_or_default(),
        refreshed_at: grant.refreshed_at.to_string(),
        tenant: place.tenant,
        provider: place.provider,
        user: place.user,
    }
}

fn account_row(entry: AccountEntry) -> Row {
    let place = Place::of(&entry.key);
    Row {
        state: state(entry.login_required, entry.last_error.is_some()),
        error: entry.last_error.as_ref().map(reason).unwrap_or_default(),
        expires_at: entry.expires_at.map(|at| at.to_string()).unwrap_or_default(),
        refreshed_at: entry.refreshed_at.to_string(),
        tenant: place.tenant,
        provider: place.provider,
        user: place.user,
    }
}

fn connection_row(tenant: &str, connection: Connection) -> Row {
    let error = connection.last_error.as_ref();
    Row {
        tenant: tenant.to_owned(),
        state: state(connection.status == Status::LoginRequired, error.is_some()),
        error: error.map(ToString::to_string).unwrap_or_default(),
        expires_at: connection.expires_at.unwrap_or_default(),
        refreshed_at: connection.refreshed_at,
        provider: connection.provider,
        user: connection.user,
    }
}
