//! Files and directories that only the user of the process may read.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

use oauthctl_core::Error;

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

/// Returns the error of a store whose file fails.
pub fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::store(format!("cannot {what} {}: {error}", path.display())).caused_by(error)
}
