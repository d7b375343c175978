//! Stores one age-encrypted file per account. The `age` program can decrypt the files too.

mod accept;
mod key;
mod sealing;
mod wrapping;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use zeroize::Zeroizing;

use super::age_file::{self, Unopened};
use super::record;
use super::reservations::Reservations;
use crate::error::{Error, Result};
use crate::files::{Dir, Warnings};
use crate::grant::{Grant, GrantKey};
use crate::port::{BoxFuture, GrantStore, SecretItems};
use crate::secret::Secret;
use key::{Key, missing_key, split};
use sealing::Unsealed;

pub use accept::Claimed;
pub use key::{KeySource, keygen};

/// Minimum space that is reserved for a record: for the largest response of a server (1 MiB), escaped, in
/// addition to what the grant already holds. The space is allocated without being written.
const LEAST_ROOM: usize = 2 * 1024 * 1024;
/// Overhead of encryption, with a margin: the header, and 16 bytes for every 64 KiB.
const OVERHEAD: usize = 4096;

/// A store of age-encrypted files, one per account.
///
/// Reading acquires no lock, lists no directory and waits for no disk.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    name: String,
    source: KeySource,
    key: OnceLock<Key>,
    warnings: Warnings,
    reserved: Reservations,
    /// The record that was decrypted last: a refresh reads the same one five times, and decryption takes longer
    /// than everything else. An attacker who can read the memory of this process has the identity anyway.
    opened: Mutex<Option<Opened>>,
}

/// The content of a file, and its decrypted record.
struct Opened {
    slug: String,
    sealed: Zeroizing<Vec<u8>>,
    record: Unsealed,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({})", self.slug)
    }
}

impl FileStore {
    /// Returns a store in this directory. Nothing is read or created until it is needed.
    pub fn open(directory: impl Into<PathBuf>, key: KeySource) -> Self {
        let path = directory.into();
        Self {
            name: format!("file:{}", path.display()),
            path,
            source: key,
            key: OnceLock::new(),
            warnings: Warnings::default(),
            reserved: Reservations::default(),
            opened: Mutex::default(),
        }
    }

    /// Sets the name by which `--store` selects this store.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Returns what was repaired.
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.path
    }

    /// Returns the key, for a record that exists.
    fn key(&self) -> Result<&Key> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = match &self.source {
            KeySource::Identity(secret) => Key::parse(secret.expose(), "the configured value")?,
            KeySource::Variable(name, secret) => Key::parse(secret.expose(), name)?,
            KeySource::File(path) => Key::read_named(path, None)?,
            KeySource::VariableFile(name, path) => Key::read_named(path, Some(name))?,
            KeySource::Generated(path) => match self.generated(path)? {
                Some(key) => key,
                None => return Err(missing_key(path)),
            },
        };
        Ok(self.key.get_or_init(|| key))
    }

    /// Returns the key for writing a record. A missing key is generated if that is allowed.
    fn key_to_write(&self, dir: &Dir) -> Result<&Key> {
        if let KeySource::Generated(path) = &self.source
            && self.key.get().is_none()
            && self.generated(path)?.is_none()
        {
            if dir.names()?.iter().any(|name| name.ends_with(".age")) {
                return Err(missing_key(path));
            }
            self.generate(path)?;
        }
        let key = self.key()?;
        key.identity()?;
        Ok(key)
    }

    fn generated(&self, path: &Path) -> Result<Option<Key>> {
        let (parent, name) = split(path)?;
        let Some(dir) = Dir::open_for_key(parent, &self.warnings)? else { return Ok(None) };
        match dir.read_key(name)? {
            Some(bytes) => Key::read(&bytes, path).map(Some),
            None => Ok(None),
        }
    }

    /// Generates the key. If several processes get here at once, one generates it and all use it.
    fn generate(&self, path: &Path) -> Result<()> {
        let (parent, name) = split(path)?;
        let (identity, recipient) = keygen();
        let text = Zeroizing::new(format!("# recipient: {recipient}\n{}\n", identity.expose()));
        Dir::create(parent, &self.warnings)?.create_new(name, text.as_bytes())?;
        Ok(())
    }

    fn unseal(&self, slug: &str) -> Result<Option<Unsealed>> {
        let Some(dir) = Dir::open(&self.path, &self.warnings)? else { return Ok(None) };
        let Some(sealed) = dir.read(&file_of(slug))? else { return Ok(None) };
        if let Some(opened) = self.opened(slug, &sealed) {
            return Ok(Some(opened));
        }
        let record = sealing::unseal(self.key()?, slug, &sealed, &self.place(slug))?;
        let opened = Opened { slug: slug.to_owned(), sealed, record: record.clone() };
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(Some(record))
    }

    /// Returns the decrypted record of a file with this content, if it was decrypted last.
    fn opened(&self, slug: &str, sealed: &[u8]) -> Option<Unsealed> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |opened: &&Opened| opened.slug == slug && **opened.sealed == *sealed;
        opened.as_ref().filter(is_same).map(|opened| opened.record.clone())
    }

    /// Reads a record that was written with the identity: of this account, or of a named secret.
    fn read(&self, slug: &str, key: Option<&GrantKey>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.unseal(slug)? {
            Some(record) if !record.is_authentic => Err(self.forgeable(slug, key)),
            found => Ok(found.map(|record| record.json)),
        }
    }

    fn load_now(&self, key: &GrantKey) -> Result<Option<Grant>> {
        let slug = key.slug();
        match self.read(&slug, Some(key))? {
            Some(json) => record::decode(&json, key, &self.place(&slug)).map(Some),
            None => Ok(None),
        }
    }

    fn contains_now(&self, key: &GrantKey) -> Result<bool> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(dir) => dir.exists(&file_of(&key.slug())),
            None => Ok(false),
        }
    }

    /// Names the account in the advice of an error.
    fn about<T>(&self, key: &GrantKey, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.of_account(key, &self.name))
    }

    fn place(&self, slug: &str) -> String {
        format!("`{}`", self.path.join(file_of(slug)).display())
    }

    fn write(&self, dir: &Dir, slug: &str, bytes: &[u8]) -> Result<()> {
        let sealed = sealing::seal(self.key_to_write(dir)?, slug, bytes)?;
        let file = file_of(slug);
        match self.reserved.take(slug) {
            Some(reserved) => dir.replace_with(reserved, &file, &sealed)?,
            None => dir.replace(&file, &sealed)?,
        }
        dir.sweep(&file);
        Ok(())
    }

    /// Refuses to replace an intact record of another key. Any other damage is left for the reader to report.
    fn is_not_anothers(&self, dir: &Dir, slug: &str) -> Result<()> {
        let file = &file_of(slug);
        let Ok(Some(sealed)) = dir.read(file) else { return Ok(()) };
        if self.opened(slug, &sealed).is_some() {
            return Ok(());
        }
        let key = self.key()?;
        match age_file::open(&key.identities(), &sealed) {
            Err(Unopened::OtherKey) => {
                Err(sealing::other_key(key, &format!("`{}`", dir.path_of(file).display())))
            }
            _ => Ok(()),
        }
    }

    fn prepare_now(&self, key: &GrantKey, bytes: usize) -> Result<()> {
        let slug = key.slug();
        let dir = Dir::create(&self.path, &self.warnings)?;
        self.key_to_write(&dir)?;
        let file = file_of(&slug);
        if dir.exists(&file)? {
            self.is_not_anothers(&dir, &slug)?;
        }
        let size = bytes.saturating_add(bytes / 1024 + OVERHEAD).max(LEAST_ROOM);
        self.reserved.keep(&slug, size, || dir.reserve(&file, size))
    }

    fn save_now(&self, grant: &Grant) -> Result<()> {
        let dir = Dir::create(&self.path, &self.warnings)?;
        // A record that cannot be read is never overwritten: a newer version may have written it, or another key may
        // decrypt it.
        self.load_now(&grant.key)?;
        self.write(&dir, &grant.key.slug(), &record::encode(grant)?)
    }

    /// A record that was written completely and authenticated, but not renamed into place, counts as saved.
    ///
    /// Only a record that is certainly not the next generation is removed. What cannot be decrypted stays until
    /// the next save sweeps it; an authentic record that does not decode is an error, because a newer version may
    /// have written it.
    fn recover_now(&self, current: &Grant) -> Result<Option<Grant>> {
        let Some(dir) = Dir::open(&self.path, &self.warnings)? else { return Ok(None) };
        let slug = current.key.slug();
        let file = file_of(&slug);
        let mut undecoded = None;
        for (left, sealed) in dir.left_behind(&file) {
            let place = self.place(&slug);
            let unsealed = sealing::unseal(self.key()?, &slug, &sealed, &place).ok();
            let Some(record) = unsealed.filter(|record| record.is_authentic) else { continue };
            match record::decode(&record.json, &current.key, &place) {
                Ok(grant) if grant.id != current.id || grant.generation <= current.generation => {
                    dir.discard(&left);
                }
                Ok(grant) if Some(grant.generation) == current.generation.checked_add(1) => {
                    dir.replace_by(&left, &file)?;
                    return Ok(Some(grant));
                }
                Ok(_) => {}
                Err(error) => undecoded = Some(error),
            }
        }
        undecoded.map_or(Ok(None), Err)
    }

    fn set_aside_now(&self, key: &GrantKey) -> Result<Option<String>> {
        let Some(dir) = Dir::open(&self.path, &self.warnings)? else { return Ok(None) };
        let slug = key.slug();
        let file = file_of(&slug);
        self.is_not_anothers(&dir, &slug)?;
        for number in 1..u32::MAX {
            let aside = format!("{file}.damaged-{number}");
            // Even an entry that is not a file of this store can be renamed.
            if matches!(dir.exists(&file), Ok(false)) {
                return Ok(None);
            }
            if dir.rename_new(&file, &aside)? {
                return Ok(Some(dir.path_of(&aside).display().to_string()));
            }
        }
        Err(Error::store("too many damaged records have been moved aside"))
    }

    fn remove_now(&self, key: &GrantKey) -> Result<bool> {
        let slug = key.slug();
        drop(self.reserved.take(&slug));
        let Some(dir) = Dir::open(&self.path, &self.warnings)? else { return Ok(false) };
        let file = file_of(&slug);
        let removed = dir.remove(&file)?;
        let aside = format!("{file}.damaged-");
        for name in dir.names()?.iter().filter(|name| name.starts_with(&aside)) {
            dir.remove(name)?;
        }
        dir.sweep_thoroughly(&file)?;
        Ok(removed)
    }

    fn set_now(&self, name: &str, value: &Secret) -> Result<()> {
        let dir = Dir::create(&self.path, &self.warnings)?;
        self.get_now(name)?;
        self.write(&dir, &record::item_slug(name), &record::encode_item(name, value)?)
    }

    fn get_now(&self, name: &str) -> Result<Option<Secret>> {
        let slug = record::item_slug(name);
        match self.read(&slug, None)? {
            Some(json) => record::decode_item(&json, name, &self.place(&slug)).map(Some),
            None => Ok(None),
        }
    }

    fn unset_now(&self, name: &str) -> Result<bool> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(dir) => {
                let file = file_of(&record::item_slug(name));
                let removed = dir.remove(&file)?;
                dir.sweep_thoroughly(&file)?;
                Ok(removed)
            }
            None => Ok(false),
        }
    }
}

impl GrantStore for FileStore {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move { self.about(key, self.load_now(key)) })
    }

    fn contains<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<bool>>> {
        Box::pin(async move { self.contains_now(key).map(Some) })
    }

    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.about(key, self.prepare_now(key, bytes)) })
    }

    fn release(&self, key: &GrantKey) {
        drop(self.reserved.take(&key.slug()));
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.about(&grant.key, self.save_now(grant)) })
    }

    fn recover<'a>(&'a self, current: &'a Grant) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move { self.about(&current.key, self.recover_now(current)) })
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move { self.about(key, self.set_aside_now(key)) })
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.remove_now(key) })
    }
}

impl SecretItems for FileStore {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
        Box::pin(async move { self.get_now(name) })
    }

    fn set<'a>(&'a self, name: &'a str, value: &'a Secret) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.set_now(name, value) })
    }

    fn unset<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.unset_now(name) })
    }
}

fn file_of(slug: &str) -> String {
    format!("{slug}.age")
}
