//! What a resource server asks for in `WWW-Authenticate` (RFC 6750, section 3; RFC 9449, section 9).

use oauthctl_core::http::api::header::{HeaderMap, WWW_AUTHENTICATE};

/// Returns the scopes that a request needs, if it was refused because its token lacks them. Servers may
/// leave out which ones.
pub fn missing_scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    let challenge = with_error(headers, "insufficient_scope")?;
    let scopes = parameter(challenge, "scope").unwrap_or_default();
    let is_part = |c: char| c.is_ascii_graphic() && c != '\\';
    let words = scopes.split(' ').filter(|scope| !scope.is_empty() && scope.chars().all(is_part));
    Some(words.map(str::to_owned).collect())
}

/// Returns the nonce that a proof of possession must contain.
pub fn wanted_nonce(headers: &HeaderMap) -> Option<&str> {
    with_error(headers, "use_dpop_nonce").and_then(|_| nonce(headers))
}

/// Returns the nonce for the next proof, if the response provides one.
pub fn nonce(headers: &HeaderMap) -> Option<&str> {
    headers.get("dpop-nonce")?.to_str().ok().filter(|nonce| !nonce.is_empty())
}

fn with_error<'a>(headers: &'a HeaderMap, code: &str) -> Option<&'a str> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut values = values.filter(|value| parameter(value, "error") == Some(code));
    values.next()
}

/// Returns the value of a parameter, quoted or not.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = challenge;
    loop {
        let at = rest.find(['"', '='])?;
        let (before, after) = rest.split_at(at);
        let after = &after[1..];
        if rest.as_bytes()[at] == b'"' {
            // Text of another parameter, which may look like this one.
            rest = &after[after.find('"')? + 1..];
            continue;
        }
        let key = before.trim_end().rsplit([' ', ',', '\t']).next().unwrap_or_default();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find([',', ' ']).unwrap_or(after.len())),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(challenges: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, challenge.parse().unwrap());
        }
        headers
    }

    #[test]
    fn scopes_are_those_of_the_refusal() {
        for (challenges, scopes) in [
            (&["Bearer error=\"insufficient_scope\", scope=\"a b:c\""][..], Some("a b:c")),
            (&["Bearer realm=\"error=insufficient_scope\", scope=\"a\""], None),
            (&["Basic realm=x", "bearer scope=a ,error = insufficient_scope"], Some("a")),
            (&["DPoP algs=\"ES256\", error=\"insufficient_scope\""], Some("")),
            (&["Bearer error=\"insufficient_scope\", scope=\"a $(x)`\\ b\""], Some("a b")),
            (&["Bearer error=\"invalid_token\", scope=\"a\"", "x\""], None),
            (&["="], None),
        ] {
            let found = missing_scopes(&headers(challenges));
            let shown = found.map(|found| found.join(" "));
            assert_eq!(
                shown.as_deref().map(|s| s.replace("  ", " ")),
                scopes.map(str::to_owned),
                "{challenges:?}"
            );
        }
    }

    #[test]
    fn nonce_is_wanted_where_the_error_says_so() {
        let mut headers = headers(&["DPoP error=\"use_dpop_nonce\""]);
        assert_eq!(wanted_nonce(&headers), None);
        headers.insert("dpop-nonce", "n".parse().unwrap());
        assert_eq!(wanted_nonce(&headers), Some("n"));
        headers.remove(WWW_AUTHENTICATE);
        assert_eq!((wanted_nonce(&headers), nonce(&headers)), (None, Some("n")));
    }
}
