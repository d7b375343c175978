//! The store over a keyring: which items a record consists of, and when it is written.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use keyring_core::{CredentialStore, Entry, Error as KeyringError};
use zeroize::Zeroizing;

use super::bus_error::{explain, mute};
use super::item::Item;
use super::sealed::{self, Sealed};
#[cfg(target_os = "linux")]
use super::secret_service::SecretService;
use crate::error::{Error, Result};
use crate::files::Warnings;
use crate::grant::{Grant, GrantKey};
use crate::port::{BoxFuture, GrantStore, SecretItems};
use crate::secret::Secret;
use crate::store::record;
use crate::text;

/// The `service` attribute of all items.
const SERVICE: &str = "oauthctl";
/// A keyring that does not respond within this time is treated as locked. It is less than the documented 5 s,
/// so that the whole program meets that limit.
pub(crate) const PATIENCE: Duration = Duration::from_millis(4_500);
/// A record that was read this recently is not read again before it is replaced: its reader, who holds the
/// lock, has just shown that it is readable.
const READ_LATELY: Duration = Duration::from_secs(1);
/// The limit of Windows for one item (`CRED_MAX_CREDENTIAL_BLOB_SIZE`).
#[cfg(target_os = "windows")]
const LIMIT: Option<usize> = Some(2_560);
/// The keychain documents no limit, but has refused large items.
#[cfg(target_os = "macos")]
const LIMIT: Option<usize> = Some(16 * 1024);
#[cfg(target_os = "linux")]
const LIMIT: Option<usize> = None;

/// A store in the operating system's keyring.
#[derive(Debug)]
pub struct KeyringStore {
    backend: Arc<CredentialStore>,
    /// Whether items support a label and attributes.
    described: bool,
    /// Set if the backend itself may block forever.
    patience: Option<Duration>,
    limit: Option<usize>,
    sealed: Sealed,
    /// When items were last found readable.
    read: Mutex<HashMap<String, Instant>>,
}

impl KeyringStore {
    /// Returns the keyring of this platform. `bus` is the address of the session bus on Linux
    /// ([`session_bus`](super::session_bus)); `sealed` is the directory for records over the platform's limit. Neither is
    /// accessed until it is needed.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) on a platform without a keyring.
    #[cfg(target_os = "linux")]
    pub fn open(bus: Option<String>, sealed: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self::on(Arc::new(SecretService::new(bus, PATIENCE)), sealed))
    }

    /// Opens the store in this Secret Service.
    #[cfg(target_os = "linux")]
    pub fn on(service: Arc<SecretService>, sealed: impl Into<PathBuf>) -> Self {
        let mut store = Self::over(service, LIMIT, sealed);
        store.described = true;
        // The service itself keeps a time limit.
        store.patience = None;
        store
    }

    /// Returns the keyring of this platform; `sealed` is the directory for records over its limit.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if the platform's keyring cannot be used.
    #[cfg(any(target_os = "macos", target_os = "windows"))]
    pub fn open(_bus: Option<String>, sealed: impl Into<PathBuf>) -> Result<Self> {
        let none = || explain(KeyringError::NoDefaultStore);
        if ::keyring::Entry::store_status().is_err() {
            return Err(none());
        }
        let backend = keyring_core::get_default_store().ok_or_else(none)?;
        Ok(Self::over(backend, LIMIT, sealed))
    }

    /// Returns the keyring of this platform.
    ///
    /// # Errors
    /// Always returns [`Store`](crate::ErrorKind::Store): it has none.
    #[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
    pub fn open(_bus: Option<String>, _sealed: impl Into<PathBuf>) -> Result<Self> {
        Err(Error::store("this platform has no supported keyring")
            .hint(crate::advice::Advice::UseFileStore))
    }

    /// Returns a store over another keyring, whose items hold at most `limit` bytes, two for every UTF-16
    /// unit of the text. Operations time out like those of any keyring.
    pub fn over(
        backend: Arc<CredentialStore>,
        limit: Option<usize>,
        sealed: impl Into<PathBuf>,
    ) -> Self {
        let sealed = Sealed::new(sealed.into());
        let (patience, read) = (Some(PATIENCE), Mutex::default());
        Self { backend, described: false, patience, limit, sealed, read }
    }

    /// Sets how long to wait for a response.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Returns what was repaired.
    pub fn warnings(&self) -> Warnings {
        self.sealed.warnings()
    }

    /// Calls the keyring, on a separate thread if it may block forever.
    fn ask<T: Send + 'static>(
        &self,
        item: &Item<'_>,
        ask: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let answer = match self.patience {
            None => self.entry(item).and_then(|entry| ask(&entry)),
            Some(patience) => {
                let entry = self.entry(item).map_err(explain)?;
                let (tell, told) = mpsc::sync_channel(1);
                std::thread::spawn(move || tell.send(ask(&entry)));
                match told.recv_timeout(patience) {
                    Ok(answer) => answer,
                    Err(_) => return Err(mute()),
                }
            }
        };
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(KeyringError::NoEntry) => Ok(None),
            Err(error) => Err(explain(error)),
        }
    }

    fn entry(&self, item: &Item<'_>) -> keyring_core::Result<Entry> {
        if !self.described {
            return self.backend.build(SERVICE, &item.user, None);
        }
        let mut modifiers = HashMap::from([("label", item.label.as_str())]);
        let (profile, account);
        if let Some(key) = item.key {
            profile = text::one_line(&key.profile);
            account = text::one_line(&key.account);
            modifiers.insert("profile", &profile);
            modifiers.insert("account", &account);
        }
        self.backend.build(SERVICE, &item.user, Some(&modifiers))
    }

    fn raw(&self, item: &Item<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        self.ask(item, |entry| entry.get_secret().map(Zeroizing::new))
    }

    fn put(&self, item: &Item<'_>, bytes: &[u8]) -> Result<()> {
        let bytes = Zeroizing::new(bytes.to_vec());
        self.ask(item, move |entry| entry.set_secret(&bytes))?
            .ok_or_else(|| Error::store("the keyring did not store the record"))
    }

    fn delete(&self, item: &Item<'_>) -> Result<bool> {
        Ok(self.ask(item, Entry::delete_credential)?.is_some())
    }

    /// Reads a record, from the item or from its file.
    fn read(&self, item: &Item<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let mut before: Option<Zeroizing<Vec<u8>>> = None;
        loop {
            match self.raw(item)? {
                Some(bytes) if sealed::is_pointer(&bytes) => {
                    match self.sealed.open(&item.user, &bytes) {
                        // A writer may have replaced the item and the file since the item was read.
                        Err(_) if before.as_ref() != Some(&bytes) => before = Some(bytes),
                        opened => return opened.map(Some),
                    }
                }
                other => return Ok(other),
            }
        }
    }

    /// Writes a record to the item or, if it is too large, to a file. Setting the item is the commit; the
    /// file of the previous generation is removed after it.
    fn write(&self, item: &Item<'_>, bytes: &[u8], generation: u64) -> Result<()> {
        let file = if self.fits(bytes) {
            self.put(item, bytes)?;
            None
        } else {
            let (pointer, file) = self.sealed.seal(&item.user, bytes, generation)?;
            if let Err(error) = self.put(item, &pointer) {
                // A late response may still mean success: then the file is needed.
                if !matches!(self.raw(item), Ok(Some(there)) if there == pointer) {
                    return Err(error);
                }
            }
            Some(file)
        };
        self.sealed.sweep(&item.user, file.as_deref())
    }

    fn fits(&self, bytes: &[u8]) -> bool {
        let Some(limit) = self.limit else { return true };
        match std::str::from_utf8(bytes) {
            Ok(text) => text.encode_utf16().count() * 2 <= limit,
            Err(_) => bytes.len() <= limit,
        }
    }

    pub(super) fn prepare_now(&self, key: &GrantKey, bytes: usize) -> Result<()> {
        let item = Item::of(key);
        let most = self.limit.map_or(usize::MAX, |limit| limit / 2);
        if bytes > most {
            self.sealed.reserve(&item.user, bytes)?;
        }
        // Setting the label that the item already has makes the keyring write, and changes nothing even if
        // another process is saving a new generation.
        let label = item.label.clone();
        let touch = move |entry: &Entry| match entry
            .update_attributes(&HashMap::from([("label", label.as_str())]))
        {
            Err(KeyringError::NotSupportedByStore(_)) => Ok(false),
            other => other.map(|()| true),
        };
        if self.ask(&item, touch)? == Some(true) {
            return Ok(());
        }
        let probe = item.probe();
        self.put(&probe, &vec![b' '; bytes.min(most)])?;
        self.delete(&probe)?;
        Ok(())
    }

    pub(super) fn load_now(&self, key: &GrantKey) -> Result<Option<Grant>> {
        let item = Item::of(key);
        self.note_read(&item, false);
        let about = |error: Error| error.of_account(key, &self.name());
        let Some(bytes) = self.read(&item).map_err(about)? else { return Ok(None) };
        let grant = record::decode(&bytes, key, &place(key)).map_err(about)?;
        self.note_read(&item, true);
        Ok(Some(grant))
    }

    /// Records whether the item was readable just now.
    fn note_read(&self, item: &Item<'_>, could: bool) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.retain(|user, at| *user != item.user && at.elapsed() < READ_LATELY);
        if could {
            read.insert(item.user.clone(), Instant::now());
        }
    }

    fn was_read_lately(&self, item: &Item<'_>) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.get(&item.user).is_some_and(|at| at.elapsed() < READ_LATELY)
    }

    pub(super) fn save_now(&self, grant: &Grant) -> Result<()> {
        // A record that cannot be read is never overwritten: a newer version may have written it.
        if !self.was_read_lately(&Item::of(&grant.key)) {
            self.load_now(&grant.key)?;
        }
        self.write(&Item::of(&grant.key), &record::encode(grant)?, grant.generation)
    }

    pub(super) fn set_aside_now(&self, key: &GrantKey) -> Result<Option<String>> {
        let item = Item::of(key);
        let Some(bytes) = self.raw(&item)? else { return Ok(None) };
        for number in 1..1000 {
            let aside = item.aside(number);
            if self.raw(&aside)?.is_some() {
                continue;
            }
            self.put(&aside, &bytes)?;
            self.sealed.set_aside(&item.user)?;
            self.delete(&item)?;
            return Ok(Some(format!("the keyring item `{}`", aside.user)));
        }
        Err(Error::store("too many damaged records have been moved aside in the keyring"))
    }

    pub(super) fn remove_now(&self, key: &GrantKey) -> Result<bool> {
        let item = Item::of(key);
        let removed = self.delete(&item)?;
        self.delete(&item.probe())?;
        for number in 1.. {
            if !self.delete(&item.aside(number))? {
                break;
            }
        }
        self.sealed.remove(&item.user)?;
        Ok(removed)
    }

    pub(super) fn get_now(&self, name: &str) -> Result<Option<Secret>> {
        let place = format!("the keyring item of `{}`", text::one_line(name));
        match self.read(&Item::named(name))? {
            Some(bytes) => record::decode_item(&bytes, name, &place).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn set_now(&self, name: &str, value: &Secret) -> Result<()> {
        self.get_now(name)?;
        self.write(&Item::named(name), &record::encode_item(name, value)?, 0)
    }

    pub(super) fn unset_now(&self, name: &str) -> Result<bool> {
        let item = Item::named(name);
        let removed = self.delete(&item)?;
        self.sealed.remove(&item.user)?;
        Ok(removed)
    }
}

impl GrantStore for KeyringStore {
    fn name(&self) -> String {
        "keyring".to_owned()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move { self.load_now(key) })
    }

    fn contains<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<bool>>> {
        Box::pin(async move {
            // Other platforms might read the secret to check this.
            if !self.described {
                return Ok(None);
            }
            let there = self.ask(&Item::of(key), |entry| entry.get_attributes())?;
            Ok(Some(there.is_some()))
        })
    }

    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.prepare_now(key, bytes) })
    }

    fn prepare_again<'a>(&'a self, _: &'a GrantKey, _: usize) -> BoxFuture<'a, Result<()>> {
        // A write every few seconds would keep the keyring busy, and some keyrings prompt the user for each.
        Box::pin(std::future::ready(Ok(())))
    }

    fn release(&self, key: &GrantKey) {
        self.sealed.release(&Item::of(key).user);
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.save_now(grant) })
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move { self.set_aside_now(key) })
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.remove_now(key) })
    }
}

impl SecretItems for KeyringStore {
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

fn place(key: &GrantKey) -> String {
    format!("the keyring item of {key}")
}
