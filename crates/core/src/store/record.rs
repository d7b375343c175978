//! Records as text: a grant or a named secret, and the checks that the requested record was read.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::Serializer;
use serde_json::ser::Formatter;
use zeroize::Zeroizing;

use crate::advice::Advice;
use crate::digest::short_hex_sha256;
use crate::error::{Error, Result};
use crate::grant::{GRANT_VERSION, Grant, GrantKey};
use crate::secret::{Secret, exposed};

/// Maximum size of a record as JSON, in bytes: a larger one could be saved but not read again. Access,
/// refresh and id token can come from three responses of a server, each of at most 1 MiB; the narrowed
/// tokens have another one.
pub(super) const LARGEST: usize = 5 * 1024 * 1024;

/// The first field of every record.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

/// A named secret.
#[derive(Serialize, Deserialize)]
struct Item {
    version: u32,
    name: String,
    #[serde(with = "exposed")]
    value: Secret,
}

/// Encodes a grant as JSON.
pub(super) fn encode(grant: &Grant) -> Result<Zeroizing<Vec<u8>>> {
    to_json(grant)
}

/// Decodes the grant of this key from what was read at `place`.
pub(super) fn decode(bytes: &[u8], key: &GrantKey, place: &str) -> Result<Grant> {
    let grant: Grant = from_json(bytes, place)?;
    if grant.key == *key {
        return Ok(grant);
    }
    Err(damaged(place, &format!("it contains the grant of {}, not of {key}", grant.key)))
}

/// Encodes a named secret as JSON.
pub(super) fn encode_item(name: &str, value: &Secret) -> Result<Zeroizing<Vec<u8>>> {
    to_json(&Item { version: GRANT_VERSION, name: name.to_owned(), value: value.clone() })
}

/// Decodes the secret of this name from what was read at `place`.
pub(super) fn decode_item(bytes: &[u8], name: &str, place: &str) -> Result<Secret> {
    let item: Item = from_json(bytes, place)?;
    if item.name == name {
        return Ok(item.value);
    }
    Err(damaged(place, "it contains a different item"))
}

/// Returns the key of any grant.
#[cfg(feature = "file")]
pub(super) fn any_key(bytes: &[u8]) -> Option<GrantKey> {
    serde_json::from_slice::<Grant>(bytes).ok().map(|grant| grant.key)
}

/// Returns the name of any secret.
#[cfg(feature = "file")]
pub(super) fn any_item(bytes: &[u8]) -> Option<String> {
    serde_json::from_slice::<Item>(bytes).ok().map(|item| item.name)
}

/// Returns the name of an item in files and keyrings: none leaves its directory or collides with another.
pub(super) fn item_slug(name: &str) -> String {
    format!("item-{}", short_hex_sha256(&[name.as_bytes()]))
}

/// Returns the error for a record that exists but cannot be used.
pub(super) fn damaged(place: &str, why: &str) -> Error {
    Error::store(format!("the record in {place} is damaged: {why}"))
        .hint(Advice::RestoreRecord(None))
}

fn too_large(bytes: usize) -> Error {
    Error::store(format!("the record has {bytes} bytes, but at most {LARGEST} can be stored")).hint(
        "the previous record is unchanged; request fewer scopes, or store fewer or smaller \
         attributes",
    )
}

fn newer(place: &str, version: u32) -> Error {
    Error::store(format!(
        "the record in {place} has version {version}, but this program supports only \
         {GRANT_VERSION}"
    ))
    .hint("use the newer oauthctl that wrote the record; nothing was changed")
}

fn from_json<T: for<'a> Deserialize<'a>>(bytes: &[u8], place: &str) -> Result<T> {
    let head = serde_json::from_slice::<Head>(bytes);
    if let Ok(Head { version }) = head
        && version > GRANT_VERSION
    {
        return Err(newer(place, version));
    }
    // The parser's own message can quote what it read.
    serde_json::from_slice(bytes).map_err(|error| {
        damaged(place, &format!("not a record (line {}, column {})", error.line(), error.column()))
    })
}

/// Counted first and written afterwards, so that no growing buffer leaves copies of secrets behind.
fn to_json<T: Serialize>(value: &T) -> Result<Zeroizing<Vec<u8>>> {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let failed = |_| Error::internal("cannot write a record as JSON");
    let mut count = Count(0);
    value.serialize(&mut Serializer::with_formatter(&mut count, NoBraces)).map_err(failed)?;
    if count.0 > LARGEST {
        return Err(too_large(count.0));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(count.0));
    value.serialize(&mut Serializer::with_formatter(&mut *bytes, NoBraces)).map_err(failed)?;
    Ok(bytes)
}

/// Escapes braces in strings. KeePassXC replaces `{USERNAME}` and similar texts in what it returns, and
/// refuses to store `{REF:…}`.
struct NoBraces;

impl Formatter for NoBraces {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        for part in fragment.split_inclusive(['{', '}']) {
            let text = part.trim_end_matches(['{', '}']);
            writer.write_all(text.as_bytes())?;
            match &part[text.len()..] {
                "{" => writer.write_all(b"\\u007b")?,
                "}" => writer.write_all(b"\\u007d")?,
                _ => {}
            }
        }
        Ok(())
    }
}
