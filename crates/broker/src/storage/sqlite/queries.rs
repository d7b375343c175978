//! The statements. Times are parameters, so that a transaction uses one time.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::record::{Addition, Condition, Key, Record, Removal, Space, Write, Written};

/// How long changes stay in the feed.
const FEED: u64 = 600;

const COLUMNS: &str = "space, tenant, id, revision, value, due_at, expires_at";

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let space = row.get(0)?;
    let space = Space::of_number(space)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, i64::from(space)))?;
    Ok(Record {
        key: Key { space, tenant: row.get(1)?, id: row.get(2)? },
        revision: row.get(3)?,
        value: row.get(4)?,
        due_at: row.get(5)?,
        expires_at: row.get(6)?,
    })
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn get(db: &Connection, key: &Key, now: u64) -> rusqlite::Result<Option<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE space = ?1 AND tenant = ?2 AND id = ?3
         AND (expires_at IS NULL OR expires_at > ?4)"
    );
    db.prepare_cached(&sql)?
        .query_row(params![key.space.number(), key.tenant, key.id, now], record)
        .optional()
}

fn holds(
    db: &Connection,
    current: Option<&Record>,
    condition: &Condition,
) -> rusqlite::Result<bool> {
    Ok(match condition {
        Condition::Always => true,
        Condition::Absent => current.is_none(),
        Condition::Revision(revision) => current.is_some_and(|found| found.revision == *revision),
        Condition::Fence(name, fence) => {
            let last: Option<u64> = db
                .prepare_cached("SELECT fence FROM locks WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?;
            last.is_none_or(|last| last <= *fence)
        }
    })
}

pub(super) fn put(
    db: &Connection,
    write: &Write,
    also: &[Addition],
    now: u64,
) -> rusqlite::Result<Written> {
    let current = get(db, &write.key, now)?;
    if !holds(db, current.as_ref(), &write.condition)? {
        return Ok(Written::Refused);
    }
    for Removal { key, revision } in &write.removes {
        if get(db, key, now)?.is_none_or(|found| found.revision != *revision) {
            return Ok(Written::Refused);
        }
    }
    for removal in &write.removes {
        remove(db, &removal.key)?;
    }
    let revision = current.map_or(1, |found| found.revision + 1);
    let Key { space, tenant, id } = &write.key;
    db.prepare_cached(
        "INSERT OR REPLACE INTO records (space, tenant, id, revision, value, due_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        space.number(),
        tenant,
        id,
        revision,
        write.value,
        write.due_at,
        write.expires_at
    ])?;
    note(db, &write.key, now)?;
    add(db, also)?;
    Ok(Written::Stored(revision))
}

pub(super) fn delete(
    db: &Connection,
    key: &Key,
    condition: &Condition,
    also: &[Addition],
    now: u64,
) -> rusqlite::Result<bool> {
    let current = get(db, key, now)?;
    if current.is_none() || !holds(db, current.as_ref(), condition)? {
        return Ok(false);
    }
    remove(db, key)?;
    note(db, key, now)?;
    add(db, also)?;
    Ok(true)
}

fn remove(db: &Connection, key: &Key) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM records WHERE space = ?1 AND tenant = ?2 AND id = ?3")?
        .execute(params![key.space.number(), key.tenant, key.id])
        .map(drop)
}

fn add(db: &Connection, also: &[Addition]) -> rusqlite::Result<()> {
    for Addition { key: Key { space, tenant, id }, value, due_at, expires_at } in also {
        db.prepare_cached(
            "INSERT OR IGNORE INTO records (space, tenant, id, revision, value, due_at, expires_at)
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)",
        )?
        .execute(params![space.number(), tenant, id, value, due_at, expires_at])?;
    }
    Ok(())
}

fn note(db: &Connection, key: &Key, now: u64) -> rusqlite::Result<()> {
    if !key.space.is_watched() {
        return Ok(());
    }
    db.prepare_cached("INSERT INTO changes (at, space, tenant, id) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![now, key.space.number(), key.tenant, key.id])
        .map(drop)
}

/// Returns the records whose ids begin with the id of the key.
pub(super) fn list(
    db: &Connection,
    key: &Key,
    after: Option<&str>,
    most: usize,
    now: u64,
) -> rusqlite::Result<Vec<Record>> {
    // Ids are ASCII, so every id with this prefix sorts before the prefix followed by DEL.
    let (from, to) = (&key.id, format!("{}\x7f", key.id));
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE space = ?1 AND tenant = ?2
         AND id >= ?3 AND id < ?4 AND id > ?5 AND (expires_at IS NULL OR expires_at > ?6)
         ORDER BY id LIMIT ?7"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let after = after.unwrap_or_default();
    let rows = statement.query_map(
        params![key.space.number(), key.tenant, from, to, after, now, limit(most)],
        record,
    )?;
    rows.collect()
}

pub(super) fn scan(
    db: &Connection,
    space: Space,
    after: Option<&Key>,
    most: usize,
    now: u64,
) -> rusqlite::Result<Vec<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE space = ?1 AND (tenant, id) > (?2, ?3)
         AND (expires_at IS NULL OR expires_at > ?4) ORDER BY tenant, id LIMIT ?5"
    );
    let (tenant, id) = after.map_or(("", ""), |key| (&key.tenant, &key.id));
    let mut statement = db.prepare_cached(&sql)?;
    let rows =
        statement.query_map(params![space.number(), tenant, id, now, limit(most)], record)?;
    rows.collect()
}

/// Returns records of a space that were due by `until`, except those of these tenants and connections.
pub(super) fn due(
    db: &Connection,
    space: Space,
    (until, now): (u64, u64),
    except: &[String],
    most: usize,
) -> rusqlite::Result<Vec<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM records WHERE space = ?1 AND due_at <= ?2
         AND (expires_at IS NULL OR expires_at > ?3)
         AND tenant NOT IN (SELECT value FROM json_each(?5))
         AND tenant || '/' || substr(id, 1, instr(id || '/', '/') - 1)
             NOT IN (SELECT value FROM json_each(?5))
         ORDER BY due_at LIMIT ?4"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let except = serde_json::json!(except).to_string();
    let rows =
        statement.query_map(params![space.number(), until, now, limit(most), except], record)?;
    rows.collect()
}

pub(super) fn reschedule(
    db: &Connection,
    key: &Key,
    from: Option<u64>,
    to: Option<u64>,
) -> rusqlite::Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE records SET due_at = ?5
             WHERE space = ?1 AND tenant = ?2 AND id = ?3 AND due_at IS ?4",
        )?
        .execute(params![key.space.number(), key.tenant, key.id, from, to])?;
    Ok(changed == 1)
}

pub(super) fn reseal(db: &Connection, key: &Key, old: &[u8], new: &[u8]) -> rusqlite::Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE records SET value = ?5
             WHERE space = ?1 AND tenant = ?2 AND id = ?3 AND value = ?4",
        )?
        .execute(params![key.space.number(), key.tenant, key.id, old, new])?;
    Ok(changed == 1)
}

pub(super) fn count(db: &Connection, key: &Key, most: usize, now: u64) -> rusqlite::Result<usize> {
    let (from, to) = (&key.id, format!("{}\x7f", key.id));
    db.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM records WHERE space = ?1 AND tenant = ?2
         AND id >= ?3 AND id < ?4 AND (expires_at IS NULL OR expires_at > ?5) LIMIT ?6)",
    )?
    .query_row(params![key.space.number(), key.tenant, from, to, now, limit(most)], |row| {
        row.get(0)
    })
}

pub(super) fn count_due(
    db: &Connection,
    space: Space,
    until: u64,
    most: usize,
) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM records WHERE space = ?1 AND due_at <= ?2 LIMIT ?3)",
    )?
    .query_row(params![space.number(), until, limit(most)], |row| row.get(0))
}

/// Returns when a lock ends that lasts for this long from now.
pub(super) fn end(now: u64, ttl: Duration) -> u64 {
    now.saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX / 4))
}

pub(super) fn lock(
    db: &Connection,
    name: &str,
    owner: &str,
    now: u64,
    ttl: Duration,
) -> rusqlite::Result<Option<u64>> {
    let held: Option<(String, u64)> = db
        .prepare_cached("SELECT owner, until FROM locks WHERE name = ?1")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if held.is_some_and(|(holder, until)| holder != owner && until > now) {
        return Ok(None);
    }
    db.execute("UPDATE fences SET last = last + 1", [])?;
    let fence: u64 = db.query_row("SELECT last FROM fences", [], |row| row.get(0))?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO locks (name, owner, fence, until) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![name, owner, fence, end(now, ttl)])?;
    Ok(Some(fence))
}

pub(super) fn renew(
    db: &Connection,
    name: &str,
    owner: &str,
    fence: u64,
    until: u64,
) -> rusqlite::Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE locks SET until = ?4 WHERE name = ?1 AND owner = ?2 AND fence = ?3",
        )?
        .execute(params![name, owner, fence, until])?;
    Ok(changed == 1)
}

/// Releases a lock. Its row is kept for a while: it tells a late writer that its lock has ended.
pub(super) fn unlock(
    db: &Connection,
    name: &str,
    owner: &str,
    fence: u64,
    now: u64,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE locks SET owner = '', until = ?4 WHERE name = ?1 AND owner = ?2 AND fence = ?3",
    )?
    .execute(params![name, owner, fence, now])
    .map(drop)
}

/// Writes something, to detect a file that has become read-only.
pub(super) fn check(db: &Connection) -> rusqlite::Result<()> {
    db.execute("UPDATE fences SET last = last", []).map(drop)
}

pub(super) fn sweep(db: &Connection, now: u64) -> rusqlite::Result<()> {
    db.execute("DELETE FROM records WHERE expires_at <= ?1", [now])?;
    db.execute("DELETE FROM changes WHERE at < ?1", [now.saturating_sub(FEED)])?;
    db.execute("DELETE FROM locks WHERE until < ?1", [now.saturating_sub(FEED) * 1000])?;
    Ok(())
}

pub(super) fn backup(db: &Connection, to: &Path) -> rusqlite::Result<()> {
    let to = to.to_string_lossy();
    db.execute("VACUUM INTO ?1", [&*to]).map(drop)
}
