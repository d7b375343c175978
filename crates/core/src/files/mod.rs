//! Private files and their locks, for grants and for a program's own state.
//!
//! This module writes all files of the crate. A program can use [`Dir`] for its own state, for instance in a
//! [`place`](crate::store::StateDir::place) in the state directory, and [`Cache`] for what it can fetch again.
//!
//! | item | for |
//! |---|---|
//! | [`Dir`] | the program's own directories: read, replace, remove and lock what is in them |
//! | [`Cache`] | values that can be recreated, in such a directory |
//! | [`replace_if`] | files at a place that the user chooses |
//! | [`open()`], [`read`] | reading what the user names, in bounded time |
//! | [`refuse_writable`] | what decides whom the program trusts: a file that nobody else may write to |
//!
//! Directories have mode 0700 and files 0600 from their creation on, whatever the umask. Symbolic links,
//! pipes, devices, hard links and files of other users are never opened: a file is opened without following
//! links and without blocking, and checked through its descriptor. An existing directory keeps its mode,
//! and is rejected if others can write to it. Looser modes of files are repaired, with a warning. Replacing
//! a file is atomic and durable: a temporary file beside it, `fsync`, rename, `fsync` of the directory.

pub(crate) mod cache;
mod dir;
pub(crate) mod directory_lock;
mod locked;
pub(crate) mod name;
pub(crate) mod named;
mod opened;
pub(crate) mod output;
#[cfg(not(unix))]
mod portable;
mod refusal;
mod replace;
pub(crate) mod trusted;
#[cfg(unix)]
mod unix;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::error::Result;
use crate::port::Clock;

#[cfg(not(unix))]
use portable as sys;
#[cfg(unix)]
use unix as sys;

pub use cache::{Cache, entry_name};
pub use dir::Dir;
pub use locked::Locked;
pub use named::{open, read};
use opened::read_all;
pub use output::replace_if;
use refusal::refused;
#[cfg(any(feature = "file", feature = "keyring"))]
pub(crate) use replace::Reserved;
pub use trusted::check as refuse_writable;

/// Warnings about what was repaired or skipped. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Adds a warning, once.
    pub fn push(&self, warning: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&warning) {
            all.push(warning);
        }
    }

    /// Removes all warnings from the list and returns them.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tries immediately and then every few milliseconds until there is a result, or until `wait` is over.
pub(crate) async fn poll<T>(
    clock: &dyn Clock,
    wait: std::time::Duration,
    mut attempt: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    const LONGEST: std::time::Duration = std::time::Duration::from_millis(20);
    let started = std::time::Instant::now();
    let mut slept = std::time::Duration::ZERO;
    let mut pause = std::time::Duration::from_millis(1);
    loop {
        if let Some(got) = attempt()? {
            return Ok(Some(got));
        }
        // Both are counted: a stopped process sleeps less than it waits, a manual clock more.
        let waited = slept.max(started.elapsed());
        if waited >= wait {
            return Ok(None);
        }
        let step = pause.min(wait - waited);
        clock.sleep(step).await;
        slept += step;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Reads a key file that the user names: links may be followed, but it never blocks, and no other user may
/// be able to write to the file.
pub(crate) fn read_named(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let (mut file, size) = sys::open_named(path).map_err(|r| refused("read", path, r))?;
    trusted::check(&file, path).map_err(|error| error.context("the key is not used"))?;
    read_all(&mut file, size).map_err(|e| refused("read", path, e.into()))
}

/// Creates a directory and its missing parents, each with mode 0700.
///
/// # Errors
///
/// Returns the error of the system.
pub fn make_dirs(path: &Path) -> io::Result<()> {
    sys::make_dirs(path)
}
