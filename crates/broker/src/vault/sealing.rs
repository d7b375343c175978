//! Encrypts documents and decrypts them, with the keys of the process.

use oauthctl_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Stored, Vault};
use crate::keys::key_id;
use crate::storage::{Key, Record};

impl Vault {
    /// Encrypts a document for this place.
    ///
    /// # Errors
    ///
    /// Returns `Internal` if the cipher fails.
    pub fn seal<T: Serialize>(&self, key: &Key, document: &T) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(document).map(Zeroizing::new);
        let plain = plain.map_err(|_| Error::internal("a document cannot be serialized"))?;
        self.current().seal(key, &plain)
    }

    /// Decrypts a document that was encrypted for this place.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it is damaged or belongs to another place.
    pub async fn unseal<T: DeserializeOwned>(&self, key: &Key, sealed: &[u8]) -> Result<T> {
        parse(&self.open_value(key, sealed).await?)
    }

    /// Decrypts a document from a file, perhaps written before the master key was rotated. No record of the store
    /// is decrypted this way, so an earlier key cannot be used to forge one.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it is damaged, belongs to another place, or was sealed with an unknown key.
    pub async fn unseal_file<T: DeserializeOwned>(&self, key: &Key, sealed: &[u8]) -> Result<T> {
        let error = match self.open_value(key, sealed).await {
            Ok(plain) => return parse(&plain),
            Err(error) => error,
        };
        // By now, the keys of a rotation that has begun are known.
        match self.earlier(key_id(sealed)).await? {
            Some(master) => parse(&master.open(key, sealed)?),
            None => Err(error),
        }
    }

    /// Decrypts a record.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it is damaged.
    pub async fn document<T: DeserializeOwned>(&self, record: Record) -> Result<Stored<T>> {
        self.examine(record).await?
    }

    /// Decrypts a record. The inner error says that the record cannot be read, because it is damaged or its key is not
    /// known here: another attempt has the same result.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails while a key is searched.
    pub async fn examine<T: DeserializeOwned>(&self, record: Record) -> Result<Result<Stored<T>>> {
        let opened = self.try_open(&record.key, &record.value).await?;
        let Record { key, revision, due_at, expires_at, .. } = record;
        match opened.and_then(|plain| parse(&plain)) {
            Ok(document) => {
                self.unreadable.remove(&key);
                Ok(Ok(Stored { key, revision, due_at, expires_at, document }))
            }
            Err(error) => {
                self.unreadable.add(&key, &error);
                Ok(Err(error))
            }
        }
    }

    /// Opens a sealed value. While the master key is being rotated, either key leads to the other.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it is damaged or the key is not known here.
    pub async fn open_value(&self, key: &Key, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.try_open(key, sealed).await?
    }

    /// As [`open_value`](Self::open_value), with the failures of the value itself as the inner error.
    async fn try_open(&self, key: &Key, sealed: &[u8]) -> Result<Result<Zeroizing<Vec<u8>>>> {
        if let Some(master) = self.ring.find(key_id(sealed)) {
            return Ok(master.open(key, sealed));
        }
        self.adopt_successor().await?;
        Ok(match self.ring.find(key_id(sealed)) {
            Some(master) => master.open(key, sealed),
            None => Err(wrong_key()),
        })
    }
}

fn parse<T: DeserializeOwned>(plain: &[u8]) -> Result<T> {
    serde_json::from_slice(plain).map_err(|_| {
        Error::store("a record has an unknown format: it was written by a newer version")
    })
}

pub(super) fn wrong_key() -> Error {
    Error::new(ErrorKind::Store, "the store is encrypted with a different master key")
        .hint("set OAUTHCTL_MASTER_KEY to the key of this store")
}
