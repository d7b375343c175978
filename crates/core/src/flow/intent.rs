//! The record that a refresh token is being spent, so that the next holder of the lock knows that it may
//! already be used.

use std::time::Duration;

use super::request::TokenRequest;
use super::turn::Turn;
use crate::Secret;
use crate::advice::Advice;
use crate::digest::hex_sha256;
use crate::error::{Error, Result};
use crate::grant::{Grant, Intent};
use crate::port::Lock;
use crate::time::Timestamp;

/// Maximum number of sends of one refresh token by processes that die before they finish; then there is a
/// pause.
const UNANSWERED_AT_MOST: u32 = 2;

/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(300);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Returns the intent of an earlier attempt to send this same token.
pub(super) async fn unanswered(lock: &mut dyn Lock, token: &Secret) -> Result<Option<Intent>> {
    let token_hash = hash(token);
    Ok(lock.intent().await?.filter(|intent| intent.token_hash == token_hash))
}

/// Records the intent to send a grant's refresh token once more.
pub(super) async fn record(
    turn: &mut Turn<'_>,
    grant: &Grant,
    refresh_token: &Secret,
    earlier: Option<Intent>,
) -> Result<Intent> {
    let intent = Intent {
        grant_id: grant.id.clone(),
        generation: grant.generation,
        token_hash: hash(refresh_token),
        at: turn.now(),
        sends: earlier.map_or(0, |earlier| earlier.sends).saturating_add(1),
    };
    turn.lock.set_intent(&intent).await?;
    Ok(intent)
}

/// Returns why the token is not sent now. A recorded intent belongs to a process that died, and one more
/// attempt is allowed. If that process dies too, attempts pause; only an explicit request of the user ends
/// the pause early.
pub(super) fn withheld(
    grant: &Grant,
    earlier: Option<&Intent>,
    request: &TokenRequest,
    now: Timestamp,
) -> Option<Error> {
    let earlier = earlier.filter(|i| i.sends >= UNANSWERED_AT_MOST)?;
    let doublings = (earlier.sends - UNANSWERED_AT_MOST).min(16);
    let pause = (PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
    let is_over = now >= earlier.at.plus(pause);
    if is_over || request.force || grant.rotates == Some(false) {
        return None;
    }
    let what = format!(
        "the refresh token of {} was sent {} times without a response: it may already have \
             been used",
        grant.key, earlier.sends
    );
    Some(Error::login_required(what).hint(Advice::Refresh(grant.key.clone())))
}

fn hash(token: &Secret) -> String {
    hex_sha256(&[token.expose().as_bytes()])
}
