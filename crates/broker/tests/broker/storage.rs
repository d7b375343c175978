//! The contract of `Storage`, for every backend.

mod feed;
mod locks;
mod records;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use oauthctl_broker::storage::{
    Condition, Key, Location, Removal, Space, Storage, Usage, Write, Written, open,
};
use oauthctl_core::ErrorKind;

use crate::databases;
use feed::*;
use locks::*;
use records::*;

const MINUTE: Duration = Duration::from_secs(60);

fn now() -> u64 {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    now.as_secs()
}

fn key(id: &str) -> Key {
    Key::new(Space::Grants, "acme", id)
}

fn write(key: &Key, value: &[u8]) -> Write {
    Write::new(key.clone(), value.to_vec(), Condition::Always)
}

fn on(key: &Key, value: &[u8], condition: Condition) -> Write {
    Write { condition, ..write(key, value) }
}

async fn value(store: &dyn Storage, key: &Key) -> Option<Vec<u8>> {
    store.get(key).await.unwrap().map(|record| record.value)
}

fn ids(records: &[oauthctl_broker::storage::Record]) -> Vec<&str> {
    records.iter().map(|record| record.key.id.as_str()).collect()
}

/// A place for a store, and what keeps it there.
struct Home(Location, Option<tempfile::TempDir>);

impl Home {
    async fn open(&self) -> Arc<dyn Storage> {
        open(&self.0, Usage::Administer).await.unwrap()
    }
}

async fn sqlite() -> Home {
    let directory = tempfile::tempdir().unwrap();
    Home(Location::parse("sqlite:broker.db", directory.path()).unwrap(), Some(directory))
}

async fn postgres() -> Home {
    Home(Location::parse(&databases::postgres().await, "/".as_ref()).unwrap(), None)
}

async fn redis() -> Home {
    Home(Location::parse(&databases::redis().await, "/".as_ref()).unwrap(), None)
}

/// Runs each of these for each backend.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod sqlite { contract!(@tests sqlite: $($name),*); }
        mod postgres { contract!(@tests postgres: $($name),*); }
        mod redis { contract!(@tests redis: $($name),*); }
    };
    (@tests $backend:ident: $($name:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let home = super::$backend().await;
                super::$name(&home).await;
                drop(home.1);
            }
        )*
    };
}

contract! {
    a_record_is_read_back_as_it_was_written,
    a_value_may_be_any_bytes,
    names_are_compared_byte_for_byte,
    a_write_on_absence_happens_once,
    a_write_on_a_revision_needs_it,
    one_of_many_writers_of_a_revision_wins,
    an_expired_record_does_not_exist,
    a_removed_record_is_gone_everywhere,
    a_list_is_ordered_and_continues,
    a_list_passes_over_what_has_expired,
    a_scan_covers_all_tenants_in_order,
    the_earliest_due_comes_first,
    due_records_of_others_are_found_alone,
    one_of_many_claims_a_due_record,
    a_value_is_resealed_only_if_unchanged,
    a_count_stops_at_its_limit,
    a_lock_has_one_holder,
    a_fence_grows_with_every_lock,
    a_lock_ends_with_its_time,
    a_lost_lock_is_not_renewed,
    a_late_writer_is_refused,
    additions_are_stored_with_their_write_only,
    removals_happen_with_their_write_only,
    changes_name_what_others_wrote,
    concurrent_changes_are_all_reported,
    an_unknown_position_is_incomplete,
    a_sweep_keeps_what_lives,
    a_check_passes,
}

/// Runs `count` of these at once, over two openings of the store, and returns what they returned.
async fn at_once<T, F>(
    home: &Home,
    count: usize,
    work: impl Fn(Arc<dyn Storage>, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let stores = [home.open().await, home.open().await];
    let tasks = (0..count).map(|n| tokio::spawn(work(Arc::clone(&stores[n % 2]), n)));
    let mut all = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        all.push(task.await.unwrap());
    }
    all
}

async fn a_sweep_keeps_what_lives(home: &Home) {
    let store = home.open().await;
    for n in 0..1500 {
        let expires_at = Some(if n % 2 == 0 { now() - 1 } else { now() + 3600 });
        store.put(Write { expires_at, ..write(&key(&n.to_string()), b"x") }).await.unwrap();
    }
    let fence = store.lock("g", "a", MINUTE).await.unwrap().unwrap();
    store.sweep().await.unwrap();
    assert_eq!(store.count(Space::Grants, "acme", 9999).await.unwrap(), 750);
    assert_eq!(store.list(Space::Grants, "acme", "", None, 9999).await.unwrap().len(), 750);
    assert!(store.renew("g", "a", fence, MINUTE).await.unwrap());
}

async fn a_check_passes(home: &Home) {
    home.open().await.check().await.unwrap();
}

/// Writes many due messages of five tenants and a later one of another tenant, as version 1 of Redis stores did.
const BACKLOG: &str = r"
local P = '{oauthctl}:'
local function write(tenant, id, due)
    redis.call('HSET', P .. 'r:14:' .. tenant .. ':' .. id, 'r', 1, 'v', 'x', 'd', due, 'e', '')
    redis.call('ZADD', P .. 'i:14:' .. tenant, 0, id)
    redis.call('ZADD', P .. 'a:14', 0, tenant .. '\0' .. id)
    redis.call('ZADD', P .. 'd:14', due, tenant .. '\0' .. id)
end
for n = ARGV[1] + 1, ARGV[1] + 2200 do
    for tenant = 1, 5 do write('t' .. tenant, 'w/c/' .. n, 1000 + n) end
end
write('last', 'w/c/1', 900000)
redis.call('SET', P .. 'schema', 1)
";

#[tokio::test]
async fn backlog_of_many_tenants_hides_no_other_in_redis() {
    let server = databases::Own::start("redis").await;
    let client = ::redis::Client::open(server.url.as_str()).unwrap();
    let patience = ::redis::AsyncConnectionConfig::new().set_response_timeout(Some(MINUTE));
    let connection = client.get_multiplexed_async_connection_with_config(&patience).await;
    let mut connection = connection.unwrap();
    for from in (0..22_000).step_by(2_200) {
        let mut write = ::redis::cmd("EVAL");
        write.arg(BACKLOG).arg(0).arg(from).exec_async(&mut connection).await.unwrap();
    }
    let home = Home(Location::parse(&server.url, "/".as_ref()).unwrap(), None);
    let store = home.open().await;
    let due = async |except: &[String]| {
        store.due_except(Space::Deliveries, 1_000_000, except, 256).await.unwrap()
    };
    let count = store.count_due(Space::Deliveries, 1_000_000, 200_000).await.unwrap();
    assert_eq!(count, 110_001);
    let all = due(&[]).await;
    assert_eq!(all.len(), 256);
    assert!(all.iter().all(|record| record.due_at <= Some(1_052)), "{:?}", all.last());
    let full: Vec<String> = (1..=5).map(|n| format!("t{n}")).collect();
    let others = due(&full).await;
    assert_eq!(
        others.iter().map(|record| record.key.tenant.as_str()).collect::<Vec<_>>(),
        ["last"]
    );
    let servers = full.iter().map(|tenant| format!("{tenant}/w")).collect::<Vec<_>>();
    assert_eq!(due(&servers).await, others);
    // What an instance of the earlier version adds is found after the next sweep.
    let added = r"
        redis.call('HSET', '{oauthctl}:r:14:old:w/c/1', 'r', 1, 'v', 'x', 'd', 5, 'e', '')
        redis.call('ZADD', '{oauthctl}:d:14', 5, 'old\0w/c/1')
    ";
    ::redis::cmd("EVAL").arg(added).arg(0).exec_async(&mut connection).await.unwrap();
    store.sweep().await.unwrap();
    assert_eq!(due(&[]).await[0].key.tenant, "old");
}

#[test]
fn store_on_another_host_needs_tls() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for url in [
        "redis://:secret-word@redis.example/0",
        "redis://10.0.0.1/",
        "rediss://redis.example/#insecure",
        "postgres://me:secret-word@db.example/x?sslmode=disable",
        "postgres://me:secret-word@db.example,127.0.0.1/x?sslmode=disable",
        "postgres://[",
        "redis://",
    ] {
        let place = Location::parse(url, "/".as_ref()).unwrap();
        let error = runtime.block_on(open(&place, Usage::Serve)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config, "{url}: {error}");
        let shown = format!("{error} {error:?} {place:?}");
        assert!(!shown.contains("secret-word"), "{shown}");
    }
}

/// Each of these statements takes a while, and all together longer than one may.
#[tokio::test]
async fn transaction_of_slow_statements_is_not_silent() {
    let url = databases::postgres().await;
    let home = Home(Location::parse(&url, "/".as_ref()).unwrap(), None);
    let store = home.open().await;
    let waiting = |n: usize| Key::new(Space::Unconfirmed, "acme", n.to_string());
    for n in 0..3 {
        store.put(write(&waiting(n), b"x")).await.unwrap();
    }
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
                'BEGIN PERFORM pg_sleep(4.5); RETURN OLD; END'; \
                CREATE TRIGGER slow BEFORE DELETE ON oauthctl_records \
                FOR EACH ROW EXECUTE FUNCTION slow()";
    client.batch_execute(slow).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let removes = (0..3).map(|n| Removal { key: waiting(n), revision: 1 }).collect();
    let written = store.put(Write { removes, ..write(&key("a"), b"z") }).await.unwrap();
    assert_eq!(written, Written::Stored(1));
    assert_eq!(value(&*store, &key("a")).await.unwrap(), b"z");
}

/// The schema of the store was set to a version that this program does not know.
async fn is_refused_as_newer(home: &Home) {
    let Err(error) = open(&home.0, Usage::Administer).await else { panic!("it was opened") };
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert!(error.message().contains("has schema version 99, which is newer"), "{error}");
}

#[tokio::test]
async fn newer_schema_is_refused_by_sqlite() {
    let home = sqlite().await;
    drop(home.open().await);
    let file = home.1.as_ref().unwrap().path().join("broker.db");
    rusqlite::Connection::open(file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    is_refused_as_newer(&home).await;
}

#[tokio::test]
async fn newer_schema_is_refused_by_postgres() {
    let url = databases::postgres().await;
    let home = Home(Location::parse(&url, "/".as_ref()).unwrap(), None);
    drop(home.open().await);
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("UPDATE oauthctl_schema SET version = 99").await.unwrap();
    is_refused_as_newer(&home).await;
}

#[tokio::test]
async fn newer_schema_is_refused_by_redis() {
    let server = databases::Own::start("redis").await;
    let home = Home(Location::parse(&server.url, "/".as_ref()).unwrap(), None);
    drop(home.open().await);
    let client = ::redis::Client::open(server.url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut set = ::redis::cmd("SET");
    set.arg("{oauthctl}:schema").arg(99).exec_async(&mut connection).await.unwrap();
    is_refused_as_newer(&home).await;
}
