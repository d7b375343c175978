//! Redacts the headers that carry credentials and challenges.

use base64::Engine as _;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::Redactor;
use super::words::{is_scheme, placeholder};
use crate::redact::names::Class;

impl Redactor {
    /// Redacts `SCHEME CREDENTIALS` (RFC 9110, section 11.4). A scheme is a short word before a space.
    pub(super) fn credentials(&mut self, value: &str) -> String {
        let Some((scheme, credentials)) = value.split_once(' ').filter(|(s, _)| is_scheme(s))
        else {
            self.remember(value, Class::Secret);
            return placeholder(value);
        };
        self.remember(credentials, Class::Secret);
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(decoded) = base64::prelude::BASE64_STANDARD.decode(credentials.trim())
        {
            let decoded = Zeroizing::new(decoded);
            let text = Zeroizing::new(String::from_utf8_lossy(&decoded).into_owned());
            if let Some((_, password)) = text.split_once(':') {
                self.remember(password, Class::Secret);
                // Client secrets are form-encoded before they are joined (RFC 6749, section 2.3.1).
                let plain = form_urlencoded::parse(password.as_bytes()).next();
                self.remember(&plain.map(|(name, _)| name).unwrap_or_default(), Class::Secret);
            }
        }
        format!("{scheme} {}", placeholder(credentials))
    }

    /// Redacts `SCHEME name="value", …` (RFC 9110, section 11.6.1).
    pub(super) fn challenge(&mut self, value: &str) -> String {
        let Some((scheme, parameters)) = value.split_once(' ').filter(|(s, _)| is_scheme(s)) else {
            return if is_scheme(value) { value.to_owned() } else { placeholder(value) };
        };
        let mut shown = Vec::new();
        let mut rest = parameters;
        while let Some((name, after)) = rest.split_once('=') {
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => after.split_once(',').unwrap_or((after, "")),
            };
            let name = name.trim_matches([',', ' ']);
            let value = self.parameter(name, value);
            shown.push(format!("{}=\"{value}\"", self.name(name)));
            rest = after;
        }
        if !rest.trim().is_empty() {
            shown.push(placeholder(rest));
        }
        format!("{scheme} {}", shown.join(", "))
    }
}
