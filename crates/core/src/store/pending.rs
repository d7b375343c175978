//! Started authorizations in files, `pending/SLOT/NAME`, and marks of used ones, `pending.used/SLOT/NAME`.
//!
//! A state works once because only one process can create its mark. Marks are stored separately from flows
//! until the state has expired, so restored copies of old flows are useless. The time up to which marks were
//! removed is recorded, so setting the clock back does not make a used state valid again.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::expiring_dir::ExpiringDir;
use crate::advice::Advice;
use crate::digest::short_hex_sha256;
use crate::error::{Error, Result};
use crate::files::{Dir, Warnings};
use crate::port::{BoxFuture, Clock, PendingRecord, PendingStore};
use crate::time::Timestamp;

const VERSION: u32 = 1;
/// Maximum number of pending flows.
const LIMIT: u64 = 20_000;
/// Number of used states that are remembered for each pending flow.
const USED: u64 = 5;

/// Pending flows in a directory, for the processes of one user.
#[derive(Clone)]
pub struct FilePending {
    waiting: ExpiringDir,
    used: ExpiringDir,
}

impl std::fmt::Debug for FilePending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FilePending({})", self.waiting.path.display())
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
    /// Returns the flows below this directory; the marks of used states are below a directory of the same
    /// name with the suffix `.used`. Nothing is read or created until it is needed.
    pub fn open(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let (path, warnings) = (path.into(), Warnings::default());
        let mut beside = path.clone().into_os_string();
        beside.push(".used");
        let directory = |path, full, remembers| {
            let (clock, warnings) = (Arc::clone(&clock), warnings.clone());
            ExpiringDir { path, clock, limit: LIMIT, full, remembers, warnings }
        };
        let used = directory(beside.into(), too_many_used as fn(u64) -> Error, true);
        Self { waiting: directory(path, too_many_pending, false), used }.with_limit(LIMIT)
    }

    /// Sets the limit.
    #[must_use]
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.waiting.limit = limit;
        self.used.limit = limit.saturating_mul(USED);
        self
    }

    /// Returns what was repaired or skipped.
    pub fn warnings(&self) -> Warnings {
        self.waiting.warnings.clone()
    }

    async fn put_now(&self, record: &PendingRecord) -> Result<()> {
        let dir = self.waiting.room(record.expires_at).await?;
        let kept = OnDisk {
            version: VERSION,
            id: record.id.clone(),
            expires_at: record.expires_at,
            sealed: STANDARD.encode(&record.sealed),
        };
        let bytes = serde_json::to_vec(&kept).map_err(|e| Error::internal(e.to_string()))?;
        // After a power failure it may be missing. The user then starts again, and nothing is lost.
        dir.replace_lazily(&flow_file(&record.id), &bytes)
    }

    fn has_mark(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        match self.used.slot(expires_at)? {
            Some(dir) => dir.exists(&used_file(id)),
            None => Ok(false),
        }
    }

    async fn claim_now(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let Some(dir) = self.waiting.slot(expires_at)? else { return Ok(false) };
        let file = flow_file(id);
        if !dir.exists(&file)? {
            return Ok(false);
        }
        let is_ours = self.mark_now(id, expires_at).await?;
        // Only the mark counts. A flow file that stays or comes back is useless.
        if dir.remove_lazily(&file).unwrap_or(false) {
            self.waiting.count_out().await;
        }
        Ok(is_ours)
    }

    async fn mark_now(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        if self.has_mark(id, expires_at)? {
            return Ok(false);
        }
        let dir = self.used.room(expires_at).await?;
        let is_first = dir.create_new(&used_file(id), b"used\n");
        if !matches!(is_first, Ok(true)) {
            self.used.count_out().await;
        }
        is_first
    }

    /// Returns whether a sealed state is used, or may be: its mark was removed because the clock had passed
    /// its expiry, and then the clock was set back.
    fn is_used_now(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        if !self.used.has_forgotten(expires_at)? {
            return self.has_mark(id, expires_at);
        }
        self.used
            .warnings
            .push("the clock was set back: it is unknown whether this state was used".to_owned());
        Ok(true)
    }

    async fn mark_sealed(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        if self.is_used_now(id, expires_at)? {
            return Ok(false);
        }
        self.mark_now(id, expires_at).await
    }

    fn get_now(&self, id: &str, expires_at: Timestamp) -> Result<Option<PendingRecord>> {
        let Some(dir) = self.waiting.slot(expires_at)? else { return Ok(None) };
        if self.has_mark(id, expires_at)? {
            return Ok(None);
        }
        let found = read(&dir, &flow_file(id))?;
        Ok(found.filter(|record| record.id == id && record.expires_at == expires_at))
    }

    fn list_now(&self) -> Result<Vec<PendingRecord>> {
        let now = self.waiting.clock.now();
        let (mut found, mut damaged) = (Vec::new(), Vec::new());
        for dir in self.waiting.slots()? {
            for name in dir.names()?.iter().filter(|name| name.ends_with(".flow")) {
                match read(&dir, name) {
                    Ok(record) => found.extend(record.filter(|r| r.expires_at > now)),
                    Err(error) => damaged.push(error),
                }
            }
        }
        if let Some(first) = damaged.first() {
            let more = match damaged.len() {
                1 => String::new(),
                many => format!("; and {} more", many - 1),
            };
            self.waiting.warnings.push(format!("skipped: {}{more}", first.message()));
        }
        let mut waiting = Vec::new();
        for record in found {
            if !self.has_mark(&record.id, record.expires_at)? {
                waiting.push(record);
            }
        }
        waiting.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        Ok(waiting)
    }
}

fn too_many_pending(count: u64) -> Error {
    Error::store(format!("{count} authorizations are pending, which is the maximum"))
        .hint(Advice::ListPending)
}

fn too_many_used(count: u64) -> Error {
    Error::store(format!("{count} used states are recorded, which is the maximum"))
        .hint(Advice::RetryLater)
        .and_hint("each is removed when it expires")
}

fn read(dir: &Dir, name: &str) -> Result<Option<PendingRecord>> {
    let Some(bytes) = dir.read(name)? else { return Ok(None) };
    let place = dir.path_of(name);
    let damaged = || {
        Error::store(format!("`{}` is damaged", place.display()))
            .hint("remove the file")
            .and_hint(Advice::StartAgain)
    };
    let kept: OnDisk = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    if kept.version > VERSION {
        return Err(Error::store(format!("`{}` was written by a newer oauthctl", place.display()))
            .hint("complete it with the newer oauthctl"));
    }
    let sealed = STANDARD.decode(&kept.sealed).map_err(|_| damaged())?;
    if kept.version != VERSION || flow_file(&kept.id) != name {
        return Err(damaged());
    }
    Ok(Some(PendingRecord { id: kept.id, expires_at: kept.expires_at, sealed }))
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
        Box::pin(async move { self.get_now(id, expires_at) })
    }

    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.claim_now(id, expires_at))
    }

    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.mark_sealed(id, expires_at))
    }

    fn is_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.is_used_now(id, expires_at) })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>> {
        Box::pin(async move { self.list_now() })
    }
}

/// Returns the file name of an id. Ids are hashed: none leaves its directory or collides with another on
/// any file system.
fn flow_file(id: &str) -> String {
    format!("{}.flow", hashed(id))
}

fn used_file(id: &str) -> String {
    format!("{}.used", hashed(id))
}

fn hashed(id: &str) -> String {
    short_hex_sha256(&[id.as_bytes()])
}

#[cfg(test)]
mod tests;
