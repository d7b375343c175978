//! The ways in which secrets can be written, and finding them in a text.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::unescape::View;

/// Shorter values are hidden only as whole words: they would be found in innocent text.
const LEAST: usize = 8;
/// The same for secrets of this program itself, which are certainly secret, unless they are numbers: those stand
/// in every date and length.
const LEAST_OWN: usize = 4;
/// From this length on, lower-case letters alone count as random, not as a word.
const LONGEST_WORD: usize = 20;
/// Shorter secrets are not searched for in encodings that change every character.
const LEAST_ENCODED: usize = 4;
/// A text that contains this much of a secret contains the secret, and is hidden as far as the match
/// continues. This limits what a server can do with texts that almost equal its own tokens.
const ENOUGH: usize = 64;
/// The number of bytes by which patterns are found.
const WINDOW: usize = 8;

/// The origin of a value. Values of one origin never displace those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This program: its configuration, its store, a request.
    Own,
    /// A member of a response whose name says that it is secret.
    Answer,
    /// Anything that is not known to be public.
    Unknown,
}

/// Something to find, in a canonical form in which equivalent spellings are equal.
struct Pattern {
    secret: u64,
    bytes: Zeroizing<Vec<u8>>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A secret anywhere.
    Whole,
    /// A secret that is hidden only as a whole word.
    Word,
    /// The part of an encoding that does not depend on the text around the secret.
    Core,
}

/// Which secrets to search for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All.
    All,
    /// All except short ones and words.
    Unmistakable,
}

/// Patterns by a fingerprint of their beginning. The fingerprint has fewer bits than its input.
#[derive(Default)]
pub(super) struct Patterns {
    by_window: HashMap<u32, Vec<Pattern>>,
    /// Patterns shorter than a window, by fingerprint, and their number for each length.
    short: HashMap<u32, Vec<Pattern>>,
    lengths: [usize; WINDOW],
    seed: Seed,
}

struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl Patterns {
    /// Adds every way in which this value may be written. Returns the locations, for [`Patterns::remove`].
    pub(super) fn add(&mut self, value: &str, secret: u64, origin: Origin) -> Vec<u32> {
        let mut fingerprints = Vec::new();
        self.written(value, secret, origin, &mut fingerprints);
        fingerprints
    }

    fn written(&mut self, value: &str, secret: u64, origin: Origin, at: &mut Vec<u32>) {
        let is_short = value.len() < LEAST;
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let least = if origin == Origin::Own && !is_number { LEAST_OWN } else { LEAST };
        let kind = match value.len() < least || is_word(value) {
            true => Kind::Word,
            false => Kind::Whole,
        };
        at.push(self.insert(value.as_bytes(), kind, secret));
        if let Some(view) = View::unescaped(value) {
            at.push(self.insert(&view.bytes, kind, secret));
        }
        if value.len() < LEAST_ENCODED {
            return;
        }
        // Client secrets are form-encoded before they are joined and encoded (RFC 6749, section 2.3.1).
        let form: Zeroizing<String> =
            Zeroizing::new(form_urlencoded::byte_serialize(value.as_bytes()).collect());
        let differs = form.as_str() != value;
        for written in std::iter::once(value).chain(differs.then_some(form.as_str())) {
            // No more of an encoding is needed than is compared.
            let head = &written.as_bytes()[..written.len().min(ENOUGH)];
            let hex: Zeroizing<String> =
                Zeroizing::new(head.iter().map(|byte| format!("{byte:02x}")).collect());
            if is_short {
                at.push(self.insert(hex.as_bytes(), Kind::Word, secret));
                let whole = Zeroizing::new(URL_SAFE_NO_PAD.encode(head));
                at.push(self.insert(whole.as_bytes(), Kind::Word, secret));
                continue;
            }
            at.push(self.insert(hex.as_bytes(), Kind::Core, secret));
            for shift in 0..3 {
                at.push(self.insert(base64_core(head, shift).as_bytes(), Kind::Core, secret));
            }
        }
    }

    /// Removes what was added at these locations for this secret.
    pub(super) fn remove(&mut self, secret: u64, fingerprints: &[u32]) {
        for fingerprint in fingerprints {
            for patterns in [&mut self.by_window, &mut self.short] {
                let Some(all) = patterns.get_mut(fingerprint) else { continue };
                for pattern in all.extract_if(.., |pattern| pattern.secret == secret) {
                    if pattern.bytes.len() < WINDOW {
                        self.lengths[pattern.bytes.len()] -= 1;
                    }
                }
                if all.is_empty() {
                    patterns.remove(fingerprint);
                }
            }
        }
    }

    fn insert(&mut self, bytes: &[u8], kind: Kind, secret: u64) -> u32 {
        let bytes: Vec<u8> = bytes.iter().map(|byte| canonical(*byte)).collect();
        let pattern = Pattern { secret, bytes: Zeroizing::new(bytes), kind };
        let fingerprint = self.fingerprint(&pattern.bytes);
        match pattern.bytes.len() {
            0 => {}
            length @ 1..WINDOW => {
                self.lengths[length] += 1;
                self.short.entry(fingerprint).or_default().push(pattern);
            }
            _ => self.by_window.entry(fingerprint).or_default().push(pattern),
        }
        fingerprint
    }

    /// Returns the fingerprint of the first bytes, in canonical form.
    fn fingerprint(&self, bytes: &[u8]) -> u32 {
        let head = &bytes[..bytes.len().min(WINDOW)];
        self.mix(head.iter().fold(0, |window, byte| window << 8 | u64::from(*byte)))
    }

    fn mix(&self, window: u64) -> u32 {
        let mixed = (window ^ self.seed.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The upper half: its bits depend on all bytes of the window.
        (mixed >> 32) as u32
    }

    /// Returns the secret parts of a text, from left to right; they may overlap.
    pub(super) fn find(&self, text: &[u8], scope: Scope) -> Vec<(usize, usize)> {
        let canonical: Zeroizing<Vec<u8>> =
            Zeroizing::new(text.iter().map(|byte| canonical(*byte)).collect());
        let lengths: Vec<usize> = (1..WINDOW).filter(|length| self.lengths[*length] > 0).collect();
        let mut found: Vec<(usize, usize)> = Vec::new();
        let mut window = 0;
        for at in 0..text.len() + WINDOW {
            // The window ends with this byte, and begins at `start`.
            window = window << 8 | canonical.get(at).map_or(0, |byte| u64::from(*byte));
            let Some(start) = (at + 1).checked_sub(WINDOW) else { continue };
            let rest = canonical.get(start..).unwrap_or_default();
            let long = if at < text.len() { self.by_window.get(&self.mix(window)) } else { None };
            let short = lengths
                .iter()
                .filter_map(|length| self.short.get(&self.fingerprint(rest.get(..*length)?)));
            for pattern in long.into_iter().chain(short).flatten() {
                if scope == Scope::Unmistakable && pattern.kind == Kind::Word {
                    continue;
                }
                let hidden_to = found.last().map_or(0, |last| last.1);
                if let Some((start, end)) = matched(pattern, text, rest, start, hidden_to) {
                    match found.last_mut() {
                        Some(last) if start < last.1 => last.1 = last.1.max(end),
                        _ => found.push((start, end)),
                    }
                }
            }
        }
        found
    }
}

/// Returns the secret range of a text that has this pattern here; `rest` is its canonical form from here
/// on. Up to `hidden_to` it is already hidden: what follows is compared only as far as necessary, so that
/// no text takes long.
fn matched(
    pattern: &Pattern,
    text: &[u8],
    rest: &[u8],
    at: usize,
    hidden_to: usize,
) -> Option<(usize, usize)> {
    let length = pattern.bytes.len();
    let end = text.len().min(at + length);
    let head = &pattern.bytes[..length.min(ENOUGH)];
    if end <= hidden_to || !rest.starts_with(head) {
        return None;
    }
    match pattern.kind {
        Kind::Word => is_apart(text, at, end).then_some((at, end)),
        Kind::Core => Some(run(text, at, end)),
        Kind::Whole if at < hidden_to => Some((at, end)),
        Kind::Whole if rest.starts_with(&pattern.bytes) => Some((at, end)),
        // A truncated token.
        Kind::Whole => {
            let same = pattern.bytes.iter().zip(rest).take_while(|(one, other)| one == other);
            Some((at, run(text, at, at + same.count()).1))
        }
    }
}

/// Returns whether this is not a part of a longer word.
fn is_apart(text: &[u8], start: usize, end: usize) -> bool {
    let is_word = |byte: Option<&u8>| {
        byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-' || !b.is_ascii())
    };
    let before = start.checked_sub(1).and_then(|before| text.get(before));
    let (first, last) = (text.get(start), text.get(end - 1));
    let is_joined = is_word(before) && is_word(first) || is_word(last) && is_word(text.get(end));
    !is_joined
}

/// Returns the run of an encoding's characters around these.
fn run(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let is_of_it = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let is_behind = |byte: &&u8| is_of_it(byte) || b"=.~".contains(byte);
    let before = text[..start].iter().rev().take_while(is_of_it).count();
    let after = text[end..].iter().take_while(is_behind).count();
    (start - before, end + after)
}

/// Returns one byte for all equivalent ones: both cases of a letter, which also hides text whose case a
/// server has changed; the two alphabets of base64; and the form encodings of a space.
fn canonical(byte: u8) -> u8 {
    match byte {
        b'+' | b'-' | b' ' => b'-',
        b'/' | b'_' => b'_',
        _ => byte.to_ascii_lowercase(),
    }
}

/// Returns whether a value looks like a word of a language or a protocol.
fn is_word(value: &str) -> bool {
    value.len() < LONGEST_WORD && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Returns the base64 of these bytes after `shift` others, without the characters that depend on what comes
/// before and after.
fn base64_core(bytes: &[u8], shift: usize) -> Zeroizing<String> {
    let mut shifted = Zeroizing::new(vec![0; shift]);
    shifted.extend_from_slice(bytes);
    let whole = Zeroizing::new(URL_SAFE_NO_PAD.encode(&*shifted));
    let before = [0, 2, 3][shift];
    let after = shifted.len() * 8 / 6;
    Zeroizing::new(whole[before..after].to_owned())
}
