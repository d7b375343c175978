//! The embedded store: one SQLite file with a write-ahead log, which one process serves.
//!
//! Commands such as `tenant create` open the file beside the server. The server learns of their changes
//! through the feed, because SQLite tells a connection when another one has written (`PRAGMA data_version`).

mod blocking;
mod feed;
mod queries;
mod readers;
mod schema;
mod writer;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use oauthctl_core::{Error, Result};

use super::contract::Storage;
use super::record::{Addition, Changes, Condition, Key, Record, Space, Usage, Write, Written};
use crate::clock::{now_millis, now_seconds};
use crate::private_files::{self, cannot};
use blocking::run;
use feed::Feed;
use readers::Readers;
use writer::Writer;

/// The store.
pub struct Sqlite {
    writer: Writer,
    readers: Readers,
    feed: Feed,
    /// Held as long as this process serves.
    _served: Option<File>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sqlite")
    }
}

impl Sqlite {
    /// Opens the file, creates it if it is missing, and migrates its schema.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot be opened, has the schema of a newer version, or is served by another process, and
    /// `Config` if other users can read it or write to it.
    pub async fn open(path: &Path, usage: Usage) -> Result<Self> {
        let path = path.to_owned();
        run(move || Self::open_blocking(&path, usage)).await
    }

    fn open_blocking(path: &Path, usage: Usage) -> Result<Self> {
        if let Some(parent) = path.parent() {
            private_files::create_directory(parent).map_err(|e| cannot("create", parent, &e))?;
        }
        let served = match usage {
            Usage::Serve => Some(claim(path)?),
            Usage::Administer => None,
        };
        create_private(path)?;
        for suffix in COMPANIONS {
            refuse_shared_companion(&beside(path, suffix))?;
        }
        let mut connection = schema::connect(path)?;
        schema::migrate(&mut connection)?;
        let feed = Feed::new(schema::connect(path)?);
        let readers = Readers::new(path)?;
        Ok(Self { writer: Writer::start(connection)?, readers, feed, _served: served })
    }
}

#[async_trait]
impl Storage for Sqlite {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let key = key.clone();
        self.readers.run(move |db| queries::get(db, &key, now_seconds())).await
    }

    async fn put_with(&self, write: Write, also: Vec<Addition>) -> Result<Written> {
        self.writer.run(move |db| queries::put(db, &write, &also, now_seconds())).await
    }

    async fn delete_with(
        &self,
        key: &Key,
        condition: Condition,
        also: Vec<Addition>,
    ) -> Result<bool> {
        let key = key.clone();
        self.writer.run(move |db| queries::delete(db, &key, &condition, &also, now_seconds())).await
    }

    async fn list(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        let key = Key::new(space, tenant, prefix);
        let after = after.map(str::to_owned);
        self.readers
            .run(move |db| queries::list(db, &key, after.as_deref(), limit, now_seconds()))
            .await
    }

    async fn scan(&self, space: Space, after: Option<&Key>, limit: usize) -> Result<Vec<Record>> {
        let after = after.cloned();
        self.readers
            .run(move |db| queries::scan(db, space, after.as_ref(), limit, now_seconds()))
            .await
    }

    async fn due_except(
        &self,
        space: Space,
        until: u64,
        except: &[String],
        limit: usize,
    ) -> Result<Vec<Record>> {
        let except = except.to_vec();
        self.readers
            .run(move |db| queries::due(db, space, (until, now_seconds()), &except, limit))
            .await
    }

    async fn reschedule(&self, key: &Key, from: Option<u64>, to: Option<u64>) -> Result<bool> {
        let key = key.clone();
        self.writer.run(move |db| queries::reschedule(db, &key, from, to)).await
    }

    async fn reseal(&self, key: &Key, old: &[u8], new: &[u8]) -> Result<bool> {
        let (key, old, new) = (key.clone(), old.to_owned(), new.to_owned());
        self.writer.run(move |db| queries::reseal(db, &key, &old, &new)).await
    }

    async fn count_prefixed(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<usize> {
        let first = Key::new(space, tenant, prefix);
        self.readers.run(move |db| queries::count(db, &first, limit, now_seconds())).await
    }

    async fn count_due(&self, space: Space, until: u64, limit: usize) -> Result<usize> {
        self.readers.run(move |db| queries::count_due(db, space, until, limit)).await
    }

    async fn lock(&self, name: &str, owner: &str, ttl: Duration) -> Result<Option<u64>> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.writer.run(move |db| queries::lock(db, &name, &owner, now_millis(), ttl)).await
    }

    async fn renew(&self, name: &str, owner: &str, fence: u64, ttl: Duration) -> Result<bool> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        let until = move || queries::end(now_millis(), ttl);
        self.writer.run(move |db| queries::renew(db, &name, &owner, fence, until())).await
    }

    async fn unlock(&self, name: &str, owner: &str, fence: u64) -> Result<()> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.writer.run(move |db| queries::unlock(db, &name, &owner, fence, now_millis())).await
    }

    async fn changes(&self, after: Option<&str>) -> Result<Changes> {
        self.feed.changes(after).await
    }

    async fn check(&self) -> Result<()> {
        self.writer.run(queries::check).await
    }

    async fn sweep(&self) -> Result<()> {
        self.writer.run(|db| queries::sweep(db, now_seconds())).await
    }

    async fn backup(&self, to: &Path) -> Result<()> {
        let to: PathBuf = to.to_owned();
        // SQLite writes into an empty file, but would create one that others can read.
        let mut new = private();
        new.create_new(true).open(&to).map_err(|e| cannot("create", &to, &e))?;
        let file = to.clone();
        let written = self.readers.run(move |db| queries::backup(db, &file)).await;
        if written.is_err() {
            let _ = std::fs::remove_file(&to);
        }
        written
    }
}

/// Locks the file for this process. The lock ends with the process, however that ends.
fn claim(path: &Path) -> Result<File> {
    let name = beside(path, ".lock");
    let file = private().open(&name).map_err(|e| cannot("lock", path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let what = format!("another process already serves from {}", path.display());
            Err(Error::store(what)
                .hint("stop it, or use PostgreSQL or Redis for several instances"))
        }
        Err(TryLockError::Error(error)) => Err(cannot("lock", path, &error)),
    }
}

/// What SQLite adds to the name of a database for the files that it keeps beside it.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Returns the path with this at its end.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Creates a file that is missing, and refuses one that is not private: it contains tokens.
fn create_private(path: &Path) -> Result<()> {
    let file = private().open(path).map_err(|e| cannot("open", path, &e))?;
    let metadata = file.metadata().map_err(|e| cannot("open", path, &e))?;
    private_files::refuse_shared(&metadata, path)
}

fn refuse_shared_companion(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) => private_files::refuse_shared(&metadata, path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("open", path, &error)),
    }
}

/// Opens files for reading and writing, and creates them as private to this user.
fn private() -> OpenOptions {
    let mut options = private_files::for_writing();
    options.read(true).create(true).truncate(false);
    options
}
