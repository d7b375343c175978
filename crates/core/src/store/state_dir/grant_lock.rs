//! The lock of a grant, whose file also records what its holder was about to send.

use std::time::Duration;

use super::layout::{ACCOUNTS, LOCKS};
use super::versioned::{VERSION, Versioned, json};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::files::{Dir, Locked};
use crate::grant::{AccountEntry, GrantKey, Intent, profile_slug};
use crate::port::{BoxFuture, Clock, Lock};
use crate::store::at_once;

/// A held lock of a grant.
pub(super) struct GrantLock {
    file: Locked,
    locks: Dir,
    root: Dir,
    key: GrantKey,
    slug: String,
}

fn lock_file(slug: &str) -> String {
    format!("{slug}.lock")
}

/// The size of a written intent, or a multiple of it: the unit that disks write atomically.
const SECTOR: usize = 512;

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

impl GrantLock {
    /// Acquires the lock of this key; `None` if another process holds it for longer than `wait`.
    pub(super) async fn acquire(
        root: Dir,
        clock: &dyn Clock,
        key: &GrantKey,
        wait: Duration,
    ) -> Result<Option<Self>> {
        let slug = key.slug();
        let locks = root.make_child(LOCKS)?;
        let name = lock_file(&slug);
        let file = locks.lock(&name, clock, wait).await?;
        Ok(file.map(|file| Self { file, locks, root, key: key.clone(), slug }))
    }

    /// Returns the name of the account's entry.
    fn entry(&self) -> String {
        format!("{}.json", self.slug)
    }

    /// Returns the name of the lock file.
    fn name(&self) -> String {
        lock_file(&self.slug)
    }
}

impl GrantLock {
    fn read_intent(&self) -> Result<Option<Intent>> {
        let bytes = self.locks.read_open(&self.file, &self.name())?;
        read_intent(&bytes).map_err(|Unreadable| {
            let path = self.locks.path_of(&self.name());
            Error::store(format!(
                "`{}` does not identify the refresh that was started: it is damaged, or was \
                 written by a newer oauthctl",
                path.display()
            ))
            .hint(Advice::LogInOrRemoveFile(self.key.clone()))
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
        let dir = self.root.make_child(ACCOUNTS)?.make_child(&profile_slug(&self.key.profile))?;
        let name = self.entry();
        dir.replace_lazily(&name, &json(entry)?)?;
        dir.sweep(&name);
        Ok(())
    }

    fn remove_entry(&self) -> Result<()> {
        // The index only repeats what the stores hold: an entry that reappears does no harm. The directory
        // stays, because another account may be about to be published in it.
        let dir =
            self.root.child(ACCOUNTS)?.map(|index| index.child(&profile_slug(&self.key.profile)));
        if let Some(dir) = dir.transpose()?.flatten() {
            dir.remove_lazily(&self.entry())?;
            dir.sweep(&self.entry());
        }
        Ok(())
    }
}

impl Lock for GrantLock {
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
