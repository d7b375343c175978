//! A copy of the configuration file that the user edits, and that is checked before it replaces the file.

use std::path::{Path, PathBuf};

use oauthctl_core::files;
use oauthctl_core::profile::{Config, ConfigFile, edit};
use oauthctl_core::{Error, Result};

/// Maximum size of an edited file, in bytes.
const MOST: usize = 16 << 20;

/// A copy of the configuration for the user's editor.
pub struct Draft {
    /// The text that the user edits; empty if there is no file yet.
    pub text: String,
    path: PathBuf,
}

impl Draft {
    /// Reads the file, which need not be valid.
    ///
    /// # Errors
    /// Returns `Config` if it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = ConfigFile::open(path)?;
        let text = file.as_ref().map(ConfigFile::text).transpose()?.unwrap_or_default();
        Ok(Self { text: text.to_owned(), path: path.to_owned() })
    }

    /// Writes the text to a private file for the editor, beside the configuration, and returns its path.
    ///
    /// # Errors
    /// Returns `Config` if it cannot be written.
    pub fn write(&self) -> Result<PathBuf> {
        let path = self.path.with_file_name(format!("edit-{}.toml", std::process::id()));
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        files::make_dirs(directory.unwrap_or(Path::new(".")))
            .and_then(|()| files::replace_if(&path, self.text.as_bytes(), || Ok(())))
            .map_err(|error| {
                Error::config(format!("cannot write {}: {error}", path.display())).caused_by(&error)
            })?;
        Ok(path)
    }

    /// Returns the files of earlier edits that were kept, because what is in them was not saved.
    pub fn earlier(&self) -> Vec<PathBuf> {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let entries = std::fs::read_dir(directory.unwrap_or(Path::new(".")));
        let is_draft = |name: &str| {
            let number = name.strip_prefix("edit-").and_then(|name| name.strip_suffix(".toml"));
            number.is_some_and(|digits| digits.parse::<u32>().is_ok())
        };
        let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
        let mut found: Vec<PathBuf> = paths
            .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_draft))
            .filter(|path| Self::read(path).is_ok_and(|text| text != self.text))
            .collect();
        found.sort();
        found
    }

    /// Reads what the editor has left in the file.
    ///
    /// # Errors
    /// Returns `Config` if it cannot be read or is not text.
    pub fn read(path: &Path) -> Result<String> {
        let failed = |why: String| Error::config(format!("cannot read {}: {why}", path.display()));
        let file = files::open(path).map_err(|error| failed(error.to_string()))?;
        let bytes = files::read(&file, MOST).map_err(|error| failed(error.to_string()))?;
        match std::str::from_utf8(&bytes) {
            Ok(text) if bytes.len() <= MOST => Ok(text.to_owned()),
            Ok(_) => Err(failed("it is larger than 16 MiB".to_owned())),
            Err(_) => Err(failed("it is not valid UTF-8".to_owned())),
        }
    }

    /// Removes the file of the editor.
    pub fn discard(path: &Path) {
        // It has nothing that the configuration does not have, and the same mode.
        let _ = std::fs::remove_file(path);
    }

    /// Checks this text as the content of the file.
    ///
    /// # Errors
    /// Returns `Config` with every error of it.
    pub fn check(&self, text: &str) -> Result<Config> {
        ConfigFile::of_text(&self.path, text).parse()
    }

    /// Writes this text, if it is valid and the file is still as it was read.
    ///
    /// # Errors
    /// Returns `Config` if the text is invalid or another process has changed the file meanwhile.
    pub fn save(&self, text: &str) -> Result<Config> {
        edit::replace(&self.path, &self.text, text)
    }
}
