//! What can name a proxy, and which proxy the environment sets for a host.

use url::Url;

use super::no_proxy::NoProxy;
use crate::secret::Secret;

/// Returns whether a transport can connect through the proxy that this text names, as in
/// [`Proxy::Url`](super::Proxy::Url). Transports ignore a URL with a path or a query without an error, and would connect
/// without the proxy. A slash after a whole URL is accepted.
pub(super) fn can_be_proxy(text: &str) -> bool {
    const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.starts_with('/') {
        return false;
    }
    let (whole, rest) = match text.split_once("://") {
        Some((_, rest)) => (text.to_owned(), rest.strip_suffix('/').unwrap_or(rest)),
        None => (format!("http://{text}"), text),
    };
    let is_authority = !rest.contains(['/', '?', '#', '\\']);
    Url::parse(&whole).is_ok_and(|url| {
        is_authority
            && SCHEMES.contains(&url.scheme())
            && url.host_str().is_some_and(|host| !host.is_empty())
    })
}

/// Returns a proxy's address as a URL: without a scheme, `http://` is assumed.
pub(super) fn with_scheme(text: &str) -> String {
    match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    }
}

/// Returns the proxy that the environment sets for this URL; none if it sets none, or exempts the host.
pub(super) fn of_environment(url: &Url) -> Option<Secret> {
    let named = named(&variable)?;
    let excepted = no_proxy_of_environment().is_some_and(|hosts| hosts.contains(url));
    (can_be_proxy(named.expose()) && !excepted).then_some(named)
}

/// Returns the text that the environment sets and that cannot name a proxy.
pub(super) fn invalid_of_environment() -> Option<Secret> {
    named(&variable).filter(|named| !can_be_proxy(named.expose()))
}

/// Returns the proxy for https hosts: the first variable that is set, in either case. If it is empty,
/// `ALL_PROXY` applies.
fn named(variable: &dyn Fn(&str) -> Option<String>) -> Option<Secret> {
    let first = |names: [&str; 2]| names.into_iter().find_map(variable);
    let of_https = first(["HTTPS_PROXY", "https_proxy"]).filter(|value| !value.is_empty());
    let named = of_https.or_else(|| first(["ALL_PROXY", "all_proxy"]));
    named.filter(|value| !value.is_empty()).map(Secret::new)
}

/// Returns the address of the proxy that the environment sets, as an `http` URL without credentials. Returns `None`
/// if no proxy is set or its URL is invalid.
pub fn address_of_environment() -> Option<Url> {
    address(named(&variable)?.expose())
}

fn address(text: &str) -> Option<Url> {
    let url = Url::parse(&with_scheme(text)).ok().filter(|_| can_be_proxy(text))?;
    let usual = if url.scheme().starts_with("socks") { 1080 } else { 80 };
    let port = url.port_or_known_default().unwrap_or(usual);
    Url::parse(&format!("http://{}:{port}", url.host_str()?)).ok()
}

fn no_proxy_of_environment() -> Option<NoProxy> {
    let text = ["NO_PROXY", "no_proxy"].into_iter().find_map(variable)?;
    Some(NoProxy::read(&text))
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Returns the entries of `NO_PROXY` that cannot be parsed. Returns none if no proxy is set.
pub fn unreadable_exceptions() -> Vec<String> {
    if named(&variable).is_none() {
        return Vec::new();
    }
    no_proxy_of_environment().map(NoProxy::into_unreadable).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Secret, address, can_be_proxy, named};

    #[test]
    fn proxy_listens_at_the_usual_port_of_its_scheme() {
        for (text, expected) in [
            ("proxy.example:3128", Some("http://proxy.example:3128/")),
            ("http://u:p@proxy.example/", Some("http://proxy.example/")),
            ("https://proxy.example", Some("http://proxy.example:443/")),
            ("socks5h://u:p@[::1]", Some("http://[::1]:1080/")),
            ("gopher://proxy.example", None),
        ] {
            assert_eq!(address(text).as_ref().map(super::Url::as_str), expected, "{text}");
        }
    }

    #[test]
    fn first_variable_that_is_there_names_the_proxy() {
        for (variables, expected) in [
            (vec![], None),
            (vec![("HTTPS_PROXY", "a"), ("https_proxy", "b"), ("ALL_PROXY", "c")], Some("a")),
            (vec![("https_proxy", "b"), ("all_proxy", "c")], Some("b")),
            (vec![("HTTPS_PROXY", ""), ("https_proxy", "b"), ("all_proxy", "c")], Some("c")),
            (vec![("ALL_PROXY", "")], None),
            (vec![("HTTP_PROXY", "x"), ("http_proxy", "x")], None),
        ] {
            let lookup = |name: &str| {
                let mut all = variables.iter();
                all.find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let found = named(&lookup);
            assert_eq!(found.as_ref().map(Secret::expose), expected, "{variables:?}");
        }
    }

    #[test]
    fn invalid_proxy_address_is_recognized() {
        for text in [
            "http://proxy.example:3128",
            "https://user:p%40ss@proxy.example",
            "socks5h://127.0.0.1:1080/",
            "socks4a://[::1]:1080",
            "proxy.example:3128",
            "user:pass@proxy.example:3128",
            "10.0.0.1",
        ] {
            assert!(can_be_proxy(text), "{text}");
        }
        for text in [
            "",
            "/",
            "//proxy.example",
            "http://",
            "http://[nonsense",
            "http://proxy.example:99999",
            "http://proxy.example:3128 ",
            "the proxy",
            "gopher://proxy.example",
            "file:///etc/passwd",
            "http://pr\u{f6}xy.example",
            "127.0.0.1:3128/",
            "127.0.0.1:3128/x",
            "127.0.0.1:3128?x",
            "http://127.0.0.1:3128/x",
            "http://127.0.0.1:3128?x",
            "http://127.0.0.1:3128//",
            "http:/127.0.0.1:3128",
            "http:127.0.0.1:3128",
        ] {
            assert!(!can_be_proxy(text), "{text}");
        }
    }
}
