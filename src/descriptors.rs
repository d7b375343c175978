//! Checks that the program can open as many files as a run needs.

use oauthctl_core::{Error, Result};

/// Number of open files that a run may need at once: its runtime, sockets, a record and its directories.
#[cfg(unix)]
const DESCRIPTORS: usize = 24;

/// Checks that they are available. Without them the runtime panics, or a token that was spent cannot be
/// saved.
///
/// # Errors
///
/// Returns `Unavailable` if the limit of open files is too low.
#[cfg(unix)]
pub fn room_for_descriptors() -> Result<()> {
    let taken = std::os::unix::net::UnixStream::pair().and_then(|(one, other)| {
        let more = (2..DESCRIPTORS).map(|_| one.try_clone());
        more.collect::<std::io::Result<Vec<_>>>().map(|more| (more, other))
    });
    match taken {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::unavailable(format!(
            "cannot open up to {DESCRIPTORS} files at once: {error}"
        ))
        .caused_by(&error)),
    }
}

#[cfg(not(unix))]
pub fn room_for_descriptors() -> Result<()> {
    Ok(())
}
