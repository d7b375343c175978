//! What can name a proxy.

use url::Url;

/// Whether a transport can connect through what this text names: `http://`, `https://` or one of
/// `socks4://`, `socks4a://`, `socks5://` and `socks5h://` with a host; without a scheme, `http://`
/// is meant. Whoever takes the text from a person should ask, so that a slip of the pen does not
/// become a connection without the proxy. With a path or a query it names none, which transports pass
/// over in silence; a slash behind a whole URL is taken.
#[doc(hidden)]
pub fn can_be_proxy(text: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::can_be_proxy;

    #[test]
    fn what_is_no_address_of_a_proxy_is_none() {
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
