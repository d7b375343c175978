//! Caches of an instance, and how it learns that an entry is stale.
//!
//! Every cached value belongs to a record. A write in this process invalidates it at once, a write in another
//! process through the feed of changes. While the feed is not known to be up to date, nothing is answered
//! from memory.

mod map;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use oauthctl_core::profile::Profile;

pub use map::Map;

use crate::caller::Caller;
use crate::handed::Handed;
use crate::storage::{Changes, Key, Space};

/// How long the feed may be silent before the caches are no longer trusted.
const TRUSTED: Duration = Duration::from_millis(900);

/// The largest response with a token that is kept, in bytes. Tenants choose the providers that issue them.
pub const LARGEST_TOKEN: usize = 16 * 1024;

/// The caches of a process.
pub struct Caches {
    /// Token responses, by the record of the grant.
    pub tokens: Map<Key, Arc<Handed>>,
    /// Authenticated callers, by the record of the API key.
    pub callers: Map<Key, Arc<Caller>>,
    /// Profiles, by the record of the provider.
    pub profiles: Map<Key, Arc<Profile>>,
    begun: Instant,
    /// When the feed was last read to its end, in milliseconds since the process started.
    fresh_at: AtomicU64,
    /// Since when the feed has been read without too long a silence.
    since: AtomicU64,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            tokens: Map::new(16_384),
            callers: Map::new(4_096),
            profiles: Map::new(1_024),
            begun: Instant::now(),
            fresh_at: AtomicU64::new(0),
            since: AtomicU64::new(0),
        }
    }
}

impl Caches {
    /// Returns whether the caches can be trusted now.
    pub fn is_fresh(&self) -> bool {
        let trusted = u64::try_from(TRUSTED.as_millis()).unwrap_or(0);
        // Zero: the feed has not been read yet.
        let at = self.fresh_at.load(Ordering::Acquire);
        at != 0 && self.elapsed() <= at.saturating_add(trusted)
    }

    /// Records that a request sent at this time has read the feed to its end.
    pub fn mark_fresh(&self, asked_at: Instant) {
        let at = asked_at.saturating_duration_since(self.begun).as_millis();
        if !self.is_fresh() {
            self.since.store(self.elapsed(), Ordering::Release);
        }
        self.fresh_at.fetch_max(u64::try_from(at).unwrap_or(u64::MAX).max(1), Ordering::Release);
    }

    /// Returns whether the feed has been read without a break for this long: the store has responded all that
    /// time.
    pub fn are_fresh_since(&self, time: Duration) -> bool {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.is_fresh() && self.elapsed() >= self.since.load(Ordering::Acquire).saturating_add(time)
    }

    /// Applies what other processes have changed.
    pub fn apply(&self, changes: &Changes) {
        if changes.is_incomplete {
            self.tokens.clear();
            self.callers.clear();
            self.profiles.clear();
        }
        changes.changed.iter().for_each(|change| self.forget(&change.key));
    }

    /// Removes everything that was read from this record.
    pub fn forget(&self, key: &Key) {
        match key.space {
            Space::Grants => self.tokens.forget(key),
            Space::ApiKeys => self.callers.forget(key),
            Space::Tenants => {
                self.callers.clear();
                self.tokens.clear();
            }
            Space::Providers => {
                self.profiles.forget(key);
                self.tokens.clear();
            }
            Space::Rules => {
                self.profiles.clear();
                self.tokens.clear();
            }
            _ => {}
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
