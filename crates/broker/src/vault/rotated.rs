//! The keys of a rotation: the record that passes a new master key on, and the earlier keys that the store keeps.
//!
//! While a rotation is under way, whoever has either key finds the other: the earlier one opens the record with the new
//! one, and the new one opens the record with the earlier one.

use std::sync::Arc;

use oauthctl_core::Result;

use super::sealing::wrong_key;
use super::{Vault, base64_of};
use crate::clock::now_seconds;
use crate::keys::{KeyId, MasterKey, key_id};
use crate::storage::{Condition, Key, Record, Space, Write};

/// The id of the record that passes a new master key on to the instances that have the old one.
pub const SUCCESSOR: &str = "successor";

/// What the ids of the records of earlier master keys begin with.
const EARLIER: &str = "earlier-";

/// How long the store keeps an earlier master key, in seconds: 180 days.
const KEPT: u64 = 180 * 24 * 3600;

/// A rotation that has begun.
#[derive(Debug)]
pub struct Successor {
    /// The master key that is being replaced.
    pub earlier: Arc<MasterKey>,
    /// The master key that replaces it.
    pub next: MasterKey,
    /// The revision of the record that says so.
    pub revision: u64,
}

impl Vault {
    /// Takes over the master key that `rotate-key` passes on, if there is one. A process that has that key already
    /// takes over the earlier one, for what is still sealed with it.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails or the record is damaged.
    pub async fn adopt_successor(&self) -> Result<()> {
        if let Some(found) = self.successor().await? {
            self.ring.add(found.earlier);
            self.make_current(found.next);
        }
        Ok(())
    }

    /// Returns the master key that is being replaced and the one that replaces it, if a rotation has begun and a key of
    /// this process says so.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails or the record is damaged.
    pub async fn successor(&self) -> Result<Option<Successor>> {
        let key = Key::new(Space::Meta, "", SUCCESSOR);
        let Some(record) = self.storage.get(&key).await? else { return Ok(None) };
        let id = key_id(&record.value);
        let earlier = match self.ring.find(id) {
            Some(master) => master,
            // Who has the new key finds the earlier one with it.
            None => match self.earlier(id).await? {
                Some(master) => Arc::new(master),
                None => return Ok(None),
            },
        };
        let text = earlier.open(&key, &record.value)?;
        let text = std::str::from_utf8(&text).map_err(|_| wrong_key())?;
        let next = MasterKey::parse(text, "the new master key")?;
        // A successor that this process does not have must come from a key that it has.
        let is_known = self.ring.find(Some(earlier.id())).is_some();
        let is_proven = is_known || self.ring.find(Some(next.id())).is_some();
        Ok(is_proven.then_some(Successor { earlier, next, revision: record.revision }))
    }

    /// Returns whether a record keeps an earlier key, encrypted with a key that this process does not have.
    pub fn is_of_unknown_key(&self, record: &Record) -> bool {
        let Key { space, id, .. } = &record.key;
        let is_earlier = *space == Space::Meta && id.starts_with(EARLIER);
        is_earlier && self.ring.find(key_id(&record.value)).is_none()
    }

    /// Keeps the keys of this process in the store, sealed with the one that replaces them.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    pub async fn keep_earlier(&self, next: &MasterKey) -> Result<()> {
        for master in self.ring.all().iter().filter(|master| master.id() != next.id()) {
            let key = earlier_record(master.id());
            let value = next.seal(&key, master.expose().as_bytes())?;
            let expires_at = Some(now_seconds() + KEPT);
            let write = Write::new(key, value, Condition::Always);
            self.storage.put(Write { expires_at, ..write }).await?;
        }
        Ok(())
    }

    /// Returns an earlier key that the store keeps, sealed with a key of this process.
    pub(super) async fn earlier(&self, id: Option<KeyId>) -> Result<Option<MasterKey>> {
        let Some(id) = id else { return Ok(None) };
        let key = earlier_record(id);
        let Some(record) = self.storage.get(&key).await? else { return Ok(None) };
        let Some(master) = self.ring.find(key_id(&record.value)) else { return Ok(None) };
        let text = master.open(&key, &record.value)?;
        let text = std::str::from_utf8(&text).map_err(|_| wrong_key())?;
        MasterKey::parse(text, "an earlier master key").map(Some)
    }
}

/// Returns the record of an earlier master key.
fn earlier_record(id: KeyId) -> Key {
    Key::new(Space::Meta, "", format!("{EARLIER}{}", base64_of(&id)))
}
