//! The narrowed tokens that are kept with a grant: few and small enough for its record to stay readable.

use std::time::Duration;

use crate::grant::{Grant, TokenSet};
use crate::time::Timestamp;

/// How many are kept.
const MOST: usize = 16;
/// The most bytes that all of them may have in the record: as many as a server's answer. The record has
/// room for several answers.
const MOST_BYTES: usize = crate::port::MAX_BODY;

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
    use crate::Secret;
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
