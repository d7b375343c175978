//! The keys for states, in a file of the user: generated when the first flow is started, and replaced by
//! [`StateKeyFile::rotate`]. The previous key is then accepted until the last state that it signed has
//! expired.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::files::{Dir, Locked, Warnings};
use crate::port::Clock;
use crate::protocol::state::{StateAlg, StateKey, StateKeys};
use crate::secret::{Secret, exposed};
use crate::time::Timestamp;

const VERSION: u32 = 1;
/// Default lifetime of a state, in seconds.
const DEFAULT_LIFETIME: u64 = 600;
const WAIT: Duration = Duration::from_secs(10);

/// A file with keys for states.
#[derive(Clone)]
pub struct StateKeyFile {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    warnings: Warnings,
}

impl std::fmt::Debug for StateKeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StateKeyFile({})", self.path.display())
    }
}

#[derive(Serialize, Deserialize)]
struct Ring {
    version: u32,
    current: Entry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    alg: String,
    #[serde(with = "exposed")]
    key: Secret,
    /// The longest lifetime, in seconds, of a state signed with this key.
    longest: u64,
    /// Until when it is accepted, once there is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Entry {
    fn new(alg: StateAlg) -> Result<Self> {
        let key = StateKey::generate()?;
        Ok(Self { alg: alg.as_str().to_owned(), key, longest: DEFAULT_LIFETIME, until: None })
    }

    fn read(&self) -> Result<StateKey> {
        let alg = StateAlg::parse(&self.alg)
            .ok_or_else(|| Error::config("it names an unknown algorithm"))?;
        StateKey::read(&self.key, alg)
    }
}

impl StateKeyFile {
    /// Returns the keys in this file. Nothing is read or created until it is needed.
    pub fn open(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self { path: path.into(), clock, warnings: Warnings::default() }
    }

    /// Returns what was repaired.
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Returns the keys for completing flows; none if no flow was ever started.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if the file cannot be read or is damaged.
    pub fn keys(&self) -> Result<StateKeys> {
        let Some(dir) = Dir::open_for_key(self.split()?.0, &self.warnings)? else {
            return Ok(StateKeys::none());
        };
        match self.ring(&dir)? {
            Some(ring) => self.unlock(&ring),
            None => Ok(StateKeys::none()),
        }
    }

    /// Same as [`StateKeyFile::keys_for`], but returns `None` if it would have to write or wait.
    ///
    /// # Errors
    ///
    /// See [`StateKeyFile::keys`].
    pub fn keys_at_hand(&self, life: Duration) -> Result<Option<StateKeys>> {
        let (parent, name) = self.split()?;
        let Some(dir) = Dir::open_for_key(parent, &self.warnings)? else { return Ok(None) };
        dir.sweep(name);
        match self.ring(&dir)? {
            Some(ring) if ring.current.longest >= life.as_secs() => self.unlock(&ring).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns the keys for starting a flow with this lifetime of its state; they are generated if there
    /// are none.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if the file cannot be read or written.
    pub async fn keys_for(&self, life: Duration) -> Result<StateKeys> {
        let (parent, name) = self.split()?;
        let dir = Dir::create(parent, &self.warnings)?;
        dir.sweep(name);
        let mut ring = match self.ring(&dir)? {
            Some(ring) => ring,
            None => {
                let ring = Ring {
                    version: VERSION,
                    current: Entry::new(StateAlg::Hs256)?,
                    previous: None,
                };
                // If several processes get here at once, one generates the key and all use it.
                dir.create_new(name, &written(&ring)?)?;
                self.ring(&dir)?.ok_or_else(|| self.damaged())?
            }
        };
        if ring.current.longest < life.as_secs() {
            let _lock = self.lock(&dir).await?;
            ring = self.ring(&dir)?.ok_or_else(|| self.damaged())?;
            ring.current.longest = ring.current.longest.max(life.as_secs());
            dir.replace(name, &written(&ring)?)?;
        }
        self.unlock(&ring)
    }

    /// Generates a new key. States signed with the previous key are accepted until the longest-lived of
    /// them has expired; states of the key before that are rejected.
    ///
    /// # Errors
    ///
    /// See [`StateKeyFile::keys_for`].
    pub async fn rotate(&self, alg: StateAlg) -> Result<StateKeys> {
        let (parent, name) = self.split()?;
        let dir = Dir::create(parent, &self.warnings)?;
        let _lock = self.lock(&dir).await?;
        dir.sweep(name);
        let previous = self.ring(&dir)?.map(|ring| {
            let until = self.clock.now().plus(Duration::from_secs(ring.current.longest));
            Entry { until: Some(until), ..ring.current }
        });
        let ring = Ring { version: VERSION, current: Entry::new(alg)?, previous };
        dir.replace(name, &written(&ring)?)?;
        self.unlock(&ring)
    }

    fn unlock(&self, ring: &Ring) -> Result<StateKeys> {
        let read = |entry: &Entry| entry.read().map_err(|_| self.damaged());
        let now = self.clock.now();
        let lives = |entry: &&Entry| entry.until.is_some_and(|until| now < until);
        let previous = ring.previous.as_ref().filter(lives).map(read).transpose()?;
        Ok(StateKeys::new(read(&ring.current)?, previous.into_iter().collect()))
    }

    fn ring(&self, dir: &Dir) -> Result<Option<Ring>> {
        let Some(bytes) = dir.read_key(self.split()?.1)? else { return Ok(None) };
        let ring: Ring = serde_json::from_slice(&bytes).map_err(|_| self.damaged())?;
        if ring.version > VERSION {
            return Err(Error::store(format!(
                "`{}` was written by a newer oauthctl",
                self.path.display()
            ))
            .hint("use the newer oauthctl"));
        }
        Ok(Some(ring))
    }

    async fn lock(&self, dir: &Dir) -> Result<Locked> {
        let name = format!("{}.lock", self.split()?.1);
        let lock = dir.lock(&name, &*self.clock, WAIT).await?;
        lock.ok_or_else(|| {
            Error::store(format!("`{}` is held by another process", self.path.display()))
                .hint(Advice::Retry)
                .and_hint("if the error persists, look for a hanging oauthctl process")
        })
    }

    fn split(&self) -> Result<(&Path, &str)> {
        let name = self.path.file_name().and_then(|name| name.to_str());
        match (self.path.parent(), name) {
            (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => Ok((parent, name)),
            (_, Some(name)) => Ok((Path::new("."), name)),
            _ => Err(Error::store(format!("`{}` cannot be a key file", self.path.display()))),
        }
    }

    fn damaged(&self) -> Error {
        Error::store(format!("`{}` contains no keys for states", self.path.display()))
            .hint("restore the file, or remove it and start the pending flows again")
    }
}

fn written(ring: &Ring) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let bytes = serde_json::to_vec(ring).map_err(|e| Error::internal(e.to_string()))?;
    Ok(zeroize::Zeroizing::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::BoxFuture;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Manual(AtomicU64);

    impl Clock for Manual {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix(self.0.load(Ordering::SeqCst))
        }

        fn sleep<'a>(&'a self, _: Duration) -> BoxFuture<'a, ()> {
            Box::pin(async {})
        }
    }

    fn run<T>(future: impl Future<Output = Result<T>>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(future).unwrap()
    }

    fn names(keys: &StateKeys) -> Vec<String> {
        keys.iter().map(|key| key.kid().to_owned()).collect()
    }

    #[test]
    fn key_is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual(AtomicU64::new(1_000)));
        let path = dir.path().join("config/state.key");
        let file = StateKeyFile::open(&path, clock);
        assert!(names(&file.keys().unwrap()).is_empty() && !path.exists(), "nothing made to look");
        let made: Vec<Vec<String>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| names(&run(file.keys_for(Duration::from_secs(600))))))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made.iter().all(|names| *names == made[0] && names.len() == 1), "{made:?}");
        assert_eq!(names(&file.keys().unwrap()), made[0]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn keys_are_at_hand_where_nothing_must_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual(AtomicU64::new(1_000)));
        let path = dir.path().join("config/state.key");
        let file = StateKeyFile::open(&path, clock);
        let at_hand = |life| {
            let keys = file.keys_at_hand(Duration::from_secs(life)).unwrap();
            keys.as_ref().map(names)
        };
        assert!(at_hand(600).is_none() && !path.parent().unwrap().exists(), "nothing made to look");
        let made = names(&run(file.keys_for(Duration::from_secs(600))));
        assert_eq!(at_hand(600), Some(made.clone()));
        assert_eq!(at_hand(86_400), None, "it is not written yet that states live so long");
        run(file.keys_for(Duration::from_secs(86_400)));
        assert_eq!(at_hand(86_400), Some(made));
        std::fs::write(&path, "{}").unwrap();
        assert!(file.keys_at_hand(Duration::ZERO).is_err());
    }

    #[test]
    fn previous_key_is_kept_for_one_state_lifetime() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual(AtomicU64::new(1_000)));
        let file = StateKeyFile::open(dir.path().join("state.key"), clock.clone());
        let first = names(&run(file.keys_for(Duration::from_secs(600))));
        run(file.keys_for(Duration::from_secs(3_600)));
        let second = names(&run(file.rotate(StateAlg::EdDsa)));
        assert_eq!((second.len(), &second[1]), (2, &first[0]));
        clock.0.store(4_599, Ordering::SeqCst);
        assert_eq!(names(&file.keys().unwrap()), second);
        clock.0.store(4_600, Ordering::SeqCst);
        assert_eq!(names(&file.keys().unwrap()), second[..1]);
        let third = names(&run(file.rotate(StateAlg::Hs256)));
        assert_eq!((third.len(), &third[1]), (2, &second[0]), "the first one is gone");
    }

    #[test]
    fn writers_exclude_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual(AtomicU64::new(1_000)));
        let path = dir.path().join("state.key");
        let file = StateKeyFile::open(&path, clock);
        run(file.keys_for(Duration::from_secs(600)));
        let before = std::fs::read(&path).unwrap();
        let parent = Dir::open(dir.path(), &file.warnings).unwrap().unwrap();
        let held = run(file.lock(&parent));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rotated = runtime.block_on(file.rotate(StateAlg::Hs256)).unwrap_err();
        let longer = runtime.block_on(file.keys_for(Duration::from_secs(3_600))).unwrap_err();
        for error in [rotated, longer] {
            assert!(error.message().contains("is held by another process"), "{error}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);
        // A caller that is content with the current keys does not wait.
        run(file.keys_for(Duration::from_secs(600)));
        drop(held);
        run(file.rotate(StateAlg::Hs256));
    }

    /// A clock during whose first pause something happens.
    struct Meanwhile(std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>);

    impl Clock for Meanwhile {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix(1_000)
        }

        fn sleep<'a>(&'a self, _: Duration) -> BoxFuture<'a, ()> {
            Box::pin(async {
                let act = self.0.lock().unwrap().take();
                if let Some(act) = act {
                    std::thread::spawn(act).join().unwrap();
                }
            })
        }
    }

    #[test]
    fn waiting_writer_continues_from_the_new_keys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.key");
        let other = StateKeyFile::open(&path, Arc::new(Manual(AtomicU64::new(1_000))));
        let first = names(&run(other.keys_for(Duration::from_secs(600))));
        let waiting = || {
            let parent = Dir::open(dir.path(), &other.warnings).unwrap().unwrap();
            let (held, other) = (run(other.lock(&parent)), other.clone());
            let act = move || {
                drop(held);
                run(other.rotate(StateAlg::Hs256));
            };
            let clock = Meanwhile(std::sync::Mutex::new(Some(Box::new(act))));
            StateKeyFile::open(&path, Arc::new(clock))
        };
        let rotated = names(&run(waiting().rotate(StateAlg::Hs256)));
        assert!(rotated.len() == 2 && !rotated.contains(&first[0]), "{first:?} {rotated:?}");
        let longer = names(&run(waiting().keys_for(Duration::from_secs(3_600))));
        assert_eq!((longer.len(), &longer[1]), (2, &rotated[0]));
        assert_eq!(names(&other.keys().unwrap()), longer);
    }

    #[test]
    fn damaged_file_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual(AtomicU64::new(1_000)));
        let path = dir.path().join("state.key");
        let file = StateKeyFile::open(&path, clock);
        run(file.keys_for(Duration::ZERO));
        for text in [
            "",
            "{}",
            "{\"version\":1,\"current\":{\"alg\":\"HS256\",\"key\":\"AA\",\"longest\":1}}",
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(file.keys().unwrap_err().kind(), crate::ErrorKind::Store, "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
