//! Private files and their locks: the one place that writes files.
//!
//! | module | for |
//! |---|---|
//! | `dir`, `replace` | the program's own directories: read, replace, remove and lock what is in them |
//! | `cache` | values that can be made again, in such a directory |
//! | `output`, `directory_lock` | files at a place that the user chooses: the configuration, a HAR file |
//! | `named`, `trusted` | reading what the user names: in bounded time, and from where nobody else can write |
//!
//! Directories are 0700 and files 0600 from their creation on, whatever the umask. Nothing is
//! opened that is a symbolic link, a pipe, a device, a hard link or another user's: a file is
//! opened without following and without waiting, and judged by its descriptor. A directory that is
//! there keeps its mode, and is refused where others can write to it. Looser modes of files are
//! repaired, with a warning. Replacing a file is atomic and durable: a temporary file beside it,
//! `fsync`, rename, `fsync` of the directory.

pub(crate) mod cache;
mod dir;
pub(crate) mod directory_lock;
pub(crate) mod named;
pub(crate) mod output;
#[cfg(not(unix))]
mod portable;
mod refusal;
mod replace;
pub(crate) mod trusted;
#[cfg(unix)]
mod unix;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::error::Result;
use crate::port::Clock;

#[cfg(not(unix))]
use portable as sys;
#[cfg(unix)]
use unix as sys;

pub(crate) use dir::Dir;
use refusal::{Refusal, refused};
#[cfg(any(feature = "file", feature = "keyring"))]
pub(crate) use replace::Reserved;
use trusted::Writer;

/// A regular file, opened to read.
struct Opened {
    file: File,
    size: u64,
    /// Its mode, where that is too loose.
    loose: Option<String>,
    /// Who else can write to it.
    writer: Option<Writer>,
}

/// No file of ours is larger.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What was repaired or skipped on the way, for a person to read. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Adds a warning, once.
    pub(crate) fn push(&self, warning: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&warning) {
            all.push(warning);
        }
    }

    /// Takes all warnings out of the list.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tries at once and then every few milliseconds until there is something, or until `wait` is over.
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

/// Reads a key file that the user named: links may be followed, but nothing is waited for, and nobody
/// else may be able to write to it.
pub(crate) fn read_named(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let (mut file, size) = sys::open_named(path).map_err(|r| refused("read", path, r))?;
    trusted::check(&file, path).map_err(|error| error.context("the key is not used"))?;
    read_all(&mut file, size).map_err(|e| refused("read", path, e.into()))
}

/// Makes a directory and those above it that are missing, each with mode 0700.
pub(crate) fn make_dirs(path: &Path) -> io::Result<()> {
    sys::make_dirs(path)
}

fn read_all(file: &mut impl Read, size: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let too_large = || io::Error::other("it is larger than 16 MiB");
    if size > LARGEST {
        return Err(too_large());
    }
    // With one byte to spare the end is found without growing, which would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(too_large()) } else { Ok(bytes) }
}
