//! The parameters of an authorization response (RFC 6749, section 4.1.2), whatever their source.

use zeroize::Zeroizing;

use super::jarm;
use crate::error::{Error, Result};

/// The parameters that determine the outcome of a response: parsed strictly, and accepted only once (RFC
/// 6749, section 3.1). All others may contain any bytes, and never make a response invalid.
const DECISIVE: [&str; 4] = ["state", "code", "iss", "error"];

/// Maximum size of such a value, in bytes after decoding.
const VALUE_LIMIT: usize = 8 * 1024;

/// The decoded parameters of a response, in their order. `Debug` shows only their names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Zeroizing<String>)>);

impl Parameters {
    /// Returns the value of the first parameter of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Returns all parameters, as names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Returns all parameters as plain pairs. The caller is responsible for keeping them secret.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        self.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// Returns the number of parameters.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the state that the response claims to belong to: that of its JWT, if it is one (JARM).
    pub(crate) fn state(&self) -> Option<Zeroizing<String>> {
        let plain = self.get("state").map(str::to_owned);
        plain.or_else(|| jarm::state(self.get(jarm::RESPONSE)?)).map(Zeroizing::new)
    }

    /// Checks that this has the form of an authorization response: a `state`, and either a `code` or an
    /// `error`; or a JWT with a `state` (JARM).
    ///
    /// # Errors
    ///
    /// Returns [`Validation`](crate::ErrorKind::Validation), naming what is missing.
    pub fn require_response(&self) -> Result<()> {
        let filled = |name| self.get(name).is_some_and(|value| !value.is_empty());
        if self.state().is_some() && filled(jarm::RESPONSE) {
            return Ok(());
        }
        if !filled("code") && !filled("error") {
            return Err(Error::validation("it has neither a `code` nor an `error`"));
        }
        if !filled("state") {
            return Err(Error::validation("it has no `state`"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(key, _)| crate::text::one_line(key))).finish()
    }
}

/// Parses a query or a form body (`application/x-www-form-urlencoded`), decoding it exactly once.
///
/// `state`, `code`, `iss` and `error` are parsed strictly. Everything else is decoded as far as possible: a
/// lone `%` stays, and bytes that are not UTF-8 become U+FFFD. Such values may contain control characters,
/// so sanitize them with [`one_line`](crate::text::one_line) before showing them.
///
/// # Errors
///
/// Returns [`Validation`](crate::ErrorKind::Validation) if a `state`, `code`, `iss` or `error` is repeated,
/// is longer than 8 KiB, contains a malformed percent-encoding or a control character (NUL, CR, LF and ESC
/// among them), or is not UTF-8; and if there is both a `code` and an `error`. No message repeats a value.
///
/// ```
/// use oauthctl_core::protocol::callback::parse_query;
/// let parameters = parse_query("code=a%2Bb&state=s+t&error_description=100%")?;
/// assert_eq!(parameters.get("code"), Some("a+b"));
/// assert_eq!(parameters.get("state"), Some("s t"));
/// assert_eq!(parameters.get("error_description"), Some("100%"));
/// assert!(parse_query("code=a&code=a").is_err());
/// # Ok::<(), oauthctl_core::Error>(())
/// ```
pub fn parse_query(raw: impl AsRef<[u8]>) -> Result<Parameters> {
    let mut pairs: Vec<(String, Zeroizing<String>)> = Vec::new();
    for piece in raw.as_ref().split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
        let (key, value) = match piece.iter().position(|byte| *byte == b'=') {
            Some(at) => (&piece[..at], &piece[at + 1..]),
            None => (piece, &piece[..0]),
        };
        let key = lossy(&decode(key).bytes).to_string();
        let value = decode(value);
        if !DECISIVE.contains(&key.as_str()) {
            pairs.push((key, lossy(&value.bytes)));
            continue;
        }
        if pairs.iter().any(|(seen, _)| *seen == key) {
            return Err(Error::validation(format!("`{key}` appears more than once")));
        }
        let value = strict(value).map_err(|why| Error::validation(format!("`{key}` {why}")))?;
        pairs.push((key, value));
    }
    let has = |name| pairs.iter().any(|(key, _)| key == name);
    if has("code") && has("error") {
        return Err(Error::validation("both `code` and `error` are present"));
    }
    Ok(Parameters(pairs))
}

/// Returns a URL, a query or a form body as text. Bytes that are not valid UTF-8 are percent-encoded, so
/// that [`parse_query`] reads the same parameters from it.
///
/// ```
/// use oauthctl_core::protocol::callback::to_text;
/// assert_eq!(*to_text(b"code=c&x=f\xfcr"), "code=c&x=f%FCr");
/// ```
pub fn to_text(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len()));
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A decoded name or value.
struct Decoded {
    bytes: Zeroizing<Vec<u8>>,
    is_well_formed: bool,
}

fn decode(text: &[u8]) -> Decoded {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut is_well_formed = true;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (hex(text.get(at)), hex(text.get(at + 1))) {
                (Some(high), Some(low)) => {
                    at += 2;
                    high << 4 | low
                }
                _ => {
                    is_well_formed = false;
                    b'%'
                }
            },
            byte => byte,
        });
    }
    Decoded { bytes, is_well_formed }
}

fn hex(digit: Option<&u8>) -> Option<u8> {
    char::from(*digit?).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn lossy(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(bytes).into_owned())
}

/// Returns a strictly parsed value, or what is wrong with it.
fn strict(value: Decoded) -> Result<Zeroizing<String>, &'static str> {
    if !value.is_well_formed {
        return Err("has a malformed percent-encoding");
    }
    if value.bytes.len() > VALUE_LIMIT {
        return Err("is longer than 8 KiB");
    }
    match std::str::from_utf8(&value.bytes) {
        Err(_) => Err("is not valid UTF-8"),
        Ok(text) if text.chars().any(char::is_control) => Err("contains a control character"),
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: impl AsRef<[u8]>) -> Result<Parameters> {
        parse_query(raw)
    }

    #[test]
    fn values_are_decoded_once_and_keep_their_order() {
        let parameters = parse("code=a%252Bb&state=%C3%A4+x&&empty=&flag&scope=a%26b").unwrap();
        let expected =
            [("code", "a%2Bb"), ("state", "ä x"), ("empty", ""), ("flag", ""), ("scope", "a&b")];
        assert_eq!(parameters.iter().collect::<Vec<_>>(), expected);
    }

    /// Values of the wire that no decisive parameter may have.
    const ODD: [&[u8]; 14] = [
        b"%00",
        b"a%0db",
        b"a%0ab",
        b"a\nb",
        b"a%09b",
        b"%1b[31m",
        b"%7f",
        b"%C2%85",
        b"%ff",
        b"f\xfcr",
        b"%ED%A0%80",
        b"100%",
        b"%2",
        b"%zz%+1",
    ];

    #[test]
    fn odd_decisive_value_is_refused() {
        let long = "x".repeat(8 * 1024 + 1);
        for name in DECISIVE {
            for value in ODD.into_iter().chain([long.as_bytes()]) {
                let raw = [name.as_bytes(), b"=", value].concat();
                let error = parse(&raw).expect_err(name);
                assert_eq!(error.kind(), crate::ErrorKind::Validation, "{raw:?}");
                assert!(error.message().starts_with(&format!("`{name}` ")), "{error}");
            }
        }
        assert!(parse(format!("code={}", "x".repeat(8 * 1024))).is_ok());
    }

    #[test]
    fn odd_value_that_decides_nothing_is_accepted() {
        let long = "x".repeat(20 * 1024);
        for name in
            ["error_description", "error_uri", "scope", "session_state", "x", "a%0ab", "%ff"]
        {
            for value in ODD.into_iter().chain([long.as_bytes()]) {
                let odd = [name.as_bytes(), b"=", value].concat();
                let raw = [&odd, b"&error=denied&".as_slice(), &odd, b"&state=s"].concat();
                let parameters = parse(&raw).unwrap_or_else(|e| panic!("{name} {value:?}: {e}"));
                assert_eq!(parameters.get("error"), Some("denied"));
                assert_eq!(parameters.len(), 4);
            }
        }
        let many = format!("code=c&state=s{}", "&a=1".repeat(1_000));
        assert_eq!(parse(many).unwrap().get("state"), Some("s"));
    }

    #[test]
    fn undecodable_text_is_kept() {
        let parameters = parse(b"a=50%+%zz%4&b=f%FC\xfcr&c=%0d%0a").unwrap();
        let read: Vec<_> = parameters.iter().map(|(_, value)| value).collect();
        assert_eq!(read, ["50% %zz%4", "f\u{fffd}\u{fffd}r", "\r\n"]);
    }

    #[test]
    fn parameter_that_decides_is_named_once() {
        for name in DECISIVE {
            assert!(parse(format!("{name}=a&x=1&{name}=a")).is_err(), "{name}");
            assert!(parse(format!("{name}=a&x=1&{name}=b")).is_err(), "{name}");
        }
        assert!(parse("code=a&c%6fde=b").is_err(), "the name counts as decoded");
        assert!(parse("code=a&error=b").is_err());
        assert!(parse("error=b&state=s&code=").is_err());
    }

    #[test]
    fn response_has_a_state_and_a_code_or_an_error() {
        for raw in
            ["", "code=c", "state=s", "code=&state=s", "code=c&state=", "access_token=t&state=s"]
        {
            assert!(parse(raw).unwrap().require_response().is_err(), "{raw}");
        }
        for raw in ["code=c&state=s", "error=access_denied&state=s"] {
            assert!(parse(raw).unwrap().require_response().is_ok(), "{raw}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!("{:?}", parse("code=SECRET&state=HIDDEN").unwrap());
        assert_eq!(shown, r#"{"code", "state"}"#);
    }
}
