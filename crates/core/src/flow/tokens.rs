//! The rules of tokens: whether a stored one has enough life, what a reply makes of them, and how many narrowed
//! ones are kept with a grant, few and small enough for its record to stay readable.

use std::time::Duration;

use super::{ASSUMED_LIFE, Handout, TokenRequest};
use crate::Secret;
use crate::error::Error;
use crate::grant::{Grant, GrantKey, TokenSet};
use crate::profile::Profile;
use crate::protocol::reply::TokenReply;
use crate::time::{Timestamp, describe};

/// How many narrowed tokens are kept.
const MOST: usize = 16;
/// The most bytes that all of them may have in the record: as many as a server's answer. The record has
/// room for several answers.
const MOST_BYTES: usize = crate::port::MAX_BODY;

/// The stored tokens, if they are valid for long enough: what [`FlowManager::token`](super::FlowManager::token) answers without lock or
/// network. Without any `min_ttl` every valid token will do; with `force` none will.
pub fn stored(grant: &Grant, want: &TokenRequest, force: bool, now: Timestamp) -> Option<Handout> {
    let tokens = wanted(grant, want)?;
    let enough = !force && lives(grant, tokens, want.least_life(tokens), now);
    enough.then(|| Handout::of(grant, tokens.clone(), false))
}

pub(super) fn wanted<'a>(grant: &'a Grant, want: &TokenRequest) -> Option<&'a TokenSet> {
    match want.narrowing() {
        None => Some(&grant.tokens),
        Some(name) => grant.narrowed.get(&name),
    }
}

fn lives(grant: &Grant, tokens: &TokenSet, min_ttl: Duration, now: Timestamp) -> bool {
    let has_life = match tokens.expires_at {
        None if grant.tokens.refresh_token.is_some() => now < grant.refreshed_at.plus(ASSUMED_LIFE),
        _ => tokens.lives(now, min_ttl),
    };
    has_life && !from_the_future(grant, now)
}

/// A record from the future means that the clock was set back: its expiry cannot be trusted.
fn from_the_future(grant: &Grant, now: Timestamp) -> bool {
    grant.refreshed_at > now.plus(Duration::from_secs(300))
}

/// Says that `min_ttl` does not apply to tokens of so short a lifetime, where those before were not as short.
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
        "access tokens of {key} live for {lifetime} only, less than twice `min_ttl` ({usual}): each is used until \
         a tenth of its lifetime is left"
    )))
}

/// The token set of a reply, its lifetimes made points in time. Without a `scope` in the
/// response, what was asked for is what was granted (RFC 6749, section 5.1).
pub(super) fn of_reply(reply: &TokenReply, asked: &[String], id_token: Option<Secret>) -> TokenSet {
    // The server answered later than this: no token is taken to live longer than it does.
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
    }
}

/// Keeps a narrowed token under its name. Those that have expired make room for it, then those that
/// expire first. One that is too large alone is not kept: it is requested again the next time.
pub(super) fn keep(grant: &mut Grant, name: String, tokens: TokenSet, now: Timestamp) {
    grant.narrowed.remove(&name);
    grant.narrowed.retain(|_, kept| kept.lives(now, Duration::ZERO));
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

/// How many bytes of the record it takes, at most: JSON names, and each text as it is escaped.
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
    fn those_that_expire_first_make_room() {
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
    fn large_ones_leave_the_record_readable() {
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
