//! id_tokens (OpenID Connect Core, section 2).

use aws_lc_rs::digest;
use serde_json::json;

use super::keys::base64url;
use super::people;
use super::realm::Realm;
use super::reply::{Object, Refusal, object};
use super::request::Call;
use super::scenario::Signing;
use super::store::Family;

/// How long an id_token is good for, in seconds.
const TTL: u64 = 3_600;

/// Makes an id_token for a grant. `signing` is what the client registered.
pub(super) fn make(
    realm: &Realm,
    call: &Call,
    family: &Family,
    access_token: &str,
    signing: Option<Signing>,
) -> Result<String, Refusal> {
    let now = realm.now();
    let mut claims = object(json!({
        "iss": realm.issuer,
        "sub": family.subject,
        "aud": family.client_id,
        "azp": family.client_id,
        "exp": now + TTL,
        "iat": now,
        "auth_time": family.auth_time,
        "at_hash": at_hash(access_token),
    }));
    if let Some(nonce) = &family.nonce {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    add_person(&mut claims, &family.subject, &family.scope);
    let cue = realm.cue();
    realm.effects.claims(call, &mut claims, &cue);
    let signing = realm.effects.signing().or(signing).unwrap_or(Signing::Es256);
    realm.shared.keys.sign(signing, |header| realm.effects.header(header, &cue), &claims)
}

/// The left half of the hash, as both ES256 and RS256 want it (section 3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    base64url(&hash.as_ref()[..16])
}

/// Adds what the scopes allow to say of a person (section 5.4).
pub(super) fn add_person(claims: &mut Object, subject: &str, scope: &str) {
    let Some(person) = people::find(subject) else { return };
    let mut add = |name: &str, value: serde_json::Value| claims.insert(name.to_owned(), value);
    if scope.split(' ').any(|s| s == "profile") {
        add("name", json!(person.name));
        add("preferred_username", json!(person.username));
    }
    if scope.split(' ').any(|s| s == "email") {
        add("email", json!(person.email()));
        add("email_verified", json!(true));
    }
}
