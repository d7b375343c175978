//! Where grants are stored, and how processes are serialized.
//!
//! | module | what |
//! | --- | --- |
//! | `keyring` | the operating system's keyring |
//! | `file` | age-encrypted files |
//! | `command` | programs of the user |
//! | `kernel` | a cache in front of any store, in the keyring of the Linux kernel |
//! | [`memory`] | the memory of this process |
//! | [`state_dir`] | locks, intents and the index of accounts; no secrets |
//! | [`mod@pending`], [`state_keys`] | started authorizations, sealed, and the keys of their states |
//! | `migrate` | from one store to another |
//!
//! A store never falls back to another one, and never to plain text. A record that cannot be read is an
//! error of kind [`Store`](crate::ErrorKind::Store), never a missing record, and is not overwritten.

#[cfg(feature = "file")]
mod age_file;
#[cfg(any(feature = "file", feature = "keyring"))]
mod command;
mod expiring_dir;
#[cfg(feature = "file")]
pub mod file;
#[cfg(all(feature = "keyring", target_os = "linux"))]
mod kernel;
#[cfg(feature = "keyring")]
pub mod keyring;
pub mod memory;
pub mod migrate;
pub mod pending;
#[cfg(feature = "file")]
pub mod portable;
#[cfg(any(feature = "file", feature = "keyring"))]
mod record;
#[cfg(any(feature = "file", feature = "keyring"))]
mod reservations;
pub mod state_dir;
pub mod state_keys;

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::GrantKey;
use crate::port::{BoxFuture, GrantStore, SecretItems};
use crate::profile::StoreCommand;
use crate::protocol::random;
use crate::secret::Secret;

pub use crate::files::Warnings;
#[cfg(any(feature = "file", feature = "keyring"))]
pub use command::CommandStore;
#[cfg(feature = "file")]
pub use file::{FileStore, KeySource};
#[cfg(all(feature = "keyring", target_os = "linux"))]
pub use kernel::KernelCache;
#[cfg(feature = "keyring")]
pub use keyring::KeyringStore;
pub use memory::{MemoryCoordinator, MemoryPending, MemoryStore};
#[cfg(feature = "file")]
pub use migrate::accept_unauthenticated;
pub use migrate::{Migration, migrate};
pub use pending::FilePending;
pub use state_dir::StateDir;
pub use state_keys::StateKeyFile;

/// A store, as `--store` names it.
///
/// ```
/// use oauthctl_core::store::StoreSpec;
/// let spec: StoreSpec = "file:/srv/tokens".parse()?;
/// assert_eq!(spec, StoreSpec::File(Some("/srv/tokens".into())));
/// assert_eq!(spec.to_string(), "file:/srv/tokens");
/// # Ok::<(), oauthctl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreSpec {
    /// The operating system's keyring.
    Keyring,
    /// Encrypted files, in this directory or in the default one.
    File(Option<PathBuf>),
    /// The programs of `[store.command]`.
    Command,
    /// Another process, which keeps the tokens and only hands out access tokens.
    Agent,
}

impl FromStr for StoreSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "keyring" => Ok(Self::Keyring),
            "file" => Ok(Self::File(None)),
            "command" => Ok(Self::Command),
            "agent" => Ok(Self::Agent),
            _ => match text.strip_prefix("file:") {
                Some(directory) if !directory.is_empty() => Ok(Self::File(Some(plain(directory)))),
                _ => {
                    let what = format!(
                        "unknown store `{}` (expected `keyring`, `file`, `file:DIR`, `command` or `agent`)",
                        crate::text::one_line(text)
                    );
                    let error = Error::usage(what);
                    Err(match text.contains('/') && !text.contains(':') {
                        true => error.hint(Advice::DidYouMean(format!("file:{text}"))),
                        false => error,
                    })
                }
            },
        }
    }
}

impl StoreSpec {
    /// Parses the name of a store as a user enters it: a relative directory is resolved against the current
    /// one. The resulting name means the same store wherever it is used.
    ///
    /// # Errors
    ///
    /// See [`FromStr`]; also returns `Usage` if the current directory is unknown.
    pub fn from_user(text: &str) -> Result<Self> {
        match text.parse()? {
            Self::File(Some(directory)) => {
                let absolute = std::path::absolute(&directory).map_err(|error| {
                    Error::usage(format!("cannot use `{}`: {error}", directory.display()))
                })?;
                Ok(Self::File(Some(absolute)))
            }
            other => Ok(other),
        }
    }
}

/// Returns the directory without redundant parts (`./`, `//`, a slash at the end): one store, one name.
fn plain(directory: &str) -> PathBuf {
    let steps = Path::new(directory).components().filter(|step| *step != Component::CurDir);
    let plain: PathBuf = steps.collect();
    if plain.as_os_str().is_empty() { PathBuf::from(".") } else { plain }
}

impl std::fmt::Display for StoreSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keyring => f.write_str("keyring"),
            Self::File(None) => f.write_str("file"),
            Self::Command => f.write_str("command"),
            Self::Agent => f.write_str("agent"),
            Self::File(Some(directory)) => write!(f, "file:{}", directory.display()),
        }
    }
}

/// Where the stores keep their files, and how they reach the keyring. Nothing is read before it is needed.
#[derive(Debug, Clone)]
pub struct StorePaths {
    /// The directory of `file` if none is named.
    pub files: PathBuf,
    /// The key of the encrypted files.
    #[cfg(feature = "file")]
    pub key: KeySource,
    /// The directory for records that are too large for the keyring.
    pub sealed: PathBuf,
    /// The address of the session bus, on Linux (`keyring::session_bus`).
    pub bus: Option<String>,
    /// The programs of the store `command`.
    pub command: Option<StoreCommand>,
    /// The user, if there is one who can respond to the prompts of a Secret Service.
    #[cfg(all(feature = "keyring", target_os = "linux"))]
    pub user: Option<keyring::KeyringUser>,
}

/// Size of the record that [`Store::check`] writes: that of a grant with large tokens.
const CHECKED: usize = 8 * 1024;

/// An open store that implements both ports.
#[derive(Clone)]
pub struct Store {
    /// For grants.
    pub grants: Arc<dyn GrantStore>,
    /// For named secrets.
    pub items: Arc<dyn SecretItems>,
    /// What was repaired.
    pub warnings: Warnings,
}

impl Store {
    /// Returns the same store, which also caches its access tokens if `keeps` is set. In any case, they are
    /// removed from the cache with their grants.
    #[cfg(all(feature = "keyring", target_os = "linux"))]
    #[must_use]
    pub fn cached_in_kernel(self, cache: KernelCache, keeps: bool) -> Self {
        Self { grants: Arc::new(kernel::Cached::new(self.grants, cache, keeps)), ..self }
    }

    /// Writes a secret of realistic size, reads it and removes it.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if one of these fails, or if something else was read.
    pub async fn check(&self) -> Result<()> {
        let name = format!("check/{}", random::token(16)?);
        let value = Secret::new(random::token(CHECKED)?);
        self.grants.prepare(&GrantKey::new("check", &name), CHECKED).await?;
        self.grants.release(&GrantKey::new("check", &name));
        self.items.set(&name, &value).await?;
        let read = self.items.get(&name).await;
        let removed = self.items.unset(&name).await;
        match read? {
            Some(read) if read == value => removed.map(drop),
            _ => Err(Error::store("the store does not return what was written to it")),
        }
    }
}

impl StoreSpec {
    /// Opens the store without accessing it.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) for a store that this build or version does not support.
    #[cfg_attr(not(any(feature = "file", feature = "keyring")), allow(unused_variables))]
    pub fn open(&self, paths: &StorePaths) -> Result<Store> {
        match self {
            #[cfg(feature = "file")]
            Self::File(directory) => {
                let store = Arc::new(self.file_store(directory.as_deref(), paths));
                let warnings = store.warnings();
                Ok(Store { grants: store.clone(), items: store, warnings })
            }
            #[cfg(feature = "keyring")]
            Self::Keyring => open_keyring(paths),
            #[cfg(any(feature = "file", feature = "keyring"))]
            Self::Command => open_command(paths),
            Self::Agent => {
                Err(Error::store("an agent keeps its tokens and only hands out access tokens")
                    .hint("use the store on the machine of the agent"))
            }
            #[cfg(not(all(feature = "file", feature = "keyring")))]
            _ => Err(Error::store(format!("this build does not support the store `{self}`"))),
        }
    }
}

#[cfg(any(feature = "file", feature = "keyring"))]
fn open_command(paths: &StorePaths) -> Result<Store> {
    let Some(commands) = paths.command.clone() else {
        return Err(Error::config("the store `command` is not configured").hint(
            Advice::configure(
                &["get", "set", "delete"],
                "add `[store.command]` to the configuration",
            ),
        ));
    };
    let store = Arc::new(CommandStore::new(commands));
    Ok(Store { grants: store.clone(), items: store, warnings: Warnings::default() })
}

#[cfg(feature = "keyring")]
fn open_keyring(paths: &StorePaths) -> Result<Store> {
    #[cfg(target_os = "linux")]
    if let Some(user) = &paths.user {
        let service = keyring::SecretService::new(paths.bus.clone(), keyring::PATIENCE);
        let service = Arc::new(service.with_user(user.clone()));
        let store = Arc::new(KeyringStore::on(service.clone(), &paths.sealed));
        let warnings = store.warnings();
        let store = Arc::new(keyring::AttendedKeyring::new(store, service));
        return Ok(Store { grants: store.clone(), items: store, warnings });
    }
    let store = KeyringStore::open(paths.bus.clone(), &paths.sealed)?;
    let warnings = store.warnings();
    let store = Arc::new(store);
    Ok(Store { grants: store.clone(), items: store, warnings })
}

#[cfg(feature = "file")]
impl StoreSpec {
    /// Opens the store if it is one of encrypted files.
    pub fn open_files(&self, paths: &StorePaths) -> Option<FileStore> {
        match self {
            Self::File(directory) => Some(self.file_store(directory.as_deref(), paths)),
            _ => None,
        }
    }

    fn file_store(&self, directory: Option<&Path>, paths: &StorePaths) -> FileStore {
        let directory = directory.unwrap_or(&paths.files);
        FileStore::open(directory, paths.key.clone()).named(self.to_string())
    }
}

/// A future of what is at hand.
fn at_once<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

fn busy(key: &GrantKey, wait: Duration) -> Error {
    Error::unavailable(format!(
        "another process holds the lock of {key} and did not release it within {}",
        crate::time::describe(wait)
    ))
    .hint(Advice::Retry)
    .and_hint("if the error persists, look for a hanging oauthctl process")
}
