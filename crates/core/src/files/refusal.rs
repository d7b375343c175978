//! Errors of the file system.

use std::io;
use std::path::Path;

use super::trusted::Writer;
use crate::advice::Advice;
use crate::error::Error;

/// Why the system refused a path, before it is formatted as an error.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The system's error.
    Io(io::Error),
    /// The path is something that is not allowed.
    Is(&'static str),
    /// It is a file with another name.
    #[cfg_attr(not(unix), allow(dead_code))]
    Linked,
    /// Another user can write to it.
    #[cfg_attr(not(unix), allow(dead_code))]
    Writable(Writer),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

pub(super) fn no_locks(path: &Path, error: &io::Error) -> Error {
    Error::store(format!("cannot lock `{}`: {error}", path.display()))
        .hint(Advice::UseLocalState)
        .and_hint("without locks, two processes could spend the same refresh token")
        .caused_by(error)
}

pub(super) fn refused(doing: &str, path: &Path, refusal: Refusal) -> Error {
    let shown = path.display();
    match refusal {
        Refusal::Writable(by) => {
            Error::store(format!("cannot {doing} `{shown}`: it {by}")).hint(by.remedy(path))
        }
        Refusal::Linked => {
            not_ours(format!("cannot {doing} `{shown}`: it has more than one hard link"))
        }
        Refusal::Is(what) => not_ours(format!("cannot {doing} `{shown}`: it is {what}")),
        Refusal::Io(error) => {
            let hint = match error.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => {
                    "free some space on that file system and try again; nothing was changed".into()
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Advice::MakeWritable
                }
                _ => Advice::CheckFileSystem,
            };
            Error::store(format!("cannot {doing} `{shown}`: {error}")).hint(hint).caused_by(&error)
        }
    }
}

fn not_ours(message: String) -> Error {
    Error::store(message).hint(
        "only regular files and directories that you own are used; find out how it got there, then \
         move it away",
    )
}
