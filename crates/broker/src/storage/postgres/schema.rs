//! The schema and its versions.

use oauthctl_core::{Error, Result};
use tokio_postgres::Client;

use super::values::failed;

/// The advisory lock under which the schema changes: "oabr".
const LOCK: i64 = 0x6f61_6272;

/// The statements that migrate the schema from each version to the next. Never change a released entry.
///
/// Names are compared byte for byte, in every locale of the server (`COLLATE "C"`).
const MIGRATIONS: &[&str] = &[r#"
    CREATE TABLE oauthctl_records (
        space smallint NOT NULL, tenant text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
        revision bigint NOT NULL, value bytea NOT NULL, due_at bigint, expires_at bigint,
        PRIMARY KEY (space, tenant, id)
    );
    CREATE INDEX oauthctl_records_due ON oauthctl_records (space, due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX oauthctl_records_expiry ON oauthctl_records (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE oauthctl_locks (
        name text COLLATE "C" PRIMARY KEY, owner text COLLATE "C" NOT NULL, fence bigint NOT NULL,
        until timestamptz NOT NULL
    );
    CREATE SEQUENCE oauthctl_fences;
    CREATE TABLE oauthctl_changes (
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(), at timestamptz NOT NULL DEFAULT clock_timestamp(),
        space smallint NOT NULL, tenant text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL
    );
    CREATE INDEX oauthctl_changes_xid ON oauthctl_changes (xid);
    CREATE TABLE oauthctl_feed (epoch uuid NOT NULL, swept xid8 NOT NULL);
    INSERT INTO oauthctl_feed VALUES (gen_random_uuid(), '0');
"#];

/// Migrates the schema to the current version. Instances that start at the same time wait for the first.
///
/// # Errors
///
/// Returns `Store` for the schema of a newer version, and if the role may not change the schema.
pub(super) async fn migrate(client: &mut Client) -> Result<()> {
    let transaction = client.transaction().await.map_err(|e| failed(&e))?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await
        .map_err(|e| failed(&e))?;
    transaction
        .batch_execute(
            "SET LOCAL client_min_messages = warning;
             CREATE TABLE IF NOT EXISTS oauthctl_schema (version integer NOT NULL)",
        )
        .await
        .map_err(|e| failed(&e))?;
    let row = transaction
        .query_one("SELECT coalesce(max(version), 0) FROM oauthctl_schema", &[])
        .await
        .map_err(|e| failed(&e))?;
    let version: i32 = row.get(0);
    let Some(missing) = usize::try_from(version).ok().and_then(|from| MIGRATIONS.get(from..))
    else {
        return Err(Error::store(format!(
            "the store has schema version {version}, which is newer than this program ({})",
            MIGRATIONS.len()
        ))
        .hint("install the version of oauthctl-broker that wrote it, or a later one"));
    };
    for step in missing {
        transaction.batch_execute(step).await.map_err(|e| failed(&e))?;
    }
    if !missing.is_empty() {
        let latest = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
        transaction.execute("DELETE FROM oauthctl_schema", &[]).await.map_err(|e| failed(&e))?;
        transaction
            .execute("INSERT INTO oauthctl_schema VALUES ($1)", &[&latest])
            .await
            .map_err(|e| failed(&e))?;
    }
    transaction.commit().await.map_err(|e| failed(&e))
}
