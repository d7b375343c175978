//! The files of the spool: one for each grant and process, encrypted, and private to this user.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use oauthctl_core::{Error, Result};

use crate::keys::random_text;
use crate::private_files::{self, cannot};
use crate::storage::{Key, Space};

/// Suffix of the names of complete files.
const COMPLETE: &str = "sealed";

/// The folder with the files.
#[derive(Clone)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns the path of the file of this name.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{COMPLETE}"))
    }

    /// Writes a file atomically and durably, replacing an earlier one of this name.
    pub(super) fn write(&self, path: &Path, key: &Key, sealed: &[u8]) -> Result<()> {
        self.try_write(path, key, sealed).map_err(|e| cannot("write", path, &e))
    }

    fn try_write(&self, path: &Path, key: &Key, sealed: &[u8]) -> io::Result<()> {
        private_files::create_directory(&self.folder)?;
        let random = random_text().map_err(io::Error::other)?;
        let draft = self.folder.join(format!("{}.draft", &random[..16]));
        let mut file = private_files::for_writing().create_new(true).open(&draft)?;
        let done = file
            .write_all(head(key).as_bytes())
            .and_then(|()| file.write_all(sealed))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&draft, path));
        if done.is_err() {
            let _ = fs::remove_file(&draft);
        }
        done.and_then(|()| File::open(&self.folder)?.sync_all())
    }

    /// Returns the paths of all complete files.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten();
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(|path| path.extension().is_some_and(|end| end == COMPLETE)).collect()
    }
}

/// Reads a file: the key of its record, and the encrypted value.
pub(super) fn read(path: &Path) -> Result<(Key, Vec<u8>)> {
    let bytes = fs::read(path).map_err(|e| cannot("read", path, &e))?;
    let damaged = || Error::store(format!("{} is damaged", path.display()));
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| damaged())?;
    let mut parts = line.splitn(3, ' ');
    let (space, tenant, id) = (parts.next(), parts.next(), parts.next());
    let space = space.and_then(|number| number.parse().ok()).and_then(Space::of_number);
    match (space, tenant, id) {
        (Some(space), Some(tenant), Some(id)) => {
            Ok((Key::new(space, tenant, id), bytes[end + 1..].to_vec()))
        }
        _ => Err(damaged()),
    }
}

pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(cannot("remove", path, &error))
        }
        _ => Ok(()),
    }
}

/// Returns the line that names the record of a file. Neither name contains a space or a line break.
fn head(key: &Key) -> String {
    format!("{} {} {}\n", key.space.number(), key.tenant, key.id)
}
