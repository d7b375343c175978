//! Redis (6.2 or later): one server for any number of instances.
//!
//! How durable the writes of a script are depends on the server: `appendonly yes` with `appendfsync always`
//! loses nothing; the defaults lose the most recent writes.

mod connect;
mod feed;
mod scripts;
mod values;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use oauthctl_core::{Error, Result};
use redis::{FromRedisValue, Script, ScriptInvocation, ToRedisArgs};

use super::Storage;
use super::record::{Addition, Changes, Condition, Key, Record, Removal, Space, Write, Written};
use connect::Connection;
use values::PREFIX;

/// Version of the stored data.
const VERSION: u32 = 2;

/// The store.
pub struct Redis {
    connection: Connection,
    /// A separate connection, because waiting for changes would block other commands.
    feed: Connection,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis")
    }
}

impl Redis {
    /// Connects, and checks the version of what is stored.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an invalid URL or one without TLS to another host, and `Store` if the server does not
    /// answer or holds what a newer version stored.
    pub async fn open(url: &str) -> Result<Self> {
        let connection = Connection::open(url).await?;
        let key = format!("{PREFIX}schema");
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(VERSION).arg("NX");
        connection.query::<redis::Value>(&set).await?;
        let version: u32 = connection.query(redis::cmd("GET").arg(&key)).await?;
        if version > VERSION {
            return Err(Error::store(format!(
                "the store has schema version {version}, which is newer than this program ({VERSION})"
            ))
            .hint("install the version of oauthctl-broker that wrote it, or a later one"));
        }
        let store = Self { connection, feed: Connection::open(url).await? };
        if version < VERSION {
            store.move_due().await?;
            let mut set = redis::cmd("SET");
            store.connection.query::<redis::Value>(set.arg(&key).arg(VERSION)).await?;
        }
        Ok(store)
    }

    /// Moves what instances of version 1 have scheduled.
    async fn move_due(&self) -> Result<()> {
        for space in Space::ALL {
            while self.call(&call(&scripts::MOVE_DUE, space)).await? {}
        }
        Ok(())
    }

    async fn call<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T> {
        self.connection.call(call).await
    }

    async fn records(&self, space: Space, call: &ScriptInvocation<'_>) -> Result<Vec<Record>> {
        let values: Vec<Vec<u8>> = self.call(call).await?;
        values.chunks_exact(6).map(|fields| record(space, fields)).collect()
    }
}

/// Creates a call. Its only key tells a cluster which node runs the script.
fn call(script: &'static Script, space: Space) -> ScriptInvocation<'static> {
    let mut call = script.key(PREFIX);
    call.arg(PREFIX).arg(space.number());
    call
}

fn of_key(script: &'static Script, key: &Key) -> ScriptInvocation<'static> {
    let mut call = call(script, key.space);
    call.arg(&key.tenant).arg(&key.id);
    call
}

fn named(script: &'static Script, name: &str) -> ScriptInvocation<'static> {
    let mut call = script.key(PREFIX);
    call.arg(PREFIX).arg(name);
    call
}

/// Adds the condition of a write to a call.
fn on(call: &mut ScriptInvocation<'_>, condition: Condition) {
    match condition {
        Condition::Always => call.arg("always").arg("").arg(""),
        Condition::Absent => call.arg("absent").arg("").arg(""),
        Condition::Revision(revision) => call.arg("revision").arg(revision).arg(""),
        Condition::Fence(name, fence) => call.arg("fence").arg(fence).arg(name),
    };
}

/// Adds the records that a write adds to a call.
fn add(call: &mut ScriptInvocation<'_>, also: Vec<Addition>) {
    for Addition { key, value, due_at, expires_at } in also {
        call.arg(key.space.number()).arg(key.tenant).arg(key.id);
        call.arg(value).arg(time(due_at)).arg(time(expires_at));
    }
}

/// Encodes a time for the scripts; `None` is an empty string.
fn time(seconds: Option<u64>) -> impl ToRedisArgs {
    seconds.map(|seconds| seconds.to_string()).unwrap_or_default()
}

#[async_trait]
impl Storage for Redis {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let Key { space, tenant, id } = key;
        let name = format!("{PREFIX}r:{}:{tenant}:{id}", space.number());
        let mut read = redis::cmd("HMGET");
        read.arg(name).arg(&["r", "v", "d", "e"]);
        let fields: Vec<Option<Vec<u8>>> = self.connection.query(&read).await?;
        if fields.first().is_none_or(Option::is_none) {
            return Ok(None);
        }
        let mut all = vec![tenant.clone().into_bytes(), id.clone().into_bytes()];
        all.extend(fields.into_iter().map(Option::unwrap_or_default));
        record(*space, &all).map(Some)
    }

    async fn put_with(&self, write: Write, also: Vec<Addition>) -> Result<Written> {
        let Write { key, value, due_at, expires_at, condition, removes } = write;
        let mut call = of_key(&scripts::PUT, &key);
        call.arg(value).arg(time(due_at)).arg(time(expires_at));
        call.arg(u8::from(key.space.is_watched()));
        on(&mut call, condition);
        call.arg(removes.len());
        for Removal { key, revision } in removes {
            call.arg(key.space.number()).arg(key.tenant).arg(key.id).arg(revision);
        }
        add(&mut call, also);
        let revision: u64 = self.call(&call).await?;
        Ok(if revision == 0 { Written::Refused } else { Written::Stored(revision) })
    }

    async fn delete_with(
        &self,
        key: &Key,
        condition: Condition,
        also: Vec<Addition>,
    ) -> Result<bool> {
        let mut call = of_key(&scripts::DELETE, key);
        call.arg(u8::from(key.space.is_watched()));
        on(&mut call, condition);
        add(&mut call, also);
        self.call(&call).await
    }

    async fn list(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let from = match after {
            Some(after) if after >= prefix => format!("({after}"),
            _ => format!("[{prefix}"),
        };
        let mut call = call(&scripts::LIST, space);
        // Ids are ASCII, so every id with this prefix sorts before the prefix followed by DEL.
        call.arg(tenant).arg(from).arg(format!("({prefix}\x7f")).arg(limit);
        self.records(space, &call).await
    }

    async fn scan(&self, space: Space, after: Option<&Key>, limit: usize) -> Result<Vec<Record>> {
        let from = after.map_or("-".to_owned(), |key| format!("({}\0{}", key.tenant, key.id));
        let mut call = call(&scripts::SCAN, space);
        call.arg(from).arg(limit);
        self.records(space, &call).await
    }

    async fn due_except(
        &self,
        space: Space,
        until: u64,
        except: &[String],
        limit: usize,
    ) -> Result<Vec<Record>> {
        let mut call = call(&scripts::DUE, space);
        call.arg(until).arg(limit);
        for name in except {
            call.arg(name);
        }
        self.records(space, &call).await
    }

    async fn reschedule(&self, key: &Key, from: Option<u64>, to: Option<u64>) -> Result<bool> {
        let mut call = of_key(&scripts::RESCHEDULE, key);
        call.arg(time(from)).arg(time(to));
        self.call(&call).await
    }

    async fn reseal(&self, key: &Key, old: &[u8], new: &[u8]) -> Result<bool> {
        let mut call = of_key(&scripts::RESEAL, key);
        call.arg(old).arg(new);
        self.call(&call).await
    }

    async fn count_prefixed(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<usize> {
        let mut call = call(&scripts::COUNT, space);
        call.arg(tenant).arg(prefix).arg(limit);
        self.call::<usize>(&call).await.map(|count| count.min(limit))
    }

    async fn count_due(&self, space: Space, until: u64, limit: usize) -> Result<usize> {
        let mut call = call(&scripts::COUNT_DUE, space);
        call.arg(until).arg(limit);
        self.call::<usize>(&call).await.map(|count| count.min(limit))
    }

    async fn lock(&self, name: &str, owner: &str, ttl: Duration) -> Result<Option<u64>> {
        let mut call = named(&scripts::LOCK, name);
        call.arg(owner).arg(millis(ttl));
        let fence: String = self.call(&call).await?;
        Ok(fence.parse().ok())
    }

    async fn renew(&self, name: &str, owner: &str, fence: u64, ttl: Duration) -> Result<bool> {
        let mut call = named(&scripts::RENEW, name);
        call.arg(owner).arg(fence).arg(millis(ttl));
        self.call(&call).await
    }

    async fn unlock(&self, name: &str, owner: &str, fence: u64) -> Result<()> {
        let mut call = named(&scripts::UNLOCK, name);
        call.arg(owner).arg(fence);
        self.call::<bool>(&call).await.map(drop)
    }

    async fn changes(&self, after: Option<&str>) -> Result<Changes> {
        feed::changes(&self.feed, after).await
    }

    async fn check(&self) -> Result<()> {
        let mut write = redis::cmd("SET");
        write.arg(format!("{PREFIX}check")).arg(1).arg("EX").arg(60);
        self.connection.query::<redis::Value>(&write).await.map(drop)
    }

    async fn sweep(&self) -> Result<()> {
        let mut call = scripts::SWEEP.key(PREFIX);
        call.arg(PREFIX);
        while self.call(&call).await? {}
        self.move_due().await
    }

    async fn backup(&self, _: &Path) -> Result<()> {
        Err(Error::config("a Redis store must be backed up with the tools of Redis")
            .hint("run `redis-cli`, which can save a copy of the data"))
    }
}

/// Parses a record from tenant, id, revision, value, due time and expiry.
fn record(space: Space, fields: &[Vec<u8>]) -> Result<Record> {
    let [tenant, id, revision, value, due_at, expires_at] = fields else { return Err(damaged()) };
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| damaged());
    let number = |bytes: &[u8]| text(bytes)?.parse::<u64>().map_err(|_| damaged());
    let time = |bytes: &[u8]| if bytes.is_empty() { Ok(None) } else { number(bytes).map(Some) };
    Ok(Record {
        key: Key { space, tenant: text(tenant)?, id: text(id)? },
        revision: number(revision)?,
        value: value.clone(),
        due_at: time(due_at)?,
        expires_at: time(expires_at)?,
    })
}

fn damaged() -> Error {
    Error::store("the Redis store has a damaged record")
}

fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, 86_400_000)
}
