//! The parameters of an authorization response (RFC 6749, section 4.1.2), wherever they come from.

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The most bytes of one decoded name or value.
const VALUE_LIMIT: usize = 8 * 1024;

/// The most parameters of one response.
const COUNT_LIMIT: usize = 64;

/// Parameters that a response may name only once (RFC 6749, section 3.1).
const ONCE: [&str; 6] = ["code", "state", "iss", "error", "error_description", "error_uri"];

/// What a response may contain beyond the standard's alphabet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether line breaks and tabs in `error_description` are read as spaces instead of being
    /// refused. RFC 6749 excludes them; some servers send them all the same.
    pub fold_description: bool,
}

impl Rules {
    /// What this profile's provider puts into callbacks.
    pub fn of(profile: &crate::profile::Profile) -> Self {
        Self { fold_description: profile.quirks.fold_error_description }
    }
}

/// The decoded parameters of a response, in their order. `Debug` shows their names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Zeroizing<String>)>);

impl Parameters {
    /// The value of the first parameter of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// All parameters, as names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// All parameters as plain pairs. The caller answers for where they go.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        self.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this has the form of an authorization response: a `state`, and either a `code` or
    /// an `error`.
    ///
    /// # Errors
    ///
    /// Of kind [`Validation`](crate::ErrorKind::Validation), saying what is missing.
    pub fn require_response(&self) -> Result<()> {
        let filled = |name| self.get(name).is_some_and(|value| !value.is_empty());
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

/// Reads a query or a form body (`application/x-www-form-urlencoded`), decoding it exactly once.
///
/// # Errors
///
/// Of kind [`Validation`](crate::ErrorKind::Validation): a malformed percent-encoding, text that
/// is not UTF-8, a control character (NUL, CR, LF and ESC among them), a name or value over 8 KiB,
/// more than 64 parameters, a repeated `code`, `state`, `iss`, `error`, `error_description` or
/// `error_uri`, and a `code` beside an `error`. No message repeats a value.
///
/// ```
/// use oauthctl::protocol::callback::{Rules, parse_query};
/// let parameters = parse_query("code=a%2Bb&state=s+t", Rules::default())?;
/// assert_eq!(parameters.get("code"), Some("a+b"));
/// assert_eq!(parameters.get("state"), Some("s t"));
/// assert!(parse_query("code=a&code=a", Rules::default()).is_err());
/// # Ok::<(), oauthctl::Error>(())
/// ```
pub fn parse_query(raw: &str, rules: Rules) -> Result<Parameters> {
    let mut pairs: Vec<(String, Zeroizing<String>)> = Vec::new();
    for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
        if pairs.len() == COUNT_LIMIT {
            return Err(refused("it has too many parameters"));
        }
        let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
        let key = decode(key)?.to_string();
        refuse_controls(&key)?;
        let mut value = decode(value)?;
        if rules.fold_description && key == "error_description" {
            value = Zeroizing::new(value.replace(['\r', '\n', '\t'], " "));
        }
        refuse_controls(&value)?;
        if ONCE.contains(&key.as_str()) && pairs.iter().any(|(seen, _)| *seen == key) {
            return Err(refused(&format!("it repeats the parameter `{key}`")));
        }
        pairs.push((key, value));
    }
    let has = |name| pairs.iter().any(|(key, _)| key == name);
    if has("code") && has("error") {
        return Err(refused("it has both a `code` and an `error`"));
    }
    Ok(Parameters(pairs))
}

fn decode(text: &str) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (hex(rest.next()), hex(rest.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(refused("it has a malformed percent-encoding")),
            },
            byte => byte,
        });
    }
    if bytes.len() > VALUE_LIMIT {
        return Err(refused("one of its parameters is over 8 KiB"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(refused("one of its parameters is not UTF-8")),
    }
}

fn hex(digit: Option<u8>) -> Option<u8> {
    char::from(digit?).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn refuse_controls(text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(refused("one of its parameters has a control character in it"));
    }
    Ok(())
}

fn refused(why: &str) -> Error {
    Error::validation(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Result<Parameters> {
        parse_query(raw, Rules::default())
    }

    #[test]
    fn values_are_decoded_exactly_once_and_keep_their_order() {
        let parameters = parse("code=a%252Bb&state=%C3%A4+x&&empty=&flag&scope=a%26b").unwrap();
        let expected =
            [("code", "a%2Bb"), ("state", "ä x"), ("empty", ""), ("flag", ""), ("scope", "a&b")];
        assert_eq!(parameters.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn hostile_values_are_refused() {
        let long = format!("state=s&code={}", "x".repeat(8 * 1024 + 1));
        let many = "a=1&".repeat(65);
        let table = [
            "code=%00",
            "code=a%0db",
            "code=a%0ab",
            "code=%1b[31m",
            "code=%7f",
            "code=%C2%85",
            "co%0ade=a",
            "code=%ff",
            "code=%C3",
            "code=%ED%A0%80",
            "code=%",
            "code=%2",
            "code=%zz",
            "code=%+1",
            "error=e&error_description=a%0d%0ab",
            long.as_str(),
            many.as_str(),
        ];
        for raw in table {
            let error = parse(raw).expect_err(raw);
            assert_eq!(error.kind(), crate::ErrorKind::Validation, "{raw}");
        }
        assert!(parse(&format!("code={}", "x".repeat(8 * 1024))).is_ok());
    }

    #[test]
    fn a_parameter_that_decides_is_named_once() {
        for name in ONCE {
            assert!(parse(&format!("{name}=a&x=1&{name}=a")).is_err(), "{name}");
            assert!(parse(&format!("{name}=a&x=1&{name}=b")).is_err(), "{name}");
        }
        assert!(parse("code=a&c%6fde=b").is_err(), "the name counts as decoded");
        assert!(parse("code=a&error=b").is_err());
        assert!(parse("error=b&state=s&code=").is_err());
        assert!(parse("scope=a&scope=b&code=c").is_ok(), "unknown ones are ignored");
    }

    #[test]
    fn line_breaks_in_a_description_are_folded_only_where_the_rules_say_so() {
        let rules = Rules { fold_description: true };
        let folded = parse_query("error=e&error_description=a%0d%0ab", rules).unwrap();
        assert_eq!(folded.get("error_description"), Some("a  b"));
        assert!(parse_query("error=e&error_description=%1b[0m", rules).is_err());
        assert!(parse_query("error=a%0ab", rules).is_err());
    }

    #[test]
    fn a_response_has_a_state_and_a_code_or_an_error() {
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
