//! Making a new generation durable, and only then known.

use std::time::Duration;

use super::intent::unanswered;
use super::load::Unloaded;
use super::ownership::require_owner;
use super::{FlowManager, RECORD_ROOM, TokenRequest};
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, OAuthError, Result};
use crate::grant::{AccountEntry, Grant, GrantKey, LastError};
use crate::port::{self, Lock};
use crate::profile::Profile;
use crate::protocol::random;
use crate::redact::names::is_error_code;

/// How often a save is tried while the tokens exist nowhere else.
const SAVE_ATTEMPTS: u32 = 5;

/// The kinds of failure that one caller may leave to those who waited for it.
const SHARED: [ErrorKind; 6] = [
    ErrorKind::Unavailable,
    ErrorKind::Validation,
    ErrorKind::ServerRefused,
    ErrorKind::AccessDenied,
    ErrorKind::LoginRequired,
    ErrorKind::Store,
];

/// How replacing a stored generation ended.
pub(super) enum Commit {
    /// It is durable.
    Saved,
    /// This grant is stored instead, or none.
    Overtaken(Option<Box<Grant>>),
}

/// What else happened at a commit; none of it undoes the commit.
pub(super) type Warnings = Vec<Error>;

impl FlowManager {
    /// Completes what a dead holder of this turn was killed in saving, and returns it: its tokens are the only
    /// ones that the server still honours.
    ///
    /// # Errors
    ///
    /// `Store`, where that is there and cannot be stored. Nothing must be spent then.
    pub(super) async fn recover(
        &self,
        lock: &mut dyn Lock,
        key: &GrantKey,
    ) -> Result<Option<Grant>> {
        let recovered = port::recover(&*self.ports.store, lock.intent(), key).await?;
        if let Some(grant) = &recovered {
            self.announce(lock, grant);
        }
        Ok(recovered)
    }

    /// Proves that a record can be saved under this key. Nothing is spent before this.
    ///
    /// # Errors
    ///
    /// `Store`, when it cannot.
    pub(crate) async fn prove_store(&self, key: &GrantKey) -> Result<()> {
        self.ports.store.prepare(key, RECORD_ROOM).await
    }

    /// Saves a grant one generation on from the stored one, if that is still the generation that
    /// it holds. Where another machine was faster, nothing is saved.
    pub(super) async fn replace(&self, grant: &Grant) -> Result<Commit> {
        match self.load(&grant.key).await {
            Ok(Some(s)) if s.id == grant.id && s.generation == grant.generation => {}
            Ok(stored) => return Ok(Commit::Overtaken(stored.map(Box::new))),
            // What cannot be read is left to the save, which tries more than once and says why.
            Err(Unloaded::Failed(_)) => {}
            Err(refused) => return Err(refused.into()),
        }
        self.save(&Grant { generation: grant.generation.saturating_add(1), ..grant.clone() })
            .await?;
        Ok(Commit::Saved)
    }

    /// Saves a grant, clears the intent and publishes.
    pub(super) async fn commit(&self, lock: &mut dyn Lock, grant: &Grant) -> Result<Warnings> {
        self.save(grant).await?;
        Ok(self.announce(lock, grant))
    }

    async fn save(&self, grant: &Grant) -> Result<()> {
        let mut attempt = 1;
        while let Err(error) = self.ports.store.save(grant).await {
            if attempt == SAVE_ATTEMPTS {
                return Err(error.context("the new tokens could not be stored"));
            }
            self.ports.clock.sleep(Duration::from_millis(100 << attempt)).await;
            attempt += 1;
        }
        Ok(())
    }

    /// Tells of a generation that is durable: the intent is cleared, the index brought up to date.
    pub(super) fn announce(&self, lock: &mut dyn Lock, grant: &Grant) -> Warnings {
        let mut warnings = Vec::new();
        warnings.extend(lock.clear_intent().err());
        let entry = AccountEntry::of(grant, &self.ports.store.name());
        warnings.extend(lock.publish(&entry).err());
        warnings
    }

    /// Lets others see a generation that is durable. It is no part of what a signal must wait for.
    pub(super) async fn show(&self, profile: &Profile, grant: &Grant) -> Option<Error> {
        self.ports.committed.as_ref()?.committed(profile, grant).await.err()
    }

    /// Notes a failed refresh: `status` finds it there, and so do those who waited for it.
    pub(super) fn note_failure(
        &self,
        lock: &mut dyn Lock,
        grant: &Grant,
        error: &Error,
        want: &TokenRequest,
    ) {
        let sent = grant.tokens.refresh_token.as_ref();
        let perhaps_spent = sent
            .is_some_and(|token| unanswered(&*lock, token).is_ok_and(|intent| intent.is_some()));
        // One that only its caller has to know of has no id.
        let id = is_for_all(error, perhaps_spent).then(|| random::token(8).unwrap_or_default());
        let is_refusal = matches!(
            error.kind(),
            ErrorKind::ServerRefused | ErrorKind::LoginRequired | ErrorKind::AccessDenied
        );
        let mut entry = AccountEntry::of(grant, &self.ports.store.name());
        entry.login_required |= error.kind() == crate::ErrorKind::LoginRequired;
        entry.last_error = Some(LastError {
            at: self.now(),
            message: error.message_to_keep(),
            id: id.unwrap_or_default(),
            error: Some(error.kind().word().to_owned()),
            oauth_error: known_code(error),
            narrowing: want.narrowing().filter(|_| is_refusal),
        });
        // The index is a convenience: the failure itself is what the caller gets to see.
        let _ = lock.publish(&entry);
    }

    /// Refuses a record that was put back over a newer one, as far as the index can tell.
    pub(super) fn refuse_older(&self, grant: &Grant) -> Result<()> {
        match self.ports.coordinator.account(&grant.key) {
            Ok(Some(entry)) => entry.refuse_older(grant, &self.ports.store.name()),
            _ => Ok(()),
        }
    }

    /// The id of the failure that was noted last.
    pub(super) fn last_failure(&self, key: &GrantKey) -> Option<String> {
        let entry = self.ports.coordinator.account(key).ok().flatten();
        entry.and_then(|entry| entry.last_error).map(|failure| failure.id)
    }

    /// The failure that was noted since the one of this id, if it is one for all who asked at
    /// that time: asking a server that is down or refuses once for every caller helps nobody, and a
    /// refresh token that may be spent must not be sent once for every caller.
    pub(super) fn failure_since(
        &self,
        key: &GrantKey,
        id: Option<&str>,
        want: &TokenRequest,
    ) -> Option<Error> {
        let entry = self.ports.coordinator.account(key).ok().flatten();
        let failure = entry
            .filter(|entry| entry.store == self.ports.store.name())?
            .last_error
            .filter(|f| !f.id.is_empty() && Some(&*f.id) != id)
            .filter(|f| f.narrowing.is_none() || f.narrowing == want.narrowing())?;
        let kind = SHARED.into_iter().find(|kind| failure.error.as_deref() == Some(kind.word()))?;
        let error = Error::new(kind, failure.message)
            .hint("another process has just tried")
            .and_hint(Advice::RetryLater);
        Some(match failure.oauth_error {
            Some(code) => error.with_oauth(OAuthError::new(&code, None)),
            None => error,
        })
    }

    /// The stored grant that a new login replaces. A record that is damaged or newer is moved aside,
    /// never overwritten: the warning says where it went. Another key's record stays where it is, and so
    /// does a login that the flow of this user must not replace.
    pub(super) async fn replaced(
        &self,
        key: &GrantKey,
        user: Option<&str>,
    ) -> Result<(Option<Grant>, Warnings)> {
        match self.load(key).await {
            Ok(Some(grant)) => {
                require_owner(key, grant.user.as_deref(), user)?;
                Ok((Some(grant), Vec::new()))
            }
            Ok(None) => Ok((None, Vec::new())),
            Err(Unloaded::Foreign(error)) => Err(error),
            Err(Unloaded::Failed(error) | Unloaded::Newer(error)) => {
                if let Some(owner) = self.indexed_user(key) {
                    require_owner(key, owner.as_deref(), user)?;
                }
                match self.ports.store.set_aside(key).await? {
                    Some(place) => {
                        let what = format!("the record that was stored before is kept as {place}");
                        Ok((None, vec![error.context(what)]))
                    }
                    None => Err(error),
                }
            }
        }
    }
}

/// The server's error code, where it is one that is known. Any other is text of the server's.
fn known_code(error: &Error) -> Option<String> {
    let code = &error.oauth_error()?.code;
    is_error_code(code).then(|| code.clone())
}

/// Whether a failure is one for all who waited. What lies with a process itself is not: its
/// configuration, its hooks' programs, a store that it cannot write to before anything is sent.
fn is_for_all(error: &Error, perhaps_spent: bool) -> bool {
    match error.kind() {
        ErrorKind::Unavailable
        | ErrorKind::Validation
        | ErrorKind::ServerRefused
        | ErrorKind::AccessDenied => true,
        // Without the server's word, the grant is dead or belongs elsewhere: each sees that itself.
        ErrorKind::LoginRequired => error.oauth_error().is_some(),
        // The answer came, and could not be kept.
        ErrorKind::Store => perhaps_spent,
        _ => false,
    }
}
