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

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{at_once, busy};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::files::{self, Dir, Locked, Warnings};
use crate::grant::{AccountEntry, GrantKey, Intent, profile_slug};
use crate::port::{BoxFuture, Clock, Coordinator, Lock};
use crate::time::Timestamp;

const LOCKS: &str = "locks";
/// The size of a written intent, or a multiple of it: the unit that disks write atomically.
const SECTOR: usize = 512;
const ACCOUNTS: &str = "accounts";
/// Version of the file formats.
const VERSION: u32 = 1;

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

/// The outcome of a login, for the processes that waited for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginOutcome {
    /// When the login ended.
    pub at: Timestamp,
    /// The id of the grant, if the login succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// The word of the error's kind ([`crate::ErrorKind::word`]), if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error message, if it failed, in this program's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The content of a file, and its format version.
#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    value: T,
}

/// An outcome, and a number that distinguishes it from a later one.
#[derive(Serialize, Deserialize)]
struct Numbered {
    number: u64,
    #[serde(flatten)]
    outcome: LoginOutcome,
}

impl StateDir {
    /// Returns a state directory at this path. Nothing is read or created until it is needed.
    pub fn open(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self { path: path.into(), clock, warnings: Warnings::default() }
    }

    /// Returns what was repaired or skipped on the way.
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Returns the path of a directory of this name inside this one, in which other code may store its
    /// files.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if the state directory exists but must not be used:
    /// nothing may be created in it then.
    pub fn place(&self, name: &str) -> Result<PathBuf> {
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

    /// Acquires the lock under which one process at a time logs in to an account. It is not the lock of the
    /// account's grant: tokens are handed out and refreshed meanwhile.
    ///
    /// # Errors
    /// Returns [`Unavailable`](crate::ErrorKind::Unavailable) if another process holds it for longer than
    /// `wait`.
    pub async fn login_lock(&self, key: &GrantKey, wait: Duration) -> Result<LoginLock> {
        let slug = key.slug();
        let root = self.root()?;
        let locks = root.make_child(LOCKS)?;
        let name = format!("login-{slug}.lock");
        let record = format!("login-{slug}.json");
        let before = locks.try_lock(&name)?;
        let (file, joined) = match before {
            Some(file) => (file, None),
            None => {
                let known = self.outcome(&locks, &record).map(|o| o.number);
                let file = files::poll(&*self.clock, wait, || locks.try_lock(&name)).await?;
                let file = file.ok_or_else(|| login_busy(key, wait))?;
                let joined = self.outcome(&locks, &record).filter(|o| Some(o.number) != known);
                (file, joined.map(|o| o.outcome))
            }
        };
        Ok(LoginLock { _file: file, locks, record, joined })
    }

    fn outcome(&self, locks: &Dir, record: &str) -> Option<Numbered> {
        let bytes = locks.read(record).ok()??;
        serde_json::from_slice::<Versioned<Numbered>>(&bytes).ok().map(|v| v.value)
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
            let slug = key.slug();
            let root = self.root()?;
            let locks = root.make_child(LOCKS)?;
            let name = lock_file(&slug);
            let file = files::poll(&*self.clock, wait, || locks.try_lock(&name)).await?;
            let file = file.ok_or_else(|| busy(key, wait))?;
            let profile = profile_slug(&key.profile);
            Ok(Box::new(Held { file, locks, root, slug, profile }) as Box<dyn Lock>)
        })
    }

    fn account<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<AccountEntry>>> {
        at_once(self.account(key))
    }

    fn accounts<'a>(&'a self) -> BoxFuture<'a, Result<Vec<AccountEntry>>> {
        at_once(self.accounts())
    }
}

/// A held lock of a grant.
struct Held {
    file: Locked,
    locks: Dir,
    root: Dir,
    slug: String,
    profile: String,
}

impl Held {
    /// Returns the name of the account's entry.
    fn entry(&self) -> String {
        format!("{}.json", self.slug)
    }

    /// Returns the name of the lock file.
    fn name(&self) -> String {
        lock_file(&self.slug)
    }
}

fn lock_file(slug: &str) -> String {
    format!("{slug}.lock")
}

/// Pads a text with spaces to whole sectors.
fn whole_sectors(mut text: Vec<u8>) -> Vec<u8> {
    text.resize((text.len() + 1).next_multiple_of(SECTOR) - 1, b' ');
    text.push(b'\n');
    text
}

/// An intent exists but cannot be read.
#[derive(Debug)]
struct Unreadable;

/// Reads what [`whole_sectors`] wrote. An incomplete write is not an intent: nothing is sent before all of
/// it is on disk.
fn read_intent(bytes: &[u8]) -> Result<Option<Intent>, Unreadable> {
    let end = bytes.iter().rposition(|byte| *byte != 0 && !byte.is_ascii_whitespace());
    let Some(end) = end else { return Ok(None) };
    match serde_json::from_slice::<Versioned<Intent>>(&bytes[..=end]) {
        Ok(read) if read.version <= VERSION => Ok(Some(read.value)),
        Err(error) if is_torn(bytes, end, &error) => Ok(None),
        _ => Err(Unreadable),
    }
}

/// Returns whether a write ended before its last byte. What did not reach the disk reads as NUL, or the
/// file ends there; a complete text contains no NUL and ends with a line feed. A complete but invalid text
/// was damaged later.
fn is_torn(bytes: &[u8], end: usize, error: &serde_json::Error) -> bool {
    bytes[..end].contains(&0) || (error.is_eof() && bytes.last() != Some(&b'\n'))
}

impl Held {
    fn read_intent(&self) -> Result<Option<Intent>> {
        let bytes = self.locks.read_open(&self.file, &self.name())?;
        read_intent(&bytes).map_err(|Unreadable| {
            let path = self.locks.path_of(&self.name());
            Error::store(format!(
                "`{}` says that a refresh was started, but not which one: it is damaged, or was \
                 written by a newer oauthctl",
                path.display()
            ))
            .hint(Advice::LogInOrRemoveFile)
        })
    }

    fn write_intent(&self, intent: &Intent) -> Result<()> {
        self.locks.write_open(&self.file, &self.name(), &whole_sectors(json(intent)?))
    }

    fn erase_intent(&self) -> Result<()> {
        // An intent that reappears after a power cut does no harm: it allows one more attempt anyway.
        self.locks.write_open_lazily(&self.file, &self.name(), &whole_sectors(Vec::new()))
    }

    fn write_entry(&self, entry: &AccountEntry) -> Result<()> {
        if entry.key.slug() != self.slug {
            return Err(Error::internal("an entry was published under another account's lock"));
        }
        let dir = self.root.make_child(ACCOUNTS)?.make_child(&self.profile)?;
        let name = self.entry();
        dir.replace_lazily(&name, &json(entry)?)?;
        dir.sweep(&name);
        Ok(())
    }

    fn remove_entry(&self) -> Result<()> {
        // The index only repeats what the stores hold: an entry that reappears does no harm. The directory
        // stays, because another account may be about to be published in it.
        let dir = self.root.child(ACCOUNTS)?.map(|index| index.child(&self.profile));
        if let Some(dir) = dir.transpose()?.flatten() {
            dir.remove_lazily(&self.entry())?;
            dir.sweep(&self.entry());
        }
        Ok(())
    }
}

impl Lock for Held {
    fn intent<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Intent>>> {
        at_once(self.read_intent())
    }

    fn set_intent<'a>(&'a mut self, intent: &'a Intent) -> BoxFuture<'a, Result<()>> {
        at_once(self.write_intent(intent))
    }

    fn clear_intent<'a>(&'a mut self) -> BoxFuture<'a, Result<()>> {
        at_once(self.erase_intent())
    }

    fn publish<'a>(&'a mut self, entry: &'a AccountEntry) -> BoxFuture<'a, Result<()>> {
        at_once(self.write_entry(entry))
    }

    fn retract<'a>(&'a mut self) -> BoxFuture<'a, Result<()>> {
        at_once(self.remove_entry())
    }
}

/// A held login lock.
pub struct LoginLock {
    _file: Locked,
    locks: Dir,
    record: String,
    joined: Option<LoginOutcome>,
}

impl std::fmt::Debug for LoginLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoginLock({})", self.record)
    }
}

impl LoginLock {
    /// Returns the outcome of the login that this one waited for: `None` if it did not wait, or if that one
    /// died without reporting.
    pub fn joined(&self) -> Option<&LoginOutcome> {
        self.joined.as_ref()
    }

    /// Reports how this login ended to those that wait. Call it before dropping the lock.
    pub fn finish(&mut self, outcome: &LoginOutcome) -> Result<()> {
        let mut number = [0; 8];
        aws_lc_rs::rand::fill(&mut number)
            .map_err(|_| Error::internal("the system returned no random numbers"))?;
        let outcome = outcome.clone();
        let outcome = json(Numbered { number: u64::from_be_bytes(number), outcome })?;
        self.locks.replace_lazily(&self.record, &outcome)?;
        self.locks.sweep(&self.record);
        Ok(())
    }
}

fn json<T: Serialize>(value: T) -> Result<Vec<u8>> {
    serde_json::to_vec(&Versioned { version: VERSION, value })
        .map_err(|_| Error::internal("cannot write a state file as JSON"))
}

fn login_busy(key: &GrantKey, wait: Duration) -> Error {
    Error::unavailable(format!(
        "another process is logging in to {key} and did not finish within {}",
        crate::time::describe(wait)
    ))
    .hint("finish the login in that process, or end the process")
}
