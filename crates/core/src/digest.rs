//! Names that are derived from hashes.
//!
//! Every run needs some. AWS-LC, which hashes everything else, would have to be initialized for them first.

use sha2::{Digest, Sha256};

/// Returns the SHA-256 hash of the concatenation of these parts, in hexadecimal.
pub(crate) fn hex_sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hex(&hash.finalize())
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
