//! The calls below [`super`] on Unix.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};

use super::opened::Opened;
use super::refusal::Refusal;
use super::trusted;

const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const PRIVATE_DIR: Mode = Mode::RWXU;
const SHUT: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW).union(OFlags::NOCTTY);

/// An open directory.
#[derive(Debug)]
pub(super) struct Handle(OwnedFd);

impl Handle {
    /// Opens a directory of this user that no other user can write to.
    pub(super) fn open(path: &Path) -> Result<Self, Refusal> {
        let flags = SHUT | OFlags::DIRECTORY | OFlags::RDONLY;
        let fd = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(rustix::io::Errno::LOOP) => return Err(Refusal::Is("a symbolic link")),
            Err(rustix::io::Errno::NOTDIR) => {
                // Linux returns the same for a symbolic link, for a file, and for a path through a file.
                let link = rustix::fs::lstat(path)
                    .is_ok_and(|s| FileType::from_raw_mode(s.st_mode) == FileType::Symlink);
                return Err(Refusal::Is(if link { "a symbolic link" } else { "not a directory" }));
            }
            Err(error) => return Err(Refusal::Io(error.into())),
        };
        let stat = rustix::fs::fstat(&fd).map_err(io::Error::from)?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(Refusal::Is("owned by another user"));
        }
        let mode = Mode::from_raw_mode(stat.st_mode);
        if mode.contains(Mode::SVTX) {
            return Err(Refusal::Is("a shared directory"));
        }
        match trusted::writer(&stat) {
            Some(writer) => Err(Refusal::Writable(writer)),
            None => Ok(Self(fd)),
        }
    }

    /// Returns a second handle on the same directory.
    pub(super) fn again(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Opens a regular file for reading.
    pub(super) fn open_file(&self, name: &str) -> Result<Opened, Refusal> {
        let flags = SHUT | OFlags::RDONLY | OFlags::NONBLOCK;
        let fd = rustix::fs::openat(&self.0, name, flags, Mode::empty()).map_err(open_error)?;
        let stat = rustix::fs::fstat(&fd).map_err(io::Error::from)?;
        check(&stat)?;
        Ok(Opened {
            file: File::from(fd),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            loose: loose(&stat),
            writer: trusted::writer(&stat),
        })
    }

    /// Opens a lock file for reading and writing, and creates it if it is missing.
    pub(super) fn open_lock(&self, name: &str) -> Result<File, Refusal> {
        let flags = SHUT | OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK;
        let open = || rustix::fs::openat(&self.0, name, flags, PRIVATE_FILE);
        let opened = match open() {
            // A process was killed before it could give the owner access that the umask had removed.
            Err(rustix::io::Errno::ACCESS) if self.admit_owner(name) => open(),
            opened => opened,
        };
        let fd = opened.map_err(open_error)?;
        let stat = rustix::fs::fstat(&fd).map_err(io::Error::from)?;
        check(&stat)?;
        make_private(&fd, &stat)?;
        Ok(File::from(fd))
    }

    /// Sets the proper mode of a file of this user. Returns whether it had another.
    fn admit_owner(&self, name: &str) -> bool {
        let Ok(stat) = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) else {
            return false;
        };
        let is_shut = !Mode::from_raw_mode(stat.st_mode).contains(PRIVATE_FILE);
        check(&stat).is_ok()
            && is_shut
            && rustix::fs::chmodat(&self.0, name, PRIVATE_FILE, AtFlags::empty()).is_ok()
    }

    /// Creates a file that must not exist.
    pub(super) fn create_file(&self, name: &str) -> io::Result<File> {
        let flags = SHUT | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let fd = rustix::fs::openat(&self.0, name, flags, PRIVATE_FILE)?;
        make_private(&fd, &rustix::fs::fstat(&fd)?)?;
        Ok(File::from(fd))
    }

    /// Opens a regular file of this user for writing.
    pub(super) fn open_to_write(&self, name: &str) -> Result<File, Refusal> {
        let flags = SHUT | OFlags::WRONLY | OFlags::NONBLOCK;
        let fd = rustix::fs::openat(&self.0, name, flags, Mode::empty()).map_err(open_error)?;
        let stat = rustix::fs::fstat(&fd).map_err(io::Error::from)?;
        check(&stat)?;
        make_private(&fd, &stat)?;
        Ok(File::from(fd))
    }

    /// Checks what is at this name without opening it.
    pub(super) fn check(&self, name: &str) -> Result<(), Refusal> {
        let stat = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(io::Error::from)?;
        check(&stat)
    }

    /// Returns whether this open file is the one at this name.
    pub(super) fn is_at(&self, file: &File, name: &str) -> bool {
        let there = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
        match (rustix::fs::fstat(file), there) {
            (Ok(a), Ok(b)) => a.st_ino == b.st_ino && a.st_dev == b.st_dev,
            _ => false,
        }
    }

    /// Renames, replacing an existing file.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Renames to a name that must be unused.
    pub(super) fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        {
            use rustix::fs::RenameFlags;
            use rustix::io::Errno;
            let flags = RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(&self.0, from, &self.0, to, flags) {
                // Not every file system supports this.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                other => return Ok(other?),
            }
        }
        rustix::fs::linkat(&self.0, from, &self.0, to, AtFlags::empty())?;
        // A concurrent reader may have removed its former name.
        if self.is_same(from, to) {
            let _ = rustix::fs::unlinkat(&self.0, from, AtFlags::empty());
        }
        Ok(())
    }

    /// Returns whether both names belong to one file.
    pub(super) fn is_same(&self, one: &str, other: &str) -> bool {
        let [one, other] =
            [one, other].map(|name| rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW));
        match (one, other) {
            (Ok(one), Ok(other)) => one.st_ino == other.st_ino && one.st_dev == other.st_dev,
            _ => false,
        }
    }

    /// Removes a file.
    pub(super) fn unlink(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Makes the names in this directory durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }
}

/// Creates a directory and its missing parents, durably.
pub(super) fn make_dirs(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    for directory in missing.iter().rev() {
        match DirBuilder::new().mode(PRIVATE_DIR.as_raw_mode()).create(directory) {
            Ok(()) => admit_owner(directory)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    for made in missing {
        let parent = match made.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        sync_directory(parent)?;
    }
    Ok(())
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let flags = OFlags::CLOEXEC | OFlags::DIRECTORY | OFlags::RDONLY;
    // A directory that may be searched but not read cannot be synced, and need not stop us.
    if let Ok(fd) = rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        rustix::fs::fsync(fd)?;
    }
    Ok(())
}

/// Returns whether this is a directory of the user's own that nobody else can write to, and no link to one.
pub(super) fn is_own_directory(path: &Path) -> bool {
    rustix::fs::lstat(path)
        .is_ok_and(|stat| is_own(&stat, FileType::Directory) && trusted::writer(&stat).is_none())
}

/// Returns whether this is a regular file of the user's own, and no link to one.
pub(super) fn is_own_file(path: &Path) -> bool {
    rustix::fs::lstat(path).is_ok_and(|stat| is_own(&stat, FileType::RegularFile))
}

fn is_own(stat: &Stat, kind: FileType) -> bool {
    FileType::from_raw_mode(stat.st_mode) == kind
        && stat.st_uid == rustix::process::geteuid().as_raw()
}

/// Opens a regular file of the user's own that has no other name, and returns its size. Does not wait for
/// anything else.
pub(super) fn open_own(path: &Path) -> Option<(File, u64)> {
    let flags = SHUT | OFlags::RDONLY | OFlags::NONBLOCK;
    let fd = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&fd).ok()?;
    check(&stat).ok()?;
    Some((File::from(fd), u64::try_from(stat.st_size).ok()?))
}

/// Restores the owner's access to a new directory that the umask may have removed.
fn admit_owner(directory: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    let (handle, path) = {
        use std::os::fd::AsRawFd;
        let flags = SHUT | OFlags::PATH | OFlags::DIRECTORY;
        let handle = rustix::fs::open(directory, flags, Mode::empty())?;
        let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
        (handle, std::path::PathBuf::from(path))
    };
    #[cfg(target_os = "linux")]
    let (stat, flags) = (rustix::fs::fstat(&handle)?, AtFlags::empty());
    #[cfg(not(target_os = "linux"))]
    let (path, stat, flags) = (directory, rustix::fs::lstat(directory)?, AtFlags::SYMLINK_NOFOLLOW);
    if !Mode::from_raw_mode(stat.st_mode).contains(PRIVATE_DIR) {
        rustix::fs::chmodat(CWD, path, PRIVATE_DIR, flags)?;
    }
    Ok(())
}

/// Sets the proper mode of an open file, regardless of the umask.
fn make_private(file: impl std::os::fd::AsFd, stat: &Stat) -> io::Result<()> {
    if stat.st_mode & 0o7777 != PRIVATE_FILE.as_raw_mode() {
        rustix::fs::fchmod(file, PRIVATE_FILE)?;
    }
    Ok(())
}

/// Creates a file that must not exist, for its owner alone.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let flags = SHUT | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let fd = rustix::fs::open(path, flags, PRIVATE_FILE)?;
    make_private(&fd, &rustix::fs::fstat(&fd)?)?;
    Ok(File::from(fd))
}

/// Reserves space for a file's first bytes; [`io::ErrorKind::Unsupported`] if that requires writing.
pub(super) fn allocate(file: &File, size: usize) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::Errno;
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        let flags = rustix::fs::FallocateFlags::empty();
        match rustix::io::retry_on_intr(|| rustix::fs::fallocate(file, flags, 0, size)) {
            Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            other => Ok(other?),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, size);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Returns whether an open file has at most one name.
pub(super) fn is_single(file: &File) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| stat.st_nlink <= 1)
}

/// Removes the access of other users.
pub(super) fn tighten_file(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fchmod(file, PRIVATE_FILE)?)
}

/// Opens a regular file of any owner, following links. Returns its size.
pub(super) fn open_named(path: &Path) -> Result<(File, u64), Refusal> {
    let flags = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::RDONLY | OFlags::NONBLOCK;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(open_error)?;
    let stat = rustix::fs::fstat(&fd).map_err(io::Error::from)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        other => return Err(Refusal::Is(kind(other))),
    }
    Ok((File::from(fd), u64::try_from(stat.st_size).unwrap_or(0)))
}

fn open_error(error: rustix::io::Errno) -> Refusal {
    match error {
        rustix::io::Errno::LOOP => Refusal::Is("a symbolic link"),
        rustix::io::Errno::NXIO => Refusal::Is("a socket"),
        rustix::io::Errno::ISDIR => Refusal::Is("a directory"),
        other => Refusal::Io(other.into()),
    }
}

fn check(stat: &Stat) -> Result<(), Refusal> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        other => return Err(Refusal::Is(kind(other))),
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Refusal::Is("owned by another user"));
    }
    // None is left if another process has just replaced it: the previous version was read completely.
    if stat.st_nlink > 1 {
        return Err(Refusal::Linked);
    }
    Ok(())
}

fn kind(file_type: FileType) -> &'static str {
    match file_type {
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a pipe",
        FileType::Directory => "a directory",
        FileType::Socket => "a socket",
        _ => "a device",
    }
}

fn loose(stat: &Stat) -> Option<String> {
    let mode = Mode::from_raw_mode(stat.st_mode);
    let open = mode.intersects(Mode::RWXG.union(Mode::RWXO));
    open.then(|| format!("{:04o}", mode.as_raw_mode() & 0o7777))
}
