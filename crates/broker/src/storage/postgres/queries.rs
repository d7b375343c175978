//! The statements. All instances use the clock of the server.

use oauthctl_core::{Error, Result};
use tokio_postgres::Row;

use super::super::record::{Key, Record, Space};
use super::values::unsigned;

/// The current time, in Unix seconds.
macro_rules! now {
    () => {
        "extract(epoch FROM clock_timestamp())::bigint"
    };
}

/// The columns of a [`record`].
macro_rules! columns {
    () => {
        "space, tenant, id, revision, value, due_at, expires_at"
    };
}

/// The condition that a record exists: it has not expired.
macro_rules! lives {
    () => {
        concat!("(expires_at IS NULL OR expires_at > ", now!(), ")")
    };
}

/// Records what was written in the feed, inserts the additions, and returns the revision.
macro_rules! noted {
    ($watched:literal, $also:expr) => {
        concat!(
            "n AS (INSERT INTO oauthctl_changes (space, tenant, id) SELECT $1, $2, $3 FROM w WHERE ",
            $watched,
            "), a AS (INSERT INTO oauthctl_records (",
            columns!(),
            ") SELECT u.space, u.tenant, u.id, 1, u.value, u.due_at, u.expires_at FROM w, unnest(",
            $also,
            ") AS u (space, tenant, id, value, due_at, expires_at) ON CONFLICT DO NOTHING)",
            " SELECT revision FROM w"
        )
    };
}

/// The columns of the additions to a write, as arrays.
macro_rules! put_also {
    () => {
        "$8::smallint[], $9::text[], $10::text[], $11::bytea[], $12::bigint[], $13::bigint[]"
    };
}

/// The columns of the additions to a removal, as arrays.
macro_rules! delete_also {
    () => {
        "$5::smallint[], $6::text[], $7::text[], $8::bytea[], $9::bigint[], $10::bigint[]"
    };
}

/// Overwrites an existing record.
macro_rules! replace {
    () => {
        "ON CONFLICT (space, tenant, id) DO UPDATE SET revision = r.revision + 1, value = EXCLUDED.value, \
         due_at = EXCLUDED.due_at, expires_at = EXCLUDED.expires_at"
    };
}

/// The fencing token of the last lock. It cannot change before the statement has ended.
macro_rules! last_fence {
    ($name:literal) => {
        concat!(
            "l AS MATERIALIZED (SELECT fence FROM oauthctl_locks WHERE name = ",
            $name,
            " FOR SHARE), "
        )
    };
}

pub(super) const GET: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM oauthctl_records WHERE space = $1 AND tenant = $2 AND id = $3 AND ",
    lives!()
);

pub(super) const PUT: &str = concat!(
    "WITH w AS (INSERT INTO oauthctl_records AS r (",
    columns!(),
    ") VALUES ($1, $2, $3, 1, $4, $5, $6) ",
    replace!(),
    " RETURNING revision), ",
    noted!("$7", put_also!())
);

pub(super) const PUT_ABSENT: &str = concat!(
    "WITH w AS (INSERT INTO oauthctl_records AS r (",
    columns!(),
    ") VALUES ($1, $2, $3, 1, $4, $5, $6) ",
    replace!(),
    " WHERE r.expires_at <= ",
    now!(),
    " RETURNING revision), ",
    noted!("$7", put_also!())
);

pub(super) const PUT_REVISION: &str = concat!(
    "WITH w AS (UPDATE oauthctl_records SET revision = revision + 1, value = $4, due_at = $5, expires_at = $6 \
     WHERE space = $1 AND tenant = $2 AND id = $3 AND revision = $14 AND ",
    lives!(),
    " RETURNING revision), ",
    noted!("$7", put_also!())
);

pub(super) const PUT_FENCED: &str = concat!(
    "WITH ",
    last_fence!("$14"),
    "w AS (INSERT INTO oauthctl_records AS r (",
    columns!(),
    ") SELECT $1, $2, $3, 1, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM l WHERE fence > $15) ",
    replace!(),
    " RETURNING revision), ",
    noted!("$7", put_also!())
);

pub(super) const DELETE: &str = concat!(
    "WITH w AS (DELETE FROM oauthctl_records WHERE space = $1 AND tenant = $2 AND id = $3 AND ",
    lives!(),
    " RETURNING revision), ",
    noted!("$4", delete_also!())
);

pub(super) const DELETE_REVISION: &str = concat!(
    "WITH w AS (DELETE FROM oauthctl_records WHERE space = $1 AND tenant = $2 AND id = $3 AND revision = $11 AND ",
    lives!(),
    " RETURNING revision), ",
    noted!("$4", delete_also!())
);

pub(super) const DELETE_FENCED: &str = concat!(
    "WITH ",
    last_fence!("$11"),
    "w AS (DELETE FROM oauthctl_records WHERE space = $1 AND tenant = $2 AND id = $3 \
     AND NOT EXISTS (SELECT 1 FROM l WHERE fence > $12) AND ",
    lives!(),
    " RETURNING revision), ",
    noted!("$4", delete_also!())
);

pub(super) const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM oauthctl_records WHERE space = $1 AND tenant = $2 AND id >= $3 AND id < $4 AND id > $5 AND ",
    lives!(),
    " ORDER BY id LIMIT $6"
);

pub(super) const SCAN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM oauthctl_records WHERE space = $1 AND (tenant, id) > ($2, $3) AND ",
    lives!(),
    " ORDER BY tenant, id LIMIT $4"
);

pub(super) const DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM oauthctl_records WHERE space = $1 AND due_at <= $2 AND tenant <> ALL ($4::text[]) \
     AND tenant || '/' || split_part(id, '/', 1) <> ALL ($4::text[]) AND ",
    lives!(),
    " ORDER BY due_at LIMIT $3"
);

pub(super) const RESCHEDULE: &str = "UPDATE oauthctl_records SET due_at = $5 WHERE space = $1 AND tenant = $2 \
     AND id = $3 AND due_at IS NOT DISTINCT FROM $4 RETURNING 1";

pub(super) const RESEAL: &str = "UPDATE oauthctl_records SET value = $5 WHERE space = $1 AND tenant = $2 \
     AND id = $3 AND value = $4 RETURNING 1";

pub(super) const COUNT: &str = concat!(
    "SELECT count(*) FROM (SELECT 1 FROM oauthctl_records WHERE space = $1 AND tenant = $2 \
     AND id >= $3 AND id < $4 AND ",
    lives!(),
    " LIMIT $5) AS counted"
);

pub(super) const COUNT_DUE: &str = "SELECT count(*) FROM (SELECT 1 FROM oauthctl_records \
     WHERE space = $1 AND due_at <= $2 LIMIT $3) AS counted";

pub(super) const LOCK: &str = "INSERT INTO oauthctl_locks AS l (name, owner, fence, until) \
     VALUES ($1, $2, nextval('oauthctl_fences'), clock_timestamp() + $3::bigint * interval '1 millisecond') \
     ON CONFLICT (name) DO UPDATE SET owner = EXCLUDED.owner, fence = greatest(EXCLUDED.fence, l.fence + 1), \
     until = EXCLUDED.until WHERE l.until <= clock_timestamp() OR l.owner = EXCLUDED.owner RETURNING fence";

pub(super) const RENEW: &str = "UPDATE oauthctl_locks SET until = clock_timestamp() + $4::bigint * interval '1 millisecond' \
     WHERE name = $1 AND owner = $2 AND fence = $3 RETURNING 1";

/// The row of a lock is kept for a while: it tells a late writer that its lock has ended.
pub(super) const UNLOCK: &str = "UPDATE oauthctl_locks SET owner = '', until = clock_timestamp() \
     WHERE name = $1 AND owner = $2 AND fence = $3";

/// Writes something, to detect a server that has become read-only.
pub(super) const CHECK: &str = "UPDATE oauthctl_schema SET version = version";

pub(super) const SWEEP_RECORDS: &str =
    concat!("DELETE FROM oauthctl_records WHERE expires_at <= ", now!());

pub(super) const SWEEP_LOCKS: &str =
    "DELETE FROM oauthctl_locks WHERE until < clock_timestamp() - interval '10 minutes'";

pub(super) fn record(row: &Row) -> Result<Record> {
    let space = u8::try_from(row.get::<_, i16>(0)).ok().and_then(Space::of_number);
    let space = space
        .ok_or_else(|| Error::store("the PostgreSQL store has a record of an unknown kind"))?;
    Ok(Record {
        key: Key { space, tenant: row.get(1), id: row.get(2) },
        revision: unsigned(row.get(3)),
        value: row.get(4),
        due_at: row.get::<_, Option<i64>>(5).map(unsigned),
        expires_at: row.get::<_, Option<i64>>(6).map(unsigned),
    })
}
