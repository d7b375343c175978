//! Started authorizations in files: `pending/SLOT/NAME`, where the slot is a span of time in which
//! they expire. A flow is found by its id and time, so that nothing is listed to start or to complete
//! one; what has expired goes slot by slot.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::fs::{self, Dir, Warnings};
use crate::error::{Error, Result};
use crate::port::{BoxFuture, Clock, PendingRecord, PendingStore};
use crate::time::Timestamp;

const VERSION: u32 = 1;
/// How many flows may be pending.
const LIMIT: u64 = 20_000;
/// The span of a slot, in seconds.
const SLOT: u64 = 600;
/// How long after its end a slot is left alone: clocks differ.
const GRACE: u64 = 120;
/// How many expired records one start removes. More than one, so that they get fewer.
const COLLECTED: usize = 64;
/// How long the counter is waited for.
const WAIT: Duration = Duration::from_secs(10);
const COUNT: &str = "count";

/// Pending flows in a directory, for the processes of one user.
#[derive(Clone)]
pub struct FilePending {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    limit: u64,
    warnings: Warnings,
}

impl std::fmt::Debug for FilePending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FilePending({})", self.path.display())
    }
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    version: u32,
    id: String,
    expires_at: Timestamp,
    sealed: String,
}

impl FilePending {
    /// Flows below this directory. Nothing is read or made until it is needed.
    pub fn open(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self { path: path.into(), clock, limit: LIMIT, warnings: Warnings::default() }
    }

    /// The same with another limit.
    #[must_use]
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// What was repaired or skipped on the way.
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    fn slot(&self, expires_at: Timestamp) -> Result<Option<Dir>> {
        Dir::open(&self.path.join(slot_name(expires_at)), &self.warnings)
    }

    async fn put_now(&self, record: &PendingRecord) -> Result<()> {
        let root = Dir::create(&self.path, &self.warnings)?;
        let collected = self.collect(&root)?;
        self.count_in(&root, collected).await?;
        let kept = OnDisk {
            version: VERSION,
            id: record.id.clone(),
            expires_at: record.expires_at,
            sealed: STANDARD.encode(&record.sealed),
        };
        let bytes = serde_json::to_vec(&kept).map_err(|e| Error::internal(e.to_string()))?;
        // After a power cut it may be missing: then the person starts again, and nothing is spent.
        root.make_child(&slot_name(record.expires_at))?
            .replace_lazily(&flow_file(&record.id), &bytes)
    }

    /// Counts one more, and those that are gone. What dies between counting and writing leaves the
    /// count too high, never too low; it is counted anew when the limit seems to be reached.
    async fn count_in(&self, root: &Dir, gone: u64) -> Result<()> {
        let mut counter = Counter::take(root, &*self.clock).await?;
        let mut count = counter.read().map(|count| count.saturating_sub(gone));
        if count.is_none_or(|count| count >= self.limit) {
            count = Some(self.recount(root)?);
        }
        let count = count.unwrap_or_default();
        counter.write(if count >= self.limit { count } else { count + 1 })?;
        if count >= self.limit {
            return Err(Error::store(format!(
                "{count} authorizations are pending, and no more are kept"
            ))
            .hint("complete or cancel some: `oauthctl pending list`; each expires by itself"));
        }
        Ok(())
    }

    /// One fewer. Where the counter cannot be had, it stays too high for a while.
    async fn count_out(&self) {
        let Ok(Some(root)) = Dir::open(&self.path, &self.warnings) else { return };
        if let Ok(mut counter) = Counter::take(&root, &*self.clock).await
            && let Some(count) = counter.read()
        {
            let _ = counter.write(count.saturating_sub(1));
        }
    }

    fn recount(&self, root: &Dir) -> Result<u64> {
        let mut count = 0;
        for slot in slots(root)? {
            if slot.end() + GRACE <= self.clock.now().unix() {
                self.empty(root, &slot, usize::MAX)?;
            } else if let Some(dir) = root.child(&slot.0)? {
                count += dir.names()?.len() as u64;
            }
        }
        Ok(count)
    }

    /// Removes some of what has expired, and says how many.
    fn collect(&self, root: &Dir) -> Result<u64> {
        let mut removed = 0;
        for slot in slots(root)? {
            if slot.end() + GRACE <= self.clock.now().unix() && removed < COLLECTED {
                removed += self.empty(root, &slot, COLLECTED - removed)?;
            }
        }
        Ok(removed as u64)
    }

    fn empty(&self, root: &Dir, slot: &Slot, most: usize) -> Result<usize> {
        let Some(dir) = root.child(&slot.0)? else { return Ok(0) };
        let names = dir.some_names(most)?;
        let mut removed = 0;
        for name in &names {
            // What a dead process left half-written was never counted.
            let counted = !name.starts_with('.');
            removed += usize::from(dir.remove_lazily(name)? && counted);
        }
        if names.len() < most {
            // Another process may be at the same slot: the last one removes it.
            let _ = std::fs::remove_dir(root.path_of(&slot.0));
        }
        Ok(removed)
    }

    fn read(&self, dir: &Dir, name: &str) -> Result<Option<PendingRecord>> {
        let Some(bytes) = dir.read(name)? else { return Ok(None) };
        let place = dir.path_of(name);
        let damaged = || Error::store(format!("`{}` is damaged", place.display()));
        let kept: OnDisk = serde_json::from_slice(&bytes)
            .map_err(|_| damaged().hint("it is of no use: remove it, and start again"))?;
        if kept.version > VERSION {
            return Err(Error::store(format!("a newer oauthctl wrote `{}`", place.display())));
        }
        let sealed = STANDARD.decode(&kept.sealed).map_err(|_| damaged())?;
        if flow_file(&kept.id) != name {
            return Err(damaged());
        }
        Ok(Some(PendingRecord { id: kept.id, expires_at: kept.expires_at, sealed }))
    }

    fn list_now(&self) -> Result<Vec<PendingRecord>> {
        let Some(root) = Dir::open(&self.path, &self.warnings)? else { return Ok(Vec::new()) };
        let now = self.clock.now();
        let mut found = Vec::new();
        for slot in slots(&root)? {
            let Some(dir) = root.child(&slot.0)? else { continue };
            for name in dir.names()?.iter().filter(|name| name.ends_with(".flow")) {
                match self.read(&dir, name) {
                    Ok(record) => found.extend(record.filter(|r| r.expires_at > now)),
                    Err(error) => self.warnings.push(format!("skipped: {}", error.message())),
                }
            }
        }
        found.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        Ok(found)
    }

    async fn mark_now(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let root = Dir::create(&self.path, &self.warnings)?;
        let collected = self.collect(&root)?;
        self.count_in(&root, collected).await?;
        root.make_child(&slot_name(expires_at))?.create_new(&used_file(id), b"used\n")
    }
}

impl PendingStore for FilePending {
    fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.put_now(record))
    }

    fn get<'a>(
        &'a self,
        id: &'a str,
        expires_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<PendingRecord>>> {
        Box::pin(async move {
            let Some(dir) = self.slot(expires_at)? else { return Ok(None) };
            let found = self.read(&dir, &flow_file(id))?;
            Ok(found.filter(|record| record.id == id && record.expires_at == expires_at))
        })
    }

    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let Some(dir) = self.slot(expires_at)? else { return Ok(false) };
            // The system lets exactly one process remove a name.
            let claimed = dir.remove(&flow_file(id))?;
            if claimed {
                self.count_out().await;
            }
            Ok(claimed)
        })
    }

    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.mark_now(id, expires_at))
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>> {
        Box::pin(async move { self.list_now() })
    }
}

/// The name of a slot's directory.
struct Slot(String);

impl Slot {
    /// When everything in it has expired.
    fn end(&self) -> u64 {
        self.0.parse::<u64>().map_or(u64::MAX / 2, |number| (number + 1).saturating_mul(SLOT))
    }
}

fn slots(root: &Dir) -> Result<Vec<Slot>> {
    let is_slot = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    Ok(root.names()?.into_iter().filter(is_slot).map(Slot).collect())
}

fn slot_name(expires_at: Timestamp) -> String {
    format!("{:010}", expires_at.unix() / SLOT)
}

/// Ids are hashed: no id leaves its folder, and none meets another on any file system.
fn flow_file(id: &str) -> String {
    format!("{}.flow", hashed(id))
}

fn used_file(id: &str) -> String {
    format!("{}.used", hashed(id))
}

fn hashed(id: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.as_bytes());
    digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many there are, in a file that is also the lock over it.
struct Counter(File);

impl Counter {
    async fn take(root: &Dir, clock: &dyn Clock) -> Result<Self> {
        let taken = fs::poll(clock, WAIT, || root.try_lock(COUNT)).await?;
        taken.map(Self).ok_or_else(|| {
            Error::store("the counter of pending authorizations is held by another process")
                .hint("try again; if it lasts, look for an oauthctl that hangs")
        })
    }

    fn read(&mut self) -> Option<u64> {
        let mut text = String::new();
        self.0.seek(SeekFrom::Start(0)).ok()?;
        (&mut self.0).take(32).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    fn write(&mut self, count: u64) -> Result<()> {
        let mut act = || {
            self.0.seek(SeekFrom::Start(0))?;
            // Of a fixed width: a longer one before it leaves nothing behind.
            self.0.write_all(format!("{count:020}\n").as_bytes())
        };
        act().map_err(|e| Error::store(format!("pending authorizations cannot be counted: {e}")))
    }
}

#[cfg(test)]
mod tests;
