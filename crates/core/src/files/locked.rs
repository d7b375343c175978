//! A file with the kernel's lock on it.

use std::fs::File;
use std::ops::Deref;

/// The kernel's lock on a file. It is released when this is dropped, or when the process dies.
///
/// Closing the file is not enough for that: a child process that another thread is just about to start has a copy
/// of its descriptor until it runs its own program, and would hold the lock for so long.
#[derive(Debug)]
pub struct Locked(File);

impl Locked {
    /// Takes over a file that was just locked.
    pub(super) fn new(file: File) -> Self {
        Self(file)
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use crate::files::{Dir, Warnings};

    #[test]
    fn lock_ends_though_a_child_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open(folder.path(), &Warnings::default()).unwrap().unwrap();
        let held = dir.try_lock("lock").unwrap().unwrap();
        // What a process has between its fork and the start of its program.
        let inherited = held.try_clone().unwrap();
        assert!(dir.try_lock("lock").unwrap().is_none());
        drop(held);
        assert!(dir.try_lock("lock").unwrap().is_some());
        drop(inherited);
    }
}
