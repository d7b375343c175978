//! The feed of changes: the writes of all processes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauthctl_core::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::record::{Change, Changes, Key, Space};
use super::blocking::{failed, run};

/// How often the file is checked for changes, which reads one page of shared memory.
const PAUSE: Duration = Duration::from_millis(100);

/// The number of checks while a caller waits.
const PATIENCE: u32 = 4;

/// Maximum number of changes that are returned at once.
const AT_ONCE: usize = 10_000;

/// The connection that watches.
pub(super) struct Feed(Arc<Mutex<Watch>>);

struct Watch {
    db: Connection,
    /// The value of `PRAGMA data_version` when the feed was last read to its end.
    version: Option<i64>,
}

impl Feed {
    pub(super) fn new(db: Connection) -> Self {
        Self(Arc::new(Mutex::new(Watch { db, version: None })))
    }

    pub(super) async fn changes(&self, after: Option<&str>) -> Result<Changes> {
        let after = after.and_then(|position| position.parse::<i64>().ok());
        for _ in 0..PATIENCE {
            let watch = Arc::clone(&self.0);
            let found = run(move || {
                let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
                watch.read(after).map_err(|e| failed(&e))
            })
            .await?;
            match found {
                Some(changes) => return Ok(changes),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
        let position = after.unwrap_or_default().to_string();
        Ok(Changes { position, changed: Vec::new(), is_incomplete: false })
    }
}

impl Watch {
    fn read(&mut self, after: Option<i64>) -> rusqlite::Result<Option<Changes>> {
        let version =
            self.db.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0))?;
        if after.is_some() && self.version == Some(version) {
            return Ok(None);
        }
        let changes = read(&self.db, after)?;
        let is_all = changes.changed.len() < AT_ONCE;
        self.version = is_all.then_some(version);
        let is_news = after.is_none() || changes.is_incomplete || !changes.changed.is_empty();
        Ok(is_news.then_some(changes))
    }
}

fn read(db: &Connection, after: Option<i64>) -> rusqlite::Result<Changes> {
    let last = db
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'changes'", [], |row| row.get(0))
        .optional()?
        .unwrap_or(0_i64);
    let Some(after) = after else {
        return Ok(Changes {
            position: last.to_string(),
            changed: Vec::new(),
            is_incomplete: false,
        });
    };
    let mut statement = db.prepare_cached(
        "SELECT position, space, tenant, id FROM changes WHERE position > ?1
         ORDER BY position LIMIT ?2",
    )?;
    let rows = statement
        .query_map(params![after, i64::try_from(AT_ONCE).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, u8>(1)?, row.get(2)?, row.get(3)?))
        })?;
    let rows: Vec<(i64, u8, String, String)> = rows.collect::<rusqlite::Result<_>>()?;
    // Positions have no gaps. If one is missing, it was swept, or the file was replaced.
    let is_incomplete = match rows.first() {
        Some((first, ..)) => *first != after + 1,
        None => last != after,
    };
    let position = rows.last().map_or(last, |(position, ..)| *position);
    let changed = rows.into_iter().filter_map(|(_, space, tenant, id)| {
        Space::of_number(space).map(|space| Change { key: Key { space, tenant, id } })
    });
    Ok(Changes { position: position.to_string(), changed: changed.collect(), is_incomplete })
}
