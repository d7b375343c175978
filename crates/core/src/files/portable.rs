//! The calls below [`super`] on systems without Unix modes: the files are in the user's own directories,
//! which the platform protects from other users.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::opened::Opened;
use super::refusal::Refusal;

/// A directory.
#[derive(Debug)]
pub(super) struct Handle(PathBuf);

impl Handle {
    /// Opens a directory.
    pub(super) fn open(path: &Path) -> Result<Self, Refusal> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_symlink() {
            return Err(Refusal::Is("a symbolic link"));
        }
        if !metadata.is_dir() {
            return Err(Refusal::Is("not a directory"));
        }
        Ok(Self(path.to_owned()))
    }

    /// Returns a second handle on the same directory.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    /// Opens a regular file for reading.
    pub(super) fn open_file(&self, name: &str) -> Result<Opened, Refusal> {
        self.check(name)?;
        let file = File::open(self.0.join(name))?;
        let size = file.metadata()?.len();
        Ok(Opened { file, size, loose: None, writer: None })
    }

    /// Opens a lock file, and creates it if it is missing.
    pub(super) fn open_lock(&self, name: &str) -> Result<File, Refusal> {
        match self.check(name) {
            Ok(()) => {}
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(refusal) => return Err(refusal),
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        Ok(options.open(self.0.join(name))?)
    }

    /// Creates a file that must not exist.
    pub(super) fn create_file(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
    }

    /// Opens a regular file for writing.
    pub(super) fn open_to_write(&self, name: &str) -> Result<File, Refusal> {
        self.check(name)?;
        Ok(OpenOptions::new().write(true).open(self.0.join(name))?)
    }

    /// Checks what is at this name without opening it.
    pub(super) fn check(&self, name: &str) -> Result<(), Refusal> {
        let metadata = fs::symlink_metadata(self.0.join(name))?;
        if metadata.is_file() { Ok(()) } else { Err(Refusal::Is("not a regular file")) }
    }

    /// Returns whether this open file is at this name, as far as can be known: an open file keeps its name.
    pub(super) fn is_at(&self, _file: &File, name: &str) -> bool {
        self.check(name).is_ok()
    }

    /// Renames, replacing an existing file.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    /// Renames to a name that must be unused.
    pub(super) fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(self.0.join(from), self.0.join(to))?;
        fs::remove_file(self.0.join(from))
    }

    /// Returns whether both names belong to one file: that cannot be known.
    pub(super) fn is_same(&self, _one: &str, _other: &str) -> bool {
        false
    }

    /// Removes a file.
    pub(super) fn unlink(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    /// Does nothing: the rename itself is durable here.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Creates a directory and its missing parents.
pub(super) fn make_dirs(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Creates a file that must not exist.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Does nothing: space is reserved only by writing.
pub(super) fn allocate(_file: &File, _size: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns whether an open file has at most one name: that is not known.
pub(super) fn is_single(_file: &File) -> bool {
    true
}

/// Does nothing: there are no modes to restrict.
pub(super) fn tighten_file(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Opens a regular file, following links. Returns its size.
pub(super) fn open_named(path: &Path) -> Result<(File, u64), Refusal> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(Refusal::Is("not a regular file"));
    }
    Ok((File::open(path)?, metadata.len()))
}

/// The rename itself is durable here.
pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether this is a directory, and no link to one.
pub(super) fn is_own_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|is| is.is_dir())
}

/// Returns whether this is a regular file, and no link to one.
pub(super) fn is_own_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|is| is.is_file())
}

/// Opens a regular file that is no link, and returns its size.
pub(super) fn open_own(path: &Path) -> Option<(File, u64)> {
    let file = is_own_file(path).then(|| File::open(path).ok())??;
    let size = file.metadata().ok()?.len();
    Some((file, size))
}
