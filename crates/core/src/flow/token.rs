//! Gets one token: load, check the lifetime, lock, load again, test the store, record the intent, send, commit,
//! hand out.

use super::access_token::{AccessToken, Renewed};
use super::commit::{prove_store, recover};
use super::credentials::credentials;
use super::critical::CriticalPart;
use super::hooks::{self, About};
use super::index::{failure_since, last_failure, note_failure, refuse_older};
use super::intent::{self, unanswered, withheld};
use super::load::load;
use super::login_required::{
    ended, no_cached_token, no_new_id_token, perhaps_elsewhere, require_renewable,
};
use super::obtain::obtain;
use super::pin::{moved, pin, pinned_here};
use super::refresh::{self, Sent};
use super::refreshed::{self, Renewal};
use super::request::TokenRequest;
use super::tokens::{Seen, fall_back, fall_back_if_transient, patience, stored};
use super::turn::{Context, Turn, lock_wait};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Grant, GrantKey};
use crate::port::{BoxFuture, Lock};
use crate::time::Timestamp;

/// Maximum number of restarts of one call because another machine was faster.
const OVERTAKEN_AT_MOST: u32 = 3;

/// Returns [`token`] as a value of [`GetToken`](super::turn::GetToken).
pub(super) fn boxed<'a>(
    context: Context<'a>,
    key: &'a GrantKey,
    request: &'a TokenRequest,
) -> BoxFuture<'a, Result<AccessToken>> {
    Box::pin(token(context, key, request))
}

/// Returns a token with enough remaining lifetime. Runs the hook `login_required` if the user must log in
/// first.
pub(super) async fn token(
    context: Context<'_>,
    key: &GrantKey,
    request: &TokenRequest,
) -> Result<AccessToken> {
    request.check()?;
    let request = &request.of_profile(context.profile);
    let outcome = hand_out(context, key, request).await.and_then(|token| match request.id_token {
        true => with_id_token(token, context.now()),
        false => Ok(token),
    });
    match outcome {
        Err(error) if error.kind() == ErrorKind::LoginRequired && !request.cached => {
            Err(hooks::login_required(context, key, error).await)
        }
        outcome => outcome,
    }
}

/// Checks that an unexpired id_token came with the tokens: a server need not return one at a refresh.
fn with_id_token(token: AccessToken, now: Timestamp) -> Result<AccessToken> {
    match token.id_token_expires_at {
        Some(at) if at > now => Ok(token),
        _ => Err(match token.warning {
            Some(warning) => no_new_id_token(&token.account.key).with_warning(warning),
            None => no_new_id_token(&token.account.key),
        }),
    }
}

/// Returns the stored token if its remaining lifetime is long enough, otherwise a new one, obtained while
/// holding the grant's lock.
async fn hand_out(
    context: Context<'_>,
    key: &GrantKey,
    request: &TokenRequest,
) -> Result<AccessToken> {
    let ports = context.ports();
    let called_at = ports.now();
    let found = match load(ports, key).await {
        Ok(found) => found,
        Err(unloaded) => return Err(perhaps_elsewhere(ports, key, unloaded).await),
    };
    let enough = |grant| stored(grant, request, request.force, called_at);
    if let Some(token) = found.as_ref().and_then(enough) {
        return Ok(token);
    }
    if request.cached {
        return Err(no_cached_token(key, found.as_ref()));
    }
    require_renewable(context, key, found.as_ref(), request).await?;

    let last_failure = last_failure(ports, key).await;
    let patience = patience(found.as_ref(), request, called_at, lock_wait(context.profile));
    let mut lock = match ports.coordinator.lock(key, patience).await {
        Ok(lock) => lock,
        Err(error) => return fall_back_if_transient(found, request, error, ports.now()),
    };
    let (found, not_shown) = match recover(context.shared, &mut *lock, key).await {
        Ok(Some((recovered, not_shown))) => (Some(recovered), not_shown),
        Ok(None) => (found, None),
        Err(error) => return fall_back_if_transient(found, request, error, ports.now()),
    };
    let seen = Seen { at: called_at, grant: found.as_ref(), failure: last_failure.as_deref() };
    let mut token = take_turn(context, key, request, seen, &mut *lock).await?;
    token.warning = token.warning.or(not_shown);
    Ok(token)
}

/// Returns the token that another caller stored meanwhile, else a new one, while holding the grant's lock.
async fn take_turn(
    context: Context<'_>,
    key: &GrantKey,
    request: &TokenRequest,
    seen: Seen<'_>,
    lock: &mut dyn Lock,
) -> Result<AccessToken> {
    let ports = context.ports();
    for _ in 0..OVERTAKEN_AT_MOST {
        let current = load(ports, key).await?;
        let answer = |grant| seen.answer(grant, request, ports.now());
        if let Some(token) = current.as_ref().and_then(answer) {
            return Ok(token);
        }
        require_renewable(context, key, current.as_ref(), request).await?;
        if let Some(grant) = &current {
            refuse_older(ports, grant).await?;
        }
        let failure = failure_since(ports, key, seen.failure, request).await;
        if let Some(failure) = failure {
            return fall_back_if_transient(current, request, failure, ports.now());
        }
        match renew(context, key, current.clone(), request, &mut *lock).await {
            Ok(Renewed::Tokens(new)) => return Ok(new.access_token(ports.now())),
            Ok(Renewed::Overtaken) => {}
            Ok(Renewed::Withheld(error)) => {
                return fall_back(current, request, error, ports.now());
            }
            Err(error) => {
                // The new tokens may be stored by now: a hook denied them after the refresh.
                let stored = load(ports, key).await.ok().flatten();
                if let Some(grant) = stored.as_ref().or(current.as_ref()) {
                    note_failure(ports, &mut *lock, grant, &error, request).await;
                }
                return fall_back_if_transient(current, request, error, ports.now());
            }
        }
    }
    Err(Error::unavailable(format!(
        "other machines keep replacing the tokens of {key} during the refresh"
    ))
    .hint(Advice::Retry))
}

/// Obtains a new token while holding the grant's lock: with its refresh token, or by running its grant again.
async fn renew(
    context: Context<'_>,
    key: &GrantKey,
    current: Option<Grant>,
    request: &TokenRequest,
    lock: &mut dyn Lock,
) -> Result<Renewed> {
    let made = current.as_ref().map(|grant| &grant.pin);
    let pinned = made.map(|pin| pinned_here(context.profile, pin));
    let context = Context { profile: pinned.as_deref().unwrap_or(context.profile), ..context };
    let Context { shared, profile } = context;
    let server = context.server_of(made).await?;
    let pin = pin(profile, &server)?;
    let difference = current.as_ref().and_then(|grant| moved(&grant.pin, &pin));
    let mut turn = Turn { shared, profile, server: &server, pin, lock };
    let previous = match (current, difference) {
        (Some(_), Some(difference)) if profile.grant.needs_user() => {
            let what = format!("{key} was logged in at a different server or client: {difference}");
            return Err(Error::login_required(what)
                .hint("its refresh token was not sent there")
                .and_hint(Advice::LogInIfIntended(key.clone())));
        }
        (Some(grant), None) if ended(&grant, request, context.now()).is_none() => {
            match grant.tokens.refresh_token.clone() {
                Some(token) => match refresh(&mut turn, grant, &token, request).await {
                    // The server has ended the refresh token, and the user is not needed for another one.
                    Err(error) if is_over(&error) && !profile.grant.needs_user() => {
                        load(context.ports(), key).await?
                    }
                    outcome => return outcome,
                },
                None => Some(grant),
            }
        }
        (current, _) => current,
    };
    let new = obtain(&mut turn, key, previous, request).await?;
    Ok(Renewed::Tokens(Box::new(new)))
}

fn is_over(error: &Error) -> bool {
    error.kind() == ErrorKind::LoginRequired
}

/// Spends a refresh token in the order that loses nothing.
async fn refresh(
    turn: &mut Turn<'_>,
    mut grant: Grant,
    refresh_token: &Secret,
    request: &TokenRequest,
) -> Result<Renewed> {
    let context = turn.context();
    let _room = prove_store(turn.ports(), &grant.key).await?;
    let earlier = unanswered(turn.lock, refresh_token).await?;
    if let Some(error) = withheld(&grant, earlier.as_ref(), request, turn.now()) {
        return Ok(Renewed::Withheld(error));
    }
    let about = About::of(&grant, "refresh_token", turn.now());
    let answer = hooks::ask(context, "pre_token", about).await?;
    let params = answer.params.clone();
    hooks::keep(&mut grant, answer, turn.now())?;
    let credentials = credentials(context).await?;

    // From here on, the first signal waits for the end.
    let critical = turn.shared.critical.enter(CriticalPart::Refresh);
    let intent = intent::of(&grant, refresh_token, earlier.as_ref(), turn.now());
    turn.lock.set_intent(&intent).await?;
    let sent = Sent { refresh_token, params, credentials: &credentials };
    match refresh::send(turn.peer(), &grant, request, sent).await {
        Ok(reply) => {
            let renewal = Renewal { reply, client_secret: credentials.secret.as_ref() };
            let renewed = refreshed::keep(turn, grant, renewal, request).await?;
            drop(critical);
            hooks::post_token(turn, renewed).await
        }
        Err(failed) => refreshed::fail(turn, grant, refresh_token, intent, failed).await,
    }
}
