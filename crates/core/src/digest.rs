//! SHA-256, and what is derived with it: names and keys.
//!
//! AWS-LC learns what the processor can do before `main`. Another implementation would ask again in each run: in a virtual
//! machine that costs as much as hundreds of hashes.

use aws_lc_rs::digest::{Context, SHA256};
#[cfg(feature = "file")]
use aws_lc_rs::{error::Unspecified, hkdf};
#[cfg(feature = "file")]
use zeroize::Zeroizing;

/// Returns the SHA-256 hash of the concatenation of these parts, in hexadecimal.
pub(crate) fn hex_sha256(parts: &[&[u8]]) -> String {
    let mut hash = Context::new(&SHA256);
    parts.iter().for_each(|part| hash.update(part));
    hex(hash.finish().as_ref())
}

/// Derives a key from a secret with HKDF-SHA256 (RFC 5869).
#[cfg(feature = "file")]
pub(crate) fn derive_key(
    salt: &[u8],
    info: &[u8],
    secret: &[u8],
) -> Result<Zeroizing<[u8; 32]>, Unspecified> {
    let mut key = Zeroizing::new([0; 32]);
    let root = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    root.expand(&[info], hkdf::HKDF_SHA256)?.fill(key.as_mut())?;
    Ok(key)
}

/// Returns the hexadecimal digits of these bytes. Every run needs some; formatting each byte would take most of
/// the time of a hash.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

/// Returns the first half of it, for file names.
pub(crate) fn short_hex_sha256(parts: &[&[u8]]) -> String {
    let mut name = hex_sha256(parts);
    name.truncate(name.len() / 2);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_covers_all_parts() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex_sha256(&[b"a", b"", b"bc"]), abc);
        assert_eq!(short_hex_sha256(&[b"abc"]), abc[..32]);
    }
}
