//! Writes a small file so that a reader sees the old one or the new one, and nobody else sees it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::private_fs::{Dir, Warnings, create_private};

/// The directory of [`resolved`] in the state directory.
const RESOLVED: &str = "resolved";

/// Replaces the file, durably, with mode 0600. Its directory must exist. `alone` says that no other process
/// writes the file at this time: then what killed writers have left is removed first.
pub(crate) fn write(path: &Path, bytes: &[u8], alone: bool) -> io::Result<()> {
    if alone {
        sweep(path);
    }
    let (temporary, mut file) = create_beside(path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_directory(path)
}

/// Removes what killed writers of this file have left: there may be a secret in it that the user has
/// removed from the file since.
fn sweep(path: &Path) {
    let Some(Some(name)) = path.file_name().map(OsStr::to_str) else { return };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(directory.unwrap_or(Path::new("."))) else { return };
    for entry in entries.flatten() {
        let other = entry.file_name();
        let middle = other.to_str().and_then(|other| {
            other.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".tmp")
        });
        let is_leftover =
            middle.is_some_and(|m| m.len() == 16 && m.bytes().all(|b| b.is_ascii_hexdigit()));
        if is_leftover && entry.metadata().is_ok_and(|is| is.is_file() && is_ours(&is)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Replaces a file of a cache, and makes its directory where it is missing. After a power cut the file
/// may be the old one, or damaged: it can be made again. Nothing is written through a link.
///
/// # Errors
/// Of kind `Store`.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    match (path.parent(), path.file_name().and_then(OsStr::to_str)) {
        (Some(parent), Some(name)) => {
            Dir::create(parent, &Warnings::default())?.replace_lazily(name, bytes)
        }
        _ => Err(Error::internal("a file of a cache has no name")),
    }
}

/// Opens the cache of what the configuration means, in the state directory, and makes both where they are
/// missing. In a state directory that is refused nothing is made.
///
/// # Errors
/// Of kind `Store`.
pub(super) fn resolved(state_dir: &Path) -> Result<Dir> {
    Dir::create(state_dir, &Warnings::default())?.make_child(RESOLVED)
}

/// The place of a file in the cache that [`resolved`] opens.
pub(super) fn in_resolved(state_dir: &Path, name: &str) -> PathBuf {
    state_dir.join(RESOLVED).join(name)
}

/// The most bytes of a file that [`read`] reads.
pub(crate) const READ_LIMIT: u64 = 4 * 1024 * 1024;

/// Reads a small file of our own. What is no plain file, is another user's or has a second name
/// was put there by somebody else, and is as good as missing; nothing is waited for.
pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
    if let Some(directory) = path.parent()
        && !fs::symlink_metadata(directory).is_ok_and(|is| is.is_dir() && is_ours(&is))
    {
        return None;
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options.open(path).ok()?;
    let is = file.metadata().ok()?;
    if !(is.is_file() && is_ours(&is) && is_single(&is) && is.len() <= READ_LIMIT) {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(is.len()).ok()?.saturating_add(1));
    file.take(READ_LIMIT).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(unix)]
fn is_ours(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == rustix::process::geteuid().as_raw()
}

#[cfg(unix)]
fn is_single(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) == 1
}

#[cfg(not(unix))]
fn is_ours(_: &fs::Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn is_single(_: &fs::Metadata) -> bool {
    true
}

/// A new file of an unforeseeable name: one that somebody has put there is never opened.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| io::Error::other("no random numbers"))?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(format!(".{:016x}.tmp", u64::from_ne_bytes(random)));
    let temporary = path.with_file_name(name);
    let file = create_private(&temporary)?;
    Ok((temporary, file))
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/file");
        crate::private_fs::make_dirs(path.parent().unwrap()).unwrap();
        write(&path, b"one", true).unwrap();
        write(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        keep(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        for (path, mode) in [(path.as_path(), 0o600), (path.parent().unwrap(), 0o700)] {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"x", true).is_err(), "a directory cannot be replaced by a file");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_of_killed_writers_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        let (leftover, _) = create_beside(&path).unwrap();
        let others =
            [".config.toml.tmp", ".other.toml.0123456789abcdef.tmp", ".config.toml.bak.tmp"];
        for name in others {
            fs::write(directory.path().join(name), "").unwrap();
        }
        write(&path, b"one", false).unwrap();
        assert!(leftover.exists(), "it may be a living writer's");
        write(&path, b"two", true).unwrap();
        assert!(!leftover.exists());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1 + others.len());
    }

    #[test]
    #[cfg(unix)]
    fn a_cache_is_not_written_through_links() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().unwrap();
        let [cache, victim] = ["cache", "victim"].map(|name| outer.path().join(name));
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("file"), "before").unwrap();
        symlink(&victim, &cache).unwrap();
        assert!(keep(&cache.join("other"), b"x").is_err());
        assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);
        fs::remove_file(&cache).unwrap();
        fs::create_dir(&cache).unwrap();
        symlink(victim.join("file"), cache.join("file")).unwrap();
        assert!(keep(&cache.join("file"), b"x").is_err());
        assert_eq!(fs::read(victim.join("file")).unwrap(), b"before");
    }
}
