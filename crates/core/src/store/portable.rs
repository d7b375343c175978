//! One account as one line of text, for machines without their own store.

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

/// Prefix of a line that is not encrypted.
const PLAIN: &str = "oauthctl-1-plain.";

/// Prefix of a line that is encrypted with age.
const SEALED: &str = "oauthctl-1-age.";

/// Maximum length of a line, in bytes: room for the largest record of a store, encrypted and in base64.
pub const LONGEST_LINE: usize = record::LARGEST / 2 * 3;

/// Writes a grant as one line. With recipients (`age1…`), the line is encrypted to them. Without
/// recipients, anyone who has the line has the refresh token.
///
/// # Errors
///
/// Returns `Usage` for an invalid recipient or more than 100 of them, and `Store` for a grant that is too
/// large.
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
    let failed = || Error::internal("cannot encrypt the line");
    let references = recipients.iter().map(|r| r as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(references).map_err(|_| failed())?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|_| failed())?;
    writer.write_all(&json).map_err(|_| failed())?;
    writer.finish().map_err(|_| failed())?;
    Ok(Secret::new(format!("{SEALED}{}", BASE64.encode(sealed))))
}

/// Reads a line that [`export`] wrote. `identity` (`AGE-SECRET-KEY-1…`) decrypts an encrypted one.
///
/// # Errors
///
/// Returns `Usage` for an invalid or damaged line, and `Store` if the key is missing or wrong.
pub fn import(line: &Secret, identity: Option<&Secret>) -> Result<Grant> {
    let line = line.expose().trim();
    let json = if let Some(text) = line.strip_prefix(PLAIN) {
        decode(text)?
    } else if let Some(text) = line.strip_prefix(SEALED) {
        unseal(&decode(text)?, identity)?
    } else {
        return Err(Error::usage("not the line of an exported account")
            .hint("pass the whole line, exactly as it was printed"));
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
        .hint("pass only the line, exactly as it was printed")
}

fn unseal(sealed: &[u8], identity: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>> {
    let identity = identity.ok_or_else(|| {
        Error::store("the exported line is encrypted, but no key is set")
            .hint(Advice::GiveRecipientKey)
    })?;
    let bad = |what| Error::store(what).hint(Advice::GiveRecipientKey);
    // A key file has comments above the identity.
    let lines = identity.expose().lines().map(str::trim);
    let identity = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .find_map(|line| age::x25519::Identity::from_str(line).ok())
        .ok_or_else(|| bad("the store's key is not an age identity"))?;
    age_file::decrypt(&[&identity], sealed, record::LARGEST).map_err(|unopened| match unopened {
        Unopened::OtherKey | Unopened::Damaged => bad("cannot decrypt the exported line"),
        Unopened::Header(why) => Error::usage(format!("the exported line is damaged: {why}")),
        Unopened::TooLong => too_long(),
    })
}
