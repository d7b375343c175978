//! A private directory: reading, moving, removing and locking files in it.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::locked::Locked;
use super::name;
use super::opened::{Opened, read_all};
use super::refusal::{Refusal, no_locks, refused};
use super::{Warnings, poll, sys};
use crate::error::{Error, ErrorKind, Result};
use crate::port::Clock;

/// An open private directory: mode 0700, with files of mode 0600.
///
/// A directory that other users can write to is rejected, and so is any entry that is a link, a device or another
/// user's file. A file with a looser mode is repaired, with a warning.
///
/// A name is that of an entry in the directory itself: `..`, `a/b`, an absolute path and an empty name are rejected
/// with an error of kind [`Store`](ErrorKind::Store). For what is in a subdirectory, use [`child`](Self::child).
///
/// ```
/// # fn main() -> oauthctl_core::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("state");
/// use oauthctl_core::files::{Dir, Warnings};
///
/// let warnings = Warnings::default();
/// let dir = Dir::create(&path, &warnings)?;
/// dir.replace("settings.json", b"{}")?;
/// assert_eq!(dir.read("settings.json")?.unwrap().as_slice(), b"{}");
///
/// let lock = dir.try_lock("settings.lock")?.expect("no other process has it");
/// assert!(dir.try_lock("settings.lock")?.is_none());
/// drop(lock);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Dir {
    pub(super) path: PathBuf,
    pub(super) handle: sys::Handle,
    warnings: Warnings,
}

impl Dir {
    /// Opens a directory; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](ErrorKind::Store) if it cannot be opened or is rejected.
    pub fn open(path: &Path, warnings: &Warnings) -> Result<Option<Self>> {
        Self::open_as(path, warnings, ErrorKind::Store)
    }

    /// Opens the directory of a key. A directory that others can write to is a configuration error.
    pub(crate) fn open_for_key(path: &Path, warnings: &Warnings) -> Result<Option<Self>> {
        Self::open_as(path, warnings, ErrorKind::Config)
    }

    fn open_as(path: &Path, warnings: &Warnings, of_writers: ErrorKind) -> Result<Option<Self>> {
        match sys::Handle::open(path) {
            Ok(handle) => {
                Ok(Some(Self { path: path.to_owned(), handle, warnings: warnings.clone() }))
            }
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(refusal @ Refusal::Writable(_)) => {
                Err(refused("open", path, refusal).with_kind(of_writers))
            }
            Err(refusal) => Err(refused("open", path, refusal)),
        }
    }

    /// Opens a directory, and creates it and its parents if they are missing.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](ErrorKind::Store) if it cannot be created or is rejected.
    pub fn create(path: &Path, warnings: &Warnings) -> Result<Self> {
        if let Some(dir) = Self::open(path, warnings)? {
            return Ok(dir);
        }
        sys::make_dirs(path).map_err(|e| refused("create", path, e.into()))?;
        Self::open(path, warnings)?
            .ok_or_else(|| Error::store(format!("`{}` has disappeared", path.display())))
    }

    /// Opens a subdirectory; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn child(&self, name: &str) -> Result<Option<Self>> {
        name::check(&self.path, name)?;
        Self::open(&self.path.join(name), &self.warnings)
    }

    /// Opens a subdirectory, and creates it if it is missing.
    ///
    /// # Errors
    ///
    /// See [`create`](Self::create).
    pub fn make_child(&self, name: &str) -> Result<Self> {
        name::check(&self.path, name)?;
        Self::create(&self.path.join(name), &self.warnings)
    }

    /// Returns the path of a file in this directory. The name is not checked.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a whole file; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](ErrorKind::Store) if it cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        self.opened(name)?.map(|opened| self.read_opened(name, opened)).transpose()
    }

    /// Reads a key. A file that another user can write to is refused, not repaired: the key may be theirs.
    pub(crate) fn read_key(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(opened) = self.opened(name)? else { return Ok(None) };
        if let Some(writer) = opened.writer {
            return Err(refused("use", &self.path.join(name), Refusal::Writable(writer))
                .with_kind(ErrorKind::Config));
        }
        self.read_opened(name, opened).map(Some)
    }

    fn opened(&self, name: &str) -> Result<Option<Opened>> {
        name::check(&self.path, name)?;
        let opened = match self.handle.open_file(name) {
            Err(Refusal::Linked) if self.remove_former_names(name) => self.handle.open_file(name),
            opened => opened,
        };
        match opened {
            Ok(opened) => Ok(Some(opened)),
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(refusal) => Err(refused("read", &self.path.join(name), refusal)),
        }
    }

    fn read_opened(&self, name: &str, mut opened: Opened) -> Result<Zeroizing<Vec<u8>>> {
        let path = self.path.join(name);
        if let Some(mode) = opened.loose {
            sys::tighten_file(&opened.file).map_err(|e| refused("protect", &path, e.into()))?;
            self.warnings
                .push(format!("`{}` was accessible to others ({mode}); now 0600", path.display()));
        }
        read_all(&mut opened.file, opened.size).map_err(|e| refused("read", &path, e.into()))
    }

    /// Reads an open file of this directory from its beginning.
    pub(crate) fn read_open(&self, mut file: &File, name: &str) -> Result<Zeroizing<Vec<u8>>> {
        let failed = |e| refused("read", &self.path.join(name), Refusal::Io(e));
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        read_all(&mut file, size).map_err(failed)
    }

    /// Writes an open file of this directory in place, durably, with one wait for the disk if the file was
    /// written before. Content that fits into a disk sector is written completely or not at all.
    pub(crate) fn write_open(&self, file: &File, name: &str, bytes: &[u8]) -> Result<()> {
        let failed = |e| refused("write", &self.path.join(name), Refusal::Io(e));
        let is_new = file.metadata().map_err(failed)?.len() == 0;
        self.write_open_lazily(file, name, bytes)?;
        file.sync_data().map_err(failed)?;
        // Its name may not be durable yet.
        if is_new { self.handle.sync().map_err(failed) } else { Ok(()) }
    }

    /// Does the same without waiting for the disk. An empty file stays empty if there is nothing to write.
    pub(crate) fn write_open_lazily(
        &self,
        mut file: &File,
        name: &str,
        bytes: &[u8],
    ) -> Result<()> {
        let failed = |e| refused("write", &self.path.join(name), Refusal::Io(e));
        let before = file.metadata().map_err(failed)?.len();
        if before == 0 && bytes.trim_ascii().is_empty() {
            return Ok(());
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        if before > bytes.len() as u64 {
            file.set_len(bytes.len() as u64).map_err(failed)
        } else {
            Ok(())
        }
    }

    /// Returns whether the name exists; an error if it is not a file of this program.
    pub(crate) fn exists(&self, name: &str) -> Result<bool> {
        name::check(&self.path, name)?;
        let checked = match self.handle.check(name) {
            Err(Refusal::Linked) if self.remove_former_names(name) => self.handle.check(name),
            checked => checked,
        };
        match checked {
            Ok(()) => Ok(true),
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(refusal) => Err(refused("use", &self.path.join(name), refusal)),
        }
    }

    pub(super) fn again(&self) -> Result<Dir> {
        let handle =
            self.handle.again().map_err(|e| refused("open", &self.path, Refusal::Io(e)))?;
        Ok(Dir { path: self.path.clone(), handle, warnings: self.warnings.clone() })
    }

    /// Renames a file to an unused name.
    pub(crate) fn rename_new(&self, from: &str, to: &str) -> Result<bool> {
        name::check(&self.path, from)?;
        name::check(&self.path, to)?;
        match self.handle.rename_new(from, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(refused("move", &self.path.join(from), error.into())),
        }
        self.handle.sync().map_err(|e| refused("save", &self.path, e.into()))?;
        Ok(true)
    }

    /// Removes a file, durably. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](ErrorKind::Store) if the file may still be there.
    pub fn remove(&self, name: &str) -> Result<bool> {
        let removed = self.remove_lazily(name)?;
        if removed {
            self.handle.sync().map_err(|e| refused("save", &self.path, e.into()))?;
        }
        Ok(removed)
    }

    /// Removes a file without waiting for the disk: after a power cut it may reappear.
    ///
    /// # Errors
    ///
    /// See [`remove`](Self::remove).
    pub fn remove_lazily(&self, name: &str) -> Result<bool> {
        name::check(&self.path, name)?;
        match self.handle.unlink(name) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(refused("remove", &self.path.join(name), error.into())),
        }
    }

    /// Returns the names in this directory that are text, sorted.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](ErrorKind::Store) if they cannot be listed.
    pub fn names(&self) -> Result<Vec<String>> {
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

    /// Returns the results of `pick` for the names in this directory that are text, up to a limit. The rest
    /// is not read.
    pub(crate) fn first<T>(
        &self,
        most: usize,
        pick: impl FnMut(String) -> Option<T>,
    ) -> Result<Vec<T>> {
        let failed = |e| refused("list", &self.path, Refusal::Io(e));
        let names = std::fs::read_dir(&self.path).map_err(failed)?.filter_map(|entry| {
            entry.map(|entry| entry.file_name().into_string().ok()).map_err(failed).transpose()
        });
        let mut pick = pick;
        names.filter_map(|name| name.map(&mut pick).transpose()).take(most).collect()
    }

    /// Acquires the kernel's exclusive lock on a file of this name, which is created if it is missing. Returns `None`
    /// if another process holds it. The lock is released on drop, or when its process dies.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](ErrorKind::Store) if the file system does not support locks.
    pub fn try_lock(&self, name: &str) -> Result<Option<Locked>> {
        self.try_lock_by(name, File::try_lock)
    }

    /// Acquires a shared lock: several processes can hold it at once, but not while another process holds the
    /// exclusive lock.
    ///
    /// # Errors
    ///
    /// See [`try_lock`](Self::try_lock).
    pub fn try_lock_shared(&self, name: &str) -> Result<Option<Locked>> {
        self.try_lock_by(name, File::try_lock_shared)
    }

    /// Acquires the lock of [`try_lock`](Self::try_lock), waiting for up to `wait`. Returns `None` if another process
    /// still holds it.
    ///
    /// # Errors
    ///
    /// See [`try_lock`](Self::try_lock).
    pub async fn lock(
        &self,
        name: &str,
        clock: &dyn Clock,
        wait: Duration,
    ) -> Result<Option<Locked>> {
        poll(clock, wait, || self.try_lock(name)).await
    }

    fn try_lock_by(
        &self,
        name: &str,
        lock: fn(&File) -> std::result::Result<(), TryLockError>,
    ) -> Result<Option<Locked>> {
        name::check(&self.path, name)?;
        let path = self.path.join(name);
        loop {
            let file =
                self.handle.open_lock(name).map_err(|refusal| refused("lock", &path, refusal))?;
            match lock(&file) {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(no_locks(&path, &error)),
            }
            // The file may have been removed between opening and locking it.
            if self.handle.is_at(&file, name) {
                return Ok(Some(Locked::new(file)));
            }
        }
    }
}
