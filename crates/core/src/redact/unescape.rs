//! A text with its escapes resolved, and the original position of each byte.

use zeroize::Zeroizing;

/// Maximum number of nested encodings that are resolved: more than a chain of redirects creates.
const DEEPEST: usize = 4;

/// The bytes of a text.
pub(super) struct View {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// The range of each byte in the text; `None` if the bytes are the text's own.
    places: Option<Vec<(usize, usize)>>,
}

impl View {
    /// Returns the text as it is.
    pub(super) fn plain(text: &str) -> Self {
        Self { bytes: Zeroizing::new(text.as_bytes().to_vec()), places: None }
    }

    /// Returns the text with its escapes resolved: percent-encoding, references of HTML and XML, escapes of
    /// JSON and JavaScript, including nested ones. `None` if it has none.
    pub(super) fn unescaped(text: &str) -> Option<Self> {
        let mut view = Self::plain(text).resolve()?;
        for _ in 1..DEEPEST {
            match view.resolve() {
                Some(deeper) => view = deeper,
                None => break,
            }
        }
        Some(view)
    }

    /// Returns the original position of these bytes.
    pub(super) fn place(&self, start: usize, end: usize) -> (usize, usize) {
        match &self.places {
            None => (start, end),
            Some(places) => (
                places.get(start).map_or(0, |place| place.0),
                end.checked_sub(1).and_then(|last| places.get(last)).map_or(0, |place| place.1),
            ),
        }
    }

    /// Returns the text with one layer of escapes resolved, or `None` if there is none.
    fn resolve(&self) -> Option<Self> {
        if !self.bytes.iter().any(|b| b"%&\\".contains(b)) {
            return None;
        }
        let (mut bytes, mut places) = (Zeroizing::new(Vec::new()), Vec::new());
        bytes.reserve_exact(self.bytes.len());
        let mut at = 0;
        let mut is_changed = false;
        while at < self.bytes.len() {
            let escape = escape(&self.bytes[at..]);
            is_changed |= escape.is_some();
            let (decoded, length) = escape.unwrap_or((Decoded::Byte(self.bytes[at]), 1));
            let place = self.place(at, at + length);
            let mut utf8 = [0; 4];
            let decoded = match decoded {
                Decoded::Byte(byte) => {
                    utf8[0] = byte;
                    &utf8[..1]
                }
                Decoded::Char(c) => c.encode_utf8(&mut utf8).as_bytes(),
            };
            bytes.extend_from_slice(decoded);
            places.extend(std::iter::repeat_n(place, decoded.len()));
            at += length;
        }
        is_changed.then_some(Self { bytes, places: Some(places) })
    }
}

enum Decoded {
    Byte(u8),
    Char(char),
}

/// Returns the character of the escape at the beginning, and its length.
fn escape(bytes: &[u8]) -> Option<(Decoded, usize)> {
    match bytes.first()? {
        b'%' => Some((Decoded::Byte(u8::try_from(hex(bytes.get(1..3)?)?).ok()?), 3)),
        b'&' => reference(bytes),
        b'\\' => backslash(bytes),
        _ => None,
    }
}

/// The named references that encoders write for ASCII.
const NAMED: [(&[u8], char); 12] = [
    (b"amp", '&'),
    (b"lt", '<'),
    (b"gt", '>'),
    (b"quot", '"'),
    (b"apos", '\''),
    (b"plus", '+'),
    (b"sol", '/'),
    (b"equals", '='),
    (b"percnt", '%'),
    (b"num", '#'),
    (b"colon", ':'),
    (b"nbsp", ' '),
];

fn reference(bytes: &[u8]) -> Option<(Decoded, usize)> {
    let end = bytes.iter().take(12).position(|b| *b == b';')?;
    let c = match bytes.get(1..end)? {
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(hex(digits)?)?,
        [b'#', digits @ ..] => {
            char::from_u32(std::str::from_utf8(digits).ok()?.parse::<u32>().ok()?)?
        }
        name => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((Decoded::Char(c), end + 1))
}

fn backslash(bytes: &[u8]) -> Option<(Decoded, usize)> {
    let c = match bytes.get(1)? {
        c @ (b'"' | b'\'' | b'\\' | b'/') => char::from(*c),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'x' => return Some((Decoded::Char(char::from_u32(hex(bytes.get(2..4)?)?)?), 4)),
        b'u' => return utf16(bytes),
        _ => return None,
    };
    Some((Decoded::Char(c), 2))
}

fn utf16(bytes: &[u8]) -> Option<(Decoded, usize)> {
    let unit = hex(bytes.get(2..6)?)?;
    let low = match bytes.get(6..12) {
        Some([b'\\', b'u', digits @ ..]) if (0xD800..0xDC00).contains(&unit) => hex(digits),
        _ => None,
    };
    let pair = low.filter(|low| (0xDC00..0xE000).contains(low));
    match pair {
        Some(low) => {
            let c = char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))?;
            Some((Decoded::Char(c), 12))
        }
        None => Some((Decoded::Char(char::from_u32(unit)?), 6)),
    }
}

/// Returns the number of up to six hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 6 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_inside_one_another() {
        for (text, resolved) in [
            ("a%2Fb%2fc", "a/b/c"),
            ("a%252Fb", "a/b"),
            (r"\u002f\/\u00E9\ud83d\ude00\x41\n", "//\u{e9}\u{1f600}A\n"),
            ("&lt;&#60;&#x3C;&#x3c;&amp;lt;", "<<<<<"),
            (r"%5Cu0041\u0025\u0034\u0031", "AA"),
            ("%C3%A9", "\u{e9}"),
        ] {
            let view = View::unescaped(text).unwrap();
            assert_eq!(std::str::from_utf8(&view.bytes).unwrap(), resolved, "{text}");
            assert_eq!(view.place(0, view.bytes.len()), (0, text.len()), "{text}");
        }
        for text in
            ["", "plain", "100%", "%zz %2", "&nosuch; & &;", r"\q \u12 \ud800 \", "&#x110000;"]
        {
            assert!(View::unescaped(text).is_none(), "{text}");
        }
    }

    #[test]
    fn unescaped_bytes_map_to_their_source_positions() {
        let view = View::unescaped("x%2541&eacute;\\u00e9y").unwrap();
        assert_eq!(&view.bytes[..], "xA&eacute;\u{e9}y".as_bytes());
        assert_eq!(view.place(1, 2), (1, 6));
        assert_eq!(view.place(10, 12), (14, 20));
        assert_eq!(view.place(11, 12), (14, 20));
        assert_eq!(view.place(12, 13), (20, 21));
    }
}
