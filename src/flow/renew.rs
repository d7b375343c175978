//! Handing out tokens: from the store, or by exactly one refresh for however many ask at once.

use std::time::Duration;

use super::exchange::{Exchange, NoAnswer, Spends};
use super::identity::Identified;
use super::{
    ASSUMED_LIFE, FlowManager, Handout, LOCK_WAIT, TokenRequest, moved, pin, token_endpoint,
};
use crate::Secret;
use crate::error::{Error, Result};
use crate::grant::{Dead, Grant, GrantKey, Intent, TokenSet};
use crate::port::{HttpResponse, Lock};
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::reply::{self, TokenReply};
use crate::time::{Timestamp, describe};

/// How many narrowed tokens are kept with a grant.
const NARROWED_KEPT: usize = 16;

/// A token request that did not give tokens.
struct Failed {
    error: Error,
    /// Whether the server may have replaced the refresh token all the same.
    perhaps_spent: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, perhaps_spent: false }
    }
}

impl FlowManager {
    /// Hands out a token with enough life: the stored one, a refreshed one, or, for a grant that
    /// needs no person, a new one.
    ///
    /// However many callers and processes ask at once, one request is made per account; a rotated
    /// refresh token is durably stored before this returns.
    ///
    /// # Errors
    ///
    /// `LoginRequired` where only a person can help, `Store` where the record cannot be read or
    /// saved, `Unavailable` for a failure that may pass.
    pub async fn token(
        &self,
        profile: &Profile,
        key: &GrantKey,
        want: &TokenRequest,
    ) -> Result<Handout> {
        let found = self.ports.store.load(key).await?;
        if let Some(handout) =
            found.as_ref().and_then(|grant| stored(grant, want, want.force, self.now()))
        {
            return Ok(handout);
        }
        if want.cached {
            return Err(no_cached_token(key, found.as_ref()));
        }
        self.needs_no_login(profile, key, found.as_ref())?;
        let seen = found.as_ref().map(|g| g.generation);
        let mut lock = match self.ports.coordinator.lock(key, LOCK_WAIT).await {
            Ok(lock) => lock,
            Err(error) => return self.despite(found, want, error),
        };
        let current = self.ports.store.load(key).await?;
        let newer = current.as_ref().is_some_and(|g| Some(g.generation) != seen);
        if let Some(handout) =
            current.as_ref().and_then(|grant| stored(grant, want, want.force && !newer, self.now()))
        {
            return Ok(handout);
        }
        self.needs_no_login(profile, key, current.as_ref())?;
        let _critical = self.enter_critical();
        match self.renew(profile, key, current.clone(), want, &mut *lock).await {
            Ok(handout) => Ok(handout),
            Err(error) => {
                if let Some(grant) = &current {
                    self.note_failure(&mut *lock, grant, &error);
                }
                self.despite(current, want, error)
            }
        }
    }

    /// After a passing failure an unexpired token still serves.
    fn despite(&self, found: Option<Grant>, want: &TokenRequest, error: Error) -> Result<Handout> {
        let relaxed = TokenRequest { min_ttl: Duration::ZERO, ..want.clone() };
        match found {
            Some(grant) if error.is_passing() && !want.force => {
                match stored(&grant, &relaxed, false, self.now()) {
                    Some(handout) => Ok(Handout { warning: Some(error), ..handout }),
                    None => Err(error),
                }
            }
            _ => Err(error),
        }
    }

    /// Fails, without a lock or a request, where only a person can help.
    fn needs_no_login(
        &self,
        profile: &Profile,
        key: &GrantKey,
        grant: Option<&Grant>,
    ) -> Result<()> {
        if !profile.grant.needs_person() {
            return Ok(());
        }
        let Some(grant) = grant else {
            return Err(login_required(key, &format!("nobody has logged in to {key}")));
        };
        if let Some(dead) = &grant.dead {
            let what = format!("the login of {key} is no longer valid: {}", dead.reason);
            return Err(login_required(key, &what));
        }
        if grant.tokens.refresh_token.is_none() {
            let what = match grant.tokens.expires_at {
                Some(at) if at > self.now() => format!(
                    "the token of {key} has only {} left and cannot be refreshed",
                    describe(at.remaining(self.now()))
                ),
                _ => format!("the token of {key} has expired and cannot be refreshed"),
            };
            return Err(login_required(key, &what));
        }
        Ok(())
    }

    async fn renew(
        &self,
        profile: &Profile,
        key: &GrantKey,
        current: Option<Grant>,
        want: &TokenRequest,
        lock: &mut dyn Lock,
    ) -> Result<Handout> {
        let server = self.server(profile).await?;
        let new_pin = pin(profile, &server)?;
        let Some(grant) = current else {
            return self.obtain(profile, &server, key, None, want, lock).await;
        };
        if let Some(difference) = moved(&grant.pin, &new_pin) {
            if !profile.grant.needs_person() {
                return self.obtain(profile, &server, key, Some(grant), want, lock).await;
            }
            let what = format!("the login of {key} belongs elsewhere: {difference}");
            return Err(Error::login_required(what).hint(format!(
                "its refresh token was not sent there; if the change is yours, run `{}`",
                login_command(key)
            )));
        }
        match grant.tokens.refresh_token.clone().filter(|_| grant.dead.is_none()) {
            Some(refresh_token) => {
                self.refresh(profile, &server, grant, &refresh_token, want, lock).await
            }
            None => self.obtain(profile, &server, key, Some(grant), want, lock).await,
        }
    }

    async fn refresh(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        grant: Grant,
        refresh_token: &Secret,
        want: &TokenRequest,
        lock: &mut dyn Lock,
    ) -> Result<Handout> {
        self.prove_store(&grant.key).await?;
        self.declare(&grant, refresh_token, want.force, lock)?;
        match self.send_refresh(profile, server, &grant, refresh_token, want).await {
            Ok(reply) => self.take_reply(profile, server, grant, reply, want, lock).await,
            Err(Failed { error, perhaps_spent }) => {
                if !perhaps_spent {
                    lock.clear_intent()?;
                }
                if error.oauth_error().is_some_and(|o| o.code == "invalid_grant") {
                    return self.bury(grant, refresh_token, error, want).await;
                }
                Err(error)
            }
        }
    }

    /// Writes down what is about to be spent. An intent that is already there was left by a holder
    /// that died, or whose answer never came: one more try is allowed, then only a person's
    /// explicit wish sends the token again.
    fn declare(
        &self,
        grant: &Grant,
        token: &Secret,
        explicit: bool,
        lock: &mut dyn Lock,
    ) -> Result<()> {
        let token_hash = hash(token);
        let earlier = lock.intent()?.filter(|i| i.token_hash == token_hash).map_or(0, |i| i.sends);
        if earlier >= 2 && grant.rotates != Some(false) && !explicit {
            return Err(login_required(
                &grant.key,
                &format!(
                    "the refresh token of {} was sent twice and no answer came: it may be spent",
                    grant.key
                ),
            )
            .hint(format!(
                "run `oauthctl refresh` to try it once more, or `{}`",
                login_command(&grant.key)
            )));
        }
        lock.set_intent(&Intent {
            grant_id: grant.id.clone(),
            generation: grant.generation,
            token_hash,
            at: self.now(),
            sends: earlier.saturating_add(1),
        })
    }

    async fn send_refresh(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        grant: &Grant,
        refresh_token: &Secret,
        want: &TokenRequest,
    ) -> Result<TokenReply, Failed> {
        self.ports.trace.step("Refreshing the access token", "RFC 6749, section 6");
        let mut form = vec![
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), refresh_token.expose().to_owned()),
        ];
        // Strict servers refuse a scope that was not granted: none is sent unless narrowing is asked
        // for, or the server wants them again.
        if !want.scopes.is_empty() {
            form.push(("scope".to_owned(), want.scopes.join(&profile.scope_separator)));
        } else if profile.quirks.scope_on_refresh {
            form.push(("scope".to_owned(), grant.tokens.scopes.join(&profile.scope_separator)));
        }
        narrow(&mut form, profile, want);
        if profile.quirks.redirect_uri_on_refresh
            && let Some(uri) = profile.redirect_uris.first()
        {
            form.push(("redirect_uri".to_owned(), uri.text.clone()));
        }
        form.extend(profile.token_params.clone());
        form.extend(profile.refresh_params.clone());
        let endpoint = match server.endpoints.refresh.as_deref() {
            Some(endpoint) => endpoint,
            None => token_endpoint(profile, server)?,
        };
        let exchange = Exchange {
            purpose: "refresh request",
            endpoint,
            form,
            spends: Spends::Again,
            dpop_key: grant.dpop_key.as_ref(),
            is_token_request: true,
        };
        let answer = self.exchange(profile, server, &exchange).await;
        judge(answer, profile, "refresh request")
    }

    async fn take_reply(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        mut grant: Grant,
        reply: TokenReply,
        want: &TokenRequest,
        lock: &mut dyn Lock,
    ) -> Result<Handout> {
        let identified = self.identify(profile, server, &reply, None, Some(&grant)).await;
        let old_token = grant.tokens.refresh_token.clone();
        if let Some(token) = &reply.refresh_token {
            grant.rotates = Some(Some(token) != old_token.as_ref());
        } else {
            grant.rotates = Some(false);
        }
        grant.generation += 1;
        grant.refreshed_at = self.now();
        let identified = match identified {
            Ok(identified) => identified,
            // The keys cannot be had just now: the new id_token is not kept, the tokens are.
            Err(error) if error.is_passing() => {
                Identified { warning: Some(error), ..Identified::default() }
            }
            Err(error) => {
                // Another person's or server's id_token: nothing is handed out, and the new refresh
                // token is kept only so that logout can revoke it.
                grant.tokens.refresh_token = reply.refresh_token.clone().or(old_token);
                grant.dead = Some(Dead { since: self.now(), reason: error.message().to_owned() });
                self.commit(profile, lock, &grant).await?;
                return Err(error.hint(format!("run `{}`", login_command(&grant.key))));
            }
        };
        let asked = if want.scopes.is_empty() { &grant.tokens.scopes } else { &want.scopes };
        let mut tokens = self.tokens(&reply, asked, identified.id_token_is_valid);
        let refresh_token = tokens.refresh_token.take().or(old_token);
        let refresh_expires_at = tokens.refresh_expires_at.or(grant.tokens.refresh_expires_at);
        grant.kept.extend(reply.kept);
        if let Some(name) = want.narrowing() {
            grant.tokens.refresh_token = refresh_token;
            grant.tokens.refresh_expires_at = refresh_expires_at;
            keep_narrowed(&mut grant, name, tokens.clone(), self.now());
        } else {
            tokens.id_token = tokens.id_token.or(grant.tokens.id_token.take());
            grant.tokens = TokenSet { refresh_token, refresh_expires_at, ..tokens.clone() };
        }
        let warnings = self.commit(profile, lock, &grant).await?;
        let warning = identified.warning.or(warnings.into_iter().next());
        Ok(Handout { warning, ..handout(&grant, tokens, true) })
    }

    /// The server says that the refresh token is dead. That is believed only for the token that is
    /// still the stored one: a sibling on another machine may have replaced it.
    async fn bury(
        &self,
        mut grant: Grant,
        sent: &Secret,
        error: Error,
        want: &TokenRequest,
    ) -> Result<Handout> {
        let found = self.ports.store.load(&grant.key).await?;
        if let Some(newer) = found
            && newer.tokens.refresh_token.as_ref() != Some(sent)
        {
            return stored(&newer, want, false, self.now()).ok_or_else(|| {
                Error::unavailable("another process replaced the tokens while they were refreshed")
                    .hint("try again")
            });
        }
        grant.dead = Some(Dead { since: self.now(), reason: error.message().to_owned() });
        self.ports.store.save(&grant).await?;
        let what = format!("the server no longer takes the refresh token of {}", grant.key);
        let oauth = error.oauth_error().cloned();
        let error = login_required(&grant.key, &what);
        Err(match oauth {
            Some(oauth) => error.with_oauth(oauth),
            None => error,
        })
    }
}

/// Adds what narrows a request; without narrowing, the profile's own resource and audience.
pub(super) fn narrow(form: &mut Vec<(String, String)>, profile: &Profile, want: &TokenRequest) {
    match &want.resource {
        Some(resource) => form.push(("resource".to_owned(), resource.clone())),
        None => form.extend(profile.resource.iter().map(|r| ("resource".to_owned(), r.clone()))),
    }
    if let Some(audience) = &want.audience {
        form.push(("audience".to_owned(), audience.clone()));
    }
}

/// Judges the answer to a request that spent something.
fn judge(
    answer: Result<HttpResponse, NoAnswer>,
    profile: &Profile,
    asked: &str,
) -> Result<TokenReply, Failed> {
    match answer {
        Err(no_answer) => {
            Err(Failed { error: no_answer.error, perhaps_spent: no_answer.perhaps_acted })
        }
        Ok(response) => reply::judge(&response, profile, asked).map_err(|error| {
            // A refusal is an answer: nothing was spent. A 5xx, or a success that cannot be read,
            // may have come after the server acted.
            let status = response.status;
            let refused = matches!(status, 300..=499 | 503) || error.oauth_error().is_some();
            Failed { error, perhaps_spent: !refused }
        }),
    }
}

/// The stored tokens, if they have enough life: what [`FlowManager::token`] answers without lock or
/// network. With `force` there are none.
pub fn stored(grant: &Grant, want: &TokenRequest, force: bool, now: Timestamp) -> Option<Handout> {
    let tokens = match want.narrowing() {
        None => &grant.tokens,
        Some(name) => grant.narrowed.get(&name)?,
    };
    let enough = !force && lives(grant, tokens, want.min_ttl, now);
    enough.then(|| handout(grant, tokens.clone(), false))
}

fn lives(grant: &Grant, tokens: &TokenSet, min_ttl: Duration, now: Timestamp) -> bool {
    let can_refresh = grant.tokens.refresh_token.is_some() && grant.dead.is_none();
    match tokens.expires_at {
        None if can_refresh => now < grant.refreshed_at.plus(ASSUMED_LIFE),
        _ => tokens.lives(now, min_ttl) && !from_the_future(grant, now),
    }
}

fn handout(grant: &Grant, tokens: TokenSet, fresh: bool) -> Handout {
    Handout { grant: grant.clone(), tokens, warning: None, fresh }
}

/// A record from the future means that the clock was set back: its expiry cannot be trusted.
fn from_the_future(grant: &Grant, now: Timestamp) -> bool {
    grant.refreshed_at > now.plus(Duration::from_secs(300))
}

pub(super) fn keep_narrowed(grant: &mut Grant, name: String, tokens: TokenSet, now: Timestamp) {
    grant.narrowed.retain(|_, t| t.lives(now, Duration::ZERO));
    while grant.narrowed.len() >= NARROWED_KEPT {
        grant.narrowed.pop_first();
    }
    grant.narrowed.insert(name, tokens);
}

fn hash(token: &Secret) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.expose().as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn no_cached_token(key: &GrantKey, grant: Option<&Grant>) -> Error {
    match grant {
        None => login_required(key, &format!("nobody has logged in to {key}")),
        Some(_) => {
            Error::login_required(format!("the stored token of {key} has not enough life left"))
                .hint("leave `--cached` out to let it be refreshed")
        }
    }
}

fn login_required(key: &GrantKey, what: &str) -> Error {
    Error::login_required(what).hint(format!("run `{}`", login_command(key)))
}

/// The command that logs in to this account.
pub fn login_command(key: &GrantKey) -> String {
    let profile = crate::text::one_line(&key.profile);
    if key.account == crate::grant::DEFAULT_ACCOUNT {
        format!("oauthctl login {profile}")
    } else {
        format!("oauthctl login {profile} --account {}", crate::text::one_line(&key.account))
    }
}
