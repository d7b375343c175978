//! Files and directories that only the user of the process may read.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use oauthctl_core::text::shell_word;
use oauthctl_core::{Error, Result};

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

/// Refuses a file with a secret that other users can read or write to, unless root lends it to this user.
///
/// # Errors
///
/// Returns `Config`; the hint contains the command that fixes it.
#[cfg(unix)]
pub fn refuse_open_secret(file: &Metadata, path: &Path) -> Result<()> {
    if is_lent(file) { Ok(()) } else { refuse_open(file, path) }
}

/// Returns whether a file belongs to root, who lets a group of this user read it, and nobody else. That is how containers
/// mount secrets for users who are not root: these users cannot change the permissions.
#[cfg(unix)]
fn is_lent(file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let groups = rustix::process::getgroups().unwrap_or_default();
    let is_member = |gid: u32| {
        let own = std::iter::once(rustix::process::getegid()).chain(groups);
        own.into_iter().any(|group| group.as_raw() == gid)
    };
    file.uid() == 0
        && !rustix::process::geteuid().is_root()
        && file.mode() & 0o037 == 0
        && is_member(file.gid())
}

/// Refuses a file that other users can read or write to.
///
/// # Errors
///
/// Returns `Config`; the hint contains the command that fixes it.
#[cfg(unix)]
fn refuse_open(file: &Metadata, path: &Path) -> Result<()> {
    let can = match std::os::unix::fs::MetadataExt::mode(file) {
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
    let owner = std::os::unix::fs::MetadataExt::uid(file);
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        let what = format!("{} belongs to another user (uid {owner})", path.display());
        return Err(
            Error::config(what).hint("run the command as that user, or use a copy of the file")
        );
    }
    refuse_open(file, path)
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
