//! Replaces a file as a whole, through a temporary one that may be created in advance.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};

use zeroize::Zeroizing;

use super::refusal::refused;
use super::{Dir, name, sys};
use crate::error::{Error, Result};

/// How many temporary files of one name can be found again without listing their directory.
const SLOTS: u32 = 8;

/// A temporary file with reserved space, for a later [`Dir::replace_with`]. Removed when dropped, and by
/// [`Dir::sweep`] once its owner is dead.
#[derive(Debug)]
pub(crate) struct Reserved {
    dir: Dir,
    name: String,
    file: File,
    size: usize,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // It may have been removed and replaced by another of that name.
        if !self.name.is_empty() && self.dir.handle.is_at(&self.file, &self.name) {
            let _ = self.dir.handle.unlink(&self.name);
        }
    }
}

impl Reserved {
    /// Returns how many bytes are reserved.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

/// A temporary file that a dead writer left, locked. It stays when dropped, whatever fails: it may be the
/// only copy of what was written.
#[derive(Debug)]
pub(crate) struct Leftover {
    name: String,
    file: File,
}

impl Dir {
    /// Replaces a file as a whole, durably.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if the file may not have been replaced.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let reserved = self.temporary(name)?;
        self.replace_with(reserved, name, bytes)
    }

    /// Does the same with a temporary file that was created before, or with another if that is gone.
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

    /// Replaces a file as a whole, without waiting for the disk: after a power cut it may be the old one,
    /// or damaged. For data that can be generated again.
    ///
    /// # Errors
    ///
    /// See [`replace`](Self::replace).
    pub fn replace_lazily(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let failed = |e: io::Error| refused("write", &self.path.join(name), e.into());
        self.exists(name)?;
        let mut reserved = self.temporary(name)?;
        reserved.file.write_all(bytes).map_err(failed)?;
        self.handle.rename(&reserved.name, name).map_err(failed)?;
        reserved.name.clear();
        Ok(())
    }

    /// Returns the temporary files of this name that dead writers left, and their content. No other process
    /// has them.
    pub(crate) fn left_behind(&self, name: &str) -> Vec<(Leftover, Zeroizing<Vec<u8>>)> {
        let slots = (0..SLOTS).map(|slot| slot_name(name, slot));
        let left = slots.filter_map(|slot| {
            let leftover = self.dead(slot)?;
            let written = self.read(&leftover.name).ok()??;
            Some((leftover, written))
        });
        left.collect()
    }

    /// Removes what a dead writer left.
    pub(crate) fn discard(&self, left: &Leftover) {
        if self.handle.is_at(&left.file, &left.name) {
            let _ = self.handle.unlink(&left.name);
        }
    }

    /// Replaces a file with what a dead writer left, durably. If that fails, the leftover stays.
    pub(crate) fn replace_by(&self, left: &Leftover, name: &str) -> Result<()> {
        let path = self.path.join(name);
        self.exists(name)?;
        left.file.sync_all().map_err(|e| refused("save", &path, e.into()))?;
        let renamed = self.handle.rename(&left.name, name);
        renamed.map_err(|e| refused("replace", &path, e.into()))?;
        self.handle.sync().map_err(|e| refused("save", &path, e.into()))
    }

    /// Creates a file that must not exist yet, durably and at once. Returns `false` if it exists.
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
            // No process has seen it yet: the next caller may try again.
            let _ = self.handle.unlink(name);
            return Err(refused("save", &path, error.into()));
        }
        Ok(true)
    }

    /// Checks that a file of this name and size can be written, without writing it.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if it cannot.
    pub fn check_space(&self, name: &str, size: usize) -> Result<()> {
        self.reserve(name, size).map(drop)
    }

    /// Reserves real disk space for a file that is to be replaced later.
    pub(crate) fn reserve(&self, name: &str, size: usize) -> Result<Reserved> {
        self.exists(name)?;
        let mut reserved = self.temporary(name)?;
        let taken = match sys::allocate(&reserved.file, size) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                // Not zeros: some file systems reserve no space for those.
                let mut filler = vec![0; size];
                fill_random(&mut filler)?;
                write_all(&mut reserved.file, &filler)
            }
            // If the file system allocates on demand, the data written later has its space.
            given => given,
        };
        taken.map_err(|e| refused(&format!("reserve {size} bytes in"), &self.path, e.into()))?;
        reserved.size = size;
        Ok(reserved)
    }

    /// Returns a temporary file of this name, empty, and locked for as long as its owner lives.
    ///
    /// Its own name is one of a few, so that a dead writer's file is found without listing the directory:
    /// the next writer takes it over, but one with content only if there is no other. No other user can
    /// write to a private directory, so the name need not be secret.
    fn temporary(&self, name: &str) -> Result<Reserved> {
        name::check(&self.path, name)?;
        for may_be_written in [false, true] {
            for slot in 0..SLOTS {
                if let Some(reserved) = self.slot(slot_name(name, slot), may_be_written)? {
                    return Ok(reserved);
                }
            }
        }
        // Several writers at once, or a file system without locks.
        let mut random = [0; 16];
        fill_random(&mut random)?;
        let temporary = format!(".{name}.{:032x}.tmp", u128::from_be_bytes(random));
        let file = self.create_temporary(&temporary)?;
        let _ = file.try_lock();
        Ok(Reserved { dir: self.again()?, name: temporary, file, size: 0 })
    }

    fn create_temporary(&self, temporary: &str) -> Result<File> {
        let created = self.handle.create_file(temporary);
        created.map_err(|e| refused("write in", &self.path, e.into()))
    }

    /// Returns the temporary file of this name, emptied, unless another writer has it.
    fn slot(&self, temporary: String, may_be_written: bool) -> Result<Option<Reserved>> {
        let (name, file) = match self.handle.create_file(&temporary) {
            Ok(file) => (temporary, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let Some(Leftover { name, file }) = self.dead(temporary) else { return Ok(None) };
                if !may_be_written && !self.is_blank(&name) {
                    return Ok(None);
                }
                file.set_len(0).map_err(|e| refused("write in", &self.path, e.into()))?;
                return Ok(Some(Reserved { dir: self.again()?, name, file, size: 0 }));
            }
            Err(error) => return Err(refused("write in", &self.path, error.into())),
        };
        // Without locks, only a new file certainly belongs to no other process.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) || !self.is_ours(&file, &name) {
            return Ok(None);
        }
        Ok(Some(Reserved { dir: self.again()?, name, file, size: 0 }))
    }

    /// Returns the temporary file of this name, if a dead writer left one.
    fn dead(&self, name: String) -> Option<Leftover> {
        let file = self.handle.open_to_write(&name).ok()?;
        let is_dead = file.try_lock().is_ok() && self.is_ours(&file, &name);
        is_dead.then_some(Leftover { name, file })
    }

    /// Returns whether a locked file is still a temporary one: the previous holder of the lock may have
    /// renamed it, or given it its second name, and so made it the real one.
    fn is_ours(&self, file: &File, temporary: &str) -> bool {
        self.handle.is_at(file, temporary) && sys::is_single(file)
    }

    /// Returns whether a file has no content: it is empty, or has only reserved space.
    fn is_blank(&self, name: &str) -> bool {
        let mut first = [0];
        let opened = self.handle.open_file(name);
        opened.is_ok_and(|opened| (&opened.file).read(&mut first).is_ok() && first == [0])
    }

    /// Removes the temporary files that terminated processes left behind for this name. The cost does not depend on
    /// the number of files in the directory. Does nothing for a name that is not one of an entry in this directory.
    pub fn sweep(&self, name: &str) {
        if !name::is_plain(name) {
            return;
        }
        (0..SLOTS).for_each(|slot| self.sweep_one(&slot_name(name, slot)));
    }

    /// Does the same, and removes those that a crowd of writers may have left. Lists the directory.
    pub(crate) fn sweep_thoroughly(&self, name: &str) -> Result<()> {
        let prefix = format!(".{name}.");
        let mut leftovers = self.names()?;
        leftovers.retain(|file| file.starts_with(&prefix) && file.ends_with(".tmp"));
        leftovers.iter().for_each(|leftover| self.sweep_one(leftover));
        Ok(())
    }

    /// Removes the temporary names of a file that also has its own name: the process that created the
    /// second name was killed before it could remove the first. Returns whether there were any.
    pub(super) fn remove_former_names(&self, name: &str) -> bool {
        let prefix = format!(".{name}.");
        let is_former = |file: &&String| {
            file.starts_with(&prefix) && file.ends_with(".tmp") && self.handle.is_same(file, name)
        };
        let names = self.names().unwrap_or_default();
        let former = names.iter().filter(is_former);
        former.filter(|former| self.handle.unlink(former).is_ok()).count() > 0
    }

    fn sweep_one(&self, leftover: &str) {
        if let Ok(file) = self.handle.open_to_write(leftover)
            && file.try_lock().is_ok()
            && self.handle.is_at(&file, leftover)
        {
            let _ = self.handle.unlink(leftover);
        }
    }
}

fn slot_name(name: &str, slot: u32) -> String {
    format!(".{name}.{slot}.tmp")
}

fn write_all(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    // Before the bytes: from the last of them on, what is there is whole.
    file.set_len(bytes.len() as u64)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn fill_random(bytes: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(bytes)
        .map_err(|_| Error::internal("the system did not return random numbers"))
}
