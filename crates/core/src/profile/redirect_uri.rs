//! Redirect URIs (RFC 6749, section 3.1.2; RFC 8252, section 7).

use super::endpoint::{authority, check, port};

/// A redirect URI, on the loopback interface or elsewhere. The text is kept as written: servers compare it
/// byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedirectUri {
    /// The URI as configured.
    pub text: String,
    /// Its host: `127.0.0.1`, `[::1]`, `localhost`, or elsewhere.
    pub host: LoopbackHost,
    /// Its port; with `None`, an ephemeral one is used and written into the URI.
    pub port: Option<u16>,
    /// Its path, with the leading slash; empty if the URI has none.
    pub path: String,
}

impl std::str::FromStr for RedirectUri {
    type Err = crate::Error;

    /// Parses a redirect URI: http on a loopback host, with or without a port, or https elsewhere.
    fn from_str(text: &str) -> crate::Result<Self> {
        redirect_uri(text).map_err(|why| crate::Error::config(format!("the redirect URI {why}")))
    }
}

/// The hosts of a loopback redirect URI (RFC 8252, sections 7.3 and 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoopbackHost {
    /// `127.0.0.1`.
    V4,
    /// `[::1]`.
    V6,
    /// `localhost`: both address families.
    Name,
    /// Not this machine: an https page from which the callback URL is pasted, or a web application that
    /// completes the flow. There is no listener.
    Elsewhere,
}

/// Properties of a profile's redirect URI beyond its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Callback {
    /// An earlier profile of another server uses the built-in path, and this one does not set a redirect
    /// URI: its responses use a separate path, unless they contain `iss`.
    pub own_path: bool,
    /// The server comes from the preset, not from the configuration.
    pub server_of_preset: bool,
}

/// Returns the redirect URI of a profile that sets none.
pub(crate) fn built_in_redirect() -> RedirectUri {
    RedirectUri {
        text: "http://127.0.0.1/callback".to_owned(),
        host: LoopbackHost::V4,
        port: None,
        path: "/callback".to_owned(),
    }
}

/// The error for a redirect URI that is neither.
const NO_REDIRECT_URI: &str = "must be https, or http on 127.0.0.1, [::1] or localhost";

/// Parses a redirect URI, keeping its text as written: servers compare it byte for byte.
pub(crate) fn redirect_uri(text: &str) -> Result<RedirectUri, String> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be plain ASCII without spaces".to_owned());
    }
    if text.contains(['?', '#', '\\']) {
        return Err("must not contain a query, a fragment or a backslash".to_owned());
    }
    if authority(text).contains('@') {
        return Err("must not contain a user name or password".to_owned());
    }
    if let Some(rest) = text.strip_prefix("http://") {
        return loopback(text, rest);
    }
    let url = check(text).map_err(|_| NO_REDIRECT_URI.to_owned())?;
    if !text.starts_with("https://") {
        return Err("must begin with https:// or http://, in lower case".to_owned());
    }
    Ok(RedirectUri {
        text: text.to_owned(),
        host: LoopbackHost::Elsewhere,
        port: url.port(),
        path: url.path().to_owned(),
    })
}

fn loopback(text: &str, rest: &str) -> Result<RedirectUri, String> {
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let hosts = [
        ("127.0.0.1", LoopbackHost::V4),
        ("[::1]", LoopbackHost::V6),
        ("localhost", LoopbackHost::Name),
    ];
    let (after, host) = hosts
        .into_iter()
        .find_map(|(name, host)| Some((authority.strip_prefix(name)?, host)))
        .filter(|(after, _)| after.is_empty() || after.starts_with(':'))
        .ok_or_else(|| match authority.to_ascii_lowercase().starts_with("localhost") {
            true => "must name the host localhost in lower case",
            false => NO_REDIRECT_URI,
        })?;
    let port = match after.strip_prefix(':') {
        None => None,
        Some(digits) => Some(port(digits)?),
    };
    Ok(RedirectUri { text: text.to_owned(), host, port, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_redirects_keep_their_text() {
        for (text, host, port, path) in [
            ("http://127.0.0.1/callback", LoopbackHost::V4, None, "/callback"),
            ("http://127.0.0.1:8080/", LoopbackHost::V4, Some(8080), "/"),
            ("http://[::1]:1/a/b", LoopbackHost::V6, Some(1), "/a/b"),
            ("http://localhost", LoopbackHost::Name, None, ""),
            ("https://app.example/cb", LoopbackHost::Elsewhere, None, "/cb"),
            ("https://localhost:8443/cb", LoopbackHost::Elsewhere, Some(8443), "/cb"),
        ] {
            let uri = redirect_uri(text).unwrap();
            assert_eq!(uri, RedirectUri { text: text.into(), host, port, path: path.into() });
        }
        for bad in [
            "http://127.0.0.1:0/",
            "http://127.0.0.1:70000/",
            "http://127.0.0.1:080/",
            "http://127.0.0.1:+80/",
            "http://127.0.0.1:/",
            "http://127.0.0.2/",
            "http://127.0.0.1x/",
            "http://0.0.0.0/",
            "http://localhost.evil.example/",
            "http://LOCALHOST/",
            "HTTP://127.0.0.1/",
            "http://a@127.0.0.1/",
            "http://127.0.0.1/?a=b",
            "http://127.0.0.1/#",
            "http://127.0.0.1/a b",
            "HTTPS://app.example/cb",
            "http://app.example/cb",
            "urn:ietf:wg:oauth:2.0:oob",
            "myapp://cb",
            "",
        ] {
            assert!(redirect_uri(bad).is_err(), "{bad}");
        }
    }
}
