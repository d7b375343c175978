//! A grant store and a pending store as a caller with a database would write them: one row for each user and
//! profile, one for each flow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use oauthctl_core::port::{BoxFuture, GrantStore, PendingRecord, PendingStore};
use oauthctl_core::{Error, Grant, GrantKey, Result, Timestamp};

/// The grants of users: user, profile, document.
#[derive(Default)]
pub struct Users {
    rows: Mutex<BTreeMap<String, BTreeMap<String, Vec<u8>>>>,
    /// Damaged rows can be moved.
    pub has_attic: AtomicBool,
    /// Nothing can be written.
    pub full: AtomicBool,
    /// Everything seems to be in order until something is written.
    pub breaks: AtomicBool,
    /// As many writes fail before one succeeds.
    pub fails: AtomicUsize,
    /// What a writer that was killed had written, before it counted.
    pub half_saved: Mutex<Option<Grant>>,
    /// What is written is there, and said not to be.
    pub lies: AtomicBool,
    /// The users for whose record room was made, and neither used nor given back.
    pub reserved: Mutex<BTreeSet<String>>,
}

impl Users {
    /// The document of one user, as it is stored.
    pub fn row(&self, user: &str, profile: &str) -> Option<Grant> {
        let rows = self.rows.lock().unwrap();
        rows.get(user)?.get(profile).map(|document| serde_json::from_slice(document).unwrap())
    }

    /// Replaces a document by nonsense.
    pub fn damage(&self, user: &str, profile: &str) {
        let mut rows = self.rows.lock().unwrap();
        *rows.get_mut(user).unwrap().get_mut(profile).unwrap() = b"{\"version\":1".to_vec();
    }

    fn writable(&self) -> Result<()> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(Error::store("the database is read-only")),
            false => Ok(()),
        }
    }
}

impl GrantStore for Users {
    fn name(&self) -> String {
        "users".to_owned()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move {
            let rows = self.rows.lock().unwrap();
            let document = rows.get(&key.account).and_then(|of_user| of_user.get(&key.profile));
            document
                .map(|document| serde_json::from_slice(document))
                .transpose()
                .map_err(|_| Error::store(format!("the row of {key} is damaged")))
        })
    }

    fn prepare<'a>(&'a self, key: &'a GrantKey, _bytes: usize) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.writable()?;
            self.reserved.lock().unwrap().insert(key.account.clone());
            Ok(())
        })
    }

    fn release(&self, key: &GrantKey) {
        self.reserved.lock().unwrap().remove(&key.account);
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.writable()?;
            if self.breaks.load(Ordering::SeqCst) {
                return Err(Error::store("the database has gone away"));
            }
            let less = |left: usize| left.checked_sub(1);
            if self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
                return Err(Error::store("the database is locked"));
            }
            let document = serde_json::to_vec(grant).map_err(|e| Error::store(e.to_string()))?;
            let mut rows = self.rows.lock().unwrap();
            let of_user = rows.entry(grant.key.account.clone()).or_default();
            of_user.insert(grant.key.profile.clone(), document);
            match self.lies.load(Ordering::SeqCst) {
                true => Err(Error::store("the database has not answered")),
                false => Ok(()),
            }
        })
    }

    fn recover<'a>(&'a self, current: &'a Grant) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move {
            let half = self.half_saved.lock().unwrap().take();
            let half = half.filter(|half| half.generation == current.generation + 1);
            if let Some(grant) = &half {
                self.save(grant).await?;
            }
            Ok(half)
        })
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move {
            let has_attic = self.has_attic.load(Ordering::SeqCst);
            Ok((has_attic && self.remove(key).await?).then(|| "row 7 of the attic".to_owned()))
        })
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut rows = self.rows.lock().unwrap();
            Ok(rows.get_mut(&key.account).is_some_and(|of| of.remove(&key.profile).is_some()))
        })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Option<Vec<GrantKey>>>> {
        Box::pin(async move {
            let rows = self.rows.lock().unwrap();
            let keys = rows.iter().flat_map(|(user, of_user)| {
                of_user.keys().map(|profile| GrantKey::new(profile.clone(), user.clone()))
            });
            Ok(Some(keys.collect()))
        })
    }
}

/// Started flows: id, expiry, and what is sealed; a used one that was never put has nothing sealed.
#[derive(Default)]
pub struct Flows(Mutex<BTreeMap<String, Row>>);

type Row = (Timestamp, Option<Vec<u8>>);

impl Flows {
    /// All that is stored, as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let rows = self.0.lock().unwrap();
        rows.iter()
            .flat_map(|(id, (_, sealed))| {
                [id.as_bytes(), sealed.as_deref().unwrap_or_default()].concat()
            })
            .collect()
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().values().filter(|(_, sealed)| sealed.is_some()).count()
    }
}

impl PendingStore for Flows {
    fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut rows = self.0.lock().unwrap();
            if rows.contains_key(&record.id) {
                return Err(Error::store("this id is taken"));
            }
            rows.insert(record.id.clone(), (record.expires_at, Some(record.sealed.clone())));
            Ok(())
        })
    }

    fn get<'a>(
        &'a self,
        id: &'a str,
        expires_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<PendingRecord>>> {
        Box::pin(async move {
            let rows = self.0.lock().unwrap();
            let Some((at, Some(sealed))) = rows.get(id).filter(|(at, _)| *at == expires_at) else {
                return Ok(None);
            };
            let (id, sealed) = (id.to_owned(), sealed.clone());
            Ok(Some(PendingRecord { id, expires_at: *at, sealed }))
        })
    }

    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut rows = self.0.lock().unwrap();
            let is_it = matches!(rows.get(id), Some((at, Some(_))) if *at == expires_at);
            if is_it {
                // What is left says that it was used.
                rows.insert(id.to_owned(), (expires_at, None));
            }
            Ok(is_it)
        })
    }

    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut rows = self.0.lock().unwrap();
            let is_new = !rows.contains_key(id);
            rows.entry(id.to_owned()).or_insert((expires_at, None));
            Ok(is_new)
        })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>> {
        Box::pin(async move {
            let rows = self.0.lock().unwrap();
            let record = |(id, (at, sealed)): (&String, &Row)| {
                let (id, sealed) = (id.clone(), sealed.clone()?);
                Some(PendingRecord { id, expires_at: *at, sealed })
            };
            Ok(rows.iter().filter_map(record).collect())
        })
    }
}
