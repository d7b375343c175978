//! Challenges of a protected resource: the value of `WWW-Authenticate` (RFC 9110, section 11.6.1).

/// Maximum size of a value, in bytes.
const LONGEST: usize = 64 * 1024;

/// What the challenge of a resource asks for (RFC 6750, section 3; RFC 9728, section 5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceChallenge {
    /// The URL of the resource's metadata.
    pub resource_metadata: Option<String>,
    /// The scopes that the request needs.
    pub scopes: Vec<String>,
    /// The error code, for instance `insufficient_scope`.
    pub error: Option<String>,
}

/// One challenge: its scheme, and its parameters with names in lower case.
#[derive(Debug, PartialEq, Eq)]
struct Challenge<'a> {
    scheme: &'a str,
    parameters: Vec<(String, String)>,
}

impl ResourceChallenge {
    /// Reads the `Bearer` challenge, else the `DPoP` challenge, of a value that may hold several challenges. Returns
    /// `None` if it holds neither.
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
        usable.find(names_metadata).unwrap_or(first).validated().map(Some)
    }
}

impl Challenge<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn validated(&self) -> Result<ResourceChallenge, &'static str> {
        let scopes = self.get("scope").unwrap_or_default();
        let is_scope = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\' || b == b' ';
        if !scopes.bytes().all(is_scope) {
            return Err("its `scope` contains an invalid character");
        }
        let mut all: Vec<String> = Vec::new();
        for scope in scopes.split(' ').filter(|scope| !scope.is_empty()) {
            if !all.iter().any(|known| known == scope) {
                all.push(scope.to_owned());
            }
        }
        Ok(ResourceChallenge {
            resource_metadata: self.get("resource_metadata").map(str::to_owned),
            scopes: all,
            error: self.get("error").map(str::to_owned),
        })
    }
}

fn parse(value: &str) -> Result<Vec<Challenge<'_>>, &'static str> {
    if value.len() > LONGEST {
        return Err("it is longer than 64 KiB");
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err("it contains a control character");
    }
    let mut text = Text(value);
    let mut challenges: Vec<Challenge<'_>> = Vec::new();
    loop {
        text.skip_separators();
        if text.0.is_empty() {
            return Ok(challenges);
        }
        let name = text.token().ok_or("it does not begin with a scheme")?;
        let is_parameter = text.is_at_equals();
        match challenges.last_mut() {
            Some(challenge) if is_parameter => add(challenge, name, &mut text)?,
            _ if is_parameter => return Err("it does not begin with a scheme"),
            _ => challenges.push(scheme(name, &mut text)?),
        }
        if !text.is_at_end_of_item() {
            return Err("it has no comma between two parameters");
        }
    }
}

/// Reads what follows a scheme: its first parameter, or a token68 (RFC 9110, section 11.2), which is not used.
fn scheme<'a>(scheme: &'a str, text: &mut Text<'a>) -> Result<Challenge<'a>, &'static str> {
    let mut challenge = Challenge { scheme, parameters: Vec::new() };
    if text.is_at_end_of_item() {
        return Ok(challenge);
    }
    if !text.0.starts_with([' ', '\t']) {
        return Err("a scheme contains an invalid character");
    }
    text.skip_spaces();
    let before = text.0;
    match text.token() {
        Some(name) if text.is_at_equals() && !is_padding(text.0) => {
            add(&mut challenge, name, text)?;
        }
        _ => {
            text.0 = before;
            if !text.skip_token68() {
                return Err("a scheme has neither parameters nor a token");
            }
        }
    }
    Ok(challenge)
}

/// Returns whether the equals sign belongs to a token68, which ends with it.
fn is_padding(rest: &str) -> bool {
    let after = rest.trim_start_matches('=').trim_start();
    after.is_empty() || after.starts_with(',')
}

fn add(challenge: &mut Challenge<'_>, name: &str, text: &mut Text<'_>) -> Result<(), &'static str> {
    text.skip_spaces();
    text.0 = text.0.strip_prefix('=').ok_or("a parameter has no value")?;
    text.skip_spaces();
    let value = match text.0.starts_with('"') {
        true => text.quoted()?,
        false => text.token().ok_or("a value must be quoted")?.to_owned(),
    };
    let name = name.to_ascii_lowercase();
    if challenge.get(&name).is_some() {
        return Err("a parameter appears twice");
    }
    challenge.parameters.push((name, value));
    Ok(())
}

/// The text that is left to read.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    /// Skips commas too: a list may have empty elements (RFC 9110, section 5.6.1).
    fn skip_separators(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t', ',']);
    }

    fn is_at_equals(&self) -> bool {
        self.0.trim_start_matches([' ', '\t']).starts_with('=')
    }

    fn is_at_end_of_item(&self) -> bool {
        let rest = self.0.trim_start_matches([' ', '\t']);
        rest.is_empty() || rest.starts_with(',')
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(|c| !is_part(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    fn skip_token68(&mut self) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let rest = self.0.trim_start_matches(is_part);
        let is_some = rest.len() < self.0.len();
        self.0 = rest.trim_start_matches('=');
        is_some
    }

    fn quoted(&mut self) -> Result<String, &'static str> {
        let mut value = String::new();
        let mut characters = self.0.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.0 = &self.0[at + 1..];
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
    fn a_challenge_is_found_among_several_schemes() {
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
    fn a_malformed_challenge_is_refused() {
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
