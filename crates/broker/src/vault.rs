//! Documents in the store: serialized and encrypted.

mod ring;
mod rotated;
mod sealing;
mod unreadable;

use std::sync::Arc;

use oauthctl_core::{Error, Result, Secret};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::keys::{MasterKey, random};
use crate::names::Names;
use crate::queues::Queues;
use crate::storage::{Addition, Condition, Key, Record, Removal, Space, Storage, Write, Written};

use ring::Ring;
pub use rotated::SUCCESSOR;
pub use unreadable::Unreadable;

/// A document with its record.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    /// The key of the record.
    pub key: Key,
    /// See [`Record::revision`].
    pub revision: u64,
    /// See [`Record::due_at`].
    pub due_at: Option<u64>,
    /// See [`Record::expires_at`].
    pub expires_at: Option<u64>,
    /// The document.
    pub document: T,
}

/// How a document is written.
#[derive(Debug, Clone)]
pub struct Terms {
    /// See [`Record::due_at`].
    pub due_at: Option<u64>,
    /// See [`Record::expires_at`].
    pub expires_at: Option<u64>,
    /// The condition of the write.
    pub condition: Condition,
    /// See [`Write::removes`].
    pub removes: Vec<Removal>,
    /// Records that are added in the same transaction.
    pub adds: Vec<Addition>,
}

impl Default for Terms {
    fn default() -> Self {
        let (removes, adds) = Default::default();
        Self { due_at: None, expires_at: None, condition: Condition::Always, removes, adds }
    }
}

impl Terms {
    /// Sets the condition of the write.
    pub fn only_if(condition: Condition) -> Self {
        Self { condition, ..Self::default() }
    }
}

/// The store, with the keys that decrypt it.
pub struct Vault {
    storage: Arc<dyn Storage>,
    ring: Ring,
    names: Names,
    state_secret: Secret,
    queues: Queues,
    unreadable: Unreadable,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({})", self.storage.kind())
    }
}

impl Vault {
    /// Opens a store with its master key. A new store gets its secrets.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails or was sealed with another key.
    pub async fn open(storage: Arc<dyn Storage>, master: MasterKey) -> Result<Self> {
        let placeholder = Names::new(&Zeroizing::new(vec![0; 32]));
        let ring = Ring::new(master);
        let (state_secret, queues, unreadable) = Default::default();
        let names = placeholder;
        let mut vault = Self { storage, ring, names, state_secret, queues, unreadable };
        vault.names = Names::new(&vault.installation_secret("names").await?);
        let state = vault.installation_secret("state").await?;
        vault.state_secret = Secret::new(base64_of(&state));
        Ok(vault)
    }

    /// Returns the store.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Returns the queues of those who write in turn.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Returns the records that could not be read.
    pub fn unreadable(&self) -> &Unreadable {
        &self.unreadable
    }

    /// Reads the records again that could not be read. Those that are gone are forgotten.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    pub async fn read_again(&self) -> Result<()> {
        for (key, _) in self.unreadable.all() {
            // Whether it has the right members is known where it is used.
            if self.storage.get(&key).await?.is_none() {
                self.unreadable.remove(&key);
            }
        }
        Ok(())
    }

    /// Returns the object that creates ids of records.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Returns the secret of the states of all instances.
    pub fn state_secret(&self) -> &Secret {
        &self.state_secret
    }

    /// Reads a document.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails or the record is damaged.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Stored<T>>> {
        match self.storage.get(key).await? {
            Some(record) => self.document(record).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads a document. The inner error says that the record cannot be read, as that of [`examine`](Self::examine) does.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    pub async fn inspect<T: DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Result<Option<Result<Stored<T>>>> {
        match self.storage.get(key).await? {
            Some(record) => self.examine(record).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads a document that is not needed: one that cannot be read counts as absent.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    pub async fn get_readable<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Stored<T>>> {
        Ok(self.inspect(key).await?.and_then(Result::ok))
    }

    /// Writes a document.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails: the document may or may not be written.
    pub async fn put<T: Serialize>(&self, key: Key, document: &T, terms: Terms) -> Result<Written> {
        self.put_with(key, document, terms, Vec::new()).await
    }

    /// Writes a document, and adds others in the same transaction.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub async fn put_with<T: Serialize>(
        &self,
        key: Key,
        document: &T,
        terms: Terms,
        mut also: Vec<Addition>,
    ) -> Result<Written> {
        let value = self.seal(&key, document)?;
        let Terms { due_at, expires_at, condition, removes, adds } = terms;
        also.extend(adds);
        let write = Write { key, value, due_at, expires_at, condition, removes };
        self.storage.put_with(write, also).await
    }

    /// Encrypts a document that is added together with another write.
    ///
    /// # Errors
    ///
    /// Returns `Internal` if that fails.
    pub fn addition<T: Serialize>(
        &self,
        key: Key,
        document: &T,
        due_at: Option<u64>,
        expires_at: Option<u64>,
    ) -> Result<Addition> {
        let value = self.seal(&key, document)?;
        Ok(Addition { key, value, due_at, expires_at })
    }

    /// Removes a document. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub async fn delete(&self, key: &Key) -> Result<bool> {
        self.storage.delete(key, Condition::Always).await
    }

    /// Returns documents of a tenant, in the order of their ids. See [`Storage::list`]. Records that cannot be read are
    /// left out.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn list<T: DeserializeOwned>(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Stored<T>>> {
        self.readable(self.storage.list(space, tenant, prefix, after, limit).await?).await
    }

    /// Decrypts those of these records that can be read.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails while a key is searched.
    pub async fn readable<T: DeserializeOwned>(
        &self,
        records: Vec<Record>,
    ) -> Result<Vec<Stored<T>>> {
        let mut documents = Vec::with_capacity(records.len());
        for record in records {
            documents.extend(self.examine(record).await?);
        }
        Ok(documents)
    }

    /// Returns a page of documents as [`list`](Self::list) does, with the id to continue from if there are more.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn page<T: DeserializeOwned>(
        &self,
        space: Space,
        tenant: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Stored<T>>, Option<String>)> {
        // One more says whether there is a next page.
        let mut found = self.storage.list(space, tenant, prefix, after, limit + 1).await?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(|record| record.key.id.clone());
        Ok((self.readable(found).await?, next))
    }

    /// Encrypts with this key from now on. Values under earlier keys can still be decrypted.
    pub fn make_current(&self, next: MasterKey) {
        self.ring.make_current(next);
    }

    /// Returns the key that encrypts.
    pub fn current(&self) -> Arc<MasterKey> {
        self.ring.current()
    }

    /// Returns a secret of the installation, which the first process generates.
    async fn installation_secret(&self, name: &str) -> Result<Zeroizing<Vec<u8>>> {
        let key = Key::new(Space::Meta, "", name);
        if self.storage.get(&key).await?.is_none() {
            let value = self.current().seal(&key, &random(32)?)?;
            let write = Write::new(key.clone(), value, Condition::Absent);
            self.storage.put(write).await?;
        }
        match self.storage.get(&key).await? {
            Some(record) => self.open_value(&key, &record.value).await,
            None => Err(Error::store("a secret of the installation has disappeared")),
        }
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
