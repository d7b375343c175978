//! Connections, errors and numbers, for all files of this backend.

use std::time::Duration;

use deadpool_postgres::{Client, Pool};
use oauthctl_core::{Error, Result};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::super::failure::failure;
use super::super::record::{Addition, Space};

/// How long a statement may take. The server ends it earlier, if it responds at all.
const LIMIT: Duration = Duration::from_secs(12);

/// Returns a connection of the pool.
pub(super) async fn client(pool: &Pool) -> Result<Client> {
    use deadpool_postgres::PoolError;
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => failed(&error),
        PoolError::Timeout(_) => silent(),
        _ => Error::store("no connection to the PostgreSQL store"),
    })
}

/// Returns the error of a statement. The server's message may contain values, so only its code is shown.
pub(super) fn failed(error: &tokio_postgres::Error) -> Error {
    let what = match error.code() {
        Some(code) => format!("SQLSTATE {}", code.code()),
        None if error.is_closed() => "the connection was closed".to_owned(),
        None => "no connection".to_owned(),
    };
    failure(format!("the PostgreSQL store failed: {what}"))
}

/// Why statements have no result.
pub(super) enum Failure {
    /// The server refused one, or the connection broke.
    Refused(tokio_postgres::Error),
    /// There was no response to one.
    Silent,
}

/// Returns the response to one statement. Several statements together may take longer than the limit: a server that
/// responds to each is slow, and not silent.
pub(super) async fn responded<T>(
    statement: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
) -> std::result::Result<T, Failure> {
    match tokio::time::timeout(LIMIT, statement).await {
        Ok(outcome) => outcome.map_err(Failure::Refused),
        Err(_) => Err(Failure::Silent),
    }
}

/// Returns what statements on this connection returned.
pub(super) fn finished<T>(
    pool: &Pool,
    client: Client,
    outcome: std::result::Result<T, Failure>,
) -> Result<T> {
    let error = match outcome {
        Ok(value) => return Ok(value),
        Err(Failure::Refused(error))
            if error.code() != Some(&SqlState::READ_ONLY_SQL_TRANSACTION) =>
        {
            return Err(failed(&error));
        }
        Err(Failure::Refused(error)) => failed(&error),
        Err(Failure::Silent) => silent(),
    };
    // A server that has become a standby stays one, and one that does not respond may be gone for good. New connections
    // find the primary.
    drop(Client::take(client));
    pool.retain(|_, _| false);
    Err(error)
}

/// Returns the error of a server that does not respond.
fn silent() -> Error {
    failure("the PostgreSQL store did not respond in time".to_owned())
}

pub(super) fn number(space: Space) -> i16 {
    i16::from(space.number())
}

pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

pub(super) fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn millis(ttl: Duration) -> i64 {
    // A day is longer than any lock, and fits into an interval.
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).min(86_400_000)
}

/// Additions, as one array for each column.
#[derive(Default)]
pub(super) struct Columns {
    spaces: Vec<i16>,
    tenants: Vec<String>,
    ids: Vec<String>,
    values: Vec<Vec<u8>>,
    dues: Vec<Option<i64>>,
    ends: Vec<Option<i64>>,
}

impl Columns {
    pub(super) fn of(also: Vec<Addition>) -> Self {
        let mut columns = Self::default();
        for Addition { key, value, due_at, expires_at } in also {
            columns.spaces.push(number(key.space));
            columns.tenants.push(key.tenant);
            columns.ids.push(key.id);
            columns.values.push(value);
            columns.dues.push(due_at.map(signed));
            columns.ends.push(expires_at.map(signed));
        }
        columns
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 6] {
        [&self.spaces, &self.tenants, &self.ids, &self.values, &self.dues, &self.ends]
    }
}
