//! The configuration file: opened once, and read and validated as a whole.

use std::fs::Metadata;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use toml::de::DeTable;
use zeroize::Zeroizing;

use super::config::Config;
use super::diagnose::Problems;
use super::node::{self, Table};
use super::reader::Surroundings;
use super::sections::Sections;
use super::tables::Tables;
use crate::advice::Advice;
use crate::digest::hex_sha256;
use crate::error::{Error, Result};
use crate::files::{named, trusted};

/// Maximum size of a configuration file, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// Part of a file's fingerprint: what an older program cached for the file is ignored.
const FORMAT: &str = concat!("oauthctl snapshot 5 ", env!("CARGO_PKG_VERSION"));

/// A configuration file that has been read, but not yet parsed.
#[derive(Clone)]
pub struct ConfigFile {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
    metadata: Option<Metadata>,
    fingerprint: OnceLock<String>,
}

impl std::fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConfigFile({}, {} bytes)", self.path.display(), self.bytes.len())
    }
}

impl ConfigFile {
    /// Opens and reads the file; `None` if it does not exist. Permissions are checked on the opened file,
    /// so that it cannot be replaced in between.
    ///
    /// # Errors
    /// Returns `Config` if the file exists but cannot be read, or another user can write to it.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let failed = |error: std::io::Error| {
            Error::config(format!("cannot read the configuration {}: {error}", path.display()))
                .hint(Advice::UseAnotherConfiguration)
                .caused_by(&error)
        };
        let file = match named::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        trusted::check(&file, path)
            .map_err(|error| error.context("cannot use the configuration"))?;
        let metadata = file.metadata().map_err(failed)?;
        let bytes = named::read(&file, MAX_BYTES).map_err(failed)?;
        if bytes.len() > MAX_BYTES {
            return Err(Error::config(format!("{} is larger than 16 MiB", path.display())));
        }
        Ok(Some(Self::new(path, bytes, Some(metadata))))
    }

    /// Returns a text that is not, or not yet, in this file.
    pub fn of_text(path: &Path, text: &str) -> Self {
        Self::new(path, Zeroizing::new(text.as_bytes().to_vec()), None)
    }

    fn new(path: &Path, bytes: Zeroizing<Vec<u8>>, metadata: Option<Metadata>) -> Self {
        Self { path: path.to_owned(), bytes, metadata, fingerprint: OnceLock::new() }
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the owner and the mode that the file had when it was read; `None` for a text that was in no file.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    fn others_can_read(&self) -> bool {
        self.metadata.as_ref().is_some_and(others_can_read)
    }

    /// Returns a hash of the file, for use as a cache key. It covers the bytes, the path (because relative paths depend
    /// on it), whether other users can read the file, and the version of this crate, whose presets may differ.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| {
            let place = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
            let place = place.as_os_str().as_encoded_bytes();
            let readable: &[u8] = if self.others_can_read() { b"readable" } else { b"private" };
            hex_sha256(&[FORMAT.as_bytes(), b"\0", readable, b"\0", place, b"\0", &self.bytes])
        })
    }

    /// Returns the file's text.
    ///
    /// # Errors
    /// Returns `Config` if it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.bytes).map_err(|error| {
            let line =
                self.bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            Error::config(format!("{}:{line}: the file is not valid UTF-8", self.path.display()))
        })
    }

    /// Parses and validates the whole file.
    ///
    /// # Errors
    /// Returns one error of kind `Config` that lists all problems, one per line, each as `path:line:column:
    /// what`.
    pub fn parse(&self) -> Result<Config> {
        self.read(self.text()?, false).map(|(config, _)| config)
    }

    /// Like [`ConfigFile::parse`], for a text that is not in a file yet: the error names no lines.
    pub(super) fn parse_unsaved(&self) -> Result<Config> {
        let text = self.text()?;
        let problems = Problems::new(&self.path, text).without_places();
        self.read_with(problems, text, false).map(|(config, _)| config)
    }

    /// Parses parts of a file that is known to be valid as a whole.
    pub(super) fn parse_part(&self, parts: &[Range<usize>]) -> Option<Config> {
        let whole = self.text().ok()?;
        let parts: Option<Vec<&str>> = parts.iter().map(|part| whole.get(part.clone())).collect();
        let text = Zeroizing::new(parts?.concat());
        self.read(&text, true).ok().map(|(config, _)| config)
    }

    pub(super) fn read(&self, text: &str, is_part: bool) -> Result<(Config, Table)> {
        self.read_with(Problems::new(&self.path, text), text, is_part)
    }

    fn read_with(
        &self,
        mut problems: Problems<'_>,
        text: &str,
        is_part: bool,
    ) -> Result<(Config, Table)> {
        let (document, errors) = DeTable::parse_recoverable(text);
        let root = node::table(document.get_ref());
        problems.add_syntax(&root, &errors);
        let around = Surroundings::of(&self.path, self.others_can_read());
        let tables = Tables { around: &around, problems: &mut problems };
        let mut sections = Sections { tables, is_part };
        let mut config = sections.read(&root);
        config.path.clone_from(&self.path);
        config.warnings = problems.finish()?;
        Ok((config, root))
    }
}

#[cfg(unix)]
fn others_can_read(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o044 != 0
}

#[cfg(not(unix))]
fn others_can_read(_: &Metadata) -> bool {
    false
}

impl Config {
    /// Opens, reads and validates a file; a missing file is an empty configuration.
    ///
    /// # Errors
    /// See [`ConfigFile::open`] and [`ConfigFile::parse`].
    pub fn load(path: &Path) -> Result<Self> {
        match ConfigFile::open(path)? {
            Some(file) => file.parse(),
            None => Ok(Self::empty(path)),
        }
    }
}

/// Parses a configuration that is not in a file. Relative paths are resolved against the current directory.
///
/// ```
/// use oauthctl_core::profile::Config;
///
/// let config: Config = r#"
///     [profiles.gitlab]
///     provider = "gitlab"
///     client_id = "my-application"
/// "#.parse()?;
/// assert_eq!(config.profile("gitlab")?.client.id, "my-application");
/// # Ok::<(), oauthctl_core::Error>(())
/// ```
impl std::str::FromStr for Config {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        ConfigFile::of_text(Path::new("the configuration"), text).parse()
    }
}

#[cfg(test)]
mod tests;
