//! Rules for tokens: whether a stored one is valid for long enough, how a reply is converted, and how many
//! narrowed tokens are stored with a grant, few and small enough to keep its record readable.

use std::time::Duration;

use super::access_token::AccessToken;
use super::request::TokenRequest;
use super::turn::{Call, lock_wait};
use crate::Secret;
use crate::error::{Error, Result};
use crate::grant::{Grant, GrantKey, TokenSet};
use crate::profile::Profile;
use crate::protocol::id_token;
use crate::protocol::reply::TokenReply;
use crate::time::{Timestamp, describe};

/// Assumed lifetime of a refreshable token without `expires_in`: one hour. A token that cannot be refreshed
/// is handed out for as long as it is stored.
pub const ASSUMED_LIFETIME: Duration = Duration::from_secs(3_600);

/// How long before its expiry a token is handed out instead of waiting any longer.
const GIVE_UP: Duration = Duration::from_secs(5);

/// Maximum number of stored narrowed tokens.
const MOST: usize = 16;
/// Maximum size of all of them in the record, in bytes: that of one server response. The record has room
/// for several.
const MOST_BYTES: usize = crate::port::MAX_BODY;

/// Returns the stored tokens if they are valid for long enough: what [`FlowManager::token`](crate::FlowManager::token)
/// returns without a lock or the network. Without a `min_ttl`, any valid token is sufficient; with `force`, none is.
pub fn stored(
    grant: &Grant,
    request: &TokenRequest,
    force: bool,
    now: Timestamp,
) -> Option<AccessToken> {
    let tokens = requested(grant, request)?;
    let least = request.least_life(tokens);
    let enough = match request.id_token {
        true => id_token_lives(grant, tokens, least, now),
        false => is_usable(grant, tokens, least, now),
    };
    (enough && !force).then(|| AccessToken::of(grant, tokens, now))
}

/// The tokens of a grant that this request is about, if they are there.
fn requested<'a>(grant: &'a Grant, request: &TokenRequest) -> Option<&'a TokenSet> {
    match request.narrowing() {
        None => Some(&grant.tokens),
        Some(name) => grant.narrowed.get(&name),
    }
}

fn is_usable(grant: &Grant, tokens: &TokenSet, min_ttl: Duration, now: Timestamp) -> bool {
    let has_life = match tokens.expires_at {
        None if !tokens.withheld && grant.tokens.refresh_token.is_some() => {
            now < grant.refreshed_at.plus(ASSUMED_LIFETIME)
        }
        _ => tokens.is_valid_for(now, min_ttl),
    };
    has_life && !from_the_future(grant, now)
}

fn id_token_lives(grant: &Grant, tokens: &TokenSet, least: Duration, now: Timestamp) -> bool {
    let expires_at = tokens.id_token.as_ref().and_then(id_token::expires_at);
    let has_life = expires_at.is_some_and(|at| at > now && at.remaining(now) > least);
    has_life && !tokens.withheld && !from_the_future(grant, now)
}

/// Returns whether a record is from the future: the clock was set back, so its expiry cannot be trusted.
fn from_the_future(grant: &Grant, now: Timestamp) -> bool {
    grant.refreshed_at > now.plus(Duration::from_secs(300))
}

/// What a call found before it waited for the lock.
pub(super) struct Seen {
    pub(super) at: Timestamp,
    pub(super) grant: Option<Grant>,
    /// The id of the last recorded failure.
    pub(super) failure: Option<String>,
}

impl Seen {
    /// Returns how long a call waits for its turn: behind a holder that hangs, a token that still lives is worth
    /// more than one that is awaited.
    pub(super) fn patience(&self, call: Call<'_>) -> Duration {
        let Call { context, request, .. } = call;
        let longest = lock_wait(context.profile);
        let tokens = self.grant.as_ref().and_then(|grant| requested(grant, request));
        let expires_at = tokens.filter(|t| !t.withheld).and_then(|tokens| tokens.expires_at);
        let life = expires_at.map_or(Duration::ZERO, |at| at.remaining(self.at));
        let life = life.saturating_sub(GIVE_UP);
        if life.is_zero() || request.force { longest } else { longest.min(life) }
    }

    /// Returns the stored tokens if they suffice now that this call has the lock. Tokens that another
    /// process got meanwhile suffice too, however short their lifetime: another request would only return
    /// the same.
    pub(super) fn answer(
        &self,
        now_stored: &Grant,
        request: &TokenRequest,
        now: Timestamp,
    ) -> Option<AccessToken> {
        let access =
            |grant: &Grant| requested(grant, request).map(|tokens| tokens.access_token.clone());
        let before = self.grant.as_ref();
        let is_new = access(now_stored) != before.and_then(access);
        // Found withheld, its refresh was under way already.
        let was_awaited = before.is_some_and(|grant| grant.tokens.withheld);
        if is_new && (was_awaited || now_stored.refreshed_at >= self.at) {
            let any_life = request.any_life();
            return stored(now_stored, &any_life, false, now);
        }
        stored(now_stored, request, request.force && !is_new, now)
    }
}

/// After a transient failure an unexpired token still serves.
pub(super) fn fall_back_if_transient(
    call: Call<'_>,
    found: Option<Grant>,
    error: Error,
) -> Result<AccessToken> {
    if error.is_transient() { fall_back(call, found, error) } else { Err(error) }
}

/// Returns the stored token if it is still valid at all, with the error as a warning.
pub(super) fn fall_back(call: Call<'_>, found: Option<Grant>, error: Error) -> Result<AccessToken> {
    let Call { request, .. } = call;
    match found.and_then(|grant| stored(&grant, &request.any_life(), request.force, call.now())) {
        Some(token) => Ok(AccessToken { warning: Some(error), ..token }),
        None => Err(error),
    }
}

/// Warns that `min_ttl` does not apply to tokens with such a short lifetime, unless the previous ones were
/// as short.
pub(super) fn short_lived(
    profile: &Profile,
    key: &GrantKey,
    tokens: &TokenSet,
    before: Option<&TokenSet>,
) -> Option<Error> {
    let usual = profile.min_ttl;
    let is_short = |tokens: &TokenSet| tokens.min_ttl(usual) != usual;
    if !is_short(tokens) || before.is_some_and(is_short) {
        return None;
    }
    let lifetime = describe(Duration::from_secs(tokens.lifetime?));
    let usual = describe(usual);
    Some(Error::config(format!(
        "access tokens of {key} are valid for only {lifetime}, less than twice `min_ttl` \
         ({usual}): each is used until a tenth of its lifetime is left"
    )))
}

/// Returns the token set of a reply, with lifetimes converted to points in time. A response without `scope`
/// granted what was requested (RFC 6749, section 5.1).
pub(super) fn of_reply(reply: &TokenReply, asked: &[String], id_token: Option<Secret>) -> TokenSet {
    // The server responded later than this: no token is assumed to live longer than it does.
    let now = reply.sent_at;
    TokenSet {
        access_token: reply.access_token.clone(),
        token_type: reply.token_type.to_owned(),
        expires_at: reply.expires_in.map(|life| now.plus(life)),
        lifetime: reply.expires_in.map(|life| life.as_secs()),
        refresh_token: reply.refresh_token.clone(),
        refresh_expires_at: reply.refresh_expires_in.map(|life| now.plus(life)),
        id_token,
        scopes: reply.scopes.clone().unwrap_or_else(|| asked.to_vec()),
        withheld: false,
    }
}

/// Stores a narrowed token under its name. Expired ones make room for it first, then those that expire
/// first. A token that is too large alone is not stored: it is requested again the next time.
pub(super) fn keep(grant: &mut Grant, name: String, tokens: TokenSet, now: Timestamp) {
    grant.narrowed.remove(&name);
    grant.narrowed.retain(|_, kept| kept.is_valid_for(now, Duration::ZERO));
    let own = size(&name, &tokens);
    if own > MOST_BYTES {
        return;
    }
    let mut all: usize = grant.narrowed.iter().map(|(name, tokens)| size(name, tokens)).sum();
    while grant.narrowed.len() >= MOST || all + own > MOST_BYTES {
        let first = grant.narrowed.iter().min_by_key(|(_, tokens)| tokens.expires_at);
        let Some((first, bytes)) = first.map(|(name, kept)| (name.clone(), size(name, kept)))
        else {
            break;
        };
        grant.narrowed.remove(&first);
        all -= bytes;
    }
    grant.narrowed.insert(name, tokens);
}

/// Returns the maximum number of bytes that it takes in the record: JSON names, and each string escaped.
fn size(name: &str, tokens: &TokenSet) -> usize {
    const NAMES: usize = 512;
    let secrets =
        [Some(&tokens.access_token), tokens.refresh_token.as_ref(), tokens.id_token.as_ref()];
    let texts = secrets.into_iter().flatten().map(|secret| secret.expose());
    let texts = texts.chain(tokens.scopes.iter().map(String::as_str)).chain([name]);
    texts.map(|text| escaped(text) + "\"\",".len()).sum::<usize>() + NAMES
}

fn escaped(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        b'{' | b'}' | 0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(1_000 + seconds)
    }

    fn grant() -> Grant {
        let grant = json!({
            "version": 1, "id": "g", "generation": 1, "key": { "profile": "p", "account": "a" },
            "pin": { "issuer": null, "token_endpoint": "https://as.example/token", "client_id": "c",
                "client_auth": "none" },
            "grant_type": "authorization_code",
            "tokens": { "access_token": "t", "token_type": "Bearer", "expires_at": null, "scopes": [] },
            "obtained_at": 1, "refreshed_at": 1,
        });
        serde_json::from_value(grant).unwrap()
    }

    fn tokens(text: &str, bytes: usize, life: u64) -> TokenSet {
        TokenSet {
            access_token: Secret::new(text.repeat(bytes / text.len())),
            expires_at: Some(at(life)),
            ..grant().tokens
        }
    }

    fn names(grant: &Grant) -> Vec<&str> {
        grant.narrowed.keys().map(String::as_str).collect()
    }

    #[test]
    fn tokens_that_expire_first_are_evicted() {
        let mut grant = grant();
        for number in 0..20 {
            keep(&mut grant, format!("{number:02}"), tokens("x", 10, 100 + number), at(0));
        }
        assert_eq!((grant.narrowed.len(), names(&grant)[0]), (MOST, "04"));
        keep(&mut grant, "late".to_owned(), tokens("x", 10, 300), at(115));
        assert_eq!(names(&grant), ["16", "17", "18", "19", "late"], "the others have expired");
        keep(&mut grant, "late".to_owned(), tokens("x", 20, 300), at(0));
        assert_eq!(grant.narrowed.len(), 5);
    }

    #[test]
    fn large_narrowed_tokens_leave_record_readable() {
        let mut grant = grant();
        for number in 0..20 {
            let large = tokens("x", MOST_BYTES / 3 - 1000, 100 + number);
            keep(&mut grant, format!("{number:02}"), large, at(0));
        }
        assert_eq!(names(&grant), ["17", "18", "19"]);
        keep(&mut grant, "huge".to_owned(), tokens("x", MOST_BYTES, 300), at(0));
        assert_eq!(names(&grant), ["17", "18", "19"], "it would leave no room");
        keep(&mut grant, "braces".to_owned(), tokens("{\"", MOST_BYTES / 5, 300), at(0));
        assert_eq!(names(&grant), ["braces"], "each takes eight bytes for two");
        assert!(serde_json::to_vec(&grant.narrowed).unwrap().len() <= MOST_BYTES);
    }
}
