//! Records as text: a grant, or a named secret, and the checks that what was read is what was asked.

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

/// The most bytes of a record as JSON: what is larger could be saved, and not be read again. Access, refresh
/// and id token can come from three answers of a server, each of at most 1 MiB; the narrowed tokens have
/// another one.
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

/// A grant as JSON.
pub(super) fn encode(grant: &Grant) -> Result<Zeroizing<Vec<u8>>> {
    to_json(grant)
}

/// The grant of this key in what was read at `place`.
pub(super) fn decode(bytes: &[u8], key: &GrantKey, place: &str) -> Result<Grant> {
    let grant: Grant = from_json(bytes, place)?;
    if grant.key == *key {
        return Ok(grant);
    }
    Err(damaged(place, &format!("it holds the grant of {}, not of {key}", grant.key)))
}

/// A named secret as JSON.
pub(super) fn encode_item(name: &str, value: &Secret) -> Result<Zeroizing<Vec<u8>>> {
    to_json(&Item { version: GRANT_VERSION, name: name.to_owned(), value: value.clone() })
}

/// The secret of this name in what was read at `place`.
pub(super) fn decode_item(bytes: &[u8], name: &str, place: &str) -> Result<Secret> {
    let item: Item = from_json(bytes, place)?;
    if item.name == name {
        return Ok(item.value);
    }
    Err(damaged(place, "it holds another item"))
}

/// The key of whatever grant this is.
#[cfg(feature = "file")]
pub(super) fn any_key(bytes: &[u8]) -> Option<GrantKey> {
    serde_json::from_slice::<Grant>(bytes).ok().map(|grant| grant.key)
}

/// The name of whatever secret this is.
#[cfg(feature = "file")]
pub(super) fn any_item(bytes: &[u8]) -> Option<String> {
    serde_json::from_slice::<Item>(bytes).ok().map(|item| item.name)
}

/// The name of an item in files and keyrings: no name leaves its folder or meets another.
pub(super) fn item_slug(name: &str) -> String {
    format!("item-{}", short_hex_sha256(&[name.as_bytes()]))
}

/// A record that is there and cannot be used.
pub(super) fn damaged(place: &str, why: &str) -> Error {
    Error::store(format!("the record in {place} is damaged: {why}")).hint(Advice::RestoreRecord)
}

fn too_large(bytes: usize) -> Error {
    Error::store(format!("the record has {bytes} bytes, and at most {LARGEST} can be stored")).hint(
        "what was stored before is unchanged; ask for fewer scopes, or keep fewer and smaller attributes",
    )
}

fn newer(place: &str, version: u32) -> Error {
    Error::store(format!(
        "the record in {place} has version {version}, and this program knows {GRANT_VERSION}"
    ))
    .hint("a newer oauthctl wrote it: use that one; nothing was changed")
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

/// Counted first and written then, so that no growing buffer leaves copies of secrets behind.
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
    let failed = |_| Error::internal("a record cannot be written as JSON");
    let mut count = Count(0);
    value.serialize(&mut Serializer::with_formatter(&mut count, NoBraces)).map_err(failed)?;
    if count.0 > LARGEST {
        return Err(too_large(count.0));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(count.0));
    value.serialize(&mut Serializer::with_formatter(&mut *bytes, NoBraces)).map_err(failed)?;
    Ok(bytes)
}

/// Escapes braces in strings. KeePassXC replaces `{USERNAME}` and the like in what it hands out, and
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
