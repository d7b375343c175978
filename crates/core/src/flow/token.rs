//! Handing out tokens: from the store, or by exactly one refresh for however many ask at once.

use std::time::Duration;

use super::access_token::Renewed;
use super::hooks::is_held_back;
use super::login_required::{login_required, never_logged_in, no_cached_token, perhaps_elsewhere};
use super::pin::{moved, pin};
use super::tokens::{stored, wanted};
use super::{FlowManager, Handout, TokenRequest};
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Dead, Grant, GrantKey};
use crate::port::Lock;
use crate::profile::{Profile, scopes};
use crate::time::{Timestamp, describe};

/// How often one call begins again because another machine was faster.
const OVERTAKEN_AT_MOST: u32 = 3;

/// How long before its end a token is handed out instead of waiting on.
const GIVE_UP: Duration = Duration::from_secs(5);

impl FlowManager {
    /// Hands out a token with enough life: the stored one, a refreshed one, or, for a grant that
    /// needs no person, a new one.
    ///
    /// However many callers and processes ask at once, one request is made per account; a rotated
    /// refresh token is durably stored before this returns.
    ///
    /// # Errors
    ///
    /// - `LoginRequired`: only a person can help, and [`Error::warning`] says where the hook
    ///   `login_required` failed, or there is nothing to run it; with
    ///   [`cached`](TokenRequest::cached), nothing that is stored lives long enough; or the refresh
    ///   pauses, as below;
    /// - `Usage`: the [`resource`](TokenRequest::resource) is none;
    /// - `Store`: the record cannot be read or saved, or is an older copy, put back;
    /// - `Unavailable`: a failure that may pass, or another holds the lock for too long;
    /// - `ServerRefused`: the server refused for another reason than a grant that has ended;
    /// - `Validation`: metadata that does not match its issuer, or an answer that is not what was asked
    ///   for, another person's id_token for instance;
    /// - `AccessDenied`: a hook denied, or the server did;
    /// - `Config`: the key's profile is unknown here, another hook fails or there is nothing to run it
    ///   ([`Ports::hooks`](super::Ports::hooks)), or a secret of the profile cannot be read.
    ///
    /// # The pause
    ///
    /// Where processes died twice between sending a refresh token and storing the answer, it may be
    /// spent, and a server may end the whole grant if it sees it again (RFC 9700, section 4.14.2). It
    /// is then not sent for 5 minutes, and after each further such death for twice as long, up to an
    /// hour; meanwhile the stored token serves while it lives, and then this fails with
    /// `LoginRequired`. The pause passes by itself; [`force`](TokenRequest::force) ends it at once.
    ///
    /// # Cancellation
    ///
    /// A future that is dropped while a rotating refresh token is under way can lose it, and the
    /// person must log in again: let it run to its end ([`is_critical`](Self::is_critical)).
    pub async fn token(&self, key: &GrantKey, want: &TokenRequest) -> Result<Handout> {
        let profile = self.profile(&key.profile)?;
        want.check()?;
        let mut want = want.clone().usual_min_ttl(profile.min_ttl);
        want.scopes = scopes::split(&want.scopes, &profile.scope_separator);
        let want = &want;
        match self.hand_out(profile, key, want).await {
            Err(error) if error.kind() == ErrorKind::LoginRequired && !want.cached => {
                Err(self.tell_of(profile, key, error).await)
            }
            outcome => outcome,
        }
    }

    /// What [`FlowManager::token`] does, but for the hook behind a failure.
    async fn hand_out(
        &self,
        profile: &Profile,
        key: &GrantKey,
        want: &TokenRequest,
    ) -> Result<Handout> {
        let started = self.now();
        let found = self.load(key).await.map_err(|e| perhaps_elsewhere(&self.ports, key, e))?;
        if let Some(handout) =
            found.as_ref().and_then(|grant| stored(grant, want, want.force, started))
        {
            return Ok(handout);
        }
        if want.cached {
            return Err(no_cached_token(key, found.as_ref()));
        }
        self.needs_no_login(profile, key, found.as_ref(), want)?;
        let last_failure = self.last_failure(key);
        // Behind a holder that hangs, a token that still lives is worth more than one that is awaited.
        let life = found.as_ref().and_then(|grant| wanted(grant, want)).and_then(|t| t.expires_at);
        let life = life.map_or(Duration::ZERO, |at| at.remaining(started)).saturating_sub(GIVE_UP);
        let longest = Self::lock_wait(profile);
        let patience = if life.is_zero() || want.force { longest } else { longest.min(life) };
        let mut lock = match self.ports.coordinator.lock(key, patience).await {
            Ok(lock) => lock,
            Err(error) => return self.despite(found, want, error),
        };
        let found = match self.recover(&mut *lock, key).await {
            Ok(recovered) => recovered.or(found),
            Err(error) => return self.despite(found, want, error),
        };
        for _ in 0..OVERTAKEN_AT_MOST {
            let current = self.load(key).await?;
            let seen = Seen { at: started, grant: found.as_ref() };
            if let Some(handout) =
                current.as_ref().and_then(|grant| seen.answer(grant, want, self.now()))
            {
                return Ok(handout);
            }
            self.needs_no_login(profile, key, current.as_ref(), want)?;
            if let Some(grant) = &current {
                self.refuse_older(grant)?;
            }
            if let Some(failure) = self.failure_since(key, last_failure.as_deref(), want) {
                return self.despite(current, want, failure);
            }
            match self.renew(profile, key, current.clone(), want, &mut *lock).await {
                Ok(Renewed::Handout(handout)) => return Ok(*handout),
                Ok(Renewed::Overtaken) => {}
                Ok(Renewed::Withheld(error)) => return self.instead(current, want, error),
                Err(error) => {
                    // The new tokens may be stored by now: a hook behind the refresh denied them.
                    let stored = self.load(key).await.ok().flatten();
                    if let Some(grant) = stored.as_ref().or(current.as_ref()) {
                        self.note_failure(&mut *lock, grant, &error, want);
                    }
                    return self.despite(current, want, error);
                }
            }
        }
        Err(Error::unavailable(format!(
            "other machines keep replacing the tokens of {key} while they are refreshed"
        ))
        .hint(Advice::Retry))
    }

    /// After a passing failure an unexpired token still serves.
    fn despite(&self, found: Option<Grant>, want: &TokenRequest, error: Error) -> Result<Handout> {
        if error.is_transient() { self.instead(found, want, error) } else { Err(error) }
    }

    /// The stored token while it has any life at all, with the error as a warning.
    fn instead(&self, found: Option<Grant>, want: &TokenRequest, error: Error) -> Result<Handout> {
        let relaxed = want.any_life();
        match found.and_then(|grant| stored(&grant, &relaxed, want.force, self.now())) {
            Some(handout) => Ok(Handout { warning: Some(error), ..handout }),
            None => Err(error),
        }
    }

    /// Fails, without a lock or a request, where only a person can help.
    fn needs_no_login(
        &self,
        profile: &Profile,
        key: &GrantKey,
        grant: Option<&Grant>,
        want: &TokenRequest,
    ) -> Result<()> {
        if !profile.grant.needs_person() {
            return Ok(());
        }
        let Some(grant) = grant else {
            return Err(never_logged_in(&self.ports, key));
        };
        if let Some(dead) = self.ended(grant, want) {
            let what = format!("the login of {key} is no longer valid: {}", dead.reason);
            return Err(login_required(key, &what));
        }
        if grant.tokens.refresh_token.is_none() {
            let now = self.now();
            let life = match grant.tokens.expires_at {
                Some(at) if at <= now => "has expired, and".to_owned(),
                Some(at) if !want.force => {
                    format!("expires in {}, and", describe(at.remaining(now)))
                }
                _ => "cannot be refreshed:".to_owned(),
            };
            let what = format!("the token of {key} {life} the server issued no refresh token");
            return Err(login_required(key, &what));
        }
        Ok(())
    }

    /// Why the refresh token is not sent: the server has ended the grant, as far as it is worth asking.
    fn ended<'a>(&self, grant: &'a Grant, want: &TokenRequest) -> Option<&'a Dead> {
        let is_over = |at: &Timestamp| want.force || *at <= self.now();
        grant.dead.as_ref().filter(|dead| !dead.ask_again_at.as_ref().is_some_and(is_over))
    }

    async fn renew(
        &self,
        profile: &Profile,
        key: &GrantKey,
        current: Option<Grant>,
        want: &TokenRequest,
        lock: &mut dyn Lock,
    ) -> Result<Renewed> {
        let server = self.server_of(profile, current.as_ref().map(|grant| &grant.pin)).await?;
        let new_pin = pin(profile, &server)?;
        let previous = match current {
            None => None,
            Some(grant) => match (moved(&grant.pin, &new_pin), &grant.tokens.refresh_token) {
                (Some(difference), _) if profile.grant.needs_person() => {
                    let what = format!("the login of {key} belongs elsewhere: {difference}");
                    return Err(Error::login_required(what)
                        .hint("its refresh token was not sent there")
                        .and_hint(Advice::LogInIfIntended(key.clone())));
                }
                (None, Some(refresh_token)) if self.ended(&grant, want).is_none() => {
                    let refresh_token = refresh_token.clone();
                    return self.refresh(profile, &server, grant, &refresh_token, want, lock).await;
                }
                _ => Some(grant),
            },
        };
        let handout = self.obtain(profile, &server, key, previous, want, lock).await?;
        Ok(Renewed::Handout(Box::new(handout)))
    }
}

/// What a call found before it waited for its turn.
struct Seen<'a> {
    at: Timestamp,
    grant: Option<&'a Grant>,
}

impl Seen<'_> {
    /// The stored tokens, if they will do now that it is this call's turn. Those that another
    /// process got meanwhile are also what this one was after, however short their life: asking
    /// once more would only get the like.
    fn answer(&self, now_stored: &Grant, want: &TokenRequest, now: Timestamp) -> Option<Handout> {
        let access = |grant: &Grant| wanted(grant, want).map(|tokens| tokens.access_token.clone());
        let is_new = access(now_stored) != self.grant.and_then(access);
        // Found held back, its refresh was under way already.
        let was_awaited = self.grant.is_some_and(|grant| is_held_back(&grant.tokens));
        if is_new && (was_awaited || now_stored.refreshed_at >= self.at) {
            let any_life = want.any_life();
            return stored(now_stored, &any_life, false, now);
        }
        stored(now_stored, want, want.force && !is_new, now)
    }
}
