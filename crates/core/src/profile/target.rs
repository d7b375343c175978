//! The target of a credential helper's request: a host or URL, compared as a whole.

use std::net::IpAddr;

use super::api_url::{decoded, has_hidden_dots};

/// A parsed host or URL: `https://gitlab.com`, `registry.example.com:5000`, `https://work@git.example/group`.
///
/// ```
/// use oauthctl_core::profile::Target;
///
/// let key = Target::parse("https://gitlab.com")?;
/// assert!(key.covers(&Target::parse("https://GitLab.com:443/group/project.git")?));
/// assert!(!key.covers(&Target::parse("https://gitlab.com.example")?));
/// assert!(!key.covers(&Target::parse("http://gitlab.com")?));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether it is plain http; `None` if there is no scheme.
    plain: Option<bool>,
    user: Option<String>,
    host: String,
    /// `None` for the default port of the scheme.
    port: Option<u16>,
    path: Vec<String>,
}

impl Target {
    /// Parses a host or URL. The prefix `sparse+` of cargo is dropped.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with it: "must …".
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_safe = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | '<' | '>' | '^');
        if text.is_empty() || !text.chars().all(is_safe) {
            return Err(
                "must be a host or URL in ASCII, without spaces or control characters".into()
            );
        }
        let text = text.strip_prefix("sparse+").unwrap_or(text);
        let (plain, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Some(false), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Some(true), rest),
            Some(_) => return Err("must be an https URL".into()),
            None => (None, text),
        };
        if rest.contains(['?', '#']) {
            return Err("must have neither a query nor a fragment".into());
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, address) = match authority.split_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        if address.contains('@') || user.is_some_and(|user| user.is_empty() || user.contains(':')) {
            return Err("must have at most a user name before the host".into());
        }
        let (host, port) = host_and_port(address).ok_or("must name a host, with a port or none")?;
        let default = if plain == Some(true) { 80 } else { 443 };
        if has_hidden_dots(path) {
            return Err("must not have `.` or `..` in its path".into());
        }
        let path: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Ok(Self {
            plain,
            user: user.map(str::to_owned),
            host: host.to_ascii_lowercase(),
            port: port.filter(|port| *port != default),
            path,
        })
    }

    /// Returns the same target for this user.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// Returns whether a request for `asked` gets the credential of this target. Host and port must be equal,
    /// the path of this target must be a prefix of whole segments, however each is percent-encoded, and the user
    /// must be equal if the target names one. Nothing matches over plain http, except on a loopback address.
    pub fn covers(&self, asked: &Self) -> bool {
        let has_scheme = match (self.plain, asked.plain) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        let is_safe = !(asked.is_plain() || self.is_plain()) || asked.is_loopback();
        let is_user = self.user.is_none() || self.user == asked.user;
        has_scheme
            && is_safe
            && is_user
            && self.host == asked.host
            && self.port == asked.port
            && self.path.len() <= asked.path.len()
            && self
                .path
                .iter()
                .zip(&asked.path)
                .all(|(own, asked)| decoded(own.as_bytes()) == decoded(asked.as_bytes()))
    }

    /// Returns how precise the target is, to select one of those that match.
    pub(super) fn precision(&self) -> (usize, bool, bool) {
        (self.path.len(), self.user.is_some(), self.plain.is_some())
    }

    /// Returns the host, in lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the host, with its port unless it is the default one.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Returns the user that it names.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Returns the path, without a slash at either end.
    pub fn path(&self) -> String {
        self.path.join("/")
    }

    /// Returns whether it was written as a URL.
    pub fn is_url(&self) -> bool {
        self.plain.is_some()
    }

    /// Returns whether it is plain http.
    pub fn is_plain(&self) -> bool {
        self.plain == Some(true)
    }

    /// Returns whether its host is a loopback address, or the name `localhost`.
    pub fn is_loopback(&self) -> bool {
        let literal = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

fn host_and_port(address: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, after)) => {
            inner.parse::<std::net::Ipv6Addr>().ok()?;
            let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
            (&address[..inner.len() + 2], port)
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || !(host.starts_with('[') || host.chars().all(is_host)) {
        return None;
    }
    let port = match port {
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    Some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(key: &str, asked: &str) -> bool {
        Target::parse(key).unwrap().covers(&Target::parse(asked).unwrap())
    }

    #[test]
    fn target_matches_other_spellings_of_itself() {
        for (key, asked) in [
            ("https://gitlab.com", "https://gitlab.com"),
            ("https://gitlab.com/", "https://GITLAB.com:443/a/b.git"),
            ("gitlab.com", "https://gitlab.com"),
            ("https://gitlab.com", "gitlab.com"),
            ("https://git.example/group", "https://git.example/group/project"),
            ("https://ada@git.example", "https://ada@git.example/x"),
            ("https://git.example/My%20Project", "https://git.example/%4d%79%20Project/x"),
            ("https://git.example/~a%2fb", "https://git.example/%7Ea%2Fb"),
            ("https://git.example/100%", "https://git.example/100%25"),
            ("https://git.example/%zz%4", "https://git.example/%25zz%254"),
            ("sparse+https://cargo.example/index/", "https://cargo.example/index"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/x"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:1", "http://[::1]:1"),
            ("http://localhost", "http://localhost:80"),
        ] {
            assert!(covers(key, asked), "{key} {asked}");
        }
    }

    #[test]
    fn target_matches_no_other_place() {
        for (key, asked) in [
            ("https://gitlab.com", "https://gitlab.com.example"),
            ("https://gitlab.com", "https://agitlab.com"),
            ("https://gitlab.com", "https://www.gitlab.com"),
            ("https://gitlab.com", "https://gitlab.co"),
            ("https://gitlab.com", "https://gitlab.com.:443"),
            ("https://gitlab.com", "https://gitlab.com:8443"),
            ("https://gitlab.com", "http://gitlab.com:443"),
            ("https://gitlab.com", "https://gitlab.com@evil.example"),
            ("https://git.example/group", "https://git.example/group-two"),
            ("https://git.example/group", "https://git.example"),
            ("https://git.example/Group", "https://git.example/group"),
            ("https://git.example/a/b", "https://git.example/a%2Fb"),
            ("https://git.example/a/b", "https://git.example/a"),
            ("https://git.example/a%20b", "https://git.example/a%2520b"),
            ("https://git.example/a%20b", "https://git.example/a+b"),
            ("https://ada@git.example", "https://git.example"),
            ("https://ada@git.example", "https://bob@git.example"),
            ("gitlab.com", "http://gitlab.com"),
            ("http://gitlab.com", "http://gitlab.com"),
            ("http://gitlab.com", "gitlab.com:80"),
            ("http://127.0.0.1", "http://127.0.0.2"),
            ("http://127.0.0.1:1", "https://127.0.0.1:1"),
        ] {
            assert!(!covers(key, asked), "{key} {asked}");
        }
    }

    #[test]
    fn invalid_target_is_refused() {
        for text in [
            "",
            " ",
            "https://",
            "https:///path",
            "ftp://a.example",
            "https://a b",
            "https://a\nb",
            "https://a\u{0}",
            "https://a\\b",
            "https://ä.example",
            "https://a%2eexample",
            "https://a@b@c",
            "https://u:p@a.example",
            "https://@a.example",
            "https://a.example:port",
            "https://a.example:",
            "https://a.example:99999",
            "https://a.example?q",
            "https://a.example#f",
            "https://a.example/../b",
            "https://a.example/b/%2e%2E/c",
            "https://a.example/.%2e",
            "https://a.example/b/..%2Fc",
            "https://a.example/%252e%252e/c",
            "https://[::1",
            "https://[::g]",
        ] {
            assert!(Target::parse(text).is_err(), "{text:?}");
        }
    }
}
