//! An authorization response as the receiver passes it on: a URL, a query, or its parameters.

use url::form_urlencoded;

use super::callback::{Parameters, parse_query};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// An authorization response (RFC 6749, section 4.1.2) as received. Its form has been checked; the flow
/// validates whose it is and whether it can be trusted.
///
/// ```
/// use oauthctl_core::AuthorizationResponse;
///
/// // The whole URL: its scheme, host and path are then compared with the redirect URI.
/// let response = AuthorizationResponse::from_url("https://app.example/callback?code=c&state=s")?;
/// assert_eq!(response.state(), "s");
/// // As a web framework passes it to the handler of the redirect URI's route, which knows its own URL.
/// AuthorizationResponse::from_query("code=c&state=s")?.received_at("https://app.example/callback")?;
/// AuthorizationResponse::from_parameters([("code", "c"), ("state", "s")])?;
/// // Neither a code nor an error.
/// assert!(AuthorizationResponse::from_query("state=s").is_err());
/// # Ok::<(), oauthctl_core::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthorizationResponse {
    /// The URL up to its query, if there was one.
    place: Option<String>,
    query: Secret,
    state: Secret,
}

impl std::fmt::Debug for AuthorizationResponse {
    /// Omits the content: code and state are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthorizationResponse(…)")
    }
}

impl AuthorizationResponse {
    /// Parses the callback URL with its query; a fragment is ignored.
    ///
    /// # Errors
    ///
    /// Returns `Validation` for an invalid URL, or for a query that is not an authorization response: see
    /// [`parse_query`] and [`Parameters::require_response`]. No message repeats any of it.
    pub fn from_url(url: &str) -> Result<Self> {
        let parts = Parts::of(without_paste_markers(url).trim()).ok_or_else(no_response)?;
        Self::checked(Some(parts.without_query()), Secret::new(parts.query))
    }

    /// Parses the query of the callback URL, or the body of a `form_post` response, still encoded. Set the
    /// URL that received it with [`received_at`](Self::received_at): with profiles of several servers, of
    /// which some send no `iss`, nothing else identifies the server of the code, and without it the
    /// response is refused.
    ///
    /// # Errors
    ///
    /// See [`AuthorizationResponse::from_url`].
    pub fn from_query(query: &str) -> Result<Self> {
        Self::checked(None, Secret::new(query.trim_start_matches('?')))
    }

    /// Creates a response from its decoded parameters, in their order. Pass all of them: duplicates are
    /// refused here, and `iss` and `error` matter as much as `code`. Set the URL that received them as for
    /// [`from_query`](Self::from_query).
    ///
    /// # Errors
    ///
    /// See [`AuthorizationResponse::from_url`].
    pub fn from_parameters<N, V>(parameters: impl IntoIterator<Item = (N, V)>) -> Result<Self>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            query.append_pair(name.as_ref(), value.as_ref());
        }
        Self::checked(None, Secret::new(query.finish()))
    }

    /// Sets the URL that received the response, which is compared with the redirect URI of its flow up to
    /// the query. Use the caller's own knowledge, such as the route whose handler runs: the host in a
    /// request can be forged.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for an invalid URL.
    pub fn received_at(mut self, url: &str) -> Result<Self> {
        let parts = Parts::of(url.trim())
            .ok_or_else(|| Error::usage("the URL that received the response is invalid"))?;
        self.place = Some(parts.without_query());
        Ok(self)
    }

    fn checked(place: Option<String>, query: Secret) -> Result<Self> {
        let parameters = read(&query)?;
        let state = parameters.state().ok_or_else(no_response)?;
        let state = Secret::new(state.as_str());
        Ok(Self { place, query, state })
    }

    /// Returns the state, which has not been validated yet.
    pub fn state(&self) -> &str {
        self.state.expose()
    }

    /// Returns whether the URL that received the response is known.
    pub(crate) fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// Returns the parameters, once the expected redirect URI is known.
    ///
    /// # Errors
    ///
    /// Returns `Validation` if it was received at another URL, or violates the rules.
    pub(crate) fn parameters(&self, redirect_uri: &str) -> Result<Parameters> {
        if let Some(place) = &self.place {
            let (place, expected) = (Parts::of(place), Parts::of(redirect_uri));
            let (Some(place), Some(expected)) = (place, expected) else {
                return Err(Error::internal("the redirect URI is not a URL"));
            };
            if let Some(what) = place.differs_from(&expected) {
                return Err(Error::validation(format!(
                    "the callback URL has a different {what} than the redirect URI of this flow"
                ))
                .hint(WHOLE));
            }
        }
        read(&self.query)
    }
}

fn read(query: &Secret) -> Result<Parameters> {
    let cannot_be_used = |error: Error| error.context("cannot use the callback").hint(WHOLE);
    let parameters = parse_query(query.expose()).map_err(cannot_be_used)?;
    parameters.require_response().map_err(cannot_be_used)?;
    Ok(parameters)
}

const WHOLE: &str = "pass the whole callback URL, with its query";

fn no_response() -> Error {
    Error::validation("not a callback URL with a state").hint(WHOLE)
}

/// Returns a text without the markers that a terminal puts around pasted text (bracketed paste).
pub(crate) fn without_paste_markers(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix("\u{1b}[200~").unwrap_or(text);
    text.strip_suffix("\u{1b}[201~").unwrap_or(text)
}

/// The parts of a URL, none of them decoded, without its fragment.
pub(crate) struct Parts<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if scheme.is_empty() || !is_scheme {
            return None;
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        Some(Self { scheme, authority, path, query })
    }

    fn without_query(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }

    /// Returns which part differs, ignoring the queries.
    pub(crate) fn differs_from(&self, expected: &Parts<'_>) -> Option<&'static str> {
        let (place, wanted) = (self.place(), expected.place());
        if place.0 != wanted.0 {
            Some("scheme")
        } else if place.1 != wanted.1 {
            Some("host or port")
        } else {
            (place.2 != wanted.2).then_some("path")
        }
    }

    /// Returns scheme, authority and path as a browser shows them: names in lower case, no default port, a
    /// slash for an empty path.
    fn place(&self) -> (String, String, &str) {
        let scheme = self.scheme.to_ascii_lowercase();
        let mut authority = self.authority.to_ascii_lowercase();
        let default = if scheme == "https" { ":443" } else { ":80" };
        if let Some(without) = authority.strip_suffix(default) {
            authority.truncate(without.len());
        }
        (scheme, authority, if self.path.is_empty() { "/" } else { self.path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "https://app.example/callback";

    fn validate(url: &str) -> Result<Parameters> {
        AuthorizationResponse::from_url(url)?.parameters(URI)
    }

    #[test]
    fn url_must_have_come_in_at_the_redirect_uri() {
        for good in [
            "https://app.example/callback?code=c&state=s",
            "HTTPS://App.Example:443/callback?code=c&state=s#_=_",
            "  https://app.example/callback?error=access_denied&state=s\n",
            "\u{1b}[200~https://app.example/callback?code=c&state=s\n\u{1b}[201~",
        ] {
            assert!(validate(good).is_ok(), "{good}");
        }
        for bad in [
            "http://app.example/callback?code=SECRET&state=s",
            "https://app.example:444/callback?code=SECRET&state=s",
            "https://evil.example/callback?code=SECRET&state=s",
            "https://user@app.example/callback?code=SECRET&state=s",
            "https://app.example/callback/?code=SECRET&state=s",
            "https://app.example/callback#code=SECRET&state=s",
            "https://app.example/callback?code=SECRET",
            "https://app.example/callback?code=SECRET&code=b&state=s",
            "app.example/callback?code=SECRET&state=s",
            "SECRET",
            "",
        ] {
            let error = validate(bad).expect_err(bad);
            assert_eq!(error.kind(), crate::ErrorKind::Validation, "{bad}");
            assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
        }
    }

    #[test]
    fn receiving_url_of_a_query_can_be_set() {
        let at = |url: &str| {
            let query = AuthorizationResponse::from_query("?code=c&state=s").unwrap();
            query.received_at(url)?.parameters(URI)
        };
        for good in [URI, "https://APP.example:443/callback?code=another"] {
            assert_eq!(at(good).expect(good).get("code"), Some("c"), "{good}");
        }
        for bad in ["https://app.example/other", "http://app.example/callback", "https://"] {
            assert_eq!(at(bad).unwrap_err().kind(), crate::ErrorKind::Validation, "{bad}");
        }
        for bad in ["", "/callback", "app.example/callback"] {
            assert_eq!(at(bad).unwrap_err().kind(), crate::ErrorKind::Usage, "{bad}");
        }
    }

    #[test]
    fn decoded_parameters_are_validated_like_a_query() {
        let of = |pairs: &[(&str, &str)]| {
            AuthorizationResponse::from_parameters(pairs.iter().copied())
                .and_then(|response| response.parameters(URI))
        };
        let taken = of(&[("code", "a+b&c=%20"), ("state", "s"), ("realmId", "ä")]).unwrap();
        assert_eq!((taken.get("code"), taken.get("realmId")), (Some("a+b&c=%20"), Some("ä")));
        for bad in [
            &[("code", "a"), ("code", "b"), ("state", "s")][..],
            &[("code", "a"), ("error", "b"), ("state", "s")],
            &[("code", "a\nb"), ("state", "s")],
            &[("code", "a")],
            &[],
        ] {
            assert!(of(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn values_that_decide_nothing_may_hold_anything() {
        for odd in ["a%0d%0ab", "%", "%FC", "%1b[2J", "%C2%85", "a\tb", &"x".repeat(20_000)] {
            for raw in [
                format!("error=e&state=s&error_description={odd}&error_description={odd}"),
                format!("code=c&state=s&{odd}=1&scope={odd}"),
            ] {
                let url = format!("{URI}?{raw}");
                for response in
                    [AuthorizationResponse::from_url(&url), AuthorizationResponse::from_query(&raw)]
                {
                    let parameters = response.and_then(|r| r.parameters(URI));
                    assert!(parameters.is_ok(), "{raw}: {parameters:?}");
                }
            }
            let pairs = [("error", "e"), ("state", "s"), ("error_description", "a\r\n\u{1b}")];
            assert!(AuthorizationResponse::from_parameters(pairs).is_ok());
        }
    }

    #[test]
    fn debug_of_a_response_shows_no_parameter() {
        let response = AuthorizationResponse::from_query("code=SECRET&state=HIDDEN").unwrap();
        assert_eq!(format!("{response:?}"), "AuthorizationResponse(…)");
    }
}
