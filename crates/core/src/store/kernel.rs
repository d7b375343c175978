//! A cache in the keyring of the Linux kernel: the unexpired access token of an account, without its refresh token.
//! The kernel forgets it when it expires, at a reboot, and when the user's last process ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use linux_keyutils::{Key, KeyRing, KeyRingIdentifier};
use zeroize::Zeroizing;

use crate::digest::short_hex_sha256;
use crate::error::Result;
use crate::grant::{Grant, GrantKey, Identity, TokenSet};
use crate::port::{BoxFuture, GrantStore};
use crate::time::Timestamp;

/// A cache in the kernel keyring for the access tokens of one store, for programs that read tokens often from a slow
/// store. [`Store::cached_in_kernel`](crate::store::Store::cached_in_kernel) keeps it up to date. A failure of the
/// kernel counts as a cache miss.
///
/// ```
/// # fn show(state_dir: &std::path::Path, store: oauthctl_core::store::Store) {
/// use oauthctl_core::GrantKey;
/// use oauthctl_core::store::KernelCache;
///
/// let cache = KernelCache::new(state_dir, "keyring");
/// let store = store.cached_in_kernel(cache.clone(), true);
/// // In another process, before the store is opened:
/// let grant = cache.find(&GrantKey::new("gitlab", "default"));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct KernelCache {
    /// Distinguishes the stores of different state directories.
    scope: String,
}

impl KernelCache {
    /// Returns the cache of the store of this name.
    pub fn new(state_dir: &Path, store: &str) -> Self {
        let state_dir = std::path::absolute(state_dir).unwrap_or_else(|_| state_dir.to_owned());
        let parts = [state_dir.as_os_str().as_encoded_bytes(), &[0], store.as_bytes()];
        Self { scope: short_hex_sha256(&parts) }
    }

    /// Returns the grant of this key, with its access token only.
    pub fn find(&self, key: &GrantKey) -> Option<Grant> {
        let bytes = Zeroizing::new(self.key(key)?.read_to_vec().ok()?);
        let grant: Grant = serde_json::from_slice(&bytes).ok()?;
        (grant.key == *key).then_some(grant)
    }

    /// Keeps the access token of a grant until it expires. A token without an expiry is not kept.
    pub fn keep(&self, grant: &Grant, now: Timestamp) {
        let life = grant.tokens.expires_at.map_or(0, |at| at.remaining(now).as_secs());
        if life == 0 || grant.tokens.withheld {
            return self.forget(&grant.key);
        }
        let kept = serde_json::to_vec(&access_token_only(grant)).map(Zeroizing::new);
        let (Ok(bytes), Ok(ring)) = (kept, ring()) else { return };
        if let Ok(key) = ring.add_key(&self.name(&grant.key), &*bytes)
            && key.set_timeout(usize::try_from(life).unwrap_or(usize::MAX)).is_err()
        {
            let _ = key.invalidate();
        }
    }

    /// Removes the access token of this key.
    pub fn forget(&self, key: &GrantKey) {
        if let Some(key) = self.key(key) {
            let _ = key.invalidate();
        }
    }

    fn key(&self, key: &GrantKey) -> Option<Key> {
        ring().ok()?.search(&self.name(key)).ok()
    }

    fn name(&self, key: &GrantKey) -> String {
        format!("oauthctl:{}:{}", self.scope, key.slug())
    }
}

/// The user's keyring, which all sessions of the user share.
fn ring() -> std::result::Result<KeyRing, linux_keyutils::KeyError> {
    KeyRing::from_special_id(KeyRingIdentifier::User, false)
}

fn access_token_only(grant: &Grant) -> Grant {
    Grant {
        tokens: TokenSet { refresh_token: None, id_token: None, ..grant.tokens.clone() },
        identity: Identity::default(),
        id_token_claims: None,
        kept: BTreeMap::new(),
        attributes: BTreeMap::new(),
        dpop_key: None,
        narrowed: BTreeMap::new(),
        ..grant.clone()
    }
}

/// A store whose access tokens are in the cache too.
pub(super) struct Cached {
    inner: Arc<dyn GrantStore>,
    cache: KernelCache,
    /// Whether tokens are added. They are removed in any case, because another configuration may have added them.
    keeps: bool,
}

impl Cached {
    pub(super) fn new(inner: Arc<dyn GrantStore>, cache: KernelCache, keeps: bool) -> Self {
        Self { inner, cache, keeps }
    }

    /// Adds a loaded token, if the grant is still stored after that: without a lock, it may have been removed.
    async fn keep_loaded(&self, grant: &Grant) {
        if !self.keeps || self.cache.find(&grant.key).is_some_and(|kept| is_same(&kept, grant)) {
            return;
        }
        self.cache.keep(grant, Timestamp::now());
        let again = self.inner.load(&grant.key).await;
        if !again.is_ok_and(|again| again.is_some_and(|again| is_same(&again, grant))) {
            self.cache.forget(&grant.key);
        }
    }
}

fn is_same(one: &Grant, other: &Grant) -> bool {
    one.generation == other.generation && one.tokens.access_token == other.tokens.access_token
}

impl GrantStore for Cached {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move {
            let found = self.inner.load(key).await?;
            if let Some(grant) = &found {
                self.keep_loaded(grant).await;
            }
            Ok(found)
        })
    }

    fn contains<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<bool>>> {
        self.inner.contains(key)
    }

    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>> {
        self.inner.prepare(key, bytes)
    }

    fn release(&self, key: &GrantKey) {
        self.inner.release(key);
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.cache.forget(&grant.key);
            self.inner.save(grant).await?;
            if self.keeps {
                self.cache.keep(grant, Timestamp::now());
            }
            Ok(())
        })
    }

    fn recover<'a>(&'a self, current: &'a Grant) -> BoxFuture<'a, Result<Option<Grant>>> {
        self.cache.forget(&current.key);
        self.inner.recover(current)
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        self.cache.forget(key);
        self.inner.set_aside(key)
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            self.cache.forget(key);
            let removed = self.inner.remove(key).await;
            // A process that loaded the grant earlier may have added its token meanwhile.
            self.cache.forget(key);
            removed
        })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Option<Vec<GrantKey>>>> {
        self.inner.list()
    }
}
