//! Decrypts age files, within limits.
//!
//! The `age` crate parses a header again for each of its lines, and tries the identity on each of its
//! recipients. The header is therefore measured before the crate sees it.

use std::io::Read;
use std::sync::OnceLock;

use age::stream::StreamReader;
use age::{DecryptError, Decryptor};
use zeroize::Zeroizing;

/// Maximum number of recipients of a file or line. Files of the file store have two stanzas.
pub(super) const MOST_RECIPIENTS: usize = 100;
/// Maximum size of a header, in bytes: room for [`MOST_RECIPIENTS`] stanzas of about 100 bytes.
const MOST_HEADER: usize = 16 * 1024;
/// Stanzas in addition to those of the recipients: age adds one without meaning, so that programs must ignore
/// unknown ones.
const SPARE_STANZAS: usize = 1;

/// Why a file cannot be decrypted. The messages of the `age` crate are meant for other programs.
#[derive(Debug)]
pub(super) enum Unopened {
    /// It is not an age file, or its header is longer than any that this program writes or reads.
    Header(&'static str),
    /// It was encrypted for another key. A damaged list of recipients looks the same.
    OtherKey,
    /// It is damaged.
    Damaged,
    /// It is longer than the limit.
    TooLong,
}

/// Decrypts the header with the first of the identities that can.
pub(super) fn open<'s>(
    identities: &[&dyn age::Identity],
    sealed: &'s [u8],
) -> Result<StreamReader<&'s [u8]>, Unopened> {
    measure(sealed)?;
    take_rest_of_heap();
    let opened =
        Decryptor::new_buffered(sealed).and_then(|file| file.decrypt(identities.iter().copied()));
    opened.map_err(|error| match error {
        DecryptError::NoMatchingKeys => Unopened::OtherKey,
        _ => Unopened::Damaged,
    })
}

/// Takes most of the memory with which glibc's heap starts, once and for good. It is not touched.
///
/// A reader has a buffer of 64 KiB that must be zero. New memory from the kernel is zero without being touched. The rest of
/// the heap's first 132 KiB is new as well, but glibc clears it all the same: 16 page faults, a tenth of a short run. If
/// this memory were freed, glibc would return it to the kernel at the end of such a run.
fn take_rest_of_heap() {
    static REST: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    REST.get_or_init(|| {
        std::hint::black_box([Vec::with_capacity(104 * 1024), Vec::with_capacity(10 * 1024)])
    });
}

/// Decrypts at most this many bytes.
pub(super) fn decrypt(
    identities: &[&dyn age::Identity],
    sealed: &[u8],
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let reader = open(identities, sealed)?;
    // The plaintext is shorter than the ciphertext, so the buffer never grows, which would leave a copy.
    let mut bytes = Zeroizing::new(Vec::with_capacity(sealed.len().min(most + 1)));
    let limit = (most as u64).saturating_add(1);
    reader.take(limit).read_to_end(&mut bytes).map_err(|_| Unopened::Damaged)?;
    if bytes.len() > most { Err(Unopened::TooLong) } else { Ok(bytes) }
}

/// Refuses a header that is missing or too long.
fn measure(sealed: &[u8]) -> Result<(), Unopened> {
    let head = &sealed[..sealed.len().min(MOST_HEADER)];
    let mut stanzas = 0;
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    if lines.next() != Some(b"age-encryption.org/v1\n") {
        return Err(Unopened::Header("it does not start like an age file"));
    }
    for line in lines {
        // Neither a stanza's arguments nor its body can begin a line like this.
        if line.starts_with(b"--- ") && line.ends_with(b"\n") {
            return Ok(());
        }
        stanzas += usize::from(line.starts_with(b"-> "));
        if stanzas > MOST_RECIPIENTS + SPARE_STANZAS {
            return Err(Unopened::Header("its header has more than 100 recipients"));
        }
    }
    Err(Unopened::Header(match sealed.len() > MOST_HEADER {
        true => "its header is longer than 16 KiB",
        false => "its header has no end",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(recipients: usize, text: &[u8]) -> (age::x25519::Identity, Vec<u8>) {
        use std::io::Write;
        let identity = age::x25519::Identity::generate();
        let recipient = identity.to_public();
        let all = (0..recipients).map(|_| &recipient as &dyn age::Recipient);
        let mut bytes = Vec::new();
        let mut writer =
            age::Encryptor::with_recipients(all).unwrap().wrap_output(&mut bytes).unwrap();
        writer.write_all(text).unwrap();
        writer.finish().unwrap();
        (identity, bytes)
    }

    fn why(sealed: &[u8]) -> &'static str {
        match open(&[&age::x25519::Identity::generate()], sealed).err() {
            Some(Unopened::Header(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn as_many_recipients_as_may_be_are_read() {
        // The stanza without a meaning has another length each time.
        for _ in 0..2 {
            let (identity, bytes) = sealed(MOST_RECIPIENTS, b"text");
            assert_eq!(**decrypt(&[&identity], &bytes, 4).unwrap(), *b"text");
        }
        let (identity, bytes) = sealed(MOST_RECIPIENTS + 2, b"text");
        let refused = decrypt(&[&identity], &bytes, 4).unwrap_err();
        assert!(matches!(refused, Unopened::Header(why) if why.contains("100 recipients")));
    }

    #[test]
    fn hostile_header_is_refused_unparsed() {
        let magic = b"age-encryption.org/v1\n".to_vec();
        let repeated =
            |line: &[u8], bytes: usize| [&magic[..], &line.repeat(bytes / line.len())].concat();
        for bytes in [122 * 1024, 15 * 1024 * 1024] {
            assert!(why(&repeated(b"-> X25519 x\n", bytes)).contains("100 recipients"));
            assert!(why(&repeated(&[b'A'; 64], bytes)).contains("16 KiB"));
            assert!(why(&repeated(b"AAAA\n", bytes)).contains("16 KiB"));
            assert!(why(&vec![b'a'; bytes]).contains("does not start"));
        }
        for cut in [0, 10, magic.len() - 1] {
            assert!(why(&magic[..cut]).contains("does not start"));
        }
        assert!(why(&repeated(b"-> X25519 x\n", 100)).contains("no end"));
        let armored = b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCg==\n";
        assert!(why(armored).contains("does not start"));
    }

    #[test]
    fn more_than_the_limit_is_refused() {
        let (identity, bytes) = sealed(1, &[7; 100]);
        assert_eq!(decrypt(&[&identity], &bytes, 100).unwrap().len(), 100);
        assert!(matches!(decrypt(&[&identity], &bytes, 99), Err(Unopened::TooLong)));
    }
}
