//! Making a new generation durable, and only then known.

use std::time::Duration;

use super::{FlowManager, RECORD_ROOM};
use crate::error::{Error, Result};
use crate::grant::{AccountEntry, Grant, GrantKey, LastError};
use crate::port::Lock;
use crate::profile::Profile;

/// How often a save is tried while the tokens exist nowhere else.
const SAVE_ATTEMPTS: u32 = 5;

/// What else happened at a commit; none of it undoes the commit.
pub(super) type Warnings = Vec<Error>;

impl FlowManager {
    /// Proves that a record can be saved under this key. Nothing is spent before this.
    ///
    /// # Errors
    ///
    /// `Store`, when it cannot.
    pub async fn prove_store(&self, key: &GrantKey) -> Result<()> {
        self.ports.store.prepare(key, RECORD_ROOM).await
    }

    /// Saves a grant that replaces generation `expected`, clears the intent and publishes.
    ///
    /// Where the stored generation is another by now, the newer intent wins: nothing is saved.
    pub(super) async fn commit(
        &self,
        profile: &Profile,
        lock: &mut dyn Lock,
        grant: &Grant,
    ) -> Result<Warnings> {
        let mut attempt = 1;
        while let Err(error) = self.ports.store.save(grant).await {
            if attempt == SAVE_ATTEMPTS {
                return Err(error.context("the new tokens could not be stored"));
            }
            self.ports.clock.sleep(Duration::from_millis(100 << attempt)).await;
            attempt += 1;
        }
        let mut warnings = Vec::new();
        warnings.extend(lock.clear_intent().err());
        let entry = AccountEntry::of(grant, &self.ports.store.name());
        warnings.extend(lock.publish(&entry).err());
        if let Some(committed) = &self.ports.committed {
            warnings.extend(committed.committed(profile, grant).await.err());
        }
        Ok(warnings)
    }

    /// Notes a failed refresh where `status` finds it.
    pub(super) fn note_failure(&self, lock: &mut dyn Lock, grant: &Grant, error: &Error) {
        let mut entry = AccountEntry::of(grant, &self.ports.store.name());
        entry.login_required |= error.kind() == crate::ErrorKind::LoginRequired;
        entry.last_error = Some(LastError { at: self.now(), message: error.message().to_owned() });
        // The index is a convenience: the failure itself is what the caller gets to see.
        let _ = lock.publish(&entry);
    }

    /// The stored grant that a new login replaces. A damaged record is moved aside, never
    /// overwritten: the warning says where it went.
    pub(super) async fn replaced(&self, key: &GrantKey) -> Result<(Option<Grant>, Warnings)> {
        match self.ports.store.load(key).await {
            Ok(grant) => Ok((grant, Vec::new())),
            Err(damaged) => match self.ports.store.set_aside(key).await? {
                Some(place) => {
                    let what = format!("the record that was stored before is kept as {place}");
                    Ok((None, vec![damaged.context(what)]))
                }
                None => Err(damaged),
            },
        }
    }
}
