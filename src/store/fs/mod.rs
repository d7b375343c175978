//! Private files: the one place that touches files with secrets in them, and their locks.
//!
//! Directories are 0700 and files 0600 from their creation on, whatever the umask. Nothing is
//! opened that is a symbolic link, a pipe, a device, a hard link or another user's: a file is
//! opened without following and without waiting, and judged by its descriptor. Looser modes are
//! repaired, with a warning. Replacing a file is atomic and durable: a temporary file with a name
//! that cannot be guessed, `fsync`, rename, `fsync` of the directory.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::port::Clock;

#[cfg(not(unix))]
use portable as sys;
#[cfg(unix)]
use unix as sys;

/// No file of ours is larger.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What was repaired or skipped on the way, for a person to read. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Adds a warning.
    pub(crate) fn push(&self, warning: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// Takes all warnings out of the list.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Why the system refused a path, before it is put into words.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The system's error.
    Io(io::Error),
    /// What the path is, and must not be.
    Is(&'static str),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// An open private directory.
#[derive(Debug)]
pub(crate) struct Dir {
    path: PathBuf,
    handle: sys::Handle,
    warnings: Warnings,
}

/// A temporary file with room in it, kept for a later [`Dir::replace_with`]. Removed when dropped,
/// and by [`Dir::sweep`] once its owner is dead.
#[derive(Debug)]
pub(crate) struct Reserved {
    dir: Dir,
    name: String,
    file: File,
    size: usize,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let _ = self.dir.handle.unlink(&self.name);
        }
    }
}

impl Reserved {
    /// How many bytes have room.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl Dir {
    /// Opens a directory; `None` where there is none.
    pub(crate) fn open(path: &Path, warnings: &Warnings) -> Result<Option<Self>> {
        match sys::Handle::open(path) {
            Ok((handle, loose)) => Self::accept(path, handle, loose, warnings).map(Some),
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(refusal) => Err(refused("open", path, refusal)),
        }
    }

    /// Opens a directory, and makes it and its parents where they are missing.
    pub(crate) fn create(path: &Path, warnings: &Warnings) -> Result<Self> {
        if let Some(dir) = Self::open(path, warnings)? {
            return Ok(dir);
        }
        sys::make_dirs(path).map_err(|e| refused("create", path, e.into()))?;
        Self::open(path, warnings)?
            .ok_or_else(|| Error::store(format!("`{}` is gone again", path.display())))
    }

    /// Opens a directory in this one; `None` where there is none.
    pub(crate) fn child(&self, name: &str) -> Result<Option<Self>> {
        Self::open(&self.path.join(name), &self.warnings)
    }

    /// Opens a directory in this one, and makes it where it is missing.
    pub(crate) fn make_child(&self, name: &str) -> Result<Self> {
        Self::create(&self.path.join(name), &self.warnings)
    }

    fn accept(
        path: &Path,
        handle: sys::Handle,
        loose: Option<String>,
        warnings: &Warnings,
    ) -> Result<Self> {
        if let Some(mode) = loose {
            handle.tighten().map_err(|e| refused("protect", path, e.into()))?;
            warnings.push(format!("`{}` was open to others ({mode}): now 0700", path.display()));
        }
        Ok(Self { path: path.to_owned(), handle, warnings: warnings.clone() })
    }

    /// Where a file of this directory is.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a whole file; `None` where there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let path = self.path.join(name);
        let (mut file, size, loose) = match self.handle.open_file(name) {
            Ok(opened) => opened,
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(refusal) => return Err(refused("read", &path, refusal)),
        };
        if let Some(mode) = loose {
            sys::tighten_file(&file).map_err(|e| refused("protect", &path, e.into()))?;
            self.warnings
                .push(format!("`{}` was open to others ({mode}): now 0600", path.display()));
        }
        read_all(&mut file, size).map(Some).map_err(|e| refused("read", &path, e.into()))
    }

    /// Whether there is something at this name; an error if it is nothing of ours.
    pub(crate) fn exists(&self, name: &str) -> Result<bool> {
        match self.handle.judge(name) {
            Ok(()) => Ok(true),
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(refusal) => Err(refused("use", &self.path.join(name), refusal)),
        }
    }

    /// Replaces a file as a whole, durably.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let reserved = self.temporary(name)?;
        self.replace_with(reserved, name, bytes)
    }

    /// The same with a temporary file that was made before. If that is gone, with another.
    pub(crate) fn replace_with(
        &self,
        mut reserved: Reserved,
        name: &str,
        bytes: &[u8],
    ) -> Result<()> {
        let path = self.path.join(name);
        self.exists(name)?;
        if !self.handle.is_at(&reserved.file, &reserved.name) {
            reserved = self.temporary(name)?;
        }
        write_all(&mut reserved.file, bytes).map_err(|e| refused("write", &path, e.into()))?;
        self.handle
            .rename(&reserved.name, name)
            .map_err(|e| refused("replace", &path, e.into()))?;
        reserved.name.clear();
        self.handle.sync().map_err(|e| refused("save", &path, e.into()))
    }

    /// Replaces a file as a whole, without waiting for the disk: after a power cut it may be the old
    /// one, or damaged. For what can be made again.
    pub(crate) fn replace_lazily(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let failed = |e: io::Error| refused("write", &self.path.join(name), e.into());
        self.exists(name)?;
        let mut reserved = self.temporary(name)?;
        reserved.file.write_all(bytes).map_err(failed)?;
        self.handle.rename(&reserved.name, name).map_err(failed)?;
        reserved.name.clear();
        Ok(())
    }

    /// Writes a file that must not be there yet, durably and at once. `false` where it is.
    pub(crate) fn create_new(&self, name: &str, bytes: &[u8]) -> Result<bool> {
        let path = self.path.join(name);
        let mut reserved = self.temporary(name)?;
        write_all(&mut reserved.file, bytes).map_err(|e| refused("write", &path, e.into()))?;
        match self.handle.rename_new(&reserved.name, name) {
            Ok(()) => reserved.name.clear(),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(refused("create", &path, error.into())),
        }
        if let Err(error) = self.handle.sync() {
            // It was not there for anybody: whoever asks next may try again.
            let _ = self.handle.unlink(name);
            return Err(refused("save", &path, error.into()));
        }
        Ok(true)
    }

    /// Takes real room for a file that is to be replaced later.
    pub(crate) fn reserve(&self, name: &str, size: usize) -> Result<Reserved> {
        self.exists(name)?;
        let mut reserved = self.temporary(name)?;
        let mut filler = vec![0; size];
        // Not zeros: some file systems keep no room for those.
        fill_random(&mut filler)?;
        // Where the file system gives room on demand, the disk need not be waited for as well.
        let allocated = sys::allocate(&reserved.file, size);
        let taken = match allocated {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                write_all(&mut reserved.file, &filler)
            }
            Err(error) => Err(error),
            Ok(()) => reserved.file.write_all(&filler),
        };
        taken.map_err(|e| {
            refused(&format!("take room for {size} bytes in"), &self.path, e.into())
        })?;
        reserved.size = size;
        Ok(reserved)
    }

    /// A new temporary file, locked for as long as its owner lives.
    fn temporary(&self, name: &str) -> Result<Reserved> {
        for _ in 0..16 {
            let mut random = [0; 16];
            fill_random(&mut random)?;
            let temporary = format!(".{name}.{:032x}.tmp", u128::from_be_bytes(random));
            let file = self
                .handle
                .create_file(&temporary)
                .map_err(|e| refused("write in", &self.path, e.into()))?;
            let dir = self.again()?;
            let reserved = Reserved { dir, name: temporary, file, size: 0 };
            // A file system without locks keeps the leftovers of dead processes: no harm is done.
            let swept = matches!(reserved.file.try_lock(), Err(TryLockError::WouldBlock));
            if !swept && self.handle.is_at(&reserved.file, &reserved.name) {
                return Ok(reserved);
            }
        }
        Err(Error::store(format!(
            "temporary files in `{}` vanish as soon as they are made",
            self.path.display()
        )))
    }

    fn again(&self) -> Result<Dir> {
        let handle =
            self.handle.again().map_err(|e| refused("open", &self.path, Refusal::Io(e)))?;
        Ok(Dir { path: self.path.clone(), handle, warnings: self.warnings.clone() })
    }

    /// Removes the temporary files that dead processes left for this name.
    pub(crate) fn sweep(&self, name: &str) -> Result<()> {
        let prefix = format!(".{name}.");
        for leftover in self.names()? {
            if !leftover.starts_with(&prefix) || !leftover.ends_with(".tmp") {
                continue;
            }
            if let Ok((file, ..)) = self.handle.open_file(&leftover)
                && file.try_lock().is_ok()
            {
                let _ = self.handle.unlink(&leftover);
            }
        }
        Ok(())
    }

    /// Renames a file to a name that is free.
    pub(crate) fn rename_new(&self, from: &str, to: &str) -> Result<bool> {
        match self.handle.rename_new(from, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(refused("move", &self.path.join(from), error.into())),
        }
        self.handle.sync().map_err(|e| refused("save", &self.path, e.into()))?;
        Ok(true)
    }

    /// Removes a file, durably. Says whether there was one.
    pub(crate) fn remove(&self, name: &str) -> Result<bool> {
        let removed = self.remove_lazily(name)?;
        if removed {
            self.handle.sync().map_err(|e| refused("save", &self.path, e.into()))?;
        }
        Ok(removed)
    }

    /// Removes a file, without waiting for the disk: after a power cut it may be there again.
    pub(crate) fn remove_lazily(&self, name: &str) -> Result<bool> {
        match self.handle.unlink(name) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(refused("remove", &self.path.join(name), error.into())),
        }
    }

    /// The names in this directory that are text, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.path)
            .map_err(|e| refused("list", &self.path, Refusal::Io(e)))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| refused("list", &self.path, Refusal::Io(e)))?;
            names.extend(entry.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    /// Some of the names in this directory that are text, at most so many.
    pub(crate) fn some_names(&self, most: usize) -> Result<Vec<String>> {
        let failed = |e| refused("list", &self.path, Refusal::Io(e));
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)?.take(most) {
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        Ok(names)
    }

    /// Takes the kernel's lock on a file of this name, which is made where it is missing. `None`
    /// where another holds it. It is released when the file is closed, by death too.
    pub(crate) fn try_lock(&self, name: &str) -> Result<Option<File>> {
        let path = self.path.join(name);
        loop {
            let file =
                self.handle.open_lock(name).map_err(|refusal| refused("lock", &path, refusal))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(no_locks(&path, &error)),
            }
            // Somebody may have removed the file between opening and locking it.
            if self.handle.is_at(&file, name) {
                return Ok(Some(file));
            }
        }
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

/// Reads a file that the person named: links may be followed, but nothing is waited for.
pub(crate) fn read_named(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let (mut file, size) = sys::open_named(path).map_err(|r| refused("read", path, r))?;
    read_all(&mut file, size).map_err(|e| refused("read", path, e.into()))
}

fn read_all(file: &mut File, size: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let too_large = || io::Error::other("it is larger than 16 MiB");
    if size > LARGEST {
        return Err(too_large());
    }
    // With one byte to spare the end is found without growing, which would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(too_large()) } else { Ok(bytes) }
}

fn write_all(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

fn fill_random(bytes: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| Error::internal("the system gave no random numbers"))
}

fn no_locks(path: &Path, error: &io::Error) -> Error {
    Error::store(format!("the file system refuses the lock `{}`: {error}", path.display())).hint(
        "set OAUTHCTL_STATE_DIR to a directory on a local file system: without locks, two \
         processes could spend one refresh token",
    )
}

fn refused(doing: &str, path: &Path, refusal: Refusal) -> Error {
    let path = path.display();
    match refusal {
        Refusal::Is(what) => Error::store(format!("cannot {doing} `{path}`: it is {what}")).hint(
            "only regular files and directories of your own are used: look who put it there, and \
             move it away",
        ),
        Refusal::Io(error) => {
            let hint = match error.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => {
                    "make room on that file system and try again: nothing was changed"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "make it writable for you, or choose another place: `--store file:DIR` for \
                     tokens, `OAUTHCTL_STATE_DIR` for the rest"
                }
                _ => {
                    "check that file system, or choose another place: `--store file:DIR` for \
                     tokens, `OAUTHCTL_STATE_DIR` for the rest"
                }
            };
            Error::store(format!("cannot {doing} `{path}`: {error}")).hint(hint)
        }
    }
}
