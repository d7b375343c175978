//! Servers that repeat in an error what they were sent: it is taken out of what they say, before any of
//! that can reach a message, the index of accounts, or a terminal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::port::{HttpRequest, HttpResponse};

/// The parameters of requests whose values are secrets.
const SECRET: [&str; 12] = [
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "password",
    "refresh_token",
    "subject_token",
    "token",
    "username",
];

/// What stands where a secret stood.
const HIDDEN: &[u8] = b"(hidden)";

/// Shorter values are no secrets, and would be found everywhere.
const SHORTEST: usize = 6;

/// Takes the secrets of the request out of a response that grants nothing. One that grants tokens may
/// well repeat a refresh token, and is shown to nobody.
pub(super) fn hide(request: &HttpRequest, response: &mut HttpResponse) {
    let grants = b"\"access_token\"";
    let is_success = (200..300).contains(&response.status);
    if is_success && response.body.windows(grants.len()).any(|part| part == grants) {
        return;
    }
    for secret in secrets(request) {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let quoted = Value::String(secret.to_string()).to_string();
        let quoted = quoted.trim_matches('"');
        for needle in [secret.as_str(), &encoded, quoted] {
            replace(&mut response.body, needle.as_bytes());
        }
    }
}

fn secrets(request: &HttpRequest) -> Vec<Zeroizing<String>> {
    let mut secrets: Vec<Zeroizing<String>> = Vec::new();
    if let Ok(Value::Object(map)) = serde_json::from_slice(&request.body) {
        for name in SECRET {
            secrets.extend(map.get(name).and_then(Value::as_str).map(|v| v.to_owned().into()));
        }
    } else {
        let pairs = form_urlencoded::parse(&request.body);
        let secret = pairs.filter(|(name, _)| SECRET.contains(&&**name));
        secrets.extend(secret.map(|(_, value)| value.into_owned().into()));
    }
    for (_, value) in request.headers.iter().filter(|(name, _)| name == "authorization") {
        let Some(credentials) = value.strip_prefix("Basic ") else { continue };
        secrets.push(credentials.to_owned().into());
        let decoded = STANDARD.decode(credentials).map(Zeroizing::new).unwrap_or_default();
        if let Some((_, secret)) =
            std::str::from_utf8(&decoded).ok().and_then(|t| t.split_once(':'))
        {
            // It was form-encoded before it was encoded in base64.
            let pair = Zeroizing::new(format!("s={secret}"));
            let plain = form_urlencoded::parse(pair.as_bytes()).map(|(_, v)| v.into_owned().into());
            secrets.extend(plain);
        }
    }
    secrets.retain(|secret| secret.len() >= SHORTEST);
    secrets
}

fn replace(body: &mut Zeroizing<Vec<u8>>, needle: &[u8]) {
    let mut from = 0;
    while let Some(at) = body[from..].windows(needle.len()).position(|part| part == needle) {
        let at = from + at;
        body.splice(at..at + needle.len(), HIDDEN.iter().copied());
        from = at + HIDDEN.len();
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::port::Method;

    fn said(status: u16, body: &str) -> String {
        let pairs = [("client_id", "cli"), ("refresh_token", "secret+\"one\""), ("scope", "api")];
        let body_of_request =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let basic = STANDARD.encode("cli:s%3Aecret+two");
        let request = HttpRequest {
            purpose: "token request",
            method: Method::Post,
            url: Url::parse("https://as.example/token").unwrap(),
            headers: vec![("authorization".to_owned(), format!("Basic {basic}"))],
            body: Zeroizing::new(body_of_request.into_bytes()),
        };
        let body = Zeroizing::new(body.replace("BASIC", &basic).into_bytes());
        let mut response = HttpResponse { status, headers: Vec::new(), body };
        hide(&request, &mut response);
        String::from_utf8(response.body.to_vec()).unwrap()
    }

    #[test]
    fn what_was_sent_does_not_come_back() {
        for (echo, left) in [
            ("no secret+\"one\" here", "no (hidden) here"),
            (r#"{"d":"secret+\"one\""}"#, r#"{"d":"(hidden)"}"#),
            ("refresh_token=secret%2B%22one%22&scope=api", "refresh_token=(hidden)&scope=api"),
            ("s:ecret two, s:ecret two", "(hidden), (hidden)"),
            ("Basic BASIC", "Basic (hidden)"),
            ("cli and api stay", "cli and api stay"),
        ] {
            assert_eq!(said(400, echo), left);
            assert_eq!(said(200, echo), left);
        }
    }

    #[test]
    fn tokens_are_left_alone() {
        let body = r#"{"access_token":"a","refresh_token":"secret+\"one\""}"#;
        assert_eq!(said(200, body), body);
        assert_ne!(said(400, body), body);
    }
}
