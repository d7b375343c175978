//! Decrypts age files (<https://c2sp.org/age>), within limits.
//!
//! The `age` crate encrypts, reads stanzas and unwraps file keys. The rest is here, because a run that prints a stored
//! token cannot afford the crate's reader: its translated messages come with tables that the dynamic loader relocates
//! in each run, its buffers are 64 KiB, and its cipher asks the processor for features first.

use age_core::format::{Stanza, read};
use age_core::secrecy::ExposeSecret;
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use zeroize::Zeroizing;

use crate::digest::derive_key;

/// Maximum number of recipients of a file or line. Files of the file store have two stanzas.
pub(super) const MOST_RECIPIENTS: usize = 100;
/// Maximum size of a header, in bytes: room for [`MOST_RECIPIENTS`] stanzas of about 100 bytes.
const MOST_HEADER: usize = 16 * 1024;
/// Stanzas in addition to those of the recipients: age adds one without meaning, so that programs must ignore
/// unknown ones.
const SPARE_STANZAS: usize = 1;

const VERSION: &[u8] = b"age-encryption.org/v1\n";
/// Begins the last line of a header. Its MAC covers the header up to and including these characters.
const MAC: &[u8] = b"---";
/// The type of the stanza for a passphrase. It must be the only stanza.
const SCRYPT: &str = "scrypt";
/// Length of the nonce between header and payload, in bytes.
const NONCE: usize = 16;
/// Length of a chunk of the payload without its tag, in bytes. Only the last one may be shorter.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// Why a file cannot be decrypted.
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

/// The payload of a file whose header is authentic.
pub(super) struct Payload<'s> {
    key: Zeroizing<[u8; 32]>,
    sealed: &'s [u8],
}

/// Decrypts the header with the first of the identities that can.
pub(super) fn open<'s>(
    identities: &[&dyn age::Identity],
    sealed: &'s [u8],
) -> Result<Payload<'s>, Unopened> {
    let Header { stanzas, covered, mac, rest } = Header::parse(sealed)?;
    let unwrapped = identities.iter().find_map(|identity| identity.unwrap_stanzas(&stanzas));
    let file_key = match unwrapped {
        None => return Err(Unopened::OtherKey),
        Some(Err(_)) => return Err(Unopened::Damaged),
        Some(Ok(file_key)) => file_key,
    };
    let derived = |salt: &[u8], label| {
        derive_key(salt, label, file_key.expose_secret()).map_err(|_| Unopened::Damaged)
    };
    let key = hmac::Key::new(HMAC_SHA256, derived(&[], b"header")?.as_slice());
    hmac::verify(&key, covered, &mac).map_err(|_| Unopened::Damaged)?;
    let (nonce, sealed) = rest.split_at_checked(NONCE).ok_or(Unopened::Damaged)?;
    Ok(Payload { key: derived(nonce, b"payload")?, sealed })
}

/// Decrypts at most this many bytes.
pub(super) fn decrypt(
    identities: &[&dyn age::Identity],
    sealed: &[u8],
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let payload = open(identities, sealed)?;
    let count = payload.sealed.len().div_ceil(CHUNK + TAG);
    if count == 0 {
        return Err(Unopened::Damaged);
    }
    // The plaintext is shorter than the ciphertext, so the buffer never grows, which would leave a copy.
    let mut bytes = Zeroizing::new(Vec::with_capacity(payload.sealed.len().min(most + CHUNK)));
    for (index, chunk) in payload.sealed.chunks(CHUNK + TAG).enumerate() {
        if bytes.len() > most {
            return Err(Unopened::TooLong);
        }
        let is_last = index + 1 == count;
        let length = chunk.len().checked_sub(TAG).ok_or(Unopened::Damaged)?;
        // Only the payload of an empty file is an empty chunk.
        if length == 0 && index > 0 {
            return Err(Unopened::Damaged);
        }
        let start = bytes.len();
        bytes.resize(start + length, 0);
        let nonce = nonce(index as u64, is_last);
        decrypt_chunk(&payload.key, nonce, chunk, &mut bytes[start..]).ok_or(Unopened::Damaged)?;
    }
    if bytes.len() > most { Err(Unopened::TooLong) } else { Ok(bytes) }
}

/// The nonce of a chunk: its number in eleven bytes, and whether it is the last one.
fn nonce(index: u64, is_last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(is_last);
    nonce
}

/// Decrypts a ciphertext and its tag with ChaCha20-Poly1305 (RFC 8439), if they are authentic. `plain` has the length of the
/// ciphertext.
pub(super) fn decrypt_chunk(
    key: &[u8; 32],
    nonce: [u8; 12],
    sealed: &[u8],
    plain: &mut [u8],
) -> Option<()> {
    let (sealed, tag) = sealed.split_at_checked(plain.len())?;
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.open_separate_gather(nonce, Aad::empty(), sealed, tag, plain).ok()
}

struct Header<'s> {
    stanzas: Vec<Stanza>,
    /// The part that the MAC covers.
    covered: &'s [u8],
    mac: Vec<u8>,
    /// What follows the header: the nonce and the payload.
    rest: &'s [u8],
}

impl<'s> Header<'s> {
    fn parse(sealed: &'s [u8]) -> Result<Self, Unopened> {
        measure(sealed)?;
        let mut rest = &sealed[VERSION.len()..];
        let mut stanzas = Vec::new();
        while !rest.starts_with(MAC) {
            let (after, stanza) = read::age_stanza(rest).map_err(|_| Unopened::Damaged)?;
            stanzas.push(Stanza::from(stanza));
            rest = after;
        }
        // Otherwise, whoever knows the passphrase could have written the file.
        if stanzas.len() > 1 && stanzas.iter().any(|stanza| stanza.tag == SCRYPT) {
            return Err(Unopened::Damaged);
        }
        let covered = &sealed[..sealed.len() - rest.len() + MAC.len()];
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(Unopened::Damaged)?;
        let (line, rest) = (&rest[..end], &rest[end + 1..]);
        let mac = line.strip_prefix(b"--- ").and_then(|mac| BASE64.decode(mac).ok());
        Ok(Self { stanzas, covered, mac: mac.ok_or(Unopened::Damaged)?, rest })
    }
}

/// Refuses a header that is missing or too long.
fn measure(sealed: &[u8]) -> Result<(), Unopened> {
    let head = &sealed[..sealed.len().min(MOST_HEADER)];
    let mut stanzas = 0;
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    if lines.next() != Some(VERSION) {
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

    /// The reader of the `age` crate, which is asked for the right answer.
    fn decrypted_by_age(identity: &dyn age::Identity, sealed: &[u8]) -> Option<Vec<u8>> {
        use std::io::Read;
        let mut bytes = Vec::new();
        let file = age::Decryptor::new_buffered(sealed).ok()?;
        file.decrypt(std::iter::once(identity)).ok()?.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    const FILE_KEY: [u8; 16] = [5; 16];

    /// Knows the file key of stanzas of its own type.
    struct Known;

    impl age::Identity for Known {
        fn unwrap_stanza(
            &self,
            stanza: &Stanza,
        ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
            let key = || age_core::format::FileKey::init_with_mut(|key| *key = FILE_KEY);
            (stanza.tag == "known").then(|| Ok(key()))
        }
    }

    /// Ends a header with the MAC that is right for its bytes.
    fn with_mac(header: &[u8]) -> Vec<u8> {
        let key = derive_key(&[], b"header", &FILE_KEY).unwrap();
        let mac = hmac::sign(&hmac::Key::new(HMAC_SHA256, key.as_slice()), header);
        [header, b" ", BASE64.encode(mac).as_bytes(), b"\n"].concat()
    }

    /// Ends a header with its MAC and the payload of an empty file.
    fn empty_file(header: &[u8]) -> Vec<u8> {
        let nonce = [3; NONCE];
        let key = derive_key(&nonce, b"payload", &FILE_KEY).unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).unwrap());
        let mut chunk = Vec::new();
        let first = Nonce::assume_unique_for_key(super::nonce(0, true));
        key.seal_in_place_append_tag(first, Aad::empty(), &mut chunk).unwrap();
        [&with_mac(header)[..], &nonce, &chunk].concat()
    }

    #[test]
    fn header_is_refused_or_read_as_by_age() {
        let scrypt = "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\nAA\n";
        let long = "A".repeat(64);
        for (stanzas, is_right) in [
            ("-> known\n\n", true),
            ("-> x-grease a b\nAAAA\n-> known\n\n-> y\n\n", true),
            (&format!("-> known\n{long}\n\n"), true),
            (&format!("-> known !~ -> ---\n{long}\n{long}\nAA\n"), true),
            ("-> known\nAB\n", false),
            ("-> known\nA\n", false),
            ("-> known\nAA==\n", false),
            ("-> known\nAA\nAA\n", false),
            ("-> known\n\n\n", false),
            ("-> known\r\n\r\n", false),
            ("-> known \n\n", false),
            ("->  known\n\n", false),
            ("-> known \u{e9}\n\n", false),
            (" -> known\n\n", false),
            ("", false),
            (&format!("-> known\n\n{scrypt}"), false),
            (&format!("{scrypt}-> known\n\n"), false),
        ] {
            let file = empty_file(format!("age-encryption.org/v1\n{stanzas}---").as_bytes());
            let opened = decrypt(&[&Known], &file, 100).ok().map(|text| text.to_vec());
            assert_eq!(opened, is_right.then(Vec::new), "{stanzas:?}");
            assert_eq!(opened, decrypted_by_age(&Known, &file), "{stanzas:?}");
        }
    }

    #[test]
    fn payloads_of_all_lengths_are_decrypted() {
        for length in [0, 1, 63, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7] {
            let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let (identity, bytes) = sealed(1, &text);
            assert_eq!(**decrypt(&[&identity], &bytes, length).unwrap(), *text, "{length}");
        }
    }

    #[test]
    fn every_changed_byte_is_noticed_as_by_age() {
        let (identity, right) = sealed(2, b"text");
        let mut bytes = right.clone();
        for at in 0..right.len() {
            for change in [1, 0x20, 0x80] {
                bytes[at] ^= change;
                let opened = decrypt(&[&identity], &bytes, 100).ok().map(|text| text.to_vec());
                assert_eq!(opened, decrypted_by_age(&identity, &bytes), "{at} {change}");
                assert_eq!(opened, None, "{at} {change}");
                bytes[at] = right[at];
            }
        }
    }

    #[test]
    fn payload_without_its_end_is_damaged() {
        for length in [0, 4, CHUNK, CHUNK + 1] {
            let (identity, right) = sealed(1, &vec![7; length]);
            let start = right.len() - length - TAG * length.div_ceil(CHUNK).max(1);
            let step = if length < CHUNK { 1 } else { 997 };
            let ends = (start - NONCE..right.len()).step_by(step);
            for end in ends.chain([right.len() - 1, right.len() - TAG]) {
                let opened = decrypt(&[&identity], &right[..end], length).map(|text| text.len());
                assert!(matches!(opened, Err(Unopened::Damaged)), "{length} {end} {opened:?}");
                assert_eq!(decrypted_by_age(&identity, &right[..end]), None, "{length} {end}");
            }
            let longer = [&right[..], &[0; 17]].concat();
            let opened = decrypt(&[&identity], &longer, length + 100).map(|text| text.len());
            assert!(matches!(opened, Err(Unopened::Damaged)), "{length} {opened:?}");
        }
    }

    #[test]
    fn chunks_of_another_order_are_damaged() {
        let (identity, right) = sealed(1, &vec![7; 3 * CHUNK]);
        let whole = CHUNK + TAG;
        let start = right.len() - 3 * whole;
        let swapped = [
            &right[..start],
            &right[start + whole..start + 2 * whole],
            &right[start..start + whole],
            &right[start + 2 * whole..],
        ];
        for bytes in [swapped.concat(), [&right[..start], &right[start + whole..]].concat()] {
            let opened = decrypt(&[&identity], &bytes, 3 * CHUNK);
            assert!(matches!(opened, Err(Unopened::Damaged)));
            assert_eq!(decrypted_by_age(&identity, &bytes), None);
        }
    }

    #[test]
    fn empty_chunk_after_others_is_damaged() {
        let mut file = with_mac(b"age-encryption.org/v1\n-> known\n\n---");
        let payload = [3; NONCE];
        file.extend_from_slice(&payload);
        let key = derive_key(&payload, b"payload", &FILE_KEY).unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).unwrap());
        let sealed = |index, is_last, length| {
            let mut chunk = vec![7; length];
            let nonce = Nonce::assume_unique_for_key(nonce(index, is_last));
            key.seal_in_place_append_tag(nonce, Aad::empty(), &mut chunk).unwrap();
            chunk
        };
        let whole = [&file[..], &sealed(0, false, CHUNK), &sealed(1, true, 1)].concat();
        assert_eq!(decrypt(&[&Known], &whole, 2 * CHUNK).unwrap().len(), CHUNK + 1);
        let empty = [&file[..], &sealed(0, false, CHUNK), &sealed(1, true, 0)].concat();
        assert!(matches!(decrypt(&[&Known], &empty, 2 * CHUNK), Err(Unopened::Damaged)));
        let no_end = [&file[..], &sealed(0, false, CHUNK)].concat();
        assert!(matches!(decrypt(&[&Known], &no_end, 2 * CHUNK), Err(Unopened::Damaged)));
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
