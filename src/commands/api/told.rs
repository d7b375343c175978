//! Messages about a response that is not successful.

use oauthctl_core::http::api::{Method, StatusCode};
use oauthctl_core::text::one_line;
use oauthctl_core::{Advice, Error, ErrorKind, GrantKey};
use url::Url;

/// Returns a URL as it may be shown: a query can contain a secret.
pub fn place(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    one_line(url.as_str())
}

/// Returns the error for a status, if it is one.
pub fn status(method: &Method, url: &Url, status: StatusCode, key: &GrantKey) -> Option<Error> {
    let what = format!("{method} {}: {}", place(url), in_words(status));
    match status.as_u16() {
        401 => {
            let error = Error::new(ErrorKind::ServerRefused, what);
            Some(error.hint(Advice::LogIn(key.clone())))
        }
        400..=499 => Some(Error::new(ErrorKind::ServerRefused, what)),
        500..=599 => Some(Error::unavailable(what).hint(Advice::RetryLater)),
        _ => None,
    }
}

/// Returns the error for a token that lacks scopes.
pub fn missing_scopes(method: &Method, url: &Url, key: &GrantKey, scopes: &[String]) -> Error {
    let what = format!("{method} {}: the token lacks a required scope", place(url));
    Error::login_required(what)
        .hint(Advice::AddScopes { key: key.clone(), scopes: scopes.to_vec() })
}

fn in_words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}
