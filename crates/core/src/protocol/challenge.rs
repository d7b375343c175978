//! Challenges of a protected resource: the value of `WWW-Authenticate` (RFC 9110, section 11.6.1).

/// Maximum size of a value, in bytes.
const LONGEST: usize = 64 * 1024;

/// The requirements in a resource's challenge (RFC 6750, section 3; RFC 9728, section 5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceChallenge {
    /// The URL of the resource's metadata.
    pub resource_metadata: Option<String>,
    /// The scopes that the request requires.
    pub scopes: Vec<String>,
    /// The error code, such as `insufficient_scope`.
    pub error: Option<String>,
}

/// One challenge: its scheme, and its parameters with names in lower case.
#[derive(Debug, PartialEq, Eq)]
struct Challenge<'a> {
    scheme: &'a str,
    parameters: Vec<(String, String)>,
}

impl ResourceChallenge {
    /// Parses the `Bearer` challenge, or else the `DPoP` challenge, in a value that may contain
    /// several challenges. Returns `None` if it contains neither.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the value, without quoting it.
    pub fn read(value: &str) -> Result<Option<Self>, &'static str> {
        let challenges = parse(value)?;
        let of = |scheme: &'static str| {
            challenges.iter().filter(move |one| one.scheme.eq_ignore_ascii_case(scheme))
        };
        let mut usable = of("Bearer").chain(of("DPoP")).peekable();
        let Some(first) = usable.peek().copied() else { return Ok(None) };
        // A server may repeat the scheme, for instance once for each realm.
        let names_metadata = |one: &&Challenge<'_>| one.get("resource_metadata").is_some();
        let chosen = usable.find(names_metadata).unwrap_or(first);
        match chosen.scope_words().all(is_scope) {
            true => Ok(Some(chosen.understood())),
            false => Err("its `scope` contains an invalid character"),
        }
    }

    /// Parses the challenge with this error code, of any scheme: the reason why a resource refused a
    /// request. Malformed parts of the value and invalid scopes are skipped.
    pub fn with_error(value: &str, code: &str) -> Option<Self> {
        let challenges = parse_leniently(value);
        let challenge = challenges.iter().find(|one| one.get("error") == Some(code))?;
        Some(challenge.understood())
    }
}

impl Challenge<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn scope_words(&self) -> impl Iterator<Item = &str> {
        self.get("scope").unwrap_or_default().split(' ').filter(|scope| !scope.is_empty())
    }

    /// Returns the requirements in the challenge, with each valid scope once.
    fn understood(&self) -> ResourceChallenge {
        let mut scopes: Vec<String> = Vec::new();
        for scope in self.scope_words().filter(|scope| is_scope(scope)) {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        ResourceChallenge {
            resource_metadata: self.get("resource_metadata").map(str::to_owned),
            scopes,
            error: self.get("error").map(str::to_owned),
        }
    }
}

/// Returns whether a word consists of the characters of a scope (RFC 6749, section 3.3).
fn is_scope(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}

fn parse(value: &str) -> Result<Vec<Challenge<'_>>, &'static str> {
    if value.len() > LONGEST {
        return Err("it is longer than 64 KiB");
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err("it contains a control character");
    }
    let mut text = Text { rest: value, is_lenient: false };
    let mut challenges = Vec::new();
    while text.skip_separators() {
        item(&mut text, &mut challenges)?;
        if !text.is_at_end_of_item() {
            return Err("it has no comma between two parameters");
        }
    }
    Ok(challenges)
}

/// Reads what servers send that do not follow the grammar: without quotes, without commas, or malformed in another
/// parameter. After a quoted value that does not end, nothing is known.
fn parse_leniently(value: &str) -> Vec<Challenge<'_>> {
    let mut text = Text { rest: value.get(..LONGEST).unwrap_or(value), is_lenient: true };
    let mut challenges = Vec::new();
    while text.skip_separators() {
        if item(&mut text, &mut challenges).is_err() {
            let skipped = text.rest.find([',', '"']).filter(|at| text.rest[*at..].starts_with(','));
            text.rest = skipped.map_or("", |at| &text.rest[at..]);
        }
    }
    challenges
}

/// Reads one member of the list: a scheme with its first parameter, or a further parameter.
fn item<'a>(text: &mut Text<'a>, challenges: &mut Vec<Challenge<'a>>) -> Result<(), &'static str> {
    let name = text.token().ok_or("it does not begin with a scheme")?;
    let is_parameter = text.is_at_equals();
    if is_parameter && challenges.is_empty() && !text.is_lenient {
        return Err("it does not begin with a scheme");
    }
    if !is_parameter || challenges.is_empty() {
        let scheme = if is_parameter { "" } else { name };
        challenges.push(Challenge { scheme, parameters: Vec::new() });
    }
    match challenges.last_mut() {
        Some(challenge) if is_parameter => add(challenge, name, text),
        Some(challenge) => after_scheme(challenge, text),
        None => Ok(()),
    }
}

/// Reads what follows a scheme: its first parameter, or a token68 (RFC 9110, section 11.2), which is not used.
fn after_scheme(challenge: &mut Challenge<'_>, text: &mut Text<'_>) -> Result<(), &'static str> {
    if text.is_at_end_of_item() {
        return Ok(());
    }
    if !text.rest.starts_with([' ', '\t']) {
        return Err("a scheme contains an invalid character");
    }
    text.skip_spaces();
    let before = text.rest;
    match text.token() {
        Some(name) if text.is_at_equals() && !is_padding(text.rest) => add(challenge, name, text),
        _ => {
            text.rest = before;
            match text.skip_token68() {
                true => Ok(()),
                false => Err("a scheme has neither parameters nor a token"),
            }
        }
    }
}

/// Returns whether the equals sign belongs to a token68, which ends with it.
fn is_padding(rest: &str) -> bool {
    let after = rest.trim_start_matches('=').trim_start();
    after.is_empty() || after.starts_with(',')
}

fn add(challenge: &mut Challenge<'_>, name: &str, text: &mut Text<'_>) -> Result<(), &'static str> {
    text.skip_spaces();
    text.rest = text.rest.strip_prefix('=').ok_or("a parameter has no value")?;
    text.skip_spaces();
    let value = match text.rest.starts_with('"') {
        true => text.quoted()?,
        false => text.plain_value().ok_or("a value must be quoted")?.to_owned(),
    };
    let name = name.to_ascii_lowercase();
    if challenge.get(&name).is_some() {
        return Err("a parameter appears twice");
    }
    challenge.parameters.push((name, value));
    Ok(())
}

/// The text that is left to read.
struct Text<'a> {
    rest: &'a str,
    /// Whether a value without quotes may contain any characters but separators.
    is_lenient: bool,
}

impl<'a> Text<'a> {
    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Skips spaces and commas: a list may have empty elements (RFC 9110, section 5.6.1). Returns whether anything
    /// follows.
    fn skip_separators(&mut self) -> bool {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
        !self.rest.is_empty()
    }

    fn is_at_equals(&self) -> bool {
        self.rest.trim_start_matches([' ', '\t']).starts_with('=')
    }

    fn is_at_end_of_item(&self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        rest.is_empty() || rest.starts_with(',')
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn plain_value(&mut self) -> Option<&'a str> {
        if !self.is_lenient {
            return self.token();
        }
        let end = self.rest.find([',', ' ', '\t']).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!value.is_empty()).then_some(value)
    }

    fn skip_token68(&mut self) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let rest = self.rest.trim_start_matches(is_part);
        let is_some = rest.len() < self.rest.len();
        self.rest = rest.trim_start_matches('=');
        is_some
    }

    fn quoted(&mut self) -> Result<String, &'static str> {
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(value);
                }
                '\\' => match characters.next() {
                    Some((_, escaped)) => value.push(escaped),
                    None => break,
                },
                c => value.push(c),
            }
        }
        Err("a quoted value does not end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(Option<String>, String, Option<String>)> {
        let read = ResourceChallenge::read(value).unwrap_or_else(|why| panic!("{value}: {why}"));
        read.map(|c| (c.resource_metadata, c.scopes.join(" "), c.error))
    }

    #[test]
    fn challenge_is_found_among_several_schemes() {
        let url = || Some("https://r.example/m?a=\"b\",c".to_owned());
        let quoted = r#"resource_metadata="https://r.example/m?a=\"b\",c""#;
        for (value, expected) in [
            (format!("Bearer {quoted}"), (url(), "", None)),
            (
                "bearer Resource_Metadata=x, scope = \"a  b a\"".to_owned(),
                (Some("x".into()), "a b", None),
            ),
            (format!("Basic realm=\"a, Bearer b\", Bearer {quoted}, scope=a"), (url(), "a", None)),
            (format!("Negotiate YWJj==, Bearer error=\"e\",{quoted}"), (url(), "", Some("e"))),
            (format!("DPoP algs=\"ES256\", scope=d, Bearer, Bearer {quoted}"), (url(), "", None)),
            (format!("DPoP {quoted}, algs=\"ES256\""), (url(), "", None)),
            (format!(", ,Bearer\t{quoted} ,, "), (url(), "", None)),
            ("Bearer".to_owned(), (None, "", None)),
            ("Bearer realm=\"é\", error_description=\"\\\"\"".to_owned(), (None, "", None)),
        ] {
            let (metadata, scopes, error) = expected;
            let expected = (metadata, scopes.to_owned(), error.map(str::to_owned));
            assert_eq!(read(&value), Some(expected), "{value}");
        }
        for value in ["", ",", "Basic realm=\"x\"", "Negotiate", "Negotiate abc=", "Bearerx a=b"] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn reason_of_a_refusal_is_read_leniently() {
        for (value, scopes) in [
            ("Bearer error=\"insufficient_scope\", scope=\"a b:c\"", Some("a b:c")),
            ("Bearer realm=\"error=insufficient_scope\", scope=\"a\"", None),
            ("Basic realm=x, bearer scope=read:a ,error = insufficient_scope", Some("read:a")),
            ("Bearer error_uri=https://e.example/?a=b, error=insufficient_scope", Some("")),
            ("Bearer error=\"insufficient_scope\" scope=\"a\"", Some("a")),
            ("DPoP algs=\"ES256\", error=\"insufficient_scope\"", Some("")),
            ("Bearer a=b, a=c, error=insufficient_scope, scope=d", Some("d")),
            ("Bearer {}, error=insufficient_scope", Some("")),
            ("Bearer realm=\"x, error=insufficient_scope", None),
            ("Bearer @\", error=insufficient_scope\"", None),
            ("Bearer error=\"invalid_token\", scope=\"a\"", None),
            ("error=insufficient_scope", Some("")),
            ("=", None),
            ("", None),
        ] {
            let read = ResourceChallenge::with_error(value, "insufficient_scope");
            let read = read.map(|challenge| challenge.scopes.join(" "));
            assert_eq!(read.as_deref(), scopes, "{value}");
        }
    }

    #[test]
    fn malformed_challenge_is_refused() {
        let long = format!("Bearer a=\"{}\"", "x".repeat(LONGEST));
        for value in [
            "Bearer a=\"b",
            "Bearer a=\"b\\",
            "Bearer a=b c=d",
            "Bearer a=\"b\"c",
            "Bearer a=https://x",
            "Bearer b=c, a=",
            "Bearer a=b, a=c",
            "Bearer scope=\"a\\\\b\"",
            "Bearer scope=\"é\"",
            "Bearer a=\"b\n\"",
            "Bearer a=\"\u{7f}\"",
            "Bearer\u{0}",
            "a=b",
            "=",
            "\"",
            "Bearer:",
            &long,
        ] {
            assert!(ResourceChallenge::read(value).is_err(), "{value:.40}");
        }
    }
}
