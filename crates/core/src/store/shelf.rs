//! Small files that expire, in a directory of slots: `SLOT/NAME`, where the slot is a span of time in
//! which they expire. A file is found by its name and time, so that nothing is listed to add or to find
//! one; what has expired goes slot by slot.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::files::{self, Dir, Warnings};
use crate::port::Clock;
use crate::time::Timestamp;

/// The span of a slot, in seconds.
const SLOT: u64 = 600;
/// How long after its end a slot is left alone: clocks differ.
const GRACE: u64 = 120;
/// How many expired files one addition removes. More than one, so that they get fewer.
const COLLECTED: usize = 64;
/// How long the counter is waited for.
const WAIT: Duration = Duration::from_secs(10);
pub(super) const COUNT: &str = "count";
/// Holds the time up to which slots were emptied, where that matters.
pub(super) const FORGOTTEN: &str = "forgotten";

/// A directory with slots, for the processes of one user.
#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) path: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
    /// How many files it holds.
    pub(super) limit: u64,
    /// What is said when there are so many.
    pub(super) full: fn(u64) -> Error,
    /// Whether it is remembered which slots were emptied, so that what was in them is not taken for new
    /// once the clock has been set back.
    pub(super) remembers: bool,
    pub(super) warnings: Warnings,
}

impl Shelf {
    /// The slot of this time, if there is one.
    pub(super) fn slot(&self, expires_at: Timestamp) -> Result<Option<Dir>> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(root) => root.child(&slot_name(expires_at)),
            None => Ok(None),
        }
    }

    /// The slot of this time, with room for one file more.
    pub(super) async fn room(&self, expires_at: Timestamp) -> Result<Dir> {
        let root = Dir::create(&self.path, &self.warnings)?;
        let collected = self.collect(&root).await?;
        self.count_in(&root, collected).await?;
        root.make_child(&slot_name(expires_at))
    }

    /// All slots that can be read.
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
        if count >= self.limit { Err((self.full)(count)) } else { Ok(()) }
    }

    /// One fewer. Where the counter cannot be had, it stays too high for a while.
    pub(super) async fn count_out(&self) {
        let Ok(Some(root)) = Dir::open(&self.path, &self.warnings) else { return };
        if let Ok(mut counter) = Counter::take(&root, &*self.clock).await
            && let Some(count) = counter.read()
        {
            let _ = counter.write(count.saturating_sub(1));
        }
    }

    /// Whether what expires at this time may have been removed already.
    pub(super) fn has_forgotten(&self, expires_at: Timestamp) -> Result<bool> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(root) => Ok(expires_at.unix() < forgotten(&root)?),
            None => Ok(false),
        }
    }

    /// Notes, durably, that a slot is about to be emptied. The counter must be held.
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

    /// Removes some of what has expired, and says how many.
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

/// The time before which everything may have been removed; 0 where nothing was.
fn forgotten(root: &Dir) -> Result<u64> {
    let Some(bytes) = root.read(FORGOTTEN)? else { return Ok(0) };
    let time = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
    time.ok_or_else(|| {
        let path = root.path_of(FORGOTTEN);
        Error::store(format!("`{}` is damaged", path.display()))
            .hint("remove it once no used state can be valid any more: ten minutes after the last flow was started, or its own lifetime")
    })
}

/// Removes some files of an expired slot, and says how many were counted. What cannot be removed, because
/// somebody put it there, stays; it is in nobody's way.
fn empty(root: &Dir, slot: &Slot, most: usize) -> usize {
    let Ok(Some(dir)) = root.child(&slot.0) else { return 0 };
    let Ok(names) = dir.first(most, Some) else { return 0 };
    let mut removed = 0;
    for name in &names {
        // What a dead process left half-written was never counted.
        let counted = !name.starts_with('.');
        removed += usize::from(dir.remove_lazily(name).unwrap_or(false) && counted);
    }
    if names.len() < most {
        // Another process may be at the same slot: the last one removes it.
        let _ = std::fs::remove_dir(root.path_of(&slot.0));
    }
    removed
}

/// The name of a slot's directory.
struct Slot(String);

impl Slot {
    /// When everything in it has expired.
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

/// How many there are, in a file that is also the lock over it.
struct Counter(File);

impl Counter {
    async fn take(root: &Dir, clock: &dyn Clock) -> Result<Self> {
        let taken = files::poll(clock, WAIT, || root.try_lock(COUNT)).await?;
        taken.map(Self).ok_or_else(|| {
            Error::store("the counter of pending authorizations is held by another process")
                .hint(Advice::Retry)
                .and_hint("if it lasts, look for an oauthctl that hangs")
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
        act().map_err(|e| {
            Error::store(format!("pending authorizations cannot be counted: {e}"))
                .hint("make room on the disk, or look who may write to the state directory")
                .caused_by(&e)
        })
    }
}
