//! Profiles that are named by the URL of their server or resource: each is the result of a login, and no configuration
//! file contains it. [`FlowManager::locate`](crate::FlowManager::locate) finds the server of a URL.

use url::{Host, Url};

use super::{DiscoveryRules, Profile, endpoint};
use crate::error::{Error, Result};
use crate::text::one_line;

/// Returns whether the name of a profile is a URL.
pub fn is_url(name: &str) -> bool {
    name.contains("://")
}

/// Parses a URL that a user wants to log in to: https, or http on this machine.
///
/// # Errors
///
/// Returns `Usage` for any other text.
pub fn parse_url(text: &str) -> Result<Url> {
    endpoint::check(text).map_err(|why| Error::usage(format!("the URL `{}` {why}", one_line(text))))
}

/// Returns the canonical form of a URL, which is the same for all its spellings.
///
/// ```
/// use oauthctl_core::profile::url_login::canonical;
///
/// assert_eq!(canonical("HTTPS://R.example:443/"), "https://r.example");
/// assert_eq!(canonical("https://r.example/a"), "https://r.example/a");
/// ```
pub fn canonical(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.path() == "/" && url.query().is_none() => {
            url.as_str().trim_end_matches('/').to_owned()
        }
        Ok(url) => url.into(),
        Err(_) => text.to_owned(),
    }
}

/// Returns the URL that a user probably means by a host without a scheme; `None` if the text is no host.
pub(crate) fn with_scheme(text: &str) -> Option<String> {
    let parse = |scheme: &str| parse_url(&format!("{scheme}://{text}")).ok();
    let is_local = |url: &Url| endpoint::is_loopback(url);
    let url = parse("http").filter(is_local).or_else(|| parse("https"))?;
    let is_host = match url.host()? {
        Host::Domain(name) => {
            let last = name.rsplit_once('.').map(|(_, last)| last);
            url.port().is_some()
                || last.is_some_and(|last| {
                    last.len() > 1 && last.bytes().all(|b| b.is_ascii_alphabetic())
                })
        }
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    (is_host || is_local(&url)).then(|| canonical(url.as_str()))
}

/// Returns a profile for looking at a server before its client is known.
pub(crate) fn without_client(url: &str, issuer: &str) -> Result<Profile> {
    let mut profile = Profile::builder("url", "unknown").issuer(issuer).build()?;
    profile.name = url.to_owned();
    profile.discovery_rules = DiscoveryRules::Mcp;
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_url_are_one_login() {
        assert_eq!(canonical("HTTPS://R.example:443/"), canonical("https://r.example"));
        assert_eq!(canonical("https://r.example/A"), canonical("https://R.example/A"));
        for (one, other) in [
            ("https://r.example/a", "https://r.example/a/"),
            ("https://r.example/a", "https://r.example/A"),
            ("https://r.example/?a", "https://r.example"),
            ("http://127.0.0.1:1", "http://127.0.0.1:2"),
        ] {
            assert_ne!(canonical(one), canonical(other), "{one}");
        }
    }

    #[test]
    fn host_without_a_scheme_is_a_url() {
        for (text, url) in [
            ("mcp.example.com", "https://mcp.example.com"),
            ("mcp.example.com/mcp", "https://mcp.example.com/mcp"),
            ("Mcp.Example.com:8443/a?b", "https://mcp.example.com:8443/a?b"),
            ("intranet:8443", "https://intranet:8443"),
            ("localhost:3000/mcp", "http://localhost:3000/mcp"),
            ("127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("localhost", "http://localhost"),
            ("192.0.2.7", "https://192.0.2.7"),
        ] {
            assert_eq!(with_scheme(text).as_deref(), Some(url), "{text}");
        }
        for text in [
            "",
            "work",
            "gitlab-work",
            "v1.2",
            "my profile.com",
            "a@b.example",
            "x.y#z",
            "/tmp/a.com",
            "work/prod",
        ] {
            assert_eq!(with_scheme(text), None, "{text}");
        }
    }
}
