//! When the user was last notified that an account requires a login.

use std::time::Duration;

use super::StateDir;
use crate::error::Result;
use crate::files::cache::{Cache, entry_name};
use crate::grant::GrantKey;
use crate::time::Timestamp;

impl StateDir {
    /// Returns whether a notification about this account is due, and records it.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the state directory must not be used.
    pub fn is_time_to_notify(
        &self,
        key: &GrantKey,
        now: Timestamp,
        every: Duration,
    ) -> Result<bool> {
        let all: Cache<Timestamp> = Cache::new(&self.place("notified")?);
        let entry = entry_name("", &key.slug());
        // A time in the future was recorded by a wrong clock.
        let is_recent = |at: Timestamp| at <= now && now < at.plus(every);
        if all.find(&entry).is_some_and(is_recent) {
            return Ok(false);
        }
        all.forget_older(every);
        all.keep(&entry, &now);
        Ok(true)
    }
}
