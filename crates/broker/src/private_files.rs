//! Files and directories that only the user of the process may read.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use oauthctl_core::text::shell_word;
use oauthctl_core::{Error, Result, files};
use zeroize::Zeroizing;

/// Creates a directory and its parents as private to this user.
///
/// # Errors
///
/// Returns the error of the system.
pub fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Opens files for writing, and creates them as private to this user.
pub fn for_writing() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The largest file with a secret.
const LARGEST_SECRET: usize = 64 * 1024;

/// Reads a file with a secret, which must not be accessible to other users. What is checked is the file that is read.
///
/// # Errors
///
/// Returns `Config` if it cannot be read, or if other users can read, write to or replace it.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>> {
    let failed = |error: io::Error| {
        Error::config(format!("cannot read {}: {error}", path.display())).caused_by(&error)
    };
    let file = files::open(path).map_err(failed)?;
    refuse_open_secret(&file.metadata().map_err(failed)?, path)?;
    if !is_in_group_volume(path) {
        files::refuse_writable(&file, path)?;
    }
    let bytes = files::read(&file, LARGEST_SECRET).map_err(failed)?;
    if bytes.len() > LARGEST_SECRET {
        return Err(Error::config(format!("{} is larger than 64 KiB", path.display())));
    }
    let text = std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned()));
    text.map_err(|_| Error::config(format!("{} is not valid UTF-8", path.display())))
}

/// Refuses a file with a secret that other users can read or write to, unless root lends it to this user.
///
/// # Errors
///
/// Returns `Config`; the hint contains the command that fixes it.
#[cfg(unix)]
pub fn refuse_open_secret(file: &Metadata, path: &Path) -> Result<()> {
    if is_lent(file) { Ok(()) } else { refuse_shared(file, path) }
}

/// Returns whether a file belongs to root, who lets a group of this user read it, and nobody else. That is how containers
/// mount secrets for users who are not root: these users cannot change the permissions.
///
/// The primary group counts like any other, and other users may belong to the group: root owns the file and has decided
/// which group may read it. In a container, the group is often the primary one, and the list of groups does not say who
/// else belongs to it.
#[cfg(unix)]
fn is_lent(file: &Metadata) -> bool {
    file.uid() == 0
        && !rustix::process::geteuid().is_root()
        && file.mode() & 0o037 == 0
        && is_own_group(file.gid())
}

/// Returns whether a path is in a volume that Kubernetes has given to a group of this user: a pod that does not run as
/// root can write there only as a member of the group.
#[cfg(unix)]
fn is_in_group_volume(path: &Path) -> bool {
    let directory = path.parent().filter(|directory| *directory != Path::new(""));
    let directory = std::fs::metadata(directory.unwrap_or(Path::new(".")));
    let is_volume = |of: Metadata| of.uid() == 0 && of.mode() & 0o022 == 0o020;
    directory.is_ok_and(|of| is_own_group(of.gid()) && is_volume(of))
}

#[cfg(unix)]
fn is_own_group(gid: u32) -> bool {
    let groups = rustix::process::getgroups().unwrap_or_default();
    let mut own = std::iter::once(rustix::process::getegid()).chain(groups);
    own.any(|group| group.as_raw() == gid)
}

/// Refuses a file that other users can read or write to.
///
/// # Errors
///
/// Returns `Config`; the hint contains the command that fixes it.
#[cfg(unix)]
fn refuse_open(file: &Metadata, path: &Path) -> Result<()> {
    let can = match file.mode() {
        mode if mode & 0o022 != 0 => "write to",
        mode if mode & 0o077 != 0 => "read",
        _ => return Ok(()),
    };
    let shown = path.display();
    Err(Error::config(format!("other users can {can} {shown}"))
        .hint(format!("run `chmod 600 {}`", shell_word(&shown.to_string()))))
}

/// Refuses a file that other users can read or write to, or that belongs to one of them.
///
/// # Errors
///
/// Returns `Config`; the hint says what to do about it.
#[cfg(unix)]
pub fn refuse_shared(file: &Metadata, path: &Path) -> Result<()> {
    let owner = file.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        let what = format!("{} belongs to another user (uid {owner})", path.display());
        return Err(
            Error::config(what).hint("run the command as that user, or use a copy of the file")
        );
    }
    refuse_open(file, path)
}

#[cfg(not(unix))]
fn is_in_group_volume(_: &Path) -> bool {
    false
}

/// Accepts every file: the platform protects the user's own directories.
#[cfg(not(unix))]
pub fn refuse_open_secret(_: &Metadata, _: &Path) -> Result<()> {
    Ok(())
}

/// Accepts every file, for the same reason.
#[cfg(not(unix))]
pub fn refuse_shared(_: &Metadata, _: &Path) -> Result<()> {
    Ok(())
}

/// Returns the error of a store whose file fails.
pub fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::store(format!("cannot {what} {}: {error}", path.display())).caused_by(error)
}
