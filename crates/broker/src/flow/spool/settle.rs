//! Stores tokens that waited, or leaves them to the worker if their connection has ended.

use oauthctl_core::grant::AccountEntry;
use oauthctl_core::{Error, Grant, Result};

use super::{Left, Settled, Spool};
use crate::clock::now_seconds;
use crate::events;
use crate::flow::place::{Place, UNCONFIRMED};
use crate::schedule;
use crate::storage::{Condition, Key, Space, Written};
use crate::vault::Terms;

/// Maximum number of attempts to commit a record that others change at the same time.
const ATTEMPTS: usize = 5;

impl Spool {
    /// Stores a grant if the stored one is an earlier generation of it. Needs no lock: its holder waits for these
    /// tokens, and only replaces the generation that it has read.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store fails.
    pub(in crate::flow) async fn settle(&self, record: &Key, grant: &Grant) -> Result<Settled> {
        let place = Place::of(&grant.key);
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.vault.get::<Grant>(record).await? else {
                return self.discard(&place, grant).await;
            };
            if stored.document.id != grant.id {
                return self.discard(&place, grant).await;
            }
            if stored.document.generation >= grant.generation {
                let is_it = stored.document.tokens == grant.tokens;
                return Ok(if is_it { Settled::Stored } else { Settled::Overtaken });
            }
            let terms = Terms {
                due_at: schedule::first_look(grant, place.is_unconfirmed()),
                ..Terms::only_if(Condition::Revision(stored.revision))
            };
            let before = Some(&stored.document);
            let written = events::save(&self.vault, &place, before, grant, terms).await?;
            self.caches.forget(record);
            if written != Written::Refused {
                self.announce(&place, grant).await;
                return Ok(Settled::Stored);
            }
        }
        Err(Error::store("the connection keeps changing"))
    }

    /// Leaves tokens whose connection has ended to the worker, which revokes them.
    async fn discard(&self, place: &Place, grant: &Grant) -> Result<Settled> {
        let user = format!("{UNCONFIRMED}{}", grant.id);
        let waiting = Place::new(&place.tenant, &place.provider, user);
        let mut grant = grant.clone();
        grant.key = waiting.grant_key();
        let terms = Terms { due_at: Some(now_seconds()), ..Terms::default() };
        self.vault.put(waiting.grant(&self.vault), &grant, terms).await?;
        Ok(Settled::Ended)
    }

    /// Tells other instances that the refresh is over. If that fails, they wait until it must be over.
    async fn announce(&self, place: &Place, grant: &Grant) {
        let intent = place.record(&self.vault, Space::Intents);
        if let Ok(Some(left)) = self.vault.get::<Left>(&intent).await
            && left.document.intent.grant_id == grant.id
            && left.document.intent.generation < grant.generation
        {
            let condition = Condition::Revision(left.revision);
            let _ = self.vault.storage().delete(&intent, condition).await;
        }
        let account = place.record(&self.vault, Space::Accounts);
        let entry = AccountEntry::of(grant, self.vault.storage().kind());
        let _ = self.vault.put(account, &entry, Terms::default()).await;
    }
}
