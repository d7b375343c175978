//! One account as one line of text, for machines without a store of their own.

use std::io::Write;
use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use zeroize::Zeroizing;

use super::age_file::{self, MOST_RECIPIENTS, Unopened};
use super::record;
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{GRANT_VERSION, Grant};

/// Begins a line that is not encrypted.
const PLAIN: &str = "oauthctl-1-plain.";

/// Begins a line that is encrypted with age.
const SEALED: &str = "oauthctl-1-age.";

/// The most bytes of a line: room for the largest record that a store keeps, encrypted and in base64.
pub const LONGEST_LINE: usize = record::LARGEST / 2 * 3;

/// Writes a grant as one line. With recipients (`age1…`) it is encrypted to them; without, whoever
/// has the line has the refresh token.
///
/// # Errors
///
/// `Usage` for an invalid recipient or more than 100 of them, `Store` for a grant that is too large.
pub fn export(grant: &Grant, recipients: &[String]) -> Result<Secret> {
    let json = record::encode(grant)?;
    if recipients.len() > MOST_RECIPIENTS {
        let what =
            format!("{} recipients: at most {MOST_RECIPIENTS} are possible", recipients.len());
        return Err(Error::usage(what).hint("export several lines"));
    }
    if recipients.is_empty() {
        return Ok(Secret::new(format!("{PLAIN}{}", BASE64.encode(&*json))));
    }
    let recipients: Vec<age::x25519::Recipient> = recipients
        .iter()
        .map(|text| {
            age::x25519::Recipient::from_str(text).map_err(|_| {
                Error::usage("a recipient is not an age public key").hint(Advice::UseRecipient)
            })
        })
        .collect::<Result<_>>()?;
    let failed = || Error::internal("the line could not be encrypted");
    let references = recipients.iter().map(|r| r as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(references).map_err(|_| failed())?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|_| failed())?;
    writer.write_all(&json).map_err(|_| failed())?;
    writer.finish().map_err(|_| failed())?;
    Ok(Secret::new(format!("{SEALED}{}", BASE64.encode(sealed))))
}

/// Reads a line that [`export`] wrote. `identity` (`AGE-SECRET-KEY-1…`) opens an encrypted one.
///
/// # Errors
///
/// `Usage` for a line that is none or is damaged, `Store` where the key is missing or wrong.
pub fn import(line: &Secret, identity: Option<&Secret>) -> Result<Grant> {
    let line = line.expose().trim();
    let json = if let Some(text) = line.strip_prefix(PLAIN) {
        decode(text)?
    } else if let Some(text) = line.strip_prefix(SEALED) {
        unseal(&decode(text)?, identity)?
    } else {
        return Err(Error::usage("this is not the line of an exported account")
            .hint("give the whole line, as it was printed"));
    };
    let grant: Grant = serde_json::from_slice(&json).map_err(|_| damaged())?;
    if grant.version > GRANT_VERSION {
        return Err(Error::store("this line was exported by a newer oauthctl")
            .hint("update oauthctl on this machine"));
    }
    Ok(grant)
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>> {
    if text.len() > LONGEST_LINE {
        return Err(too_long());
    }
    BASE64.decode(text).map(Zeroizing::new).map_err(|_| damaged())
}

fn damaged() -> Error {
    Error::usage("the exported line is damaged").hint("export the account again")
}

fn too_long() -> Error {
    Error::usage("the line is longer than any exported account")
        .hint("give the line alone, as it was printed")
}

fn unseal(sealed: &[u8], identity: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>> {
    let identity = identity.ok_or_else(|| {
        Error::store("the exported line is encrypted, and there is no key for it")
            .hint("give the age identity that it was encrypted for with OAUTHCTL_STORE_KEY or OAUTHCTL_STORE_KEY_FILE")
    })?;
    // A key file has remarks above the identity.
    let lines = identity.expose().lines().map(str::trim);
    let identity = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .find_map(|line| age::x25519::Identity::from_str(line).ok())
        .ok_or_else(|| Error::store("the store's key is no age identity"))?;
    age_file::decrypt(&identity, sealed, record::LARGEST).map_err(|unopened| match unopened {
        Unopened::OtherKey | Unopened::Damaged => {
            Error::store("the exported line cannot be decrypted")
                .hint("it was encrypted for another key, or is damaged")
        }
        Unopened::Header(why) => Error::usage(format!("the exported line is damaged: {why}")),
        Unopened::TooLong => too_long(),
    })
}
