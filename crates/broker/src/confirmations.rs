//! Confirmations: the application says that the user who granted access is the one for whom it started the flow.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::grant::AccountEntry;
use oauthctl_core::port::{Coordinator, Lock};
use oauthctl_core::{Error, Grant, Result};
use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::callback::Unconfirmed;
use crate::caller::Caller;
use crate::clock::now_seconds;
use crate::connections::{self, Connection};
use crate::events;
use crate::flow::Place;
use crate::model::Tenant;
use crate::names::of_secret;
use crate::problem::Problem;
use crate::quota::{self, Reservation};
use crate::schedule;
use crate::storage::{Addition, Condition, Key, Removal, Space, Written};
use crate::vault::{Stored, Terms};

/// How long a change waits for a refresh of the same connection.
const WAIT: Duration = Duration::from_secs(50);

/// A confirmation that was carried out, until the application has been told so.
#[derive(Serialize, Deserialize)]
struct Confirmed {
    provider: String,
    user: String,
    grant_id: String,
}

/// A confirmation that an application makes.
struct Request {
    /// Its record.
    record: Key,
    /// The record that says that it was carried out.
    receipt: Key,
    tenant: Tenant,
    /// The user for whom the application confirms.
    user: String,
}

/// Makes the tokens of a flow readable, once the application has confirmed that the flow was started for this user. A
/// confirmation that fails can be repeated, also after the process was killed, and if the store failed before it said
/// whether it has carried it out.
///
/// # Errors
///
/// Returns 404 for an unknown confirmation, one that was used, and one of another user, 403 if the quota of connections
/// is used up, and 503 if the store fails.
pub async fn confirm(
    broker: &Arc<Broker>,
    caller: &Caller,
    confirmation: &str,
    user: &str,
) -> Result<Connection, Problem> {
    let tenant = caller.tenant.clone();
    let id = of_secret(confirmation);
    let receipt = Key::new(Space::Confirmations, &tenant.name, format!("{id}/confirmed"));
    let record = Key::new(Space::Confirmations, &tenant.name, id);
    let request = Request { record, receipt, tenant, user: user.to_owned() };
    let shared = Arc::clone(broker);
    broker.complete(async move { request.run(&shared).await }).await
}

impl Request {
    async fn run(self, broker: &Arc<Broker>) -> Result<Connection, Problem> {
        let Self { record, tenant, user, .. } = &self;
        let Some(found) = broker.vault.get::<Unconfirmed>(record).await? else {
            return self.repeat(broker).await;
        };
        let (owed, waiting) = (&found.document, found.document.place(&tenant.name));
        if owed.user != *user {
            // Naming another user uses the confirmation up.
            let condition = Condition::Revision(found.revision);
            if broker.vault.storage().delete(record, condition).await? {
                connections::end(broker, &waiting).await?;
            }
            return Err(Problem::not_found());
        }
        let place = Place::new(&tenant.name, &owed.provider, user.as_str());
        // The confirmation can still be used once there is room.
        let Some(kept) = Reservation::take(&broker.vault, tenant, &place).await? else {
            return Err(quota::no_connection());
        };
        let moved = self.move_grant(broker, &waiting, &place, kept.required()).await;
        kept.give_up(&broker.vault).await;
        moved
    }

    /// Carries out a confirmation that is not there any more: if it was carried out, but the application was not told so,
    /// it is told now.
    async fn repeat(&self, broker: &Arc<Broker>) -> Result<Connection, Problem> {
        let found = broker.vault.get::<Confirmed>(&self.receipt).await?;
        let found = found.filter(|found| found.document.user == self.user);
        let Some(confirmed) = found.map(|found| found.document) else {
            return Err(Problem::not_found());
        };
        let Confirmed { provider, user, grant_id } = confirmed;
        let owed = Unconfirmed { provider, user, grant_id };
        // Whoever carries it out may be about to tell it.
        let from = owed.place(&self.tenant.name).grant_key();
        let _source = broker.flow.locks.lock(&from, WAIT).await?;
        let place = Place::new(&self.tenant.name, &owed.provider, &owed.user);
        self.told(broker, &place, &owed.grant_id).await?.ok_or_else(Problem::not_found)
    }

    /// Returns the connection of a confirmation that was carried out, and removes what says so; `None` if it was not.
    async fn told(
        &self,
        broker: &Broker,
        place: &Place,
        grant_id: &str,
    ) -> Result<Option<Connection>, Problem> {
        if broker.vault.storage().get(&self.receipt).await?.is_none() {
            return Ok(None);
        }
        let connection = connections::get(broker, place).await?;
        broker.vault.delete(&self.receipt).await?;
        Ok(connection.filter(|connection| connection.grant_id == grant_id))
    }

    /// Makes an unconfirmed grant the grant of a connection. One transaction removes the confirmation and the
    /// unconfirmed grant, and stores the connection and the receipt. Before it, the confirmation can be repeated, and
    /// the worker revokes the grant if the application does not confirm; after it, the worker finds no grant to revoke,
    /// and nothing that fails is an error. Returns the connection.
    async fn move_grant(
        &self,
        broker: &Broker,
        from: &Place,
        to: &Place,
        mut removes: Vec<Removal>,
    ) -> Result<Connection, Problem> {
        let (vault, locks) = (&broker.vault, &broker.flow.locks);
        let storage = vault.storage();
        let _source = locks.lock(&from.grant_key(), WAIT).await?;
        let mut target = locks.lock(&to.grant_key(), WAIT).await?;
        let source = from.grant(vault);
        // Another request may have used the confirmation meanwhile, and the worker may have ended the grant.
        let (Some(used), Some(stored)) =
            (storage.get(&self.record).await?, vault.get::<Grant>(&source).await?)
        else {
            return Err(Problem::not_found());
        };
        removes.extend([used.into(), Removal { key: source, revision: stored.revision }]);
        removes.extend(storage.get(&from.record(vault, Space::Accounts)).await?.map(Removal::from));
        let earlier = vault.get::<Grant>(&to.grant(vault)).await?.map(|stored| stored.document);
        let mut grant = stored.document;
        grant.key = to.grant_key();
        if let Some(earlier) = &earlier {
            grant.generation = grant.generation.max(earlier.generation + 1);
        }
        let adds = vec![self.receipt(broker, to, &grant)?];
        let due_at = schedule::first_look(&grant, false);
        let terms = Terms { due_at, removes, adds, ..Terms::only_if(locks.held(&to.lock(vault))?) };
        let saved = events::save(vault, to, earlier.as_ref(), &grant, terms).await;
        broker.caches.forget(&to.grant(vault));
        let connection = match saved {
            Ok(Written::Stored(revision)) => {
                // If it stays, repeating the confirmation succeeds, which does no harm.
                let _ = vault.delete(&self.receipt).await;
                let key = to.grant(vault);
                let document = grant.clone();
                let stored = Stored { key, revision, due_at, expires_at: None, document };
                Connection::of(stored, None)
            }
            Ok(Written::Refused) => {
                return Err(Error::store("the lock of the connection was lost").into());
            }
            // The connection to the store may have been lost while it stored everything.
            Err(error) => match self.told(broker, to, &grant.id).await {
                Ok(Some(connection)) => connection,
                _ => return Err(error.into()),
            },
        };
        announce(&mut *target, to, &AccountEntry::of(&grant, storage.kind())).await;
        Ok(connection)
    }

    fn receipt(&self, broker: &Broker, to: &Place, grant: &Grant) -> Result<Addition> {
        let Place { provider, user, .. } = to.clone();
        let confirmed = Confirmed { provider, user, grant_id: grant.id.clone() };
        let expires_at = Some(now_seconds() + schedule::CONFIRMATION.as_secs());
        broker.vault.addition(self.receipt.clone(), &confirmed, None, expires_at)
    }
}

/// Reports a new grant, once it is stored.
async fn announce(lock: &mut dyn Lock, place: &Place, entry: &AccountEntry) {
    for done in [lock.clear_intent().await, lock.publish(entry).await] {
        if let Err(error) = done {
            let word = error.kind().word();
            tracing::warn!(
                tenant = place.tenant,
                provider = place.provider,
                error = word,
                reason = error.message_to_keep(),
                "a confirmed connection is not announced"
            );
        }
    }
}
