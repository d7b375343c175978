//! Gets one token: load, check the lifetime, lock, load again, test the store, record the intent, send, commit,
//! hand out.

use super::access_token::{AccessToken, Renewed};
use super::commit::{lock_recovered, prove_store};
use super::credentials::credentials;
use super::critical::CriticalPart;
use super::index::{failure_since, last_failure, note_failure, refuse_older};
use super::load::load;
use super::login_required::{load_or_locate, no_cached_token, require_id_token, require_renewable};
use super::obtain::obtain;
use super::pin::pinned_here;
use super::refresh::{Sent, send, token_to_send};
use super::request::TokenRequest;
use super::tokens::{Seen, fall_back, fall_back_if_transient, stored};
use super::turn::{Call, Context, Turn};
use super::{hooks, intent, refreshed};
use crate::Secret;
use crate::error::{ErrorKind, Result};
use crate::grant::{Grant, GrantKey};
use crate::port::Lock;

/// Maximum number of restarts of one call because another machine was faster.
const OVERTAKEN_AT_MOST: u32 = 3;

/// Returns a token with enough remaining lifetime. Runs the hook `login_required` if the user must log in
/// first.
pub(super) async fn token(
    context: Context<'_>,
    key: &GrantKey,
    request: &TokenRequest,
) -> Result<AccessToken> {
    request.check()?;
    let request = &request.of_profile(context.profile);
    let call = Call { context, key, request };
    let outcome = hand_out(call).await.and_then(|token| require_id_token(call, token));
    hooks::login_required(call, outcome).await
}

/// Returns the stored token if its remaining lifetime is long enough, otherwise waits for the grant's lock to
/// get another one.
async fn hand_out(call: Call<'_>) -> Result<AccessToken> {
    let Call { context, key, request } = call;
    let called_at = call.now();
    let found = load_or_locate(call.ports(), key).await?;
    let enough = |grant| stored(grant, request, request.force, called_at);
    if let Some(token) = found.as_ref().and_then(enough) {
        return Ok(token);
    }
    if request.cached {
        return Err(no_cached_token(key, found.as_ref()));
    }
    require_renewable(call, found.as_ref()).await?;

    let failure = last_failure(call.ports(), key).await;
    let seen = Seen { at: called_at, grant: found, failure };
    let mut held = match lock_recovered(context.shared, key, seen.patience(call)).await {
        Ok(held) => held,
        Err(error) => return fall_back_if_transient(call, seen.grant, error),
    };
    let seen = Seen { grant: held.recovered.or(seen.grant), ..seen };
    let token = take_turn(call, &seen, &mut *held.lock).await?;
    Ok(AccessToken { warning: token.warning.or(held.warning), ..token })
}

/// Returns the token that another caller stored meanwhile, else a new one, while holding the grant's lock.
async fn take_turn(call: Call<'_>, seen: &Seen, lock: &mut dyn Lock) -> Result<AccessToken> {
    let Call { key, request, .. } = call;
    for _ in 0..OVERTAKEN_AT_MOST {
        let current = load(call.ports(), key).await?;
        let answer = |grant| seen.answer(grant, request, call.now());
        if let Some(token) = current.as_ref().and_then(answer) {
            return Ok(token);
        }
        require_renewable(call, current.as_ref()).await?;
        refuse_older(call.ports(), current.as_ref()).await?;
        if let Some(failure) = failure_since(call, seen.failure.as_deref()).await {
            return fall_back_if_transient(call, current, failure);
        }
        match renew(call, current.clone(), &mut *lock).await {
            Ok(Renewed::Tokens(new)) => return Ok(new.access_token(call.now())),
            Ok(Renewed::Overtaken) => {}
            Ok(Renewed::Withheld(error)) => return fall_back(call, current, error),
            Err(error) => {
                note_failure(call, &mut *lock, current.as_ref(), &error).await;
                return fall_back_if_transient(call, current, error);
            }
        }
    }
    Err(refreshed::always_overtaken(key))
}

/// Obtains a new token while holding the grant's lock: with its refresh token, or by running its grant again.
async fn renew(call: Call<'_>, current: Option<Grant>, lock: &mut dyn Lock) -> Result<Renewed> {
    let Call { context, key, request } = call;
    let pin = current.as_ref().map(|grant| &grant.pin);
    let profile = &*pinned_here(context.profile, pin);
    let context = Context { profile, ..context };
    let server = context.server_of(pin).await?;
    let mut turn = Turn::new(context, &server, lock)?;
    let mut previous = current.clone();
    if let Some(grant) = current
        && let Some(token) = token_to_send(call, &grant, &turn.pin)?
    {
        match refresh(&mut turn, grant, &token, request).await {
            // The server has ended the refresh token, and the user is not needed for another one.
            Err(error) if error.kind() == ErrorKind::LoginRequired && !call.needs_user() => {
                previous = load(call.ports(), key).await?;
            }
            outcome => return outcome,
        }
    }
    obtain(&mut turn, key, previous, request).await
}

/// Spends a refresh token in the order that loses nothing.
async fn refresh(
    turn: &mut Turn<'_>,
    mut grant: Grant,
    refresh_token: &Secret,
    request: &TokenRequest,
) -> Result<Renewed> {
    let _room = prove_store(turn.ports(), &grant.key).await?;
    let earlier = intent::unanswered(turn.lock, refresh_token).await?;
    if let Some(error) = intent::withheld(&grant, earlier.as_ref(), request, turn.now()) {
        return Ok(Renewed::Withheld(error));
    }
    let params = hooks::pre_token(turn.context(), &mut grant).await?;
    let credentials = &credentials(turn.context()).await?;

    // From here on, the first signal waits for the end.
    let critical = turn.shared.critical.enter(CriticalPart::Refresh);
    let intent = intent::record(turn, &grant, refresh_token, earlier).await?;
    let sent = Sent { refresh_token, params, credentials };
    match send(turn.peer(), &grant, request, sent).await {
        Ok(renewal) => {
            let renewed = refreshed::keep(turn, grant, renewal, request).await?;
            drop(critical);
            hooks::post_token(turn, renewed).await
        }
        Err(failed) => refreshed::fail(turn, grant, refresh_token, intent, failed).await,
    }
}
