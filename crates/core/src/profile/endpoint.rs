//! Which URLs a request may go to.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Validates a URL that secrets are sent to: `https`, or `http` on a loopback host (an address literal or
/// `localhost`), without userinfo, fragment or control characters. The error text continues a sentence that
/// starts with the name of the key; it does not quote a URL that may contain a password.
pub(crate) fn check(text: &str) -> Result<Url, String> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || !crate::text::is_harmless(c)) {
        return Err("must not contain white space or control characters".to_owned());
    }
    if text.contains('\\') {
        return Err("must not contain a backslash".to_owned());
    }
    if text.contains(['{', '}']) {
        return Err("must not contain `{` or `}`: replace the placeholder with a value".to_owned());
    }
    let written_out = ["https://", "http://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if !written_out {
        return Err("must begin with https://".to_owned());
    }
    if authority(text).is_empty() {
        return Err("must have a host directly after `//`".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Err("must not contain a user name or password".to_owned());
    }
    as_written(authority(text), &url)?;
    if text.contains('#') {
        return Err("must not contain a fragment (`#`)".to_owned());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("must use https: plain http is allowed only for loopback hosts".to_owned());
    }
    Ok(url)
}

/// Returns whether this is a resource indicator: an absolute URI without a fragment (RFC 8707, section 2).
pub(crate) fn is_resource(uri: &str) -> bool {
    let is_part = |c: char| !c.is_whitespace() && !c.is_control() && c != '#';
    uri.chars().all(is_part) && Url::parse(uri).is_ok()
}

/// Validates an issuer, which has no query either (RFC 8414, section 2).
pub(crate) fn check_issuer(text: &str) -> Result<Url, String> {
    let url = check(text)?;
    if text.contains('?') {
        return Err("must not contain a query (`?`)".to_owned());
    }
    Ok(url)
}

/// Returns whether the host is a loopback address, or the name `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Refuses a host or port that parses to something else than it reads: `127.1`, `%61s.example`, `[0::1]`,
/// `:0443`.
fn as_written(authority: &str, url: &Url) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    let written = authority.get(..host.len()).unwrap_or_default();
    let port = &authority[written.len()..];
    if !written.eq_ignore_ascii_case(host) || !matches!(port.bytes().next(), None | Some(b':')) {
        return Err(format!("must write its host in the canonical form, `{host}`"));
    }
    match port.strip_prefix(':') {
        None => Ok(()),
        Some(digits) => self::port(digits).map(|_| ()),
    }
}

pub(super) fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Reads a port as it is usually written.
pub(super) fn port(digits: &str) -> Result<u16, String> {
    let canonical = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|_| canonical)
        .ok_or_else(|| "must have a port from 1 to 65535, or none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_http_are_endpoints() {
        for good in [
            "https://as.example/token",
            "https://as.example:8443/a?t=a%2Fb&x=%20",
            "http://127.0.0.1:9/token",
            "http://[::1]/token",
            "http://localhost:8080",
            "HTTPS://AS.example:443/token",
            "https://xn--bcher-kva.example/",
            "https://[2001:db8::1]:8443/",
            "https://as.example?x=//y",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "as.example/token",
            "http://as.example/token",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "https:as.example/token",
            "https:/as.example/token",
            "https:\\\\as.example/token",
            "https://user@as.example/",
            "https://@as.example/",
            "https://u:p@as.example/",
            "https://as.example/#f",
            "https://as.example/#",
            "https://as.example/{tenantid}/v2.0",
            "https://as.example/\u{1b}[m",
            " https://as.example/",
            "https://as.example/a b",
            "https://as.exa\tmple/",
            "https://",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "ftp://127.0.0.1/",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check_issuer("https://as.example/?a=b").is_err());
    }

    /// Most of these are URLs of some host to a parser that is kind enough.
    #[test]
    fn host_that_is_not_written_as_it_is_is_refused() {
        for bad in [
            "https:///as.example",
            "https:////as.example/token",
            "https://?as.example",
            "https:///",
            "http:///127.0.0.1/",
            "https:/\\as.example/",
            "https://as.example\\@evil.example/",
            "https://%61s.example/",
            "https://\u{ff41}s.example/",
            "https://as\u{3002}example/",
            "https://as.example:/",
            "https://as.example:0443/",
            "https://as.example:443x/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://[0:0::1]/",
        ] {
            assert!(check(bad).is_err() && check_issuer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn password_in_a_url_is_not_repeated() {
        let words = check("https://user:hunter2@as.example/").unwrap_err();
        assert!(!words.contains("hunter2"), "{words}");
    }
}
