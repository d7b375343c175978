//! The logins by URL and their clients, in the state directory: the equivalent of what a configuration file contains for other profiles.
//! The secrets of the clients are in the token store.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oauthctl_core::clock::SystemClock;
use oauthctl_core::files::{Dir, Locked, Warnings, entry_name};
use oauthctl_core::profile::url_login::canonical;
use oauthctl_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::login::{ClientOrigin, UrlClient, UrlLogin};

const URLS: &str = "urls";
const CLIENTS: &str = "clients";
const LOCKS: &str = "locks";
const LOCK: &str = "urls.lock";
/// How long a process waits for another one that changes them.
const WAIT: Duration = Duration::from_secs(20);
/// Size of the file that [`LockedUrlLogins::check`] reserves: that of a record with many clients.
const CHECKED: usize = 64 * 1024;
/// Version of the file formats.
const VERSION: u32 = 1;

/// The logins by URL that are kept in a state directory.
#[derive(Debug, Clone)]
pub struct UrlLogins {
    path: PathBuf,
    warnings: Warnings,
}

/// Distinguishes a login from what is stored under its URL later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    modified: SystemTime,
    size: u64,
}

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    version: u32,
    #[serde(flatten)]
    value: T,
}

/// The clients of an issuer and a store.
#[derive(Serialize, Deserialize)]
struct OfIssuer {
    issuer: String,
    store: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<UrlClient>,
    /// Registered clients that it has replaced, latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<UrlClient>,
}

impl UrlLogins {
    /// Returns the logins in this state directory. Nothing is read or created until it is needed.
    pub fn new(state_dir: &Path) -> Self {
        Self { path: state_dir.to_owned(), warnings: Warnings::default() }
    }

    /// Returns the warnings about skipped logins and repaired files.
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Returns the login of a URL, in any spelling. A slash at the end of the path counts only if there are logins to
    /// both URLs.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot be read.
    pub fn find(&self, url: &str) -> Result<Option<UrlLogin>> {
        let Some(dir) = self.dir(URLS)? else { return Ok(None) };
        let exact = self.readable(&dir, &name_of(url));
        Ok(exact.or_else(|| self.readable(&dir, &name_of(&with_other_end(url)?))))
    }

    /// Returns a value that changes whenever the login of a URL is stored, without reading the login; `None` if
    /// there is none.
    pub fn version(&self, url: &str) -> Option<Version> {
        let file = self.path.join(URLS).join(name_of(url)).symlink_metadata().ok()?;
        Some(Version { modified: file.modified().ok()?, size: file.len() })
    }

    /// Returns all logins, sorted by URL. Damaged ones are skipped with a warning.
    ///
    /// # Errors
    ///
    /// Returns `Store` if they cannot be listed.
    pub fn all(&self) -> Result<Vec<UrlLogin>> {
        self.listed(|dir, name| Ok(self.readable(dir, name)))
    }

    /// Returns all logins, sorted by URL, or an error if one cannot be read: callers remove whatever no login refers
    /// to.
    ///
    /// # Errors
    ///
    /// Returns `Store` if one of them cannot be read.
    pub fn complete(&self) -> Result<Vec<UrlLogin>> {
        self.listed(read)
    }

    fn listed(
        &self,
        read: impl Fn(&Dir, &str) -> Result<Option<UrlLogin>>,
    ) -> Result<Vec<UrlLogin>> {
        let Some(dir) = self.dir(URLS)? else { return Ok(Vec::new()) };
        let names = dir.names()?.into_iter().filter(|name| name.ends_with(".json"));
        let all: Result<Vec<_>> = names.filter_map(|name| read(&dir, &name).transpose()).collect();
        let mut all = all?;
        all.sort_by(|one, other| one.url.cmp(&other.url));
        Ok(all)
    }

    /// Returns the client for logins at an issuer that use this store.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot be read.
    pub fn client(&self, issuer: &str, store: &str) -> Result<Option<UrlClient>> {
        Ok(self.of_issuer(issuer, store)?.client)
    }

    /// Returns the registered clients that [`keep_client`](LockedUrlLogins::keep_client) has replaced, latest first. A
    /// login that has not ended may still use one.
    ///
    /// # Errors
    ///
    /// Returns `Store` if they cannot be read.
    pub fn former_clients(&self, issuer: &str, store: &str) -> Result<Vec<UrlClient>> {
        Ok(self.of_issuer(issuer, store)?.former)
    }

    /// Acquires the lock under which the logins and clients are changed. Hold it for as long as it takes to read and
    /// write files, and no longer.
    ///
    /// # Errors
    ///
    /// Returns `Unavailable` if another process does not release it, and
    /// `Store` if the lock cannot be created.
    pub async fn lock(&self) -> Result<LockedUrlLogins> {
        let locks = self.locks()?;
        let lock = locks.lock(LOCK, &SystemClock, WAIT).await?;
        let lock = lock.ok_or_else(|| {
            Error::unavailable(
                "timed out waiting for another process that is changing the logins by URL",
            )
        })?;
        Ok(LockedUrlLogins { logins: self.clone(), _lock: lock })
    }

    fn locks(&self) -> Result<Dir> {
        Dir::create(&self.path, &self.warnings)?.make_child(LOCKS)
    }

    fn of_issuer(&self, issuer: &str, store: &str) -> Result<OfIssuer> {
        let none = || OfIssuer {
            issuer: issuer.to_owned(),
            store: store.to_owned(),
            client: None,
            former: Vec::new(),
        };
        let Some(dir) = self.dir(CLIENTS)? else { return Ok(none()) };
        let kept: Option<OfIssuer> = read(&dir, &name_of_client(issuer, store))?;
        let kept = kept.filter(|kept| kept.issuer == issuer && kept.store == store);
        Ok(kept.unwrap_or_else(none))
    }

    fn dir(&self, name: &str) -> Result<Option<Dir>> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(root) => root.child(name),
            None => Ok(None),
        }
    }

    /// Reads a record. One that cannot be read is skipped with a warning.
    fn readable<T: DeserializeOwned>(&self, dir: &Dir, name: &str) -> Option<T> {
        read(dir, name).unwrap_or_else(|error| {
            self.warnings.push(format!("skipped a login by URL: {}", error.message()));
            None
        })
    }

    fn write<T: Serialize>(&self, below: &str, name: &str, value: &T) -> Result<()> {
        let dir = Dir::create(&self.path, &self.warnings)?.make_child(below)?;
        let bytes = serde_json::to_vec(&Kept { version: VERSION, value })
            .map_err(|_| Error::internal("cannot write a login by URL as JSON"))?;
        if matches!(dir.read(name), Ok(Some(stored)) if *stored == bytes) {
            return Ok(());
        }
        dir.replace(name, &bytes)?;
        dir.sweep(name);
        Ok(())
    }
}

/// The logins by URL and their clients, while no other process changes them.
#[derive(Debug)]
pub struct LockedUrlLogins {
    logins: UrlLogins,
    _lock: Locked,
}

/// A mark on a client: it is in use by a login, or is being deleted. The mark is released on drop, or when its process
/// dies.
#[derive(Debug)]
pub struct ClientMark {
    _client: Locked,
    _port: Option<Locked>,
    /// The names of the locks, if they end with the client.
    removed: Option<(Dir, [String; 2])>,
}

impl Drop for ClientMark {
    fn drop(&mut self) {
        if let Some((locks, names)) = &self.removed {
            for name in names {
                let _ = locks.remove_lazily(name);
            }
        }
    }
}

impl Deref for LockedUrlLogins {
    type Target = UrlLogins;

    fn deref(&self) -> &UrlLogins {
        &self.logins
    }
}

impl LockedUrlLogins {
    /// Proves that logins and clients can be stored, without storing anything.
    ///
    /// # Errors
    ///
    /// Returns `Store` if they cannot.
    pub fn check(&self) -> Result<()> {
        for below in [URLS, CLIENTS] {
            let dir = Dir::create(&self.path, &self.warnings)?.make_child(below)?;
            dir.check_space("check.json", CHECKED)?;
        }
        Ok(())
    }

    /// Stores the login of a URL durably.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it was not kept.
    pub fn keep(&self, login: &UrlLogin) -> Result<()> {
        self.write(URLS, &name_of(&login.url), login)
    }

    /// Removes the login of a URL.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it may still be there.
    pub fn forget(&self, url: &str) -> Result<bool> {
        match self.dir(URLS)? {
            Some(dir) => dir.remove(&name_of(url)),
            None => Ok(false),
        }
    }

    /// Stores the client for logins at an issuer that use this store, durably.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it was not kept.
    pub fn keep_client(&self, issuer: &str, store: &str, client: &UrlClient) -> Result<()> {
        let mut kept = self.of_issuer(issuer, store)?;
        kept.former.retain(|former| former.id != client.id);
        let replaced = kept
            .client
            .replace(client.clone())
            .filter(|old| old.id != client.id && old.origin == ClientOrigin::Registered);
        kept.former.splice(..0, replaced);
        self.write(CLIENTS, &name_of_client(issuer, store), &kept)
    }

    /// Removes the client with this id of an issuer and a store.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it may still be there.
    pub fn forget_client(&self, issuer: &str, store: &str, id: &str) -> Result<()> {
        let Some(dir) = self.dir(CLIENTS)? else { return Ok(()) };
        let mut kept = self.of_issuer(issuer, store)?;
        kept.client = kept.client.filter(|client| client.id != id);
        kept.former.retain(|client| client.id != id);
        let name = name_of_client(issuer, store);
        if kept.client.is_none() && kept.former.is_empty() {
            return dir.remove(&name).map(|_| ());
        }
        self.write(CLIENTS, &name, &kept)
    }

    /// Marks a client as used by a login in progress, which may listen on the port of its redirect URI. Returns `None` if
    /// the client is being deleted, or another login listens on that port.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot be marked.
    pub fn mark_used(
        &self,
        issuer: &str,
        store: &str,
        id: &str,
        listens: bool,
    ) -> Result<Option<ClientMark>> {
        let (locks, [client, port]) = (self.locks()?, names_of_locks(issuer, store, id));
        let Some(client) = locks.try_lock_shared(&client)? else { return Ok(None) };
        let port = if listens { Some(locks.try_lock(&port)?) } else { None };
        if let Some(None) = port {
            return Ok(None);
        }
        Ok(Some(ClientMark { _client: client, _port: port.flatten(), removed: None }))
    }

    /// Marks a client as being deleted: no login can begin to use it. Returns `None` if a login in progress uses it.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot be marked.
    pub fn mark_deleted(&self, issuer: &str, store: &str, id: &str) -> Result<Option<ClientMark>> {
        let (locks, names) = (self.locks()?, names_of_locks(issuer, store, id));
        let Some(client) = locks.try_lock(&names[0])? else { return Ok(None) };
        let removed = Some((locks, names));
        Ok(Some(ClientMark { _client: client, _port: None, removed }))
    }
}

/// Returns the names of the locks of a client, and of the port of its redirect URI.
fn names_of_locks(issuer: &str, store: &str, id: &str) -> [String; 2] {
    let client = format!("{issuer}\n{store}\n{id}");
    ["client-", "port-"].map(|kind| entry_name(kind, &client).replace(".json", ".lock"))
}

/// Reads a record; `None` if there is none.
fn read<T: DeserializeOwned>(dir: &Dir, name: &str) -> Result<Option<T>> {
    let Some(bytes) = dir.read(name)? else { return Ok(None) };
    let why = match serde_json::from_slice::<Kept<T>>(&bytes) {
        Ok(kept) if kept.version <= VERSION => return Ok(Some(kept.value)),
        Ok(_) => "it was written by a newer oauthctl".to_owned(),
        Err(error) => format!("it is damaged (line {}, column {})", error.line(), error.column()),
    };
    Err(Error::store(format!("cannot read `{}`: {why}", dir.path_of(name).display()))
        .hint("restore the file, or move it away"))
}

fn name_of(url: &str) -> String {
    entry_name("", &canonical(url))
}

fn name_of_client(issuer: &str, store: &str) -> String {
    entry_name("", &format!("{issuer}\n{store}"))
}

/// Returns a URL with a slash at the end of its path if it has none, and without it otherwise; `None` if the path is
/// empty, or a query follows.
fn with_other_end(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok().filter(|url| url.path() != "/" && url.query().is_none())?;
    let path = match url.path().strip_suffix('/') {
        Some(without) => without.to_owned(),
        None => format!("{}/", url.path()),
    };
    url.set_path(&path);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_has_a_variant_with_a_slash() {
        for (one, other) in [
            ("https://R.example/a", "https://r.example/a/"),
            ("http://127.0.0.1:1/a/b/", "http://127.0.0.1:1/a/b"),
        ] {
            assert_eq!(with_other_end(one).as_deref(), Some(other));
        }
        for none in ["https://r.example", "https://r.example/", "https://r.example/a?b", "work", ""]
        {
            assert_eq!(with_other_end(none), None, "{none}");
        }
    }
}
