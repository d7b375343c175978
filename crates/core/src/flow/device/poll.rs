//! Polls for the user's decision (RFC 8628, section 3.4), and stores the tokens.

use std::sync::Arc;

use super::{DeviceAuthorization, DevicePoll, Prepared};
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::commit::{Warnings, prove_store_again, show};
use crate::flow::critical::CriticalPart;
use crate::flow::exchange::{Exchange, Spends, exchange_with};
use crate::flow::first_tokens::{Completed, accept_and_store};
use crate::flow::hooks;
use crate::flow::load::load;
use crate::flow::ownership::replaced;
use crate::flow::turn::{Context, Turn, lock_wait};
use crate::profile::Endpoint;
use crate::protocol::answer::Answer;
use crate::protocol::device::{self, Poll};

const EXPIRED: &str = "the code expired before the login was approved";

/// Waits until the next poll is due, and polls once.
pub(in crate::flow) async fn poll(
    context: Context<'_>,
    authorization: &mut DeviceAuthorization,
) -> Result<DevicePoll> {
    wait(context, authorization).await?;
    if authorization.prepared.is_none() {
        authorization.prepared = Some(prepare(context, authorization).await?);
    }
    let Context { shared, profile } = context;
    let ports = &shared.ports;
    let mut lock = ports.coordinator.lock(&authorization.key, lock_wait(profile)).await?;
    // The store may have been locked or filled meanwhile.
    prove_store_again(ports, &authorization.key).await?;
    let server = Arc::clone(&authorization.server);
    let pin = authorization.pin.clone();
    let mut turn = Turn { shared, profile, server: &server, pin, lock: &mut *lock };
    send_poll(&mut turn, authorization).await
}

/// Waits for the interval. Both clocks count: the wall clock goes on while a laptop sleeps, and the time
/// that was waited also passes if the wall clock is set back.
async fn wait(context: Context<'_>, authorization: &mut DeviceAuthorization) -> Result<()> {
    let remaining = authorization.expires_at.remaining(context.now());
    let wait = authorization.pace.wait().min(remaining);
    context.clock().sleep(wait).await;
    authorization.pace.waited(wait);
    let is_over = authorization.expires_at.remaining(context.now()).is_zero();
    if is_over || wait < authorization.pace.wait() || authorization.pace.is_over() {
        return Err(match authorization.is_cut {
            true => Error::new(ErrorKind::Timeout, "timed out waiting for the user to log in")
                .hint(Advice::WaitLonger),
            false => Error::new(ErrorKind::Timeout, EXPIRED).hint(Advice::StartAgain),
        });
    }
    Ok(())
}

/// Finds whatever prevents the new grant before anything is spent.
async fn prepare(
    context: Context<'_>,
    authorization: &mut DeviceAuthorization,
) -> Result<Prepared> {
    let (attributes, params) = authorization.requested().ask_hooks(context).await?;
    authorization.attributes = attributes;
    let wait = lock_wait(context.profile);
    let lock = context.ports().coordinator.lock(&authorization.key, wait).await?;
    let (old, warnings) = replaced(context.ports(), &authorization.key, None).await?;
    drop(lock);
    Ok(Prepared { params, replaces: old.map_or(0, |old| old.generation), warnings })
}

/// Polls, and stores the tokens that arrive.
async fn send_poll(
    turn: &mut Turn<'_>,
    authorization: &mut DeviceAuthorization,
) -> Result<DevicePoll> {
    let (peer, profile) = (turn.peer(), turn.profile);
    let critical = turn.shared.critical.enter(CriticalPart::Redemption);
    peer.trace_step("Polling for the user's decision", "RFC 8628, section 3.4");
    let mut form = vec![
        ("grant_type".to_owned(), authorization.handle.grant().wire().to_owned()),
        authorization.handle.parameter(),
    ];
    if let Some(name) = &profile.quirks.device_scope_param {
        form.push((name.clone(), authorization.scopes.join(&profile.scope_separator)));
    }
    form.extend(profile.resource.iter().map(|r| ("resource".to_owned(), r.clone())));
    form.extend(profile.token_params.clone());
    let params = authorization.prepared.as_ref().map(|prepared| prepared.params.clone());
    hooks::add(&mut form, params.unwrap_or_default());
    let request = Exchange {
        purpose: Endpoint::Token.purpose(),
        endpoint: peer.token_endpoint()?,
        form,
        spends: Spends::Polled,
        dpop_key: authorization.dpop_key.as_ref(),
        may_be_json: true,
    };
    let answer = match exchange_with(peer, &authorization.credentials, &request).await {
        Ok(answer) => answer,
        Err(no_answer) if no_answer.error.is_transient() => {
            authorization.pace.unanswered();
            return Ok(DevicePoll::Unanswered(no_answer.error.message().to_owned()));
        }
        Err(no_answer) => return Err(no_answer.error),
    };
    match device::validate_poll(&answer) {
        Poll::Pending => authorization.pace.answered(),
        Poll::SlowDown(interval) => authorization.pace.slow_down(interval),
        Poll::Unanswered(why) => {
            authorization.pace.unanswered();
            return Ok(DevicePoll::Unanswered(why));
        }
        Poll::Expired(oauth) => {
            let error = Error::new(ErrorKind::Timeout, EXPIRED).with_oauth(oauth);
            return Err(error.hint(Advice::StartAgain));
        }
        Poll::Decided => {
            let completed = finish(turn, authorization, &answer).await?;
            drop(critical);
            return Ok(DevicePoll::Completed(Box::new(completed)));
        }
    }
    Ok(DevicePoll::Pending)
}

/// Validates and stores the tokens.
async fn finish(
    turn: &mut Turn<'_>,
    authorization: &mut DeviceAuthorization,
    answer: &Answer,
) -> Result<Completed> {
    let context = turn.context();
    let prepared = authorization.prepared.take();
    let (replaces, mut warnings) =
        prepared.map_or((0, Warnings::new()), |p| (p.replaces, p.warnings));
    let requested = authorization.requested();
    let client_secret = authorization.credentials.secret.as_ref();
    let validated = requested.validated(turn.peer(), answer, client_secret).await;
    let (reply, identified) = validated.map_err(|error| match error.kind() {
        ErrorKind::AccessDenied if error.advice().is_empty() => error.hint(Advice::AllowAccess),
        _ => error,
    })?;
    let notes = reply.notes.clone();
    let mut grant = requested.grant(context, reply, identified, &mut warnings);
    // The old grant may have been refreshed while the user was logging in.
    let old = load(turn.ports(), &authorization.key).await.ok().flatten();
    let replaces = old.map_or(0, |old| old.generation).max(replaces);
    grant.generation = replaces.saturating_add(1);
    warnings.extend(accept_and_store(turn, &mut grant, None, false).await?);
    warnings.extend(show(context, &grant).await);
    Ok(Completed::of(context, grant, warnings, notes))
}
