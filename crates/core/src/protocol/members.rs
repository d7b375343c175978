//! The members of a JSON object, or of a form, from a server: parsed strictly if they are used, leniently
//! otherwise.
//!
//! Servers put bytes of another encoding into descriptions, repeat members, or write half a surrogate pair.
//! None of that is a reason to lose a token that can be read. A member is therefore parsed only on request:
//! all others need only be JSON, and the content of strings need not even be that.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Maximum nesting of a server's JSON.
const DEEPEST: usize = 128;

/// The members that contain a token.
const TOKENS: [&str; 3] = ["access_token", "refresh_token", "id_token"];

/// Maximum depth of objects that are searched for tokens.
const NESTED_TOKENS: usize = 3;

/// The members of an object in their order, each as JSON text, as far as they could be read.
#[derive(Default)]
pub(crate) struct Members {
    members: Vec<(String, Zeroizing<String>)>,
    defect: Option<String>,
}

impl Members {
    /// Reads an object. Never fails: see [`defect`](Self::defect).
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let (text, depth) = readable(bytes);
        let mut members = Vec::new();
        let defect = match text.trim_ascii_start().bytes().next() {
            None => Some("an empty body".to_owned()),
            Some(b'{') => collect(&text, &mut members).err().map(|error| describe(&error)),
            Some(first) => Some(match serde_json::from_str::<IgnoredAny>(&text) {
                Ok(_) if first == b'[' => "a JSON array instead of an object".to_owned(),
                Ok(_) => "a JSON value instead of an object".to_owned(),
                Err(error) => describe(&error),
            }),
        };
        let too_deep = (depth > DEEPEST).then(|| "JSON that is nested too deeply".to_owned());
        Self { members, defect: defect.or(too_deep) }
    }

    /// Reads a form (`application/x-www-form-urlencoded`). Unlike an object, it does not show where it ends: where
    /// that is not known otherwise, its last pair may be cut off, and is not read.
    pub(crate) fn read_form(bytes: &[u8], is_whole: bool) -> Self {
        let last = bytes.iter().rposition(|byte| *byte == b'&').unwrap_or(0);
        let bytes = if is_whole { bytes } else { &bytes[..last] };
        let defect = (!is_whole)
            .then(|| "a form that may be cut off: nothing says where it ends".to_owned());
        let pairs = url::form_urlencoded::parse(bytes);
        let members = pairs
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()).to_string()))
            .map(|(name, value)| (name, Zeroizing::new(value)))
            .collect();
        Self { members, defect }
    }

    /// Returns why this is not one complete JSON object. The members before the defect are available
    /// nevertheless. Nothing of the input is quoted.
    pub(crate) fn defect(&self) -> Option<&str> {
        self.defect.as_deref()
    }

    /// Returns the value of a member; `None` if it is missing or null.
    ///
    /// # Errors
    ///
    /// Returns an error if it is a duplicate, and therefore ambiguous, or cannot be represented.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Value>, String> {
        let mut values = self.raw(name);
        let Some(raw) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(format!("a duplicate `{name}`"));
        }
        let value = serde_json::from_str(raw).map_err(|_| format!("an unreadable `{name}`"))?;
        Ok(Some(value).filter(|value: &Value| !value.is_null()))
    }

    /// Returns the tokens that can be read here or in nested objects.
    pub(crate) fn tokens(&self) -> Vec<Secret> {
        let mut found = Vec::new();
        self.collect_tokens(NESTED_TOKENS, &mut found);
        found
    }

    fn collect_tokens(&self, levels: usize, found: &mut Vec<Secret>) {
        for (name, raw) in &self.members {
            if raw.starts_with('{') && levels > 0 {
                Self::read(raw.as_bytes()).collect_tokens(levels - 1, found);
            } else if TOKENS.contains(&name.as_str())
                && let Ok(token) = serde_json::from_str::<String>(raw)
                && !token.is_empty()
            {
                found.push(Secret::new(token));
            }
        }
    }

    /// Returns the first readable value of a member that decides nothing.
    pub(crate) fn any(&self, name: &str) -> Option<Value> {
        self.all(name).find(|value| !value.is_null())
    }

    /// Returns every value of a member.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = Value> {
        self.raw(name).filter_map(|raw| serde_json::from_str(raw).ok())
    }

    /// Returns the text of a member that decides nothing.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.all(name).find_map(|value| value.as_str().map(str::to_owned))
    }

    /// Returns the members of a member that is an object; `None` if it is anything else, or a duplicate.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        let mut values = self.raw(name);
        let raw = values.next().filter(|raw| raw.starts_with('{'))?;
        if values.next().is_some() {
            return None;
        }
        Some(Self::read(raw.as_bytes()))
    }

    pub(super) fn raw(&self, name: &str) -> impl Iterator<Item = &str> {
        self.members.iter().filter(move |(known, _)| known == name).map(|(_, raw)| raw.as_str())
    }
}

fn collect(
    text: &str,
    members: &mut Vec<(String, Zeroizing<String>)>,
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Collect(members).deserialize(&mut deserializer)?;
    deserializer.end()
}

fn describe(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "truncated JSON",
        _ => "invalid JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// Collects members so that they are available even after a failure.
struct Collect<'a>(&'a mut Vec<(String, Zeroizing<String>)>);

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while let Some(name) = access.next_key::<String>()? {
            let raw = access.next_value::<&RawValue>()?;
            self.0.push((name, Zeroizing::new(raw.get().to_owned())));
        }
        Ok(())
    }
}

/// Returns the text with the content of its strings made readable, and its nesting depth. A byte order mark
/// is removed; invalid UTF-8, half a surrogate pair, a control character or an unknown escape inside a
/// string becomes a character that is invalid in tokens, so that a token with one of them is still refused.
fn readable(bytes: &[u8]) -> (Zeroizing<String>, usize) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned().into_bytes());
    let (mut in_string, mut depth, mut deepest) = (false, 0_usize, 0);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let mut step = 1;
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => step = mend_escape(&mut text[at..]),
            0..0x20 if in_string => text[at] = b' ',
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += step;
    }
    // Only ASCII was replaced with ASCII.
    (Zeroizing::new(String::from_utf8_lossy(&text).into_owned()), deepest)
}

/// Repairs the escape at the beginning, and returns its length.
fn mend_escape(text: &mut [u8]) -> usize {
    match text.get(1) {
        None | Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => return 2,
        Some(b'u') => {}
        Some(_) => {
            text[0] = b' ';
            return 1;
        }
    }
    match code_unit(text) {
        None => {
            text[0] = b' ';
            1
        }
        Some(0xd800..0xdc00) if matches!(code_unit(&text[6..]), Some(0xdc00..0xe000)) => 12,
        Some(0xd800..0xe000) => {
            text[2..6].copy_from_slice(b"fffd");
            6
        }
        Some(_) => 6,
    }
}

/// Returns the code unit of the escape `\uXXXX` at the beginning.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = str::from_utf8(text.strip_prefix(b"\\u")?.get(..4)?).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(bytes: &[u8]) -> Option<String> {
        let members = Members::read(bytes);
        assert_eq!(members.defect(), None, "{}", String::from_utf8_lossy(bytes));
        members.get("t").unwrap().and_then(|value| value.as_str().map(str::to_owned))
    }

    #[test]
    fn defects_in_other_members_do_not_matter() {
        for body in [
            b"\xef\xbb\xbf{\"t\":\"x\"}".as_slice(),
            b" \r\n{\"t\" : \"x\"}\n ",
            b"{\"a\":\"\xe9\xff\",\"t\":\"x\"}",
            b"{\"\xe9\":1,\"\xff\":2,\"t\":\"x\"}",
            br#"{"a":"\ud800","\udfff":1,"b":"\ud800\u0041","c":"\ud83d\ude00","t":"x"}"#,
            br#"{"a":1,"a":{"b":1,"b":2},"t":"x"}"#,
            b"{\"a\":\"line\nbreak\ttab\0\",\"t\":\"x\"}",
            br#"{"a":"it\'s \u12 \x41","t":"x"}"#,
            br#"{"a":1e999,"t":"\u0078"}"#,
        ] {
            assert_eq!(token(body).as_deref(), Some("x"), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn token_with_a_defect_is_not_mended_into_one() {
        for body in [
            b"{\"t\":\"x\xff\"}".as_slice(),
            b"{\"t\":\"x\n\"}",
            br#"{"t":"x\ud800"}"#,
            br#"{"t":"x\'"}"#,
            br#"{"t":"\uzz"}"#,
        ] {
            let text = token(body).unwrap();
            assert!(!text.bytes().all(|b| b.is_ascii_graphic()), "{text:?}");
        }
    }

    #[test]
    fn only_one_whole_object_has_no_defect() {
        let nested = |n: usize| format!("{{\"a\":{}1{}}}", "[".repeat(n), "]".repeat(n));
        assert_eq!(Members::read(nested(100).as_bytes()).defect(), None);
        for (body, why) in [
            ("", "an empty body"),
            (" \r\n", "an empty body"),
            ("[]", "a JSON array"),
            ("7", "a JSON value"),
            ("null", "a JSON value"),
            ("{", "truncated JSON"),
            ("{\"a\":", "truncated JSON"),
            ("{\"a\":\"b", "truncated JSON"),
            ("{\"a\":\"b\\", "truncated JSON"),
            ("{} x", "invalid JSON"),
            ("{}{}", "invalid JSON"),
            ("{\"a\":NaN}", "invalid JSON"),
            ("{\0\"\0a\0", "invalid JSON"),
            ("/* */{}", "invalid JSON"),
            ("{'a':1}", "invalid JSON"),
            ("<html>", "invalid JSON"),
            (&nested(100_000), "nested too deeply"),
        ] {
            let members = Members::read(body.as_bytes());
            let defect = members.defect().unwrap_or_default();
            assert!(defect.starts_with(why) || defect.ends_with(why), "{defect} for {body:.40}");
        }
    }

    #[test]
    fn members_before_a_defect_are_readable() {
        for body in ["{\"t\":\"x\",\"a\":NaN}", "{\"t\":\"x\"} y", "{\"t\":\"x\",\"a\":\"tru"] {
            let members = Members::read(body.as_bytes());
            assert!(members.defect().is_some(), "{body}");
            assert_eq!(members.text("t").as_deref(), Some("x"), "{body}");
        }
        assert_eq!(Members::read(b"{\"a\":1,\"t\":\"tru").text("t"), None);
    }

    #[test]
    fn used_member_that_appears_twice_is_refused() {
        let members = Members::read(br#"{"t":"x","t":"x","o":{"a":1,"a":2,"b":3},"n":null}"#);
        assert!(members.get("t").is_err());
        let inner = members.object("o").unwrap();
        assert!(inner.get("a").is_err());
        assert_eq!(inner.get("b").unwrap(), Some(3.into()));
        assert_eq!((members.get("n"), members.get("none")), (Ok(None), Ok(None)));
        assert!(members.object("t").is_none() && members.object("none").is_none());
    }

    #[test]
    fn form_is_read_like_an_object() {
        let members = Members::read_form(b"t=a%2Fb+c&x=1&x=2&y=%ff", true);
        assert_eq!(members.defect(), None);
        assert_eq!(members.get("t"), Ok(Some("a/b c".into())));
        assert!(members.get("x").is_err());
    }

    #[test]
    fn form_of_unknown_end_keeps_whole_pairs() {
        let members = Members::read_form(b"access_token=at&refresh_token=half", false);
        assert!(members.defect().is_some());
        assert_eq!(members.text("access_token").as_deref(), Some("at"));
        assert_eq!(members.text("refresh_token"), None);
        assert_eq!(Members::read_form(b"access_token=at", false).text("access_token"), None);
    }
}
