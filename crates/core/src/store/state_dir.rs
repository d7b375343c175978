//! The state directory: locks between processes, requests that were about to be sent, and the index of
//! accounts. It contains no secrets.
//!
//! The entries of one profile are a directory: finding out whether it has one account, or one of a given
//! name, takes the same time however many there are, of this profile or of others.
//!
//! A lock is a kernel lock on a separate file that is never replaced: it ends with its holder, however that
//! ends. The file of a grant's lock also records what its holder was about to send. The record is written
//! in place and is smaller than a disk sector, so that it is complete or absent, and one wait for the disk
//! makes it durable.

mod grant_lock;
mod layout;
mod versioned;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::grant_lock::GrantLock;
use self::layout::{ACCOUNTS, LOCKS};
use self::versioned::{VERSION, Versioned};
use super::{at_once, busy};
use crate::error::Result;
use crate::files::{Dir, Warnings, name};
use crate::grant::{AccountEntry, GrantKey, profile_slug};
use crate::port::{BoxFuture, Clock, Coordinator, Lock};

/// A directory through which the processes of one user coordinate.
#[derive(Clone)]
pub struct StateDir {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    warnings: Warnings,
}

impl std::fmt::Debug for StateDir {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StateDir({})", self.path.display())
    }
}

impl StateDir {
    /// Returns a state directory at this path. Nothing is read or created until it is needed.
    pub fn open(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self { path: path.into(), clock, warnings: Warnings::default() }
    }

    /// Returns what was repaired or skipped.
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Returns the path of a directory of this name inside this one, in which other code may store its
    /// files.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if the state directory exists but must not be used:
    /// nothing may be created in it then. The same for a name that leaves it, such as `..` or `a/b`.
    pub fn place(&self, name: &str) -> Result<PathBuf> {
        name::check(&self.path, name)?;
        Dir::open(&self.path, &self.warnings)?;
        Ok(self.path.join(name))
    }

    /// Checks that this directory can be used: it is safe, can be written to, and its file system has locks. Leaves
    /// nothing behind but the directory.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if it cannot be used.
    pub fn check(&self) -> Result<()> {
        const NAME: &str = "check.lock";
        let locks = self.root()?.make_child(LOCKS)?;
        let held = locks.try_lock(NAME)?;
        locks.reserve("check", 4096)?;
        if held.is_some() {
            locks.remove_lazily(NAME)?;
        }
        Ok(())
    }

    fn root(&self) -> Result<Dir> {
        Dir::create(&self.path, &self.warnings)
    }

    /// Returns the entry of one account.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if the index cannot be read.
    pub fn account(&self, key: &GrantKey) -> Result<Option<AccountEntry>> {
        let Some(dir) = self.entries(&key.profile)? else { return Ok(None) };
        Ok(self.entry(&dir, &format!("{}.json", key.slug())))
    }

    /// Returns all entries, sorted by key.
    ///
    /// # Errors
    /// See [`account`](Self::account).
    pub fn accounts(&self) -> Result<Vec<AccountEntry>> {
        let Some(index) = self.index()? else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        let profiles: Vec<PathBuf> =
            index.names()?.iter().map(|name| index.path_of(name)).collect();
        drop(index);
        for profile in profiles {
            match Dir::open(&profile, &self.warnings) {
                Ok(Some(dir)) => entries.extend(self.entries_in(&dir, usize::MAX)?),
                Ok(None) => {}
                Err(error) => self.warnings.push(format!("skipped: {}", error.message())),
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// Returns at most `most` entries of one profile, sorted by key. The others, and those of other
    /// profiles, are not read.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if the index cannot be read.
    pub fn some_accounts(&self, profile: &str, most: usize) -> Result<Vec<AccountEntry>> {
        match self.entries(profile)? {
            Some(dir) => self.entries_in(&dir, most),
            None => Ok(Vec::new()),
        }
    }

    fn index(&self) -> Result<Option<Dir>> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(root) => root.child(ACCOUNTS),
            None => Ok(None),
        }
    }

    fn entries(&self, profile: &str) -> Result<Option<Dir>> {
        match self.index()? {
            Some(index) => index.child(&profile_slug(profile)),
            None => Ok(None),
        }
    }

    fn entries_in(&self, dir: &Dir, most: usize) -> Result<Vec<AccountEntry>> {
        let names = |most| dir.first(most, |name| name.ends_with(".json").then_some(name));
        let read = |names: Vec<String>| -> Vec<AccountEntry> {
            names.iter().filter_map(|name| self.entry(dir, name)).take(most).collect()
        };
        let some = names(most)?;
        let count = some.len();
        let mut entries = read(some);
        if entries.len() < count && count == most {
            // Some of them may be unusable.
            entries = read(names(usize::MAX)?);
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// Returns one entry of the index. An unusable entry is a warning, not an error: the index only repeats
    /// what the stores hold.
    fn entry(&self, dir: &Dir, name: &str) -> Option<AccountEntry> {
        let why = match dir.read(name) {
            Ok(None) => return None,
            Err(error) => error.message().to_owned(),
            Ok(Some(bytes)) => match serde_json::from_slice::<Versioned<AccountEntry>>(&bytes) {
                Ok(read) if read.version > VERSION => {
                    "it was written by a newer oauthctl".to_owned()
                }
                Ok(read) if format!("{}.json", read.value.key.slug()) == name => {
                    return Some(read.value);
                }
                Ok(_) => "it belongs to another account".to_owned(),
                Err(error) => {
                    format!("it is damaged (line {}, column {})", error.line(), error.column())
                }
            },
        };
        self.warnings.push(format!("skipped `{}`: {why}", dir.path_of(name).display()));
        None
    }
}

impl Coordinator for StateDir {
    fn lock<'a>(
        &'a self,
        key: &'a GrantKey,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Lock>>> {
        Box::pin(async move {
            let lock = GrantLock::acquire(self.root()?, &*self.clock, key, wait).await?;
            let lock = lock.ok_or_else(|| busy(key, wait))?;
            Ok(Box::new(lock) as Box<dyn Lock>)
        })
    }

    fn account<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<AccountEntry>>> {
        at_once(self.account(key))
    }

    fn accounts<'a>(&'a self) -> BoxFuture<'a, Result<Vec<AccountEntry>>> {
        at_once(self.accounts())
    }
}
