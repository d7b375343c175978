//! The logins by URL and their clients, in the state directory: the equivalent of what a configuration file contains for other profiles.
//! The secrets of the clients are in the token store.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::cache::entry_name;
use crate::files::{Dir, Warnings};
use crate::profile::url_login::{ClientOrigin, UrlClient, UrlLogin, canonical};

const URLS: &str = "urls";
const CLIENTS: &str = "clients";
/// Version of the file formats.
const VERSION: u32 = 1;

/// The logins by URL that are kept in a state directory.
#[derive(Debug, Clone)]
pub struct UrlLogins {
    path: PathBuf,
    warnings: Warnings,
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

    /// Returns what was skipped.
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Returns the login of a URL, in any spelling.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if it cannot be read.
    pub fn find(&self, url: &str) -> Result<Option<UrlLogin>> {
        let Some(dir) = self.dir(URLS)? else { return Ok(None) };
        Ok(self.readable(&dir, &name_of(url)))
    }

    /// Returns all logins, sorted by URL. Damaged ones are skipped with a warning.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if they cannot be listed.
    pub fn all(&self) -> Result<Vec<UrlLogin>> {
        self.listed(|dir, name| Ok(self.readable(dir, name)))
    }

    /// Returns all logins, sorted by URL, and skips none: what no login refers to can be removed.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if one of them cannot be read.
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

    /// Stores the login of a URL durably.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if it was not kept.
    pub fn keep(&self, login: &UrlLogin) -> Result<()> {
        self.write(URLS, &name_of(&login.url), login)
    }

    /// Removes the login of a URL.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if it may still be there.
    pub fn forget(&self, url: &str) -> Result<bool> {
        match self.dir(URLS)? {
            Some(dir) => dir.remove(&name_of(url)),
            None => Ok(false),
        }
    }

    /// Returns the client for logins at an issuer that use this store.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if it cannot be read.
    pub fn client(&self, issuer: &str, store: &str) -> Result<Option<UrlClient>> {
        Ok(self.of_issuer(issuer, store)?.client)
    }

    /// Returns the registered clients that [`keep_client`](Self::keep_client) has replaced, latest first. A login that
    /// has not ended may still use one.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if they cannot be read.
    pub fn former_clients(&self, issuer: &str, store: &str) -> Result<Vec<UrlClient>> {
        Ok(self.of_issuer(issuer, store)?.former)
    }

    /// Stores the client for logins at an issuer that use this store, durably.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if it was not kept.
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
    /// Returns [`Store`](crate::ErrorKind::Store) if it may still be there.
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
