//! Text that is inserted into the configuration of other programs, and removed again.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StateDir;
use crate::error::{Error, Result};
use crate::files::cache::{Cache, entry_name};
use crate::files::output::{self, Leftovers};

/// A text in another program's file. The rest of the file may be secret and is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insertion {
    /// The file.
    pub path: PathBuf,
    /// The text.
    pub text: String,
    /// Whether the file did not exist before.
    pub created: bool,
}

impl StateDir {
    /// Inserts a text into a file at an offset, and records it under a name.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the file cannot be written, or if something is recorded under this name already, and
    /// `Store` if the state directory must not be used.
    pub fn insert_text(&self, name: &str, path: &Path, at: usize, text: &str) -> Result<()> {
        let all = self.insertions()?;
        let entry = entry_name("", name);
        if all.find(&entry).flatten().is_some() {
            return Err(Error::config("this is already set up"));
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let before = read(&path)?;
        if !before.as_deref().unwrap_or_default().is_char_boundary(at) {
            return Err(Error::config(format!("{} was just changed", path.display()))
                .hint("run the command again"));
        }
        let insertion =
            Insertion { path: path.clone(), text: text.to_owned(), created: before.is_none() };
        // The record comes first: text that is not recorded could not be removed.
        all.keep(&entry, &Some(insertion.clone()));
        if all.find(&entry).flatten() != Some(insertion) {
            return Err(Error::config("cannot record the change in the state directory"));
        }
        let mut content = before.unwrap_or_default();
        content.insert_str(at, text);
        write(&path, &content).inspect_err(|_| all.keep(&entry, &None))
    }

    /// Removes the text that is recorded under a name, and returns what it was; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the file no longer contains the text, or cannot be written.
    pub fn remove_text(&self, name: &str) -> Result<Option<Insertion>> {
        let all = self.insertions()?;
        let entry = entry_name("", name);
        let Some(insertion) = all.find(&entry).flatten() else { return Ok(None) };
        let content = read(&insertion.path)?.unwrap_or_default();
        let Some(at) = content.rfind(&insertion.text) else {
            let what = format!("{} was changed since", insertion.path.display());
            let remove = insertion.text.trim().replace('\n', " ");
            return Err(Error::config(what).hint(format!("remove this from it: {remove}")));
        };
        let mut rest = content[..at].to_owned();
        rest.push_str(&content[at + insertion.text.len()..]);
        if rest.is_empty() && insertion.created {
            fs::remove_file(&insertion.path).map_err(|error| failed(&insertion.path, &error))?;
        } else {
            write(&insertion.path, &rest)?;
        }
        all.keep(&entry, &None);
        Ok(Some(insertion))
    }

    fn insertions(&self) -> Result<Cache<Option<Insertion>>> {
        Ok(Cache::new(&self.place("set-up")?))
    }
}

/// Returns the content of a file; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

fn write(path: &Path, content: &str) -> Result<()> {
    let mode = fs::metadata(path).ok().map(|metadata| metadata.permissions());
    if let Some(directory) = path.parent() {
        crate::files::make_dirs(directory).map_err(|error| failed(path, &error))?;
    }
    output::replace(path, content.as_bytes(), Leftovers::Keep).map_err(|e| failed(path, &e))?;
    match mode {
        Some(mode) => fs::set_permissions(path, mode).map_err(|error| failed(path, &error)),
        None => Ok(()),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::config(format!("cannot change {}: {error}", path.display())).caused_by(error)
}
