//! When the background worker looks at a grant.

use std::time::Duration;

use oauthctl_core::Grant;

use crate::clock::now_seconds;

/// How long an application has to confirm a flow.
pub const CONFIRMATION: Duration = Duration::from_secs(600);

/// How much longer the unconfirmed grant is kept, so that a confirmation in time always finds it: the grant is stored
/// earlier than the confirmation, and the clocks of instances differ.
const LONGER: Duration = Duration::from_secs(60);

/// The part of a lifetime before its end in which a token is refreshed in the background: a fifth, at most
/// this.
const LONGEST_LEAD: u64 = 600;

/// Returns when a grant that is saved now is next due, in Unix seconds: before it expires, with jitter, so
/// that grants of the same minute are not refreshed in the same second; without a refresh token, when it expires.
pub fn first_look(grant: &Grant, is_unconfirmed: bool) -> Option<u64> {
    if is_unconfirmed {
        return Some(now_seconds() + (CONFIRMATION + LONGER).as_secs());
    }
    if grant.dead.is_some() {
        return None;
    }
    let expires_at = grant.tokens.expires_at?.unix();
    if grant.tokens.refresh_token.is_none() {
        // The worker reports that the token has expired.
        return Some(expires_at);
    }
    let lifetime = expires_at.saturating_sub(now_seconds());
    let lead = lead(lifetime);
    let jitter = jitter(&grant.id, lead / 2);
    Some(expires_at.saturating_sub(lead + jitter))
}

/// Returns how long before its end a token with this lifetime is refreshed.
pub fn lead(lifetime: u64) -> u64 {
    (lifetime / 5).min(LONGEST_LEAD)
}

/// Returns a number below `most` that depends on the grant only.
fn jitter(id: &str, most: u64) -> u64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    if most == 0 { 0 } else { hash % most }
}
