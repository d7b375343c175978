//! The response to a request that contained secrets.

use serde_json::{Map, Value};

use super::members::Members;
use crate::error::OAuthError;
use crate::port::HttpResponse;
use crate::profile::metadata::Unique;
use crate::redact;
use crate::secret::Secret;
use crate::text::one_line;
use crate::time::Timestamp;

/// A response, and the secrets of its request. Decisions are based on exactly what the server sent; only
/// what is shown has the secrets removed, because some servers quote the request in their refusal.
pub(crate) struct Answer {
    response: HttpResponse,
    secrets: Vec<Secret>,
    sent_at: Timestamp,
}

impl Answer {
    pub(crate) fn new(response: HttpResponse, secrets: Vec<Secret>, sent_at: Timestamp) -> Self {
        Self { response, secrets, sent_at }
    }

    /// Returns when the request was sent. Lifetimes in the response count from here, because it is unknown
    /// when the server responded.
    pub(crate) fn sent_at(&self) -> Timestamp {
        self.sent_at
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.response.body.is_empty()
    }

    /// Returns the members of the body: as JSON, whatever its media type, or as the form that some servers
    /// still return, if the body is declared as one or can only be one.
    pub(crate) fn members(&self) -> Members {
        let body = &self.response.body;
        let members = Members::read(body);
        let is_labelled = self.media_type() == "application/x-www-form-urlencoded";
        let is_object = body.trim_ascii_start().starts_with(b"{");
        if members.defect().is_none() || is_object || !(is_labelled || is_form(body)) {
            return members;
        }
        Members::read_form(body.trim_ascii_end(), self.response.is_delimited())
    }

    /// Returns the body, if it is a JSON object with each member once.
    pub(crate) fn object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice::<Unique>(&self.response.body).ok().map(|Unique(object)| object)
    }

    /// Returns the media type, in lower case and without its parameters.
    pub(crate) fn media_type(&self) -> String {
        let all = self.header("content-type").unwrap_or("application/json");
        one_line(all.split(';').next().unwrap_or("")).to_ascii_lowercase()
    }

    /// Returns the server's error, sanitized: without the secrets of the request, and without the tokens
    /// that the response itself contains.
    pub(crate) fn oauth_error(&self, code: &str, description: Option<&str>) -> OAuthError {
        let mut secrets = self.members().tokens();
        secrets.extend(self.secrets.iter().cloned());
        let code = match redact::names::is_error_code(code) {
            true => code.to_owned(),
            false => redact::without(code, &secrets),
        };
        let description = description.map(|text| redact::without(text, &secrets));
        OAuthError::new(&code, description.as_deref())
    }
}

/// Returns whether a body without a matching media type is a form: pairs of encoded text, one of which is a
/// member of a token response or of an error response (RFC 6749, section 5).
fn is_form(body: &[u8]) -> bool {
    let body = body.trim_ascii_end();
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~*+%:/".contains(b);
    let mut names = Vec::new();
    for pair in body.split(|b| *b == b'&') {
        let Some(at) = pair.iter().position(|b| *b == b'=') else { return false };
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        // A base64 token may end with characters that should have been encoded.
        let value = value.trim_ascii_end();
        let end = value.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
        if name.is_empty() || !name.iter().chain(&value[..end]).all(is_plain) {
            return false;
        }
        names.push(name);
    }
    [b"access_token".as_slice(), b"refresh_token", b"error"].iter().any(|name| names.contains(name))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn answer(media_type: &str, body: &[u8], secrets: &[&str]) -> Answer {
        let response = HttpResponse {
            status: 200,
            headers: vec![
                ("content-type".to_owned(), media_type.to_owned()),
                ("content-length".to_owned(), body.len().to_string()),
            ],
            body: Zeroizing::new(body.to_vec()),
        };
        let secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Answer::new(response, secrets, Timestamp::from_unix(0))
    }

    #[test]
    fn refusal_is_shown_without_secrets() {
        let secret = "1//RT+canary é";
        for quoted in [
            "1//RT+canary é",
            r"1\/\/RT+canary é",
            r"1\u002f\u002FRT\u002bcanary \u00e9",
            "1%2F%2FRT%2Bcanary+%C3%A9",
        ] {
            let body = format!(r#"{{"error":"x {quoted}","error_description":"bad {quoted}!"}}"#);
            let answer = answer("application/json", body.as_bytes(), &[secret]);
            let text = |name: &str| answer.members().text(name).unwrap();
            let shown = answer.oauth_error(&text("error"), Some(&text("error_description")));
            assert_eq!(shown.code, "x [redacted]");
            assert_eq!(shown.description.as_deref(), Some("bad [redacted]!"));
        }
    }

    #[test]
    fn refusal_is_shown_without_the_tokens_beside_it() {
        let body = br#"{"error":"invalid_scope","message":"new AT-10abcdef, RT-10abcdef","access_token":"AT-10abcdef",
            "authed_user":{"refresh_token":"RT-10abcdef"}}"#;
        let answer = answer("application/json", body, &[]);
        let shown =
            answer.oauth_error("invalid_scope", answer.members().text("message").as_deref());
        assert_eq!(shown.description.as_deref(), Some("new [redacted], [redacted]"));
    }

    #[test]
    fn secret_that_is_a_word_changes_no_public_code() {
        let answer = answer("", b"", &["invalid", "invalid_grant", "secret_code"]);
        let shown = answer.oauth_error("invalid_grant", Some("invalid token"));
        assert_eq!(shown.code, "invalid_grant");
        assert_eq!(shown.description.as_deref(), Some("[redacted] token"));
        assert_eq!(answer.oauth_error("secret_code", None).code, "[redacted]");
    }

    #[test]
    fn secret_is_hidden_before_a_long_text_is_cut() {
        let secret = "S".repeat(100);
        let text = "x".repeat(450) + &secret;
        let shown = answer("", b"", &[&secret]).oauth_error("e", Some(&text));
        assert!(!shown.description.unwrap().contains("SS"));
    }

    #[test]
    fn only_what_is_unmistakably_a_form_is_read_as_one() {
        let token = |media_type: &str, body: &str| {
            answer(media_type, body.as_bytes(), &[]).members().text("access_token")
        };
        for (media_type, body) in [
            ("application/x-www-form-urlencoded; charset=utf-8", "access_token=a&x"),
            ("text/plain", "access_token=a&token_type=bearer&expires=3600"),
            ("text/html; charset=utf-8", "expires_in=1&access_token=a\r\n"),
            ("application/json", "access_token=a&scope=x%20y+z"),
            ("application/x-www-form-urlencoded", "{\"access_token\":\"a\"}"),
        ] {
            assert_eq!(token(media_type, body).as_deref(), Some("a"), "{media_type} {body}");
        }
        assert_eq!(token("text/plain", "access_token=YQ==&x=1").as_deref(), Some("YQ=="));
        for body in [
            "access_token=a&<b>",
            "<a href=\"?access_token=a\">",
            "access_token=a b",
            "token=a&x=1",
            "access_token",
            "{\"x\":&access_token=a",
            "",
        ] {
            assert_eq!(token("text/plain", body), None, "{body}");
        }
    }
}
