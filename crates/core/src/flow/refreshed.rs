//! The result of a refresh: the tokens are saved and handed out, or a failure ends the login or leaves it
//! unchanged. A refresh token that was received is saved first, whatever else the response contains.

use std::pin::pin;
use std::time::Duration;

use super::access_token::{NewTokens, Renewed};
use super::commit::{Commit, announce, replace, save};
use super::gate::Gate;
use super::granted::login_again;
use super::hooks;
use super::identity::{Identified, Received, identify};
use super::load::load;
use super::login_required::{login_required, required_again};
use super::pin::unpinned;
use super::refresh::{Failed, Renewal};
use super::request::TokenRequest;
use super::revoke::send_revocation;
use super::tokens::{self, short_lived};
use super::turn::{Context, Peer, Turn};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{Dead, Grant, GrantKey, Intent, TokenSet};
use crate::profile::discovery::Purpose;
use crate::protocol::id_token;
use crate::protocol::refusal::LoginAgain;
use crate::protocol::reply::TokenReply;
use crate::time::Timestamp;

/// How long to wait before asking a server again that requires a login without clearly rejecting the
/// refresh token.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// Saves the received tokens, and hands them out. A new refresh token is saved before any other
/// request: an id_token may require keys that have to be fetched.
pub(super) async fn keep(
    turn: &mut Turn<'_>,
    mut grant: Grant,
    renewal: Renewal<'_>,
    request: &TokenRequest,
) -> Result<Renewed> {
    let (ports, profile) = (turn.ports(), turn.profile);
    let old_token = grant.tokens.refresh_token.clone();
    let refresh_token = renewal.reply.refresh_token.clone().or_else(|| old_token.clone());
    grant.rotates = Some(refresh_token != old_token);
    // The server accepted the refresh token after all.
    grant.dead = None;
    let refreshed_at = turn.now();
    let new = refresh_token.as_ref().filter(|new| Some(*new) != old_token.as_ref());
    let (identified, saved) = identify_after_saving(turn.peer(), &grant, &renewal, new).await?;
    let Renewal { reply, .. } = renewal;
    match saved {
        None => {}
        Some(Commit::Saved) => grant.generation += 1,
        Some(overtaken) => {
            return drop_late(turn.context(), &grant, newest(&reply), overtaken).await;
        }
    }
    grant.refreshed_at = refreshed_at;
    let identified = match identified {
        Ok(identified) => identified,
        Err(error) => {
            // An id_token of another user or server: nothing is handed out, and the new refresh token
            // is stored only so that logout can revoke it.
            grant.tokens.refresh_token = refresh_token;
            grant.dead = Some(dead(&error, LoginAgain::Dead, turn.now()));
            replace(ports, &grant).await?;
            turn.lock.clear_intent().await?;
            return Err(error.hint(login_again(profile, &grant.key, &grant.tokens.scopes)));
        }
    };
    // If a hook decides, only what is safe without its consent is saved before it runs.
    let mut held = hooks::has_post_token(profile).then(|| hooks::withheld(&grant));
    let before = grant.tokens.clone();
    let tokens = update(&mut grant, (&reply, &identified), refresh_token, request, turn.now());
    let short = short_lived(profile, &grant.key, &tokens, Some(&before));
    if let Some(held) = &mut held {
        held.tokens.refresh_token.clone_from(&grant.tokens.refresh_token);
        held.tokens.refresh_expires_at = grant.tokens.refresh_expires_at;
    }
    match replace(ports, held.as_ref().unwrap_or(&grant)).await? {
        Commit::Saved => {}
        overtaken => return drop_late(turn.context(), &grant, newest(&reply), overtaken).await,
    }
    grant.generation = grant.generation.saturating_add(1);
    let warnings = match held {
        Some(held) => {
            announce(turn.ports(), turn.lock, &Grant { generation: grant.generation, ..held }).await
        }
        None => announce(turn.ports(), turn.lock, &grant).await,
    };
    let warning = identified.warning.or(warnings.into_iter().next()).or(reply.warning).or(short);
    let new = NewTokens { grant, tokens, warning, notes: reply.notes };
    Ok(Renewed::Tokens(Box::new(new)))
}

/// Validates the id_token of a refresh. If its keys have to be fetched, a new refresh token is saved
/// before that; the second value is the outcome. Otherwise it is saved with the rest of the response.
async fn identify_after_saving(
    peer: Peer<'_>,
    grant: &Grant,
    renewal: &Renewal<'_>,
    new: Option<&Secret>,
) -> Result<(Result<Identified>, Option<Commit>)> {
    let Renewal { reply, client_secret } = renewal;
    let (client_secret, nonce, dpop_key) = (*client_secret, None, None);
    let (http, previous) = (peer.http(), Some(grant));
    let received = Received { reply, client_secret, nonce, dpop_key, http, previous };
    let Some(new) = new else {
        return Ok((identify(peer, received).await, None));
    };
    let gate = Gate::before(http);
    let received = Received { http: &gate, ..received };
    let mut identifying = pin!(identify(peer, received));
    tokio::select! {
        biased;
        identified = &mut identifying => return Ok((identified, None)),
        () = gate.asked() => {}
    }
    let mut safe = grant.clone();
    safe.tokens.refresh_token = Some(new.clone());
    let saved = replace(peer.ports(), &safe).await?;
    if let Commit::Overtaken(_) = saved {
        return Ok((Ok(Identified::default()), Some(saved)));
    }
    gate.open();
    Ok((identifying.await, Some(saved)))
}

/// Applies the reply to the grant, and returns the requested tokens.
fn update(
    grant: &mut Grant,
    (reply, identified): (&TokenReply, &Identified),
    refresh_token: Option<Secret>,
    request: &TokenRequest,
    now: Timestamp,
) -> TokenSet {
    let asked = if request.scopes.is_empty() { &grant.tokens.scopes } else { &request.scopes };
    let mut tokens = tokens::of_reply(reply, asked, identified.id_token.clone());
    tokens.refresh_token = None;
    let refresh_expires_at = tokens.refresh_expires_at.or(grant.tokens.refresh_expires_at);
    grant.kept.extend(reply.kept.clone());
    if let Some(name) = request.narrowing() {
        grant.tokens.refresh_token = refresh_token;
        grant.tokens.refresh_expires_at = refresh_expires_at;
        tokens::keep(grant, name, tokens.clone(), now);
    } else {
        // Without a new valid id_token, the previous one still identifies the user until it expires: an
        // expired one beside a fresh access token would seem to belong to it.
        let last = grant.tokens.id_token.take();
        let last = last.filter(|last| id_token::expires_after(last, now));
        tokens.id_token = tokens.id_token.or(last);
        grant.tokens = TokenSet { refresh_token, refresh_expires_at, ..tokens.clone() };
    }
    tokens
}

/// Handles a refresh that returned no tokens. Its error is returned, unless something worse happens
/// here.
pub(super) async fn fail(
    turn: &mut Turn<'_>,
    mut grant: Grant,
    sent: &Secret,
    mut intent: Intent,
    mut failed: Failed,
) -> Result<Renewed> {
    failed.refresh_token = failed.refresh_token.filter(|new| new != sent);
    if failed.refresh_token.is_none() {
        // This process survived: only processes that died without reporting are counted. The
        // caller gets the failure itself, not a failure to record it.
        intent.sends = 1;
        let _ = match failed.perhaps_spent {
            true => turn.lock.set_intent(&intent).await,
            false => turn.lock.clear_intent().await,
        };
    }
    if let Some(ended) = failed.login_again {
        return mark_revoked(turn.context(), grant, sent, failed, ended).await;
    }
    let Failed { error, refresh_token, .. } = failed;
    let Some(new) = refresh_token else { return Err(error) };
    grant.tokens.refresh_token = Some(new.clone());
    grant.rotates = Some(true);
    match replace(turn.ports(), &grant).await? {
        Commit::Saved => {
            grant.generation = grant.generation.saturating_add(1);
            announce(turn.ports(), turn.lock, &grant).await;
            Err(error)
        }
        overtaken => drop_late(turn.context(), &grant, (&new, "refresh_token"), overtaken).await,
    }
}

/// Ends the login because the server requires a new one. That applies only to the token that is still
/// stored: another machine may have replaced it.
async fn mark_revoked(
    context: Context<'_>,
    mut grant: Grant,
    sent: &Secret,
    failed: Failed,
    ended: LoginAgain,
) -> Result<Renewed> {
    let (ports, profile) = (context.ports(), context.profile);
    let Failed { error, refresh_token, .. } = failed;
    let found = load(ports, &grant.key).await?;
    if found.is_some_and(|newer| newer.tokens.refresh_token.as_ref() != Some(sent)) {
        return Ok(Renewed::Overtaken);
    }
    if let Some(new) = refresh_token {
        grant.tokens.refresh_token = Some(new);
        grant.generation = grant.generation.saturating_add(1);
    }
    grant.dead = Some(dead(&error, ended, ports.now()));
    save(ports, &grant).await?;
    let what = format!("a new login to {} is required: {}", grant.key, error.message());
    let oauth = error.oauth_error().cloned();
    let error = required_again(profile, &grant, &what);
    Err(match oauth {
        Some(oauth) => error.with_oauth(oauth),
        None => error,
    })
}

fn dead(error: &Error, login_again: LoginAgain, now: Timestamp) -> Dead {
    let ask_again_at = match login_again {
        LoginAgain::Dead => None,
        LoginAgain::ForNow => Some(now.plus(ASK_AGAIN)),
    };
    Dead { since: now, reason: error.message().to_owned(), ask_again_at }
}

/// Handles a stored grant that another machine has replaced meanwhile: the newer operation wins. A
/// grant that was ended must not survive through tokens that arrived too late, and a grant that was
/// refreshed must not lose its tokens to a revocation.
async fn drop_late(
    context: Context<'_>,
    grant: &Grant,
    (token, hint): (&Secret, &str),
    found: Commit,
) -> Result<Renewed> {
    let is_ended = match &found {
        Commit::Overtaken(Some(newer)) => newer.id != grant.id,
        _ => true,
    };
    if is_ended
        && let Ok(server) = context.server(Purpose::Optional).await
        && let Some(endpoint) = &server.endpoints.revocation
        && unpinned(&grant.pin, endpoint).is_none()
    {
        // The token is as good as removed: if revoking it fails, no program has it.
        let dpop_key = grant.dpop_key.as_ref();
        let _ = send_revocation(context.with(&server), endpoint, (token, hint), dpop_key).await;
    }
    match found {
        Commit::Overtaken(None) => Err(login_required(
            &grant.key,
            &format!("{} was logged out while its token was being refreshed", grant.key),
        )),
        _ => Ok(Renewed::Overtaken),
    }
}

/// Returns the error for a refresh that found its grant replaced each time.
pub(super) fn always_overtaken(key: &GrantKey) -> Error {
    let what = format!("other machines keep replacing the tokens of {key} during the refresh");
    Error::unavailable(what).hint(Advice::Retry)
}

/// Returns the token of a reply whose revocation ends all the others, and its type.
fn newest(reply: &TokenReply) -> (&Secret, &'static str) {
    match &reply.refresh_token {
        Some(token) => (token, "refresh_token"),
        None => (&reply.access_token, "access_token"),
    }
}
