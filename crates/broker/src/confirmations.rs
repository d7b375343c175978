//! Confirmations: the application says that the user who granted access is the one for whom it started the flow.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::grant::AccountEntry;
use oauthctl_core::port::Coordinator;
use oauthctl_core::{Error, Grant};

use crate::broker::Broker;
use crate::callback::Unconfirmed;
use crate::caller::Caller;
use crate::connections::{self, Connection};
use crate::events;
use crate::flow::Place;
use crate::names::of_secret;
use crate::problem::Problem;
use crate::quota::{self, Reservation};
use crate::schedule;
use crate::storage::{Condition, Key, Removal, Space, Written};
use crate::vault::{Stored, Terms};

/// How long a change waits for a refresh of the same connection.
const WAIT: Duration = Duration::from_secs(50);

/// Makes the tokens of a flow readable, once the application has confirmed that the flow was started for this user. A
/// confirmation that fails can be repeated, also after the process was killed.
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
    let tenant = &caller.tenant.name;
    let record = Key::new(Space::Confirmations, tenant, of_secret(confirmation));
    let found = broker.vault.get::<Unconfirmed>(&record).await?.ok_or_else(Problem::not_found)?;
    let (owed, waiting) = (&found.document, found.document.place(tenant));
    if owed.user != user {
        // Naming another user uses the confirmation up.
        let condition = Condition::Revision(found.revision);
        if broker.vault.storage().delete(&record, condition).await? {
            connections::end(broker, &waiting).await?;
        }
        return Err(Problem::not_found());
    }
    let place = Place::new(tenant, &owed.provider, user);
    let (shared, tenant) = (Arc::clone(broker), caller.tenant.clone());
    let work = async move {
        // The confirmation can still be used once there is room.
        let Some(kept) = Reservation::take(&shared.vault, &tenant, &place).await? else {
            return Err(quota::no_connection());
        };
        let moved = move_grant(&shared, &record, &waiting, &place).await;
        kept.give_up(&shared.vault).await;
        moved
    };
    broker.complete(work).await
}

/// Makes an unconfirmed grant the grant of a connection. One transaction removes the confirmation and the unconfirmed
/// grant, and stores the connection. Before it, the confirmation can be repeated, and the worker revokes the grant if
/// the application does not confirm; after it, the worker finds no grant to revoke, and nothing that fails is an error.
/// Returns the connection.
async fn move_grant(
    broker: &Broker,
    confirmation: &Key,
    from: &Place,
    to: &Place,
) -> Result<Connection, Problem> {
    let (vault, locks) = (&broker.vault, &broker.flow.locks);
    let storage = vault.storage();
    let _source = locks.lock(&from.grant_key(), WAIT).await?;
    let mut target = locks.lock(&to.grant_key(), WAIT).await?;
    let source = from.grant(vault);
    // Another request may have used the confirmation meanwhile, and the worker may have ended the grant.
    let (Some(used), Some(stored)) =
        (storage.get(confirmation).await?, vault.get::<Grant>(&source).await?)
    else {
        return Err(Problem::not_found());
    };
    let mut removes = vec![used.into(), Removal { key: source, revision: stored.revision }];
    removes.extend(storage.get(&from.record(vault, Space::Accounts)).await?.map(Removal::from));
    let earlier = vault.get::<Grant>(&to.grant(vault)).await?.map(|stored| stored.document);
    let mut grant = stored.document;
    grant.key = to.grant_key();
    if let Some(earlier) = &earlier {
        grant.generation = grant.generation.max(earlier.generation + 1);
    }
    let due_at = schedule::first_look(&grant, false);
    let terms = Terms { due_at, removes, ..Terms::only_if(locks.held(&to.lock(vault))?) };
    let written = events::save(vault, to, earlier.as_ref(), &grant, terms).await?;
    broker.caches.forget(&to.grant(vault));
    let Written::Stored(revision) = written else {
        return Err(Error::store("the lock of the connection was lost").into());
    };
    let entry = AccountEntry::of(&grant, storage.kind());
    for done in [target.clear_intent().await, target.publish(&entry).await] {
        if let Err(error) = done {
            let word = error.kind().word();
            tracing::warn!(
                tenant = to.tenant,
                provider = to.provider,
                error = word,
                "after a confirmation: {}",
                error.message_to_keep()
            );
        }
    }
    let stored =
        Stored { key: to.grant(vault), revision, due_at, expires_at: None, document: grant };
    Ok(Connection::of(stored, None))
}
