//! What a record's file holds: JSON, authenticated, encrypted with age.
//!
//! Anyone who knows the public key can encrypt to it. So the JSON object ends with a member `mac`: HMAC
//! with SHA-256 over the record's name and the object without that member, with a key that only the
//! identity gives ([`Key::mac`]). It stands inside the age file, which the `age` program opens as ever.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use zeroize::Zeroizing;

use super::key::Key;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::store::age_file::{self, Unopened};
use crate::store::record;

/// What stands between the record and its tag.
const MEMBER: &[u8] = b",\"mac\":\"";
/// What stands behind the tag.
const END: &[u8] = b"\"}";
/// The bytes of a tag in base64url.
const TAG: usize = 43;

/// What was in a file.
#[derive(Clone)]
pub(super) struct Unsealed {
    /// The JSON, without the tag.
    pub(super) json: Zeroizing<Vec<u8>>,
    /// Whether whoever wrote it had the identity.
    pub(super) is_authentic: bool,
}

/// Authenticates and encrypts a record, a JSON object, under its name.
pub(super) fn seal(key: &Key, slug: &str, json: &[u8]) -> Result<Vec<u8>> {
    let tag = tag(key, slug, json)?;
    let Some((b'}', body)) = json.split_last() else {
        return Err(Error::internal("a record is not a JSON object"));
    };
    let mut text = Zeroizing::new(Vec::with_capacity(body.len() + MEMBER.len() + TAG + END.len()));
    text.extend_from_slice(body);
    text.extend_from_slice(MEMBER);
    text.extend_from_slice(BASE64.encode(tag).as_bytes());
    text.extend_from_slice(END);
    age::encrypt(&key.identity.to_public(), &text)
        .map_err(|_| Error::internal("a record cannot be encrypted"))
}

/// Decrypts what is at `place`, and says whether it is authentic under this name.
pub(super) fn unseal(key: &Key, slug: &str, sealed: &[u8], place: &str) -> Result<Unsealed> {
    let opened = age_file::decrypt(&key.identity, sealed, record::LARGEST);
    let mut json = opened.map_err(|unopened| match unopened {
        Unopened::OtherKey => other_key(place),
        Unopened::Damaged => record::damaged(place, "it does not decrypt"),
        Unopened::Header(why) => record::damaged(place, why),
        Unopened::TooLong => record::damaged(place, "it is too large for a record"),
    })?;
    let is_authentic = match take_tag(&mut json) {
        Some(given) => {
            let right = tag(key, slug, &json)?;
            constant_time::verify_slices_are_equal(right.as_ref(), &given).is_ok()
        }
        None => false,
    };
    Ok(Unsealed { json, is_authentic })
}

/// Takes the tag out of the JSON, where it ends with one.
fn take_tag(json: &mut Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
    let body = json.len().checked_sub(MEMBER.len() + TAG + END.len())?;
    let tag = json[body..].strip_prefix(MEMBER)?.strip_suffix(END)?;
    let tag = BASE64.decode(tag).ok()?;
    json.truncate(body);
    json.push(b'}');
    Some(tag)
}

/// The tag of a record. The length of the name stands before it, so that no part of the one can be taken
/// for the other.
fn tag(key: &Key, slug: &str, json: &[u8]) -> Result<hmac::Tag> {
    let mut context = hmac::Context::with_key(key.mac()?);
    context.update(&(slug.len() as u64).to_be_bytes());
    context.update(slug.as_bytes());
    context.update(json);
    Ok(context.sign())
}

/// The record needs another key.
pub(super) fn other_key(place: &str) -> Error {
    Error::store(format!(
        "the record in {place} is sealed for another key than the one that was given, or is damaged"
    ))
    .hint(Advice::GiveStoreKey)
}
