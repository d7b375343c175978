//! A file with one line of JSON for each use of a token.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};
use serde_json::Value;

use crate::ui::Ui;

/// The file, open at its end.
pub struct Audit {
    file: Mutex<File>,
    ui: Ui,
}

impl Audit {
    /// Opens the file, and creates it with mode 0600.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if it cannot be written.
    pub fn open(path: &Path, ui: Ui) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            let path = one_line(&path.display().to_string());
            Error::usage(format!("cannot write {path}: {error}")).caused_by(&error)
        })?;
        Ok(Self { file: Mutex::new(file), ui })
    }

    /// Appends a line, with one write, so that several processes can share the file.
    pub fn write(&self, entry: &Value) {
        let line = format!("{entry}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            self.ui.warn(&Error::store(format!("cannot write the audit file: {error}")));
        }
    }
}
