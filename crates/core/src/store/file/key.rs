//! The key of the file store: the age identity that decrypts its records, and the derived key that
//! authenticates them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use age::DecryptError;
use age::secrecy::ExposeSecret;
use age_core::format::{FileKey, Stanza};
use zeroize::Zeroizing;

use super::wrapping::Wrapping;
use crate::advice::Advice;
use crate::digest::derive_key;
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::secret::Secret;

/// Length of the text of an identity, in bytes.
const LENGTH: usize = 74;

/// The source of the key of a [`FileStore`](super::FileStore), which is read when it is first needed.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The key itself: an age X25519 identity, `AGE-SECRET-KEY-1…`.
    Identity(Secret),
    /// The same, from the environment variable of this name.
    Variable(&'static str, Secret),
    /// A file with such an identity, which must exist.
    File(PathBuf),
    /// A file with such an identity, whose path the named environment variable contains.
    VariableFile(&'static str, PathBuf),
    /// A file of this program, created with a new identity when a record is first written.
    Generated(PathBuf),
}

impl KeySource {
    /// Reads the key. Returns `None` if there is none, or it cannot be read.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if another user can write to its file.
    pub fn read(&self) -> Result<Option<Secret>> {
        let path = match self {
            Self::Identity(secret) | Self::Variable(_, secret) => return Ok(Some(secret.clone())),
            Self::File(path) | Self::VariableFile(_, path) | Self::Generated(path) => path,
        };
        match files::read_named(path) {
            Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().map(Secret::new)),
            Err(error) if error.kind() == ErrorKind::Config => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// Generates a key for a [`FileStore`](super::FileStore): the identity, which is secret, and its recipient,
/// which is public.
pub fn keygen() -> (Secret, String) {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    (Secret::new(identity.to_string().expose_secret()), recipient)
}

/// An identity, and the keys that are derived from it (HKDF, RFC 5869). They cannot be computed from the public key,
/// which is enough to encrypt.
pub(super) struct Key {
    /// The text of the identity, and where it is from.
    text: Zeroizing<String>,
    place: String,
    /// Parsed when it is first needed. A record that the derived keys decrypt proves the text.
    identity: OnceLock<Option<age::x25519::Identity>>,
    /// Authenticates records.
    pub(super) mac: Zeroizing<[u8; 32]>,
    /// Encrypts the keys of files.
    pub(super) wrapping: Wrapping,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Parses the identity from the text of a key file.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self> {
        text.lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .and_then(|line| Self::derive(line, place))
            .ok_or_else(|| bad_key(place))
    }

    /// Reads the key file at `path`, which the user set, in `variable` if it is `Some`.
    pub(super) fn read_named(path: &Path, variable: Option<&'static str>) -> Result<Self> {
        let bytes = files::read_named(path).map_err(|error| match error.kind() {
            ErrorKind::Store => {
                let setting = variable.unwrap_or("the configured path");
                error.hint(format!("{setting} must be the path of a file with an age identity"))
            }
            _ => error,
        })?;
        Self::read(&bytes, path).map_err(|error| match variable {
            Some(variable) => error.context(variable),
            None => error,
        })
    }

    /// Parses the identity from the bytes of the key file at `path`.
    pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Self> {
        let place = format!("`{}`", path.display());
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text, &place),
            Err(_) => Err(bad_key(&place)),
        }
    }

    /// Returns the identities in the order in which they are tried. The derived key is the quicker one.
    pub(super) fn identities(&self) -> [&dyn age::Identity; 2] {
        [&self.wrapping, self]
    }

    /// Returns the identity, or the error for a text whose checksum is wrong.
    pub(super) fn identity(&self) -> Result<&age::x25519::Identity> {
        let parsed = self.identity.get_or_init(|| self.text.parse().ok());
        parsed.as_ref().ok_or_else(|| bad_key(&self.place))
    }

    fn derive(text: &str, place: &str) -> Option<Self> {
        // Bech32 is accepted in either case, but not in both. `age-keygen` writes it in upper case.
        let upper = Zeroizing::new(text.to_ascii_uppercase());
        let is_one_case = text == *upper || text == *Zeroizing::new(text.to_ascii_lowercase());
        if !is_one_case || text.len() != LENGTH || !upper.starts_with("AGE-SECRET-KEY-1") {
            return None;
        }
        let derived = |info: &[u8]| derive_key(b"oauthctl file store", info, upper.as_bytes()).ok();
        Some(Self {
            text: Zeroizing::new(text.to_owned()),
            place: place.to_owned(),
            identity: OnceLock::new(),
            mac: derived(b"record authentication, version 1")?,
            wrapping: Wrapping::new(derived(b"file keys, version 1")?),
        })
    }
}

impl age::Identity for Key {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<std::result::Result<FileKey, DecryptError>> {
        self.identity().ok()?.unwrap_stanza(stanza)
    }
}

fn bad_key(place: &str) -> Error {
    Error::store(format!("{place} contains no age identity (`AGE-SECRET-KEY-…`)"))
        .hint(Advice::NewStoreKey)
}

pub(super) fn missing_key(path: &Path) -> Error {
    Error::store(format!(
        "the store has records, but their key `{}` is missing; no other key was generated",
        path.display()
    ))
    .hint(Advice::RestoreStoreKey)
}

/// Returns the directory and the name of a key file.
pub(super) fn split(path: &Path) -> Result<(&Path, &str)> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok((parent, name)),
        None => Err(Error::store(format!("`{}` cannot be a key file", path.display()))),
    }
}
