//! What the account index records in addition to the stores: the newest generation, the user of an account,
//! and the last failure, which is shared with callers that waited for the same attempt.

use super::intent::unanswered;
use super::load::load;
use super::ports::Ports;
use super::turn::Call;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, OAuthError, Result};
use crate::grant::{AccountEntry, Grant, GrantKey, LastError};
use crate::port::Lock;
use crate::protocol::random;
use crate::redact::names::is_error_code;

/// Kinds of failure that one caller may pass on to the callers that waited for it.
const SHARED: [ErrorKind; 6] = [
    ErrorKind::Unavailable,
    ErrorKind::Validation,
    ErrorKind::ServerRefused,
    ErrorKind::AccessDenied,
    ErrorKind::LoginRequired,
    ErrorKind::Store,
];

/// Records a failed refresh for `status` and for the callers that waited for it.
pub(super) async fn note_failure(
    call: Call<'_>,
    lock: &mut dyn Lock,
    current: Option<&Grant>,
    error: &Error,
) {
    let (ports, request) = (call.ports(), call.request);
    // The new tokens may be stored by now: a hook denied them after the refresh.
    let stored = load(ports, call.key).await.ok().flatten();
    let Some(grant) = stored.as_ref().or(current) else { return };
    let sent = grant.tokens.refresh_token.as_ref();
    let perhaps_spent = match sent {
        Some(token) => unanswered(lock, token).await.is_ok_and(|intent| intent.is_some()),
        None => false,
    };
    // A failure that concerns only its caller has no id.
    let id = is_for_all(error, perhaps_spent).then(|| random::token(8).unwrap_or_default());
    let is_refusal = matches!(
        error.kind(),
        ErrorKind::ServerRefused | ErrorKind::LoginRequired | ErrorKind::AccessDenied
    );
    let mut entry = AccountEntry::of(grant, &ports.store.name());
    entry.login_required |= error.kind() == crate::ErrorKind::LoginRequired;
    entry.last_error = Some(LastError {
        at: ports.now(),
        message: error.message_to_keep(),
        id: id.unwrap_or_default(),
        error: Some(error.kind().word().to_owned()),
        oauth_error: known_code(error),
        narrowing: request.narrowing().filter(|_| is_refusal),
    });
    // The index is a convenience: the caller gets the failure itself.
    let _ = lock.publish(&entry).await;
}

/// Refuses an older record that was restored over a newer one, as far as the index can tell.
pub(super) async fn refuse_older(ports: &Ports, grant: Option<&Grant>) -> Result<()> {
    let Some(grant) = grant else { return Ok(()) };
    match ports.coordinator.account(&grant.key).await {
        Ok(Some(entry)) => entry.refuse_older(grant, &ports.store.name()),
        _ => Ok(()),
    }
}

/// Returns the user that the account index records for what this store holds under the key, or `None`
/// if the index does not know the account.
pub(super) async fn indexed_user(ports: &Ports, key: &GrantKey) -> Option<Option<String>> {
    let entry = ports.coordinator.account(key).await.ok().flatten()?;
    (entry.store == ports.store.name()).then_some(entry.user)
}

/// Returns the id of the most recent failure.
pub(super) async fn last_failure(ports: &Ports, key: &GrantKey) -> Option<String> {
    let entry = ports.coordinator.account(key).await.ok().flatten();
    entry.and_then(|entry| entry.last_error).map(|failure| failure.id)
}

/// Returns the failure recorded since the one of this id, if it applies to all callers of that time. A
/// server that is down or refuses must not be asked again for each of them, and neither must a refresh
/// token that may be spent be sent again.
pub(super) async fn failure_since(call: Call<'_>, id: Option<&str>) -> Option<Error> {
    let Call { key, request, .. } = call;
    let ports = call.ports();
    let entry = ports.coordinator.account(key).await.ok().flatten();
    let failure = entry
        .filter(|entry| entry.store == ports.store.name())?
        .last_error
        .filter(|f| !f.id.is_empty() && Some(&*f.id) != id)
        .filter(|f| f.narrowing.is_none() || f.narrowing == request.narrowing())?;
    let kind = SHARED.into_iter().find(|kind| failure.error.as_deref() == Some(kind.word()))?;
    let error = Error::new(kind, failure.message)
        .hint("another process has just failed to refresh")
        .and_hint(Advice::RetryLater);
    Some(match failure.oauth_error {
        Some(code) => error.with_oauth(OAuthError::new(&code, None)),
        None => error,
    })
}

/// Returns the server's error code if it is a known one. Any other code is arbitrary text of the server.
fn known_code(error: &Error) -> Option<String> {
    let code = &error.oauth_error()?.code;
    is_error_code(code).then(|| code.clone())
}

/// Returns whether a failure applies to all callers that waited. Failures of one process do not: its
/// configuration, its hooks' programs, a store that it cannot write before anything is sent.
fn is_for_all(error: &Error, perhaps_spent: bool) -> bool {
    match error.kind() {
        ErrorKind::Unavailable
        | ErrorKind::Validation
        | ErrorKind::ServerRefused
        | ErrorKind::AccessDenied => true,
        // Without an error of the server, the grant has ended or its pin differs: each caller finds out
        // itself.
        ErrorKind::LoginRequired => error.oauth_error().is_some(),
        // The answer came, and could not be kept.
        ErrorKind::Store => perhaps_spent,
        _ => false,
    }
}
