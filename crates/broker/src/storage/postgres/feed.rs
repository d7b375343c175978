//! The feed of changes.
//!
//! Transactions do not become visible in the order in which they began, so reading "all rows after the last
//! one" would miss some. A position is the oldest transaction that had not ended when the feed was read:
//! everything before it was visible, and everything from it on is read again.

use std::time::Duration;

use deadpool_postgres::{Client, Pool};
use oauthctl_core::{Error, Result};
use tokio_postgres::Row;

use super::super::record::{Change, Changes, Key, Space};
use super::values::{Failure, client, finished, responded};

/// Pause between two reads of the table while a caller waits.
const PAUSE: Duration = Duration::from_millis(100);

/// How many times the table is read.
const PATIENCE: u32 = 4;

/// Maximum number of changes that are returned one by one. If there are more, everything is stale.
const AT_ONCE: i64 = 10_000;

const STATE: &str = "SELECT epoch::text, swept::text, pg_snapshot_xmin(pg_current_snapshot())::text
     FROM oauthctl_feed";

const NEWS: &str = "SELECT xid::text, space, tenant, id FROM oauthctl_changes
     WHERE xid >= $1::text::xid8 ORDER BY xid LIMIT $2";

pub(super) async fn changes(pool: &Pool, after: Option<&str>) -> Result<Changes> {
    for attempt in 1.. {
        let changes = read(pool, after).await?;
        let is_news = after.is_none() || !changes.changed.is_empty();
        if is_news || changes.is_incomplete || attempt == PATIENCE {
            return Ok(changes);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::store("the feed of the PostgreSQL store ended"))
}

/// Reads the feed once.
async fn read(pool: &Pool, after: Option<&str>) -> Result<Changes> {
    let client = client(pool).await?;
    let outcome = read_on(&client, after).await;
    finished(pool, client, outcome)
}

async fn read_on(client: &Client, after: Option<&str>) -> std::result::Result<Changes, Failure> {
    let statement = responded(client.prepare_cached(STATE)).await?;
    // The state is read first: all transactions that had ended by then are visible to the next statement.
    let state = responded(client.query_one(&statement, &[])).await?;
    let (epoch, swept, oldest) = (text(&state, 0), number(&state, 1), number(&state, 2));
    let position = format!("{epoch}/{oldest}");
    let Some(after) = after else {
        return Ok(Changes { position, changed: Vec::new(), is_incomplete: false });
    };
    let from = after.split_once('/').filter(|(of, _)| *of == epoch);
    let from = from.and_then(|(_, from)| from.parse::<u64>().ok());
    let Some(from) = from.filter(|from| *from > swept && *from <= oldest) else {
        return Ok(Changes { position, changed: Vec::new(), is_incomplete: true });
    };
    let statement = responded(client.prepare_cached(NEWS)).await?;
    let rows = responded(client.query(&statement, &[&from.to_string(), &AT_ONCE])).await?;
    let is_incomplete = i64::try_from(rows.len()).is_ok_and(|count| count >= AT_ONCE);
    let changed = if is_incomplete { Vec::new() } else { rows.iter().filter_map(change).collect() };
    Ok(Changes { position, changed, is_incomplete })
}

fn text(row: &Row, column: usize) -> String {
    row.get(column)
}

fn number(row: &Row, column: usize) -> u64 {
    text(row, column).parse().unwrap_or_default()
}

fn change(row: &Row) -> Option<Change> {
    let space = Space::of_number(u8::try_from(row.get::<_, i16>(1)).ok()?)?;
    Some(Change { key: Key { space, tenant: row.get(2), id: row.get(3) } })
}

/// Removes entries that are no longer needed, and records up to which transaction.
pub(super) const SWEEP: &str = "WITH gone AS (
         DELETE FROM oauthctl_changes WHERE at < clock_timestamp() - interval '10 minutes' RETURNING xid
     )
     UPDATE oauthctl_feed SET swept = greatest(swept, (SELECT xid FROM gone ORDER BY xid DESC LIMIT 1))
     WHERE EXISTS (SELECT 1 FROM gone)";
