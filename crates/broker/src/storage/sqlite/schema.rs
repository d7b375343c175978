//! The schema and its versions.

use std::path::Path;
use std::time::Duration;

use oauthctl_core::{Error, Result};
use rusqlite::{Connection, TransactionBehavior};

use super::blocking::failed;

/// "oabr": marks a file as one of the broker.
const APPLICATION_ID: i32 = 0x6f61_6272;

/// The statements that migrate the schema from each version to the next. Never change a released entry.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE records (
        space INTEGER NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL,
        value BLOB NOT NULL, due_at INTEGER, expires_at INTEGER,
        PRIMARY KEY (space, tenant, id)
    );
    CREATE INDEX records_due ON records (space, due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE locks (
        name TEXT PRIMARY KEY, owner TEXT NOT NULL, fence INTEGER NOT NULL, until INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE fences (last INTEGER NOT NULL);
    INSERT INTO fences VALUES (0);
    CREATE TABLE changes (
        position INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
        space INTEGER NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL
    );
"];

/// How long a statement waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(5);

/// Opens a connection with the settings that all connections have.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    let db = Connection::open(path).map_err(|e| failed(&e))?;
    db.busy_timeout(BUSY).map_err(|e| failed(&e))?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -2048; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
    )
    .map_err(|e| failed(&e))?;
    Ok(db)
}

/// Migrates the schema to the current version.
///
/// # Errors
///
/// Returns `Store` for a file of another program, or of a newer version.
pub(super) fn migrate(db: &mut Connection) -> Result<()> {
    let transaction =
        db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| failed(&e))?;
    let number = |name: &str| {
        transaction
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|e| failed(&e))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let is_new = application == 0 && version == 0 && number("schema_version")? == 0;
    if !is_new && application != i64::from(APPLICATION_ID) {
        return Err(Error::store("the file is a database of another program")
            .hint("set `store` to another path"));
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(missing) = MIGRATIONS.get(version..) else {
        return Err(Error::store(format!(
            "the store has schema version {version}, which is newer than this program ({})",
            MIGRATIONS.len()
        ))
        .hint("install the version of oauthctl-broker that wrote it, or a later one"));
    };
    for step in missing {
        transaction.execute_batch(step).map_err(|e| failed(&e))?;
    }
    let latest = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(|e| failed(&e))?;
    transaction.pragma_update(None, "user_version", latest).map_err(|e| failed(&e))?;
    transaction.commit().map_err(|e| failed(&e))
}
