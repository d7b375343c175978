//! id_tokens (OpenID Connect Core, section 2).

use aws_lc_rs::digest;
use serde_json::json;

use super::issuer::Issuer;
use super::keys::{Signing, base64url};
use super::reply::{Object, Refusal, object};
use super::request::Call;
use super::store::Family;
use super::users;

/// Lifetime of an id_token, in seconds.
const TTL: u64 = 3_600;

/// Issues an id_token for a grant. `signing` is what the client registered.
pub(super) fn make(
    issuer: &Issuer,
    call: &Call,
    family: &Family,
    access_token: &str,
    signing: Option<Signing>,
) -> Result<String, Refusal> {
    let now = issuer.now();
    let mut claims = object(json!({
        "iss": issuer.identifier,
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
    add_user(&mut claims, &family.subject, &family.scope);
    let cue = issuer.cue();
    issuer.effects.claims(call, &mut claims, &cue);
    let signing = issuer.effects.signing().or(signing).unwrap_or(Signing::Es256);
    issuer.shared.keys.sign(signing, |header| issuer.effects.header(header, &cue), &claims)
}

/// Returns the left half of the hash, as both ES256 and RS256 require it (section 3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    base64url(&hash.as_ref()[..16])
}

/// Adds what the scopes allow to say of a user (section 5.4).
pub(super) fn add_user(claims: &mut Object, subject: &str, scope: &str) {
    let Some(user) = users::find(subject) else { return };
    let mut add = |name: &str, value: serde_json::Value| claims.insert(name.to_owned(), value);
    if scope.split(' ').any(|s| s == "profile") {
        add("name", json!(user.name));
        add("preferred_username", json!(user.username));
    }
    if scope.split(' ').any(|s| s == "email") {
        add("email", json!(user.email()));
        add("email_verified", json!(true));
    }
}
