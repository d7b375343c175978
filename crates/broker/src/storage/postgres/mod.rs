//! PostgreSQL: one database for any number of instances.
//!
//! Each method is one transaction: what it checks and what it writes belong together. Nearly all are one statement.

mod connect;
mod feed;
mod queries;
mod schema;
mod values;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Client, Pool};
use oauthctl_core::{Error, Result};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::Storage;
use super::record::{Addition, Changes, Condition, Key, Record, Removal, Space, Write, Written};
use values::{
    Columns, Failure, client, finished, millis, most, number, responded, signed, unsigned,
};

/// The store.
pub struct Postgres {
    pool: Pool,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres")
    }
}

impl Postgres {
    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an invalid URL or one without TLS to another host, and `Store` if the server does not
    /// answer or has the schema of a newer version.
    pub async fn open(url: &str) -> Result<Self> {
        let pool = connect::pool(url)?;
        let mut connection = client(&pool).await?;
        schema::migrate(&mut connection).await?;
        Ok(Self { pool })
    }

    async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let client = client(&self.pool).await?;
        let outcome = match responded(client.prepare_cached(sql)).await {
            Ok(statement) => responded(client.query(&statement, values)).await,
            Err(failure) => Err(failure),
        };
        finished(&self.pool, client, outcome)
    }

    /// Removes records, and then writes, in one transaction. Returns nothing, and does nothing, if one of the records is
    /// no longer there or the statement writes nothing.
    async fn replace(
        &self,
        removes: &[Removal],
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>> {
        let mut client = client(&self.pool).await?;
        let outcome = replaced(&mut client, removes, sql, values).await;
        finished(&self.pool, client, outcome)
    }

    async fn row(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>> {
        Ok(self.rows(sql, values).await?.pop())
    }

    async fn records(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Record>> {
        self.rows(sql, values).await?.iter().map(queries::record).collect()
    }
}

/// A transaction that is dropped before its end is rolled back.
async fn replaced(
    client: &mut Client,
    removes: &[Removal],
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Option<Row>, Failure> {
    let transaction = responded(client.transaction()).await?;
    let nothing = Columns::default();
    for Removal { key, revision } in removes {
        let (space, revision) = (number(key.space), signed(*revision));
        let mut record: Vec<&(dyn ToSql + Sync)> = vec![&space, &key.tenant, &key.id, &false];
        record.extend(nothing.values());
        record.push(&revision);
        let statement = responded(transaction.prepare_cached(queries::DELETE_REVISION)).await?;
        if responded(transaction.query_opt(&statement, &record)).await?.is_none() {
            return Ok(None);
        }
    }
    let statement = responded(transaction.prepare_cached(sql)).await?;
    let row = responded(transaction.query_opt(&statement, values)).await?;
    if row.is_some() {
        responded(transaction.commit()).await?;
    }
    Ok(row)
}

#[async_trait]
impl Storage for Postgres {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let values: [&(dyn ToSql + Sync); 3] = [&number(key.space), &key.tenant, &key.id];
        self.row(queries::GET, &values).await?.as_ref().map(queries::record).transpose()
    }

    async fn put_with(&self, write: Write, also: Vec<Addition>) -> Result<Written> {
        let Write { key, value, due_at, expires_at, condition, removes } = write;
        let (space, is_watched) = (number(key.space), key.space.is_watched());
        let (due_at, expires_at) = (due_at.map(signed), expires_at.map(signed));
        let also = Columns::of(also);
        let mut values: Vec<&(dyn ToSql + Sync)> =
            vec![&space, &key.tenant, &key.id, &value, &due_at, &expires_at, &is_watched];
        values.extend(also.values());
        let (lock, at_least);
        let sql = match condition {
            Condition::Always => queries::PUT,
            Condition::Absent => queries::PUT_ABSENT,
            Condition::Revision(revision) => {
                at_least = signed(revision);
                values.push(&at_least);
                queries::PUT_REVISION
            }
            Condition::Fence(name, fence) => {
                (lock, at_least) = (name, signed(fence));
                values.extend([&lock as &(dyn ToSql + Sync), &at_least]);
                queries::PUT_FENCED
            }
        };
        let row = match removes.is_empty() {
            true => self.row(sql, &values).await?,
            false => self.replace(&removes, sql, &values).await?,
        };
        Ok(row.map_or(Written::Refused, |row| Written::Stored(unsigned(row.get(0)))))
    }

    async fn delete_with(
        &self,
        key: &Key,
        condition: Condition,
        also: Vec<Addition>,
    ) -> Result<bool> {
        let (space, is_watched) = (number(key.space), key.space.is_watched());
        let also = Columns::of(also);
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&space, &key.tenant, &key.id, &is_watched];
        values.extend(also.values());
        let (lock, at_least);
        let sql = match condition {
            Condition::Always => queries::DELETE,
            // A record that is to be deleted must exist.
            Condition::Absent => return Ok(false),
            Condition::Revision(revision) => {
                at_least = signed(revision);
                values.push(&at_least);
                queries::DELETE_REVISION
            }
            Condition::Fence(name, fence) => {
                (lock, at_least) = (name, signed(fence));
                values.extend([&lock as &(dyn ToSql + Sync), &at_least]);
                queries::DELETE_FENCED
            }
        };
        Ok(self.row(sql, &values).await?.is_some())
    }

    async fn list(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        // Ids are ASCII, so every id with this prefix sorts before the prefix followed by DEL.
        let (end, after) = (format!("{prefix}\x7f"), after.unwrap_or_default());
        let values: [&(dyn ToSql + Sync); 6] =
            [&number(space), &tenant, &prefix, &end, &after, &most(limit)];
        self.records(queries::LIST, &values).await
    }

    async fn scan(&self, space: Space, after: Option<&Key>, limit: usize) -> Result<Vec<Record>> {
        let (tenant, id) = after.map_or(("", ""), |key| (&key.tenant, &key.id));
        let values: [&(dyn ToSql + Sync); 4] = [&number(space), &tenant, &id, &most(limit)];
        self.records(queries::SCAN, &values).await
    }

    async fn due_except(
        &self,
        space: Space,
        until: u64,
        except: &[String],
        limit: usize,
    ) -> Result<Vec<Record>> {
        let values: [&(dyn ToSql + Sync); 4] =
            [&number(space), &signed(until), &most(limit), &except];
        self.records(queries::DUE, &values).await
    }

    async fn reschedule(&self, key: &Key, from: Option<u64>, to: Option<u64>) -> Result<bool> {
        let (from, to) = (from.map(signed), to.map(signed));
        let values: [&(dyn ToSql + Sync); 5] =
            [&number(key.space), &key.tenant, &key.id, &from, &to];
        Ok(self.row(queries::RESCHEDULE, &values).await?.is_some())
    }

    async fn reseal(&self, key: &Key, old: &[u8], new: &[u8]) -> Result<bool> {
        let values: [&(dyn ToSql + Sync); 5] =
            [&number(key.space), &key.tenant, &key.id, &old, &new];
        Ok(self.row(queries::RESEAL, &values).await?.is_some())
    }

    async fn count_prefixed(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<usize> {
        let end = format!("{prefix}\x7f");
        let values: [&(dyn ToSql + Sync); 5] =
            [&number(space), &tenant, &prefix, &end, &most(limit)];
        let row = self.row(queries::COUNT, &values).await?;
        Ok(row.map_or(0, |row| usize::try_from(row.get::<_, i64>(0)).unwrap_or_default()))
    }

    async fn count_due(&self, space: Space, until: u64, limit: usize) -> Result<usize> {
        let values: [&(dyn ToSql + Sync); 3] = [&number(space), &signed(until), &most(limit)];
        let row = self.row(queries::COUNT_DUE, &values).await?;
        Ok(row.map_or(0, |row| usize::try_from(row.get::<_, i64>(0)).unwrap_or_default()))
    }

    async fn lock(&self, name: &str, owner: &str, ttl: Duration) -> Result<Option<u64>> {
        let row = self.row(queries::LOCK, &[&name, &owner, &millis(ttl)]).await?;
        Ok(row.map(|row| unsigned(row.get(0))))
    }

    async fn renew(&self, name: &str, owner: &str, fence: u64, ttl: Duration) -> Result<bool> {
        let values: [&(dyn ToSql + Sync); 4] = [&name, &owner, &signed(fence), &millis(ttl)];
        Ok(self.row(queries::RENEW, &values).await?.is_some())
    }

    async fn unlock(&self, name: &str, owner: &str, fence: u64) -> Result<()> {
        self.rows(queries::UNLOCK, &[&name, &owner, &signed(fence)]).await.map(drop)
    }

    async fn changes(&self, after: Option<&str>) -> Result<Changes> {
        feed::changes(&self.pool, after).await
    }

    async fn check(&self) -> Result<()> {
        self.rows(queries::CHECK, &[]).await.map(drop)
    }

    async fn sweep(&self) -> Result<()> {
        for sql in [queries::SWEEP_RECORDS, queries::SWEEP_LOCKS, feed::SWEEP] {
            self.rows(sql, &[]).await?;
        }
        Ok(())
    }

    async fn backup(&self, _: &Path) -> Result<()> {
        Err(Error::config("a PostgreSQL store must be backed up with the tools of PostgreSQL")
            .hint("run `pg_dump`"))
    }
}
