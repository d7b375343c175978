//! Records without valid authentication: they are refused, and accepted on request.

use super::{FileStore, file_of, sealing};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::files::Dir;
use crate::grant::GrantKey;
use crate::store::record;

/// What a record without valid authentication claims to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The grant of this key.
    Grant(GrantKey),
    /// The secret of this name.
    Item(String),
}

impl Claimed {
    fn slug(&self) -> String {
        match self {
            Self::Grant(key) => key.slug(),
            Self::Item(name) => record::item_slug(name),
        }
    }
}

impl std::fmt::Display for Claimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Grant(key) => key.fmt(f),
            Self::Item(name) => write!(f, "the secret `{}`", crate::text::one_line(name)),
        }
    }
}

impl FileStore {
    /// Returns the records that the identity decrypts but does not authenticate, without those that cannot be read.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if the directory or the key cannot be read.
    pub fn unauthenticated(&self) -> Result<Vec<Claimed>> {
        let Some(dir) = Dir::open(&self.path, &self.warnings)? else { return Ok(Vec::new()) };
        let names = dir.names()?;
        let slugs: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".age")).collect();
        if !slugs.is_empty() {
            self.key()?;
        }
        Ok(slugs.into_iter().filter_map(|slug| self.claimed(slug)).collect())
    }

    fn claimed(&self, slug: &str) -> Option<Claimed> {
        let found = self.unseal(slug).ok()??;
        if found.is_authentic {
            return None;
        }
        let grant = record::any_key(&found.json).map(Claimed::Grant);
        let claimed = grant.or_else(|| record::any_item(&found.json).map(Claimed::Item))?;
        (claimed.slug() == slug).then_some(claimed)
    }

    /// Writes such a record again, authenticated. Returns `false` if it is authentic or gone by now. Hold the lock of
    /// the grant's key during the call.
    ///
    /// # Errors
    /// Returns [`Store`](crate::ErrorKind::Store) if it cannot be read or written.
    pub fn accept(&self, claimed: &Claimed) -> Result<bool> {
        let slug = claimed.slug();
        let Some(found) = self.unseal(&slug)?.filter(|found| !found.is_authentic) else {
            return Ok(false);
        };
        match claimed {
            Claimed::Grant(key) => {
                record::decode(&found.json, key, &self.place(&slug))?;
            }
            Claimed::Item(name) => {
                record::decode_item(&found.json, name, &self.place(&slug))?;
            }
        }
        let dir = Dir::create(&self.path, &self.warnings)?;
        let sealed = sealing::seal(self.key()?, &slug, &found.json)?;
        dir.replace(&file_of(&slug), &sealed)?;
        dir.sweep(&file_of(&slug));
        Ok(true)
    }

    /// Returns the error for a record that anyone who knows the public key could have written.
    pub(super) fn forgeable(&self, slug: &str, key: Option<&GrantKey>) -> Error {
        Error::store(format!(
            "the record in {} is not authenticated: anyone who knows the store's public key could \
             have written it",
            self.place(slug)
        ))
        .hint(Advice::AcceptRecord { store: self.name.clone(), key: key.cloned() })
    }
}
