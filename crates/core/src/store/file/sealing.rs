//! The content of a record's file: JSON, authenticated, encrypted with age.
//!
//! Anyone who knows the public key can encrypt to it. The JSON object therefore ends with a member `mac`:
//! HMAC with SHA-256 over the record's name and the object without that member, with a key that is derived
//! from the identity ([`Key::mac`](Key)). It is inside the age file, which the `age` program decrypts as usual.

use std::io::Write;

use aws_lc_rs::constant_time;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use zeroize::Zeroizing;

use super::key::Key;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::store::age_file::{self, Unopened};
use crate::store::record;

/// The bytes between the record and its tag.
const MEMBER: &[u8] = b",\"mac\":\"";
/// The bytes after the tag.
const END: &[u8] = b"\"}";
/// Length of a tag in base64url, in bytes.
const TAG: usize = 43;

/// The content of a file.
#[derive(Clone)]
pub(super) struct Unsealed {
    /// The JSON, without the tag.
    pub(super) json: Zeroizing<Vec<u8>>,
    /// Whether it was written with the identity.
    pub(super) is_authentic: bool,
}

/// Authenticates and encrypts a record, a JSON object, under its name.
pub(super) fn seal(key: &Key, slug: &str, json: &[u8]) -> Result<Vec<u8>> {
    let tag = tag(key, slug, json);
    let Some((b'}', body)) = json.split_last() else {
        return Err(Error::internal("a record is not a JSON object"));
    };
    let mut text = Zeroizing::new(Vec::with_capacity(body.len() + MEMBER.len() + TAG + END.len()));
    text.extend_from_slice(body);
    text.extend_from_slice(MEMBER);
    text.extend_from_slice(BASE64.encode(tag).as_bytes());
    text.extend_from_slice(END);
    encrypt(key, key.identity()?, &text).map_err(|_| Error::internal("cannot encrypt a record"))
}

fn encrypt(key: &Key, identity: &age::x25519::Identity, text: &[u8]) -> std::io::Result<Vec<u8>> {
    let to: [&dyn age::Recipient; 2] = [&key.wrapping, &identity.to_public()];
    // The crate's own message would bring its translations into the program.
    let to = age::Encryptor::with_recipients(to.into_iter())
        .map_err(|_| std::io::Error::other("no file key"))?;
    let mut sealed = Vec::new();
    let mut writer = to.wrap_output(&mut sealed)?;
    writer.write_all(text)?;
    writer.finish()?;
    Ok(sealed)
}

/// Decrypts the content of `place`, and checks whether it is authentic under this name.
pub(super) fn unseal(key: &Key, slug: &str, sealed: &[u8], place: &str) -> Result<Unsealed> {
    let opened = age_file::decrypt(&key.identities(), sealed, record::LARGEST);
    let mut json = opened.map_err(|unopened| match unopened {
        Unopened::OtherKey => other_key(key, place),
        Unopened::Damaged => record::damaged(place, "it does not decrypt"),
        Unopened::Header(why) => record::damaged(place, why),
        Unopened::TooLong => record::damaged(place, "it is too large for a record"),
    })?;
    let is_authentic = match take_tag(&mut json) {
        Some(given) => {
            let right = tag(key, slug, &json);
            constant_time::verify_slices_are_equal(right.as_ref(), &given).is_ok()
        }
        None => false,
    };
    Ok(Unsealed { json, is_authentic })
}

/// Removes the tag from the JSON, if it ends with one.
fn take_tag(json: &mut Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
    let body = json.len().checked_sub(MEMBER.len() + TAG + END.len())?;
    let tag = json[body..].strip_prefix(MEMBER)?.strip_suffix(END)?;
    let tag = BASE64.decode(tag).ok()?;
    json.truncate(body);
    json.push(b'}');
    Some(tag)
}

/// Returns the tag of a record. The length of the name comes first, so that name and record cannot be
/// confused.
fn tag(key: &Key, slug: &str, json: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, key.mac.as_slice()));
    context.update(&(slug.len() as u64).to_be_bytes());
    context.update(slug.as_bytes());
    context.update(json);
    context.sign()
}

/// Returns the error for a record that requires another key, or for the key if it is no identity.
pub(super) fn other_key(key: &Key, place: &str) -> Error {
    if let Err(bad_key) = key.identity() {
        return bad_key;
    }
    Error::store(format!("cannot decrypt the record in {place}: wrong key or damaged record"))
        .hint(Advice::GiveStoreKey(None))
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn record_is_authentic_whichever_way_it_is_decrypted() {
        let identity = age::x25519::Identity::generate();
        let text = identity.to_string();
        let key = Key::parse(text.expose_secret(), "the test").unwrap();
        let lower = Key::parse(&text.expose_secret().to_ascii_lowercase(), "the test").unwrap();
        let sealed = seal(&key, "p", br#"{"a":1}"#).unwrap();
        // As the `age` program decrypts it, and encrypts it again.
        let json = age_file::decrypt(&[&identity], &sealed, record::LARGEST).unwrap();
        let again = age::encrypt(&identity.to_public(), &json).unwrap();
        for (key, sealed) in [(&key, &sealed), (&lower, &sealed), (&key, &again)] {
            let opened = unseal(key, "p", sealed, "a file").unwrap();
            assert_eq!((opened.json.as_slice(), opened.is_authentic), (&br#"{"a":1}"#[..], true));
            assert!(!unseal(key, "q", sealed, "a file").unwrap().is_authentic);
        }
    }
}
