//! Small files that expire, in a directory of slots: `SLOT/NAME`, where the slot is the time span in which
//! they expire. A file is located by its name and expiry, so adding or finding one lists no directory;
//! expired files are removed slot by slot.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::files::{Dir, Locked, Warnings};
use crate::port::Clock;
use crate::time::Timestamp;

/// The time span of a slot, in seconds.
const SLOT: u64 = 600;
/// How long a slot is kept after its end, because clocks differ.
const GRACE: u64 = 120;
/// How many expired files are removed when one is added: more than one, so that their number shrinks.
const COLLECTED: usize = 64;
/// How long to wait for the counter.
const WAIT: Duration = Duration::from_secs(10);
pub(super) const COUNT: &str = "count";
/// Name of the file with the time up to which slots were emptied, if that is recorded.
pub(super) const FORGOTTEN: &str = "forgotten";

/// A directory with slots, for the processes of one user.
#[derive(Clone)]
pub(super) struct ExpiringDir {
    pub(super) path: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
    /// Maximum number of files.
    pub(super) limit: u64,
    /// Returns the error at that limit.
    pub(super) full: fn(u64) -> Error,
    /// Whether it is recorded which slots were emptied, so that their files do not count as new after the
    /// clock was set back.
    pub(super) remembers: bool,
    pub(super) warnings: Warnings,
}

impl ExpiringDir {
    /// Returns the slot of this time, if it exists.
    pub(super) fn slot(&self, expires_at: Timestamp) -> Result<Option<Dir>> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(root) => root.child(&slot_name(expires_at)),
            None => Ok(None),
        }
    }

    /// Returns the slot of this time, with room for one more file.
    pub(super) async fn room(&self, expires_at: Timestamp) -> Result<Dir> {
        let root = Dir::create(&self.path, &self.warnings)?;
        let collected = self.collect(&root).await?;
        self.count_in(&root, collected).await?;
        root.make_child(&slot_name(expires_at))
    }

    /// Returns all slots that can be read.
    pub(super) fn slots(&self) -> Result<Vec<Dir>> {
        let Some(root) = Dir::open(&self.path, &self.warnings)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for slot in slots(&root)? {
            match root.child(&slot.0) {
                Ok(dir) => found.extend(dir),
                Err(error) => self.warnings.push(format!("skipped: {}", error.message())),
            }
        }
        Ok(found)
    }

    /// Adds one to the counter and subtracts the files that were removed. A process that dies between counting
    /// and writing leaves the counter too high, never too low. Files are counted again when the limit seems to be
    /// reached.
    async fn count_in(&self, root: &Dir, gone: u64) -> Result<()> {
        let mut counter = Counter::take(root, &*self.clock).await?;
        let mut count = counter.read().map(|count| count.saturating_sub(gone));
        if count.is_none_or(|count| count >= self.limit) {
            count = Some(self.recount(root)?);
        }
        let count = count.unwrap_or_default();
        counter.write(if count >= self.limit { count } else { count + 1 })?;
        if count >= self.limit { Err((self.full)(count)) } else { Ok(()) }
    }

    /// Subtracts one. If the counter is not available, it stays too high for a while.
    pub(super) async fn count_out(&self) {
        let Ok(Some(root)) = Dir::open(&self.path, &self.warnings) else { return };
        if let Ok(mut counter) = Counter::take(&root, &*self.clock).await
            && let Some(count) = counter.read()
        {
            let _ = counter.write(count.saturating_sub(1));
        }
    }

    /// Returns whether a file that expires at this time may already have been removed.
    pub(super) fn has_forgotten(&self, expires_at: Timestamp) -> Result<bool> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(root) => Ok(expires_at.unix() < forgotten(&root)?),
            None => Ok(false),
        }
    }

    /// Records, durably, that a slot is about to be emptied. The counter must be held.
    fn forget(&self, root: &Dir, slot: &Slot) -> Result<()> {
        if self.remembers && slot.end() > forgotten(root)? {
            root.replace(FORGOTTEN, format!("{}\n", slot.end()).as_bytes())?;
        }
        Ok(())
    }

    fn recount(&self, root: &Dir) -> Result<u64> {
        let mut count = 0;
        for slot in slots(root)? {
            if slot.end() + GRACE <= self.clock.now().unix() {
                self.forget(root, &slot)?;
                empty(root, &slot, usize::MAX);
            } else if let Ok(Some(dir)) = root.child(&slot.0) {
                count += dir.names()?.len() as u64;
            }
        }
        Ok(count)
    }

    /// Removes some expired files, and returns how many.
    async fn collect(&self, root: &Dir) -> Result<u64> {
        let mut removed = 0;
        for slot in slots(root)? {
            if slot.end() + GRACE <= self.clock.now().unix() && removed < COLLECTED {
                if self.remembers && slot.end() > forgotten(root)? {
                    let _counter = Counter::take(root, &*self.clock).await?;
                    self.forget(root, &slot)?;
                }
                removed += empty(root, &slot, COLLECTED - removed);
            }
        }
        Ok(removed as u64)
    }
}

/// Returns the time before which everything may have been removed; 0 if nothing was.
fn forgotten(root: &Dir) -> Result<u64> {
    let Some(bytes) = root.read(FORGOTTEN)? else { return Ok(0) };
    let time = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
    time.ok_or_else(|| {
        let path = root.path_of(FORGOTTEN);
        Error::store(format!("`{}` is damaged", path.display()))
            .hint("remove it once no used state can be valid any more: ten minutes after the last flow was started, or its own lifetime")
    })
}

/// Removes some files of an expired slot, and returns how many of them were counted. A foreign entry that
/// cannot be removed does no harm.
fn empty(root: &Dir, slot: &Slot, most: usize) -> usize {
    let Ok(Some(dir)) = root.child(&slot.0) else { return 0 };
    let Ok(names) = dir.first(most, Some) else { return 0 };
    let mut removed = 0;
    for name in &names {
        // A file that a dead process left incomplete was never counted.
        let counted = !name.starts_with('.');
        removed += usize::from(dir.remove_lazily(name).unwrap_or(false) && counted);
    }
    if names.len() < most {
        // Another process may be emptying the same slot: the last one removes it.
        let _ = std::fs::remove_dir(root.path_of(&slot.0));
    }
    removed
}

/// The name of a slot's directory.
struct Slot(String);

impl Slot {
    /// Returns when everything in it has expired.
    fn end(&self) -> u64 {
        self.0.parse::<u64>().map_or(u64::MAX / 2, |number| {
            number.saturating_add(1).saturating_mul(SLOT).min(u64::MAX / 2)
        })
    }
}

fn slots(root: &Dir) -> Result<Vec<Slot>> {
    let is_slot = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    Ok(root.names()?.into_iter().filter(is_slot).map(Slot).collect())
}

pub(super) fn slot_name(expires_at: Timestamp) -> String {
    format!("{:010}", expires_at.unix() / SLOT)
}

/// The number of files, in a file that is also the lock over it.
struct Counter(Locked);

impl Counter {
    async fn take(root: &Dir, clock: &dyn Clock) -> Result<Self> {
        let taken = root.lock(COUNT, clock, WAIT).await?;
        taken.map(Self).ok_or_else(|| {
            Error::store("the counter of pending authorizations is held by another process")
                .hint(Advice::Retry)
                .and_hint("if the error persists, look for a hanging oauthctl process")
        })
    }

    fn read(&mut self) -> Option<u64> {
        let mut text = String::new();
        let mut file = &*self.0;
        file.seek(SeekFrom::Start(0)).ok()?;
        file.take(32).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    fn write(&mut self, count: u64) -> Result<()> {
        let mut file = &*self.0;
        let mut act = || {
            file.seek(SeekFrom::Start(0))?;
            // Fixed width, so that it replaces a longer number completely.
            file.write_all(format!("{count:020}\n").as_bytes())
        };
        act().map_err(|e| {
            Error::store(format!("cannot count the pending authorizations: {e}"))
                .hint("free some disk space, or check the permissions of the state directory")
                .caused_by(&e)
        })
    }
}
