//! Replaces a file at a place that the user chooses, so that a reader sees the old one or the new one,
//! and no other user sees it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::sys;

/// What becomes of the temporary files of killed writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// They stay: another process may be writing one of them.
    Keep,
    /// They are removed: no other process writes the file now.
    Remove,
}

/// Replaces the file, durably, with mode 0600. Its directory must exist.
pub(crate) fn replace(path: &Path, bytes: &[u8], leftovers: Leftovers) -> io::Result<()> {
    replace_checked(path, bytes, leftovers, || Ok(()))
}

/// Replaces a file at a path that the user chose, durably, with mode 0600, so that a reader sees the old file or the
/// new one. Its directory must exist. `check` runs last, when the new file is complete. If it fails, the old file is
/// kept.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("settings");
/// use oauthctl_core::files::replace_if;
///
/// replace_if(&path, b"new", || Ok(()))?;
/// let refused = replace_if(&path, b"newer", || Err(std::io::Error::other("changed meanwhile")));
/// assert!(refused.is_err());
/// assert_eq!(std::fs::read(&path)?, b"new");
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Returns the error of the system, or of `check`.
pub fn replace_if(
    path: &Path,
    bytes: &[u8],
    check: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    replace_checked(path, bytes, Leftovers::Keep, check)
}

fn replace_checked(
    path: &Path,
    bytes: &[u8],
    leftovers: Leftovers,
    check: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    if leftovers == Leftovers::Remove {
        sweep(path);
    }
    let (temporary, mut file) = create_beside(path)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| check())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Nothing more can be done if this fails too; the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sys::sync_directory(directory(path))
}

fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Removes what killed writers of this file have left: it may hold a secret that the user has
/// removed from the file since.
fn sweep(path: &Path) {
    let Some(Some(name)) = path.file_name().map(OsStr::to_str) else { return };
    let Ok(entries) = fs::read_dir(directory(path)) else { return };
    for entry in entries.flatten() {
        let other = entry.file_name();
        let middle = other.to_str().and_then(|other| {
            other.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".tmp")
        });
        let is_leftover =
            middle.is_some_and(|m| m.len() == 16 && m.bytes().all(|b| b.is_ascii_hexdigit()));
        if is_leftover && sys::is_own_file(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Creates a file with an unpredictable name, so that a file planted by another user is never opened.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| io::Error::other("no random numbers"))?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or_else(|| io::Error::other("it has no file name"))?);
    name.push(format!(".{:016x}.tmp", u64::from_ne_bytes(random)));
    let temporary = path.with_file_name(name);
    let file = sys::create_private(&temporary)?;
    Ok((temporary, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_replaced_whole_and_leaves_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/file");
        crate::files::make_dirs(path.parent().unwrap()).unwrap();
        for (bytes, leftovers) in [("one", Leftovers::Remove), ("two", Leftovers::Keep)] {
            replace(&path, bytes.as_bytes(), leftovers).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), bytes);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        for (path, mode) in [(path.as_path(), 0o600), (path.parent().unwrap(), 0o700)] {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn failed_write_leaves_the_old_file_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir(&path).unwrap();
        let replaced = replace(&path, b"x", Leftovers::Remove);
        assert!(replaced.is_err(), "a directory cannot be replaced by a file");
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
        replace(&path, b"one", Leftovers::Keep).unwrap();
        assert!(leftover.exists(), "it may be a living writer's");
        replace(&path, b"two", Leftovers::Remove).unwrap();
        assert!(!leftover.exists());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1 + others.len());
    }
}
