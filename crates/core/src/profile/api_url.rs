//! Where the access token of a profile may be sent: below the URLs of `api_url`, or of `resource` if that
//! key is not set.
//!
//! URLs are compared after parsing: the origin as a whole, the path segment by segment. A path that a server
//! could read as another one is never below anything.

use url::Url;

use super::{Profile, endpoint};
use crate::error::{Error, ErrorKind, Result};
use crate::text::one_line;

/// Number of times that a segment is decoded to look for a hidden dot segment.
const DECODINGS: usize = 4;

/// The URLs below which the token of a profile may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrls(Vec<Url>);

/// Validates a value of `api_url`. The error text continues a sentence that starts with the name of the key.
pub(crate) fn check(text: &str) -> Result<Url, String> {
    let url = endpoint::check_issuer(text)?;
    match has_hidden_dots(url.path()) {
        true => Err("must not contain an encoded dot segment".to_owned()),
        false => Ok(url),
    }
}

impl ApiUrls {
    /// Returns the URLs of a profile.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if the profile names none.
    pub fn of(profile: &Profile) -> Result<Self> {
        let texts = if profile.api_url.is_empty() { &profile.resource } else { &profile.api_url };
        let urls: Vec<Url> = texts.iter().filter_map(|text| check(text).ok()).collect();
        match urls.is_empty() {
            false => Ok(Self(urls)),
            true => Err(Error::config(format!(
                "profile `{}` does not specify where its token may be sent",
                one_line(&profile.name)
            ))
            .hint(crate::Advice::configure(
                &["api_url"],
                "set `api_url = [\"https://api.example.com/\"]` in the profile",
            ))),
        }
    }

    /// Returns URLs that another process has named, as [`all`](Self::all) returned them there.
    ///
    /// # Errors
    ///
    /// Returns [`Validation`](crate::ErrorKind::Validation) if there are none, or if one is invalid.
    pub fn named<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let urls: Result<Vec<Url>, String> = texts.into_iter().map(check).collect();
        match urls {
            Ok(urls) if !urls.is_empty() => Ok(Self(urls)),
            _ => Err(Error::new(ErrorKind::Validation, "a URL of the API is invalid")),
        }
    }

    /// Returns the base of relative paths: the first URL.
    pub fn base(&self) -> &Url {
        &self.0[0]
    }

    /// Returns all URLs.
    pub fn all(&self) -> &[Url] {
        &self.0
    }

    /// Returns whether a URL is at a base or below it.
    pub fn is_below(base: &Url, url: &Url) -> bool {
        is_below(base, url)
    }

    /// Returns whether the token may be sent to this URL.
    pub fn covers(&self, url: &Url) -> bool {
        is_plain(url) && self.0.iter().any(|base| is_below(base, url))
    }

    /// Resolves a user's input: a URL, or a path below [`base`](Self::base). A path that begins with the
    /// whole path of the base is not appended to it once more.
    ///
    /// # Errors
    ///
    /// Returns [`Usage`](crate::ErrorKind::Usage) for an invalid URL, and for one that the token may not be
    /// sent to.
    pub fn resolve(&self, text: &str) -> Result<Url> {
        let invalid = |why: String| Error::usage(format!("`{}` {why}", one_line(text)));
        let url = match is_absolute(text) {
            true => Url::parse(text).map_err(|error| invalid(format!("is not a URL: {error}")))?,
            false => {
                self.below_base(text).map_err(|error| invalid(format!("is invalid: {error}")))?
            }
        };
        if self.covers(&url) {
            return Ok(url);
        }
        if !is_plain(&url) {
            let what = format!(
                "refusing to use {}: the URL contains a user name or a password",
                shown(&url)
            );
            return Err(Error::usage(what).hint("remove them: the token authenticates the request"));
        }
        let bases: Vec<&str> = self.0.iter().map(Url::as_str).collect();
        Err(Error::usage(format!(
            "refusing to send the token to {}: it is not below `api_url`",
            shown(&url)
        ))
        .hint(crate::Advice::configure(
            &["api_url"],
            format!(
                "the profile allows {}; add the URL to `api_url` if it should get the token",
                bases.join(" and ")
            ),
        )))
    }

    fn below_base(&self, text: &str) -> Result<Url, url::ParseError> {
        let base = self.base();
        let folder = base.path().trim_end_matches('/');
        let path = text.trim_start_matches('/');
        let is_whole = !folder.is_empty()
            && text
                .strip_prefix(folder)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        let whole = match (is_whole, path.is_empty() || path.starts_with('?')) {
            (true, _) => text.to_owned(),
            // The base itself, with or without its slash: a server may distinguish them.
            (false, true) if !text.starts_with('/') => format!("{}{path}", base.path()),
            (false, _) => format!("{folder}/{path}"),
        };
        // Without the base's query, and never as a URL with a scheme or a host of its own.
        Url::parse(&format!("{}{whole}", base.origin().ascii_serialization()))
    }
}

/// Returns whether a text is a URL of its own: it begins with a scheme. A path may contain a URL in its query.
fn is_absolute(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

fn is_plain(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

/// Returns a URL without its query, which can contain a secret.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    one_line(url.as_str())
}

/// Returns whether a URL is at the base or below it.
fn is_below(base: &Url, url: &Url) -> bool {
    if base.scheme() != url.scheme()
        || base.host() != url.host()
        || base.port_or_known_default() != url.port_or_known_default()
        || has_hidden_dots(url.path())
    {
        return false;
    }
    let folder = base.path().trim_end_matches('/');
    url.path().strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Normalizes the path of a request, so that what is compared with a rule is what the server gets: the
/// encoding of characters that need none is removed, other encodings are in upper case, dot segments are
/// resolved and empty segments are removed.
///
/// # Errors
///
/// Returns the reason, for a path that has no single meaning: one that leaves its root, with a backslash or
/// a control character (encoded or not), with an invalid encoding, or with a dot segment that only a second
/// decoding shows.
pub fn normal_path(path: &str) -> Result<String, &'static str> {
    if !path.starts_with('/') {
        return Err("the path does not begin with a slash");
    }
    let mut segments: Vec<String> = Vec::new();
    let mut ends_with_slash = false;
    for segment in path[1..].split('/') {
        let segment = decoded_unreserved(segment)?;
        ends_with_slash = matches!(segment.as_str(), "" | "." | "..");
        match segment.as_str() {
            "" | "." => {}
            ".." => drop(segments.pop().ok_or("the path leaves its root")?),
            _ => segments.push(segment),
        }
    }
    let mut normal = String::from("/");
    normal.push_str(&segments.join("/"));
    if ends_with_slash && !segments.is_empty() {
        normal.push('/');
    }
    match has_hidden_dots(&normal) {
        true => Err("the path contains a hidden dot segment"),
        false => Ok(normal),
    }
}

/// Removes the encoding of unreserved characters (RFC 3986, section 2.3) from a segment.
fn decoded_unreserved(segment: &str) -> Result<String, &'static str> {
    let mut out = String::new();
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            if byte == b'\\' || !byte.is_ascii_graphic() {
                return Err("the path contains a backslash or a character that must be encoded");
            }
            out.push(char::from(byte));
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
            return Err("the path contains an invalid percent-encoding");
        };
        match u8::try_from(high * 16 + low).unwrap_or_default() {
            b'\\' | 0..0x20 | 0x7f => {
                return Err("the path contains an encoded backslash or control character");
            }
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(out)
}

/// Returns whether a segment becomes a dot segment if a server decodes it more often than it should, treats
/// a backslash as a slash, or cuts off path parameters (`..;x`).
pub(super) fn has_hidden_dots(path: &str) -> bool {
    let mut text = path.as_bytes().to_vec();
    for _ in 0..DECODINGS {
        let pieces = text.split(|byte| matches!(byte, b'/' | b'\\'));
        let mut named =
            pieces.map(|piece| piece.split(|byte| *byte == b';').next().unwrap_or(piece));
        if named.any(|name| matches!(name, b"." | b"..")) {
            return true;
        }
        let next = decoded(&text);
        if next == text {
            return false;
        }
        text = next;
    }
    true
}

/// Removes the percent-encoding once, where it is valid.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(bases: &[&str]) -> ApiUrls {
        ApiUrls(bases.iter().map(|base| check(base).unwrap()).collect())
    }

    #[test]
    fn path_that_names_the_base_is_not_doubled() {
        let api = urls(&["https://h.example/api/v4/"]);
        for (text, url) in [
            ("projects", "https://h.example/api/v4/projects"),
            ("/projects?a=b", "https://h.example/api/v4/projects?a=b"),
            ("/api/v4/projects", "https://h.example/api/v4/projects"),
            ("/api/v4?x", "https://h.example/api/v4?x"),
            ("/api/v40", "https://h.example/api/v4/api/v40"),
            ("api/v4/x", "https://h.example/api/v4/api/v4/x"),
            ("a/../b", "https://h.example/api/v4/b"),
            ("//evil.example/x", "https://h.example/api/v4/evil.example/x"),
            ("HTTPS://H.example:443/api/v4/x", "https://h.example/api/v4/x"),
            ("x?url=https://a.test/b", "https://h.example/api/v4/x?url=https://a.test/b"),
            ("/?https://a.test/b", "https://h.example/api/v4/?https://a.test/b"),
            ("a/http://b", "https://h.example/api/v4/a/http://b"),
            ("://b", "https://h.example/api/v4/://b"),
        ] {
            assert_eq!(api.resolve(text).map(String::from).ok().as_deref(), Some(url), "{text}");
        }
        assert_eq!(
            urls(&["https://h.example"]).resolve("x").unwrap().as_str(),
            "https://h.example/x"
        );
        for (base, text, url) in [
            ("https://h.example/mcp", "", "https://h.example/mcp"),
            ("https://h.example/mcp", "?a=b", "https://h.example/mcp?a=b"),
            ("https://h.example/mcp", "/", "https://h.example/mcp/"),
            ("https://h.example/mcp/", "", "https://h.example/mcp/"),
            ("https://h.example", "", "https://h.example/"),
        ] {
            assert_eq!(urls(&[base]).resolve(text).unwrap().as_str(), url, "{base} {text}");
        }
    }

    #[test]
    fn token_goes_to_urls_below_api_url_only() {
        let api = urls(&["https://h.example/api/v4", "http://127.0.0.1:9/"]);
        for inside in [
            "https://h.example/api/v4",
            "https://h.example/api/v4/a%2Fb?..",
            "http://127.0.0.1:9/x",
        ] {
            assert!(api.covers(&Url::parse(inside).unwrap()), "{inside}");
        }
        for outside in [
            "https://h.example/",
            "https://h.example/api/v4evil",
            "https://h.example/api//v4/x",
            "https://h.example/api/v4/../v3",
            "https://h.example/api/v4/%2e%2e/v3",
            "https://h.example/api/v4/..%2fv3",
            "https://h.example/api/v4/%252e%252e/v3",
            "https://h.example/api/v4/%25252e%25252e%2fv3",
            "https://h.example/api/v4/..;/v3",
            "https://h.example/api/v4/..%5cv3",
            "https://h.example:8443/api/v4/x",
            "https://h.example.evil.example/api/v4/x",
            "https://evil.example\\@h.example/api/v4/x",
            "https://h.example@evil.example/api/v4/x",
            "https://u:p@h.example/api/v4/x",
            "http://h.example/api/v4/x",
            "http://127.0.0.1:90/x",
            "http://localhost:9/x",
        ] {
            assert!(!api.covers(&Url::parse(outside).unwrap()), "{outside}");
            assert!(api.resolve(outside).is_err(), "{outside}");
        }
    }

    #[test]
    fn equivalent_paths_have_one_normal_form() {
        for (path, normal) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a//b/", "/a/b/"),
            ("//a", "/a"),
            ("/a/./b/../c", "/a/c"),
            ("/a/%2e/%2E%2e/c", "/c"),
            ("/%61%7e%2f%c3", "/a~%2F%C3"),
            ("/a/b/..", "/a/"),
            ("/a/..", "/"),
            ("/a;v=1/b", "/a;v=1/b"),
        ] {
            assert_eq!(normal_path(path).as_deref(), Ok(normal), "{path}");
        }
    }

    #[test]
    fn path_with_two_meanings_is_refused() {
        for path in [
            "",
            "a",
            "/..",
            "/a/../../b",
            "/%2e%2e/x",
            "/a\\b",
            "/a%5cb",
            "/a%5C..%5Cb",
            "/%00",
            "/%0d%0aX:",
            "/%",
            "/%2",
            "/%zz",
            "/a b",
            "/\u{e9}",
            "/..%2fb",
            "/a%2f..%2fb",
            "/%252e%252e/b",
            "/..;/b",
            "/%2e%2e;x=1/b",
            "/a/%2525252e%2525252e/b",
            "/%25252525252541",
        ] {
            assert!(normal_path(path).is_err(), "{path}");
        }
    }
}
