//! The stores of the example: flows in a directory for each user, and encrypted grants.

use std::fs::{self, File};
use std::io::{self, ErrorKind as Io, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use oauthctl_core::port::{BoxFuture, Clock, GrantStore, PendingRecord, PendingStore};
use oauthctl_core::{Error, Grant, GrantKey, Result, Timestamp};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// Maximum number of open flows of one user: otherwise anyone who can start flows could fill the disk.
const MOST_FLOWS: usize = 8;

/// The flows of one user: files `ID.EXPIRES.KIND`. `sealed` is the manager's record, `challenge` a note of
/// this example, and `used` a mark that stays until the flow has expired, so that a restored copy is
/// useless.
pub struct Flows {
    dir: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Flows {
    pub fn new(dir: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { dir, clock }
    }

    fn path(&self, id: &str, expires_at: Timestamp, kind: &str) -> PathBuf {
        self.dir.join(format!("{id}.{}.{kind}", expires_at.unix()))
    }

    /// Returns the open flows, and removes the files of expired ones.
    fn open(&self) -> io::Result<Vec<(String, Timestamp)>> {
        let mut open = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let parts: Vec<&str> = name.split('.').collect();
            let [id, expires, kind] = parts[..] else { continue };
            let Ok(expires) = expires.parse().map(Timestamp::from_unix) else { continue };
            if expires <= self.clock.now() {
                let _ = fs::remove_file(self.dir.join(&name));
            } else if kind == "sealed" && !self.is_used(id, expires)? {
                open.push((id.to_owned(), expires));
            }
        }
        open.sort_by_key(|(_, expires)| *expires);
        Ok(open)
    }

    fn is_used(&self, id: &str, expires_at: Timestamp) -> io::Result<bool> {
        self.path(id, expires_at, "used").try_exists()
    }

    /// Stores the challenge of a flow, to be shown.
    pub fn note(&self, id: &str, expires_at: Timestamp, challenge: &str) -> Result<()> {
        let path = self.path(id, expires_at, "challenge");
        write(&path, challenge.as_bytes(), true).map(drop).map_err(failed)
    }

    /// Returns what can be shown of the open flows: id, expiry, challenge, and the number of sealed bytes.
    pub fn shown(&self) -> Result<Vec<(String, Timestamp, String, u64)>> {
        let mut shown = Vec::new();
        for (id, expires) in self.open().map_err(failed)? {
            let challenge = found(fs::read_to_string(self.path(&id, expires, "challenge")));
            let sealed = found(fs::metadata(self.path(&id, expires, "sealed")));
            if let Some(sealed) = sealed.map_err(failed)? {
                let challenge = challenge.map_err(failed)?.unwrap_or_default();
                shown.push((id, expires, challenge, sealed.len()));
            }
        }
        Ok(shown)
    }
}

impl PendingStore for Flows {
    fn put<'a>(&'a self, record: &'a PendingRecord) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.open().map_err(failed)?.len() >= MOST_FLOWS {
                let what = format!("this user already has {MOST_FLOWS} open flows");
                return Err(Error::store(what).hint("complete them, or wait until they expire"));
            }
            let path = self.path(&record.id, record.expires_at, "sealed");
            let is_used = self.is_used(&record.id, record.expires_at).map_err(failed)?;
            match !is_used && write(&path, &record.sealed, false).map_err(failed)? {
                true => Ok(()),
                false => Err(Error::store("this flow already exists")),
            }
        })
    }

    fn get<'a>(
        &'a self,
        id: &'a str,
        expires_at: Timestamp,
    ) -> BoxFuture<'a, Result<Option<PendingRecord>>> {
        Box::pin(async move {
            if self.is_used(id, expires_at).map_err(failed)? {
                return Ok(None);
            }
            let sealed = found(fs::read(self.path(id, expires_at, "sealed"))).map_err(failed)?;
            Ok(sealed.map(|sealed| PendingRecord { id: id.to_owned(), expires_at, sealed }))
        })
    }

    fn claim<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let sealed = self.path(id, expires_at, "sealed");
            if !sealed.try_exists().map_err(failed)? {
                return Ok(false);
            }
            // Of all that try to create the same file, one succeeds. Only the mark counts.
            let is_ours = self.mark_used(id, expires_at).await?;
            let _ = fs::remove_file(sealed);
            let _ = fs::remove_file(self.path(id, expires_at, "challenge"));
            Ok(is_ours)
        })
    }

    fn mark_used<'a>(&'a self, id: &'a str, expires_at: Timestamp) -> BoxFuture<'a, Result<bool>> {
        let path = self.path(id, expires_at, "used");
        Box::pin(async move { write(&path, b"", false).map_err(failed) })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<PendingRecord>>> {
        Box::pin(async move {
            let mut records = Vec::new();
            for (id, expires_at) in self.open().map_err(failed)? {
                records.extend(self.get(&id, expires_at).await?);
            }
            Ok(records)
        })
    }
}

/// Creates a directory and its missing parents, accessible only to the owner.
pub fn private_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

/// All grants, one encrypted file each, because a [`Grant`] contains its tokens in clear text.
pub struct Grants {
    dir: PathBuf,
    key: RandomizedNonceKey,
}

impl Grants {
    /// The key is in a file beside them; in a real application it would come from elsewhere.
    pub fn open(dir: PathBuf) -> Result<Self> {
        private_dir(&dir).map_err(failed)?;
        let mut key = Zeroizing::new(vec![0; 32]);
        aws_lc_rs::rand::fill(&mut key)
            .map_err(|_| Error::internal("no random numbers available"))?;
        let path = dir.join("key");
        write(&path, &key, false).map_err(failed)?; // of several processes the first one's stays
        let key = Zeroizing::new(fs::read(&path).map_err(failed)?);
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key);
        Ok(Self { dir, key: key.map_err(|_| Error::store("the key of the grants is damaged"))? })
    }

    fn path(&self, key: &GrantKey) -> PathBuf {
        self.dir.join(key.slug())
    }

    /// Returns the damaged records of this key that were moved aside.
    fn aside(&self, key: &GrantKey) -> io::Result<Vec<PathBuf>> {
        let begin = format!("{}.damaged-", key.slug());
        let entries = fs::read_dir(&self.dir)?.collect::<io::Result<Vec<_>>>()?;
        let mut aside: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        aside.retain(|path| {
            path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&begin))
        });
        Ok(aside)
    }
}

impl GrantStore for Grants {
    fn name(&self) -> String {
        "my grants".to_owned()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move {
            let damaged = || {
                let hint = "start and complete a new flow, which moves the record aside";
                Error::store(format!("the record of {key} is damaged")).hint(hint)
            };
            let Some(file) = found(fs::read(self.path(key))).map_err(failed)? else {
                return Ok(None);
            };
            let (nonce, sealed) = file.split_at_checked(12).ok_or_else(damaged)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
            let mut sealed = Zeroizing::new(sealed.to_vec());
            let whose = Aad::from(key.slug());
            let plain = self.key.open_in_place(nonce, whose, &mut sealed).map_err(|_| damaged())?;
            serde_json::from_slice(plain).map(Some).map_err(|_| damaged())
        })
    }

    fn prepare<'a>(&'a self, _: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut file = NamedTempFile::new_in(&self.dir).map_err(failed)?;
            file.write_all(&vec![0; bytes]).map_err(failed)
        })
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let not_sealed = |_| Error::internal("cannot encrypt a grant");
            let plain = serde_json::to_vec(grant).map_err(|e| Error::internal(e.to_string()))?;
            let mut sealed = Zeroizing::new(plain);
            let whose = Aad::from(grant.key.slug());
            let nonce =
                self.key.seal_in_place_append_tag(whose, &mut *sealed).map_err(not_sealed)?;
            let file = [nonce.as_ref().as_slice(), &sealed[..]].concat();
            write(&self.path(&grant.key), &file, true).map(drop).map_err(failed)
        })
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move {
            // This key is locked: an unused name stays unused.
            let earlier = self.aside(key).map_err(failed)?;
            let mut names = (1..).map(|n| self.dir.join(format!("{}.damaged-{n}", key.slug())));
            let Some(free) = names.find(|name| !earlier.contains(name)) else { return Ok(None) };
            let moved = found(fs::rename(self.path(key), &free)).map_err(failed)?;
            sync(&self.dir).map_err(failed)?;
            Ok(moved.map(|()| free.display().to_string()))
        })
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            for aside in self.aside(key).map_err(failed)? {
                fs::remove_file(aside).map_err(failed)?;
            }
            Ok(found(fs::remove_file(self.path(key))).map_err(failed)?.is_some())
        })
    }
}

/// Writes a file as a whole and durably, accessible only to its owner. Returns `false`, without doing
/// anything, if the file exists and must not be replaced.
fn write(path: &Path, bytes: &[u8], may_replace: bool) -> io::Result<bool> {
    let dir = path.parent().unwrap_or(path);
    let mut file = NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let kept = if may_replace { file.persist(path) } else { file.persist_noclobber(path) };
    match kept {
        Ok(_) => sync(dir).map(|()| true),
        Err(error) if error.error.kind() == Io::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

fn sync(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

fn found<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == Io::NotFound => Ok(None),
        other => other.map(Some),
    }
}

pub fn failed(error: io::Error) -> Error {
    Error::store(format!("a file of the example: {error}"))
}
