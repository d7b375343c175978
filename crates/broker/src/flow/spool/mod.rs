//! Tokens that a provider has issued but that are not stored yet.
//!
//! A rotated refresh token exists nowhere else. It is kept in memory and in an encrypted file until it is
//! stored, by this process or by the next one that finds the file. Until then, the connection is unavailable
//! in this process, because its stored refresh token is spent. A stored grant is replaced only by a later
//! generation of itself. A connection whose file cannot be decrypted is unavailable too, until it can be or
//! the operator removes the file.

mod files;
mod settle;

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauthctl_core::grant::Intent;
use oauthctl_core::{Error, Grant, Result};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use self::files::Files;
use super::place::Place;
use crate::cache::Caches;
use crate::keys::random_text;
use crate::metrics::METRICS;
use crate::storage::Key;
use crate::vault::Vault;

/// Pause between two attempts to store tokens.
const PAUSE: Duration = Duration::from_millis(250);

/// The number of these pauses after which files that could not be decrypted are tried again.
const AGAIN: u64 = 20;

/// How long callers wait for tokens that are being stored. The store ends a slow statement after this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// An intent to spend a refresh token, and the instance that left it.
#[derive(Serialize, Deserialize)]
pub(super) struct Left {
    pub(super) owner: String,
    pub(super) intent: Intent,
}

/// A grant that waits to be stored.
#[derive(Clone)]
struct Kept {
    grant: Grant,
    /// The files that contain it, or an earlier generation of it.
    files: Vec<PathBuf>,
    is_written: bool,
    /// The store has failed to accept it so far.
    is_refused: bool,
}

/// The outcome for a grant that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is stored.
    Stored,
    /// A later generation is stored.
    Overtaken,
    /// Its connection has ended. Its tokens will be revoked.
    Ended,
}

/// The grants that wait to be stored.
pub struct Spool {
    vault: Arc<Vault>,
    caches: Arc<Caches>,
    files: Files,
    /// Distinguishes the files of processes that share a folder.
    process: String,
    kept: Mutex<HashMap<Key, Kept>>,
    /// Wakes those who wait for a grant that is being stored.
    changed: Notify,
    /// The files that cannot be decrypted, each with the record that it names if that is readable.
    unopened: Mutex<HashMap<PathBuf, Option<Key>>>,
}

impl Spool {
    /// Creates the spool of this process, with its files in this folder.
    ///
    /// # Errors
    ///
    /// Returns `Internal` if the random number generator fails.
    pub fn new(vault: Arc<Vault>, caches: Arc<Caches>, folder: PathBuf) -> Result<Self> {
        let process = random_text()?[..12].to_owned();
        let files = Files::new(folder);
        let (kept, unopened) = (Mutex::default(), Mutex::default());
        Ok(Self { vault, caches, files, process, kept, changed: Notify::new(), unopened })
    }

    /// Loads the files that earlier processes left. A file that cannot be decrypted is kept, and its connection
    /// is unavailable.
    pub async fn load(&self) {
        let files = self.files.clone();
        let paths = tokio::task::spawn_blocking(move || files.all()).await.unwrap_or_default();
        for path in paths {
            self.load_file(path).await;
        }
    }

    async fn load_file(&self, path: PathBuf) {
        let (file, shown) = (path.clone(), path.display().to_string());
        let read = tokio::task::spawn_blocking(move || files::read(&file)).await;
        let read = read.unwrap_or_else(|_| Err(Error::store("the file could not be read")));
        let record = read.as_ref().ok().map(|(record, _)| record.clone());
        let opened = match read {
            Ok((record, sealed)) => self.open(record, &sealed).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok((record, grant)) => {
                tracing::warn!(
                    tenant = record.tenant,
                    grant_id = grant.id,
                    "found tokens that were not stored yet"
                );
                self.insert(&record, &grant, Some(path.clone()));
                self.change_unopened(|unopened| unopened.remove(&path));
            }
            Err(error) => {
                let tenant = record.as_ref().map(|record| record.tenant.as_str());
                let is_new = self
                    .change_unopened(|unopened| unopened.insert(path.clone(), record.clone()))
                    .is_none();
                if is_new {
                    tracing::error!(
                        tenant,
                        file = shown,
                        reason = error.message_to_keep(),
                        "a token file cannot be opened, and its connection is unavailable"
                    );
                }
            }
        }
    }

    /// Updates the list of files that cannot be decrypted, and the metric that counts them.
    fn change_unopened<T>(
        &self,
        change: impl FnOnce(&mut HashMap<PathBuf, Option<Key>>) -> T,
    ) -> T {
        let mut unopened = self.unopened.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut unopened);
        METRICS.set_unopened(unopened.len());
        changed
    }

    /// Retries the files that could not be decrypted. A file that the operator has removed is forgotten.
    async fn retry(&self) {
        let paths = self.change_unopened(|unopened| unopened.keys().cloned().collect::<Vec<_>>());
        for path in paths {
            let file = path.clone();
            let exists = tokio::task::spawn_blocking(move || file.try_exists()).await;
            match exists {
                Ok(Ok(false)) => {
                    let file = path.display().to_string();
                    tracing::warn!(
                        file,
                        "a token file was removed, and its connection is available"
                    );
                    self.change_unopened(|unopened| unopened.remove(&path));
                }
                _ => self.load_file(path).await,
            }
        }
    }

    async fn open(&self, record: Key, sealed: &[u8]) -> Result<(Key, Grant)> {
        let grant: Grant = self.vault.unseal_file(&sealed_as(&record), sealed).await?;
        match Place::of(&grant.key).grant(&self.vault) == record {
            true => Ok((record, grant)),
            false => Err(Error::store("the file belongs to another connection")),
        }
    }

    /// Stores waiting tokens whenever the store is available, until the process ends.
    pub async fn run(&self) {
        for round in 1_u64.. {
            tokio::time::sleep(PAUSE).await;
            if round % AGAIN == 0 {
                self.retry().await;
            }
            let waiting: Vec<(Key, Grant)> = {
                let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.iter().map(|(record, kept)| (record.clone(), kept.grant.clone())).collect()
            };
            for (record, grant) in waiting {
                let Ok(settled) = self.settle(&record, &grant).await else {
                    self.refuse_all();
                    break;
                };
                self.forget(&record, grant.generation).await;
                tracing::warn!(
                    tenant = record.tenant,
                    grant_id = grant.id,
                    outcome = ?settled,
                    "tokens that were not stored yet are settled"
                );
            }
        }
    }

    /// Waits some seconds for tokens of this record that are being stored. Returns whether no tokens of it wait any more:
    /// at once if the store has failed to accept them, or if they are in a file that cannot be decrypted.
    pub(super) async fn is_settled(&self, record: &Key) -> bool {
        let until = Instant::now() + PATIENCE;
        while self.has(record) {
            let mut changed = pin!(self.changed.notified());
            // From here on, no change is missed.
            changed.as_mut().enable();
            if self.has(record)
                && (!self.is_being_stored(record) || timeout_at(until, changed).await.is_err())
            {
                return false;
            }
        }
        true
    }

    fn is_being_stored(&self, record: &Key) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(record).is_some_and(|kept| !kept.is_refused)
    }

    /// Notes that the store fails: nobody waits for it.
    fn refuse_all(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values_mut().for_each(|kept| kept.is_refused = true);
        drop(kept);
        self.changed.notify_waiters();
    }

    /// Keeps a grant that the store has failed to accept.
    pub(super) async fn keep_refused(&self, record: &Key, grant: &Grant) {
        self.keep(record, grant).await;
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = kept.get_mut(record) {
                kept.is_refused |= kept.grant.generation == grant.generation;
            }
        }
        self.changed.notify_waiters();
    }

    /// Returns whether tokens of this record wait to be stored, or may be in a file that cannot be decrypted.
    fn has(&self, record: &Key) -> bool {
        let is_kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains_key(record);
        let unopened = self.unopened.lock().unwrap_or_else(PoisonError::into_inner);
        is_kept || unopened.values().flatten().any(|found| found == record)
    }

    /// Returns whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Returns whether all waiting tokens are in files.
    pub fn is_durable(&self) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values().all(|kept| kept.is_written)
    }

    /// Keeps a grant in memory and in a file. If the file cannot be written, it is kept in memory only.
    pub(super) async fn keep(&self, record: &Key, grant: &Grant) {
        if !self.insert(record, grant, None) {
            return;
        }
        self.caches.forget(record);
        match self.write(record, grant).await {
            Ok(path) => {
                self.insert(record, grant, Some(path));
            }
            Err(error) => tracing::error!(
                tenant = record.tenant,
                grant_id = grant.id,
                reason = error.message_to_keep(),
                "new tokens are only in memory"
            ),
        }
    }

    async fn write(&self, record: &Key, grant: &Grant) -> Result<PathBuf> {
        let key = sealed_as(record);
        let sealed = self.vault.seal(&key, grant)?;
        let name = self.vault.names().hashed("spool", &[&record.tenant, &record.id]);
        let path = self.files.path(&format!("{name}-{}", self.process));
        let (files, record, to) = (self.files.clone(), record.clone(), path.clone());
        let work = tokio::task::spawn_blocking(move || files.write(&to, &record, &sealed));
        work.await.map_err(|_| Error::store("the file could not be written"))??;
        Ok(path)
    }

    /// Adds a grant and its file. Returns whether it is the latest generation that is known.
    fn insert(&self, record: &Key, grant: &Grant, file: Option<PathBuf>) -> bool {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_written = file.is_some();
        let Some(kept) = all.get_mut(record) else {
            let files = file.into_iter().collect();
            all.insert(
                record.clone(),
                Kept { grant: grant.clone(), files, is_written, is_refused: false },
            );
            return true;
        };
        kept.files.extend(file.filter(|file| !kept.files.contains(file)));
        let is_later = grant.generation >= kept.grant.generation;
        if is_later {
            kept.is_refused &= grant.generation == kept.grant.generation;
            kept.grant = grant.clone();
            kept.is_written = is_written;
        }
        is_later
    }

    /// Forgets a grant that is stored or obsolete, unless a later generation waits.
    pub(super) async fn forget(&self, record: &Key, generation: u64) {
        let removed = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.get(record) {
                Some(found) if found.grant.generation <= generation => kept.remove(record),
                _ => None,
            }
        };
        let Some(Kept { files, .. }) = removed else { return };
        self.changed.notify_waiters();
        let work = tokio::task::spawn_blocking(move || {
            files.iter().filter_map(|file| files::remove(file).err()).next()
        });
        if let Ok(Some(error)) = work.await {
            // The next process finds the file, and that its generation is stored.
            tracing::warn!(reason = error.message_to_keep(), "a token file was not removed");
        }
    }
}

/// Returns the key under which the grant of a record is encrypted in a file, so that neither value can
/// replace the other.
fn sealed_as(record: &Key) -> Key {
    Key { id: format!("spool {}", record.id), ..record.clone() }
}
