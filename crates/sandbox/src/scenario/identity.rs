//! Scenarios about identity: id_tokens, keys, userinfo; and about the endpoints that manage tokens.

use serde_json::{Value, json};

use super::super::keys::{Signing, base64url};
use super::super::reply::Reply;
use super::effect::{Cue, Effect, On, Rule};
use super::row::{Scenario, row};

const FORTNIGHT: u64 = 14 * 86_400;

macro_rules! claim {
    ($name:literal, $value:expr) => {
        claim!(On::Token, $name, $value)
    };
    ($on:expr, $name:literal, $value:expr) => {
        Effect::Claims($on, |claims, _| {
            claims.insert($name.to_owned(), json!($value));
        })
    };
}

macro_rules! without_claim {
    ($name:literal) => {
        Effect::Claims(On::Token, |claims, _| {
            claims.shift_remove($name);
        })
    };
}

const WITHOUT_KID: Effect = Effect::Header(|header, _| {
    header.shift_remove("kid");
});

fn move_in_time(claims: &mut serde_json::Map<String, Value>, issued: u64) {
    for (name, at) in [("iat", issued), ("auth_time", issued), ("exp", issued + 3_600)] {
        claims.insert(name.to_owned(), json!(at));
    }
}

fn stale_keys(keys: &mut Vec<Value>, cue: &Cue) {
    if cue.jwks_fetches == 0 {
        *keys = cue.keys.decoys().iter().take(1).cloned().collect();
    }
}

pub(super) const ROWS: &[Scenario] = &[
    row(
        "id-token-rs256",
        "Signs id_tokens with RS256 instead of ES256.",
        &[Effect::Sign(Signing::Rs256)],
    ),
    row("id-token-alg-none", "Issues unsigned id_tokens.", &[Effect::Sign(Signing::Unsigned)]),
    row(
        "id-token-hs256",
        "Signs id_tokens with HS256 and the public key as secret.",
        &[Effect::Sign(Signing::PublicKeyAsSecret)],
    ),
    row(
        "id-token-bad-signature",
        "Signs different data than the id_token.",
        &[Effect::Sign(Signing::Forged)],
    ),
    row(
        "id-token-jku-header",
        "Refers to a separate key set in the header of id_tokens; fetching it is journaled as canary.",
        &[Effect::Header(|header, cue| {
            header.insert("jku".to_owned(), json!(format!("{}/canary", cue.origin)));
        })],
    ),
    row(
        "id-token-crit-header",
        "Marks an unknown header of id_tokens as critical.",
        &[Effect::Header(|header, _| {
            header.insert("crit".to_owned(), json!(["sandbox"]));
            header.insert("sandbox".to_owned(), json!(true));
        })],
    ),
    row(
        "id-token-wrong-iss",
        "Uses a different issuer in id_tokens.",
        &[claim!("iss", "https://attacker.example")],
    ),
    row(
        "id-token-wrong-aud",
        "Issues id_tokens for another client.",
        &[claim!("aud", "another-client")],
    ),
    row(
        "id-token-array-aud",
        "Uses an array of one element as the audience of id_tokens.",
        &[Effect::Claims(On::Token, |claims, _| {
            let aud = claims.get("aud").cloned().unwrap_or_default();
            claims.insert("aud".to_owned(), json!([aud]));
        })],
    ),
    row(
        "id-token-extra-aud",
        "Issues id_tokens for the client and another one.",
        &[Effect::Claims(On::Token, |claims, _| {
            let aud = claims.get("aud").cloned().unwrap_or_default();
            claims.insert("aud".to_owned(), json!([aud, "another-client"]));
        })],
    ),
    row(
        "id-token-wrong-azp",
        "Uses another client as the azp of id_tokens.",
        &[claim!("azp", "another-client")],
    ),
    row(
        "id-token-expired",
        "Issues id_tokens that expired two weeks ago.",
        &[Effect::Claims(On::Token, |claims, cue| {
            move_in_time(claims, cue.now.saturating_sub(FORTNIGHT))
        })],
    ),
    row(
        "id-token-future",
        "Issues id_tokens with an issue time two weeks in the future.",
        &[Effect::Claims(On::Token, |claims, cue| move_in_time(claims, cue.now + FORTNIGHT))],
    ),
    row("id-token-no-nonce", "Omits the nonce from id_tokens.", &[without_claim!("nonce")]),
    row(
        "id-token-wrong-nonce",
        "Issues id_tokens with a wrong nonce.",
        &[claim!("nonce", "not-the-nonce-you-sent")],
    ),
    row("id-token-missing-sub", "Omits the subject from id_tokens.", &[without_claim!("sub")]),
    row("id-token-missing-iat", "Omits the issue time from id_tokens.", &[without_claim!("iat")]),
    row("id-token-missing-exp", "Omits the expiry from id_tokens.", &[without_claim!("exp")]),
    row("id-token-missing-aud", "Omits the audience from id_tokens.", &[without_claim!("aud")]),
    row(
        "id-token-bad-at-hash",
        "Issues id_tokens whose at_hash is that of another access token.",
        &[Effect::Claims(On::Token, |claims, _| {
            claims.insert("at_hash".to_owned(), json!(base64url(&[7; 16])));
        })],
    ),
    row(
        "id-token-missing",
        "Issues no id_token, although openid was granted.",
        &[Effect::Edit(On::Token, |json, _| {
            json.shift_remove("id_token");
        })],
    ),
    row(
        "refresh-other-sub",
        "Issues an id_token for another user at a refresh.",
        &[claim!(On::Refresh, "sub", "person-of-elsewhere")],
    ),
    row(
        "refresh-other-iss",
        "Issues an id_token of another issuer at a refresh.",
        &[claim!(On::Refresh, "iss", "https://attacker.example")],
    ),
    row(
        "refresh-other-aud",
        "Issues an id_token for another client at a refresh.",
        &[claim!(On::Refresh, "aud", "another-client")],
    ),
    row(
        "jwks-rotated",
        "Publishes an old key first; the second fetch returns the signing key.",
        &[Effect::Keys(stale_keys)],
    ),
    row(
        "jwks-wrong",
        "Publishes a different key under the id of the signing key.",
        &[Effect::Keys(|keys, cue| {
            let kids: Vec<_> = keys.iter().map(|k| k["kid"].clone()).collect();
            *keys = cue.keys.decoys().iter().take(kids.len()).cloned().collect();
            for (key, kid) in keys.iter_mut().zip(kids) {
                key["kid"] = kid;
            }
        })],
    ),
    row("jwks-empty", "Publishes no keys.", &[Effect::Keys(|keys, _| keys.clear())]),
    row(
        "jwks-no-kid",
        "Omits the key id, both in the key set and in id_tokens.",
        &[
            WITHOUT_KID,
            Effect::Keys(|keys, _| {
                for key in keys {
                    if let Some(key) = key.as_object_mut() {
                        key.shift_remove("kid");
                    }
                }
            }),
        ],
    ),
    row(
        "jwks-many",
        "Publishes a dozen other keys before the signing key, and omits the key id in id_tokens.",
        &[
            WITHOUT_KID,
            Effect::Keys(|keys, cue| {
                keys.splice(0..0, cue.keys.decoys().iter().cloned());
            }),
        ],
    ),
    row(
        "jwks-500",
        "Answers requests for the key set with status 500.",
        &[Effect::Instead(On::Jwks, |_| Reply::empty(500))],
    ),
    row(
        "userinfo-other-sub",
        "Answers userinfo requests with another user.",
        &[Effect::Edit(On::Userinfo, |json, _| {
            json.insert("sub".to_owned(), json!("person-of-elsewhere"));
        })],
    ),
    row(
        "userinfo-html",
        "Answers userinfo requests with a web page.",
        &[Effect::Instead(On::Userinfo, |_| {
            Reply::bytes(200, "text/html; charset=utf-8", "<!doctype html><title>Profile</title>\n")
        })],
    ),
    row(
        "userinfo-401",
        "Refuses every access token at the userinfo endpoint.",
        &[Effect::Instead(On::Userinfo, |_| {
            Reply::empty(401).header("www-authenticate", "Bearer error=\"invalid_token\"")
        })],
    ),
    row(
        "revoke-500",
        "Answers revocation requests with status 500.",
        &[Effect::Instead(On::Revocation, |_| Reply::empty(500))],
    ),
    row(
        "revoke-503",
        "Answers revocation requests with status 503 and a Retry-After of one second.",
        &[Effect::Instead(On::Revocation, |_| Reply::empty(503).header("retry-after", "1"))],
    ),
    row(
        "revoke-redirect",
        "Redirects revocation requests to another path of this server, which the journal calls canary.",
        &[Effect::Instead(On::Revocation, |cue| {
            Reply::redirect(307, format!("{}/canary", cue.origin))
        })],
    ),
    row(
        "introspect-inactive",
        "Reports every token as inactive.",
        &[Effect::Edit(On::Introspection, |json, _| {
            json.clear();
            json.insert("active".to_owned(), json!(false));
        })],
    ),
    row("dpop-nonce", "Requires a nonce in DPoP proofs.", &[Effect::Rule(Rule::ProofNonce)]),
];
