//! The hosts that are reached without the proxy: `NO_PROXY`, interpreted like curl and Go.

use std::net::IpAddr;

use url::{Host, Url};

/// The entries of a list of hosts.
#[derive(Debug, Default)]
pub(super) struct NoProxy {
    entries: Vec<Entry>,
    unreadable: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    hosts: Hosts,
    /// `None` matches any port.
    port: Option<u16>,
}

#[derive(Debug)]
enum Hosts {
    All,
    /// A name in lower case, without a dot at either end, and its subdomains.
    Domain(String),
    /// Only its subdomains.
    Below(String),
    /// The addresses that share the first bits with this one.
    Network(IpAddr, u8),
}

impl NoProxy {
    /// Parses a list that is separated by commas or white space. Its entries are `*` (every host),
    /// `corp.test` or `.corp.test` (with its subdomains), `*.corp.test` (only its subdomains), an IP
    /// address or a network (`10.0.0.0/8`). All but networks may end with a `:PORT`.
    pub(super) fn read(text: &str) -> Self {
        let mut all = Self::default();
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        for word in words.filter(|word| !word.is_empty()) {
            match Entry::read(word) {
                Some(entry) => all.entries.push(entry),
                None => all.unreadable.push(word.to_owned()),
            }
        }
        all
    }

    /// Returns the entries that are none of these.
    pub(super) fn into_unreadable(self) -> Vec<String> {
        self.unreadable
    }

    /// Returns whether the host of this URL is in the list.
    pub(super) fn contains(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let port = url.port_or_known_default();
        self.entries.iter().any(|entry| {
            entry.port.is_none_or(|only| Some(only) == port) && entry.hosts.contain(&host)
        })
    }
}

impl Entry {
    fn read(word: &str) -> Option<Self> {
        if let Some((address, bits)) = word.split_once('/') {
            let address = read_address(address)?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return Some(Self { hosts: Hosts::Network(address, bits), port: None });
        }
        // IPv6 addresses contain colons.
        if let Some(address) = read_address(word) {
            return Some(Self { hosts: Hosts::Network(address, width(address)), port: None });
        }
        let (host, port) = match word.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (word, None),
        };
        Some(Self { hosts: Hosts::read(host)?, port })
    }
}

impl Hosts {
    fn read(host: &str) -> Option<Self> {
        if host == "*" {
            return Some(Self::All);
        }
        if let Some(address) = read_address(host) {
            return Some(Self::Network(address, width(address)));
        }
        match host.strip_prefix("*.") {
            Some(name) => read_name(name).map(Self::Below),
            None => read_name(host.strip_prefix('.').unwrap_or(host)).map(Self::Domain),
        }
    }

    fn contain(&self, host: &Host<&str>) -> bool {
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address).to_canonical()),
        };
        match (self, host) {
            (Self::All, _) => true,
            (Self::Domain(name), Host::Domain(host)) => {
                let host = host.strip_suffix('.').unwrap_or(host);
                host == name || is_below(host, name)
            }
            (Self::Below(name), Host::Domain(host)) => {
                is_below(host.strip_suffix('.').unwrap_or(host), name)
            }
            (Self::Network(network, bits), _) => {
                address.is_some_and(|address| begin_alike(address, *network, *bits))
            }
            _ => false,
        }
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|above| above.len() > 1 && above.ends_with('.'))
}

/// Parses an IP address, with or without the brackets of a URL.
fn read_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(text).parse().ok()?;
    if bare.is_some() && address.is_ipv4() { None } else { Some(address.to_canonical()) }
}

/// Returns a name as it appears in URLs.
fn read_name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_part = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    // A name whose last part is a number is an address, or a part of one (WHATWG URL, section 3.5).
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = text.split('.');
    let last = parts.clone().next_back().unwrap_or_default();
    if parts.any(str::is_empty) || is_number(last) || !text.chars().all(is_part) {
        return None;
    }
    match text.is_ascii() {
        true => Some(text.to_ascii_lowercase()),
        // The host of a URL has the form of RFC 5891, section 4.4.
        false => match Host::parse(text).ok()? {
            Host::Domain(name) => Some(name),
            _ => None,
        },
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn begin_alike(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let all = |address| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let differing = all(one) ^ all(other);
    one.is_ipv4() == other.is_ipv4()
        && differing.checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(list: &str, url: &str) -> bool {
        let list = NoProxy::read(list);
        assert!(list.unreadable.is_empty(), "{list:?}");
        list.contains(&Url::parse(url).unwrap())
    }

    #[test]
    fn listed_host_bypasses_the_proxy() {
        for (list, url) in [
            ("corp.test", "https://corp.test"),
            ("corp.test", "https://a.b.corp.test:8443/x"),
            (".corp.test", "https://corp.test"),
            (".corp.test", "https://a.corp.test"),
            ("*.corp.test", "https://a.corp.test"),
            ("*.corp.test", "https://a.b.corp.test"),
            ("CORP.test", "https://A.corp.TEST"),
            ("corp.test.", "https://corp.test"),
            ("corp.test", "https://corp.test."),
            ("corp.test:443", "https://corp.test"),
            ("corp.test:8443", "https://a.corp.test:8443"),
            ("*.corp.test:8443", "https://a.corp.test:8443"),
            ("x.example,corp.test", "https://corp.test"),
            (" x.example ,\tcorp.test ", "https://corp.test"),
            ("x.example corp.test", "https://corp.test"),
            (",,corp.test,", "https://corp.test"),
            ("*", "https://corp.test"),
            ("*", "https://10.0.0.1"),
            ("x.example,*", "https://corp.test"),
            ("*:8443", "https://corp.test:8443"),
            ("internal", "https://internal"),
            ("internal", "https://a.internal"),
            ("b\u{fc}cher.test", "https://b\u{fc}cher.test"),
            ("a_b.test", "https://a_b.test"),
            ("10.0.0.1", "https://10.0.0.1"),
            ("10.0.0.1:443", "https://10.0.0.1"),
            ("10.0.0.0/8", "https://10.255.1.2:8443"),
            ("10.1.2.3/8", "https://10.255.1.2"),
            ("0.0.0.0/0", "https://192.0.2.1"),
            ("192.0.2.1/32", "https://192.0.2.1"),
            ("2001:db8::1", "https://[2001:db8::1]"),
            ("[2001:db8::1]", "https://[2001:DB8:0::1]"),
            ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
            ("2001:db8::/32", "https://[2001:db8:ffff::1]"),
            ("[2001:db8::]/32", "https://[2001:db8:ffff::1]"),
            ("::/0", "https://[2001:db8::1]"),
            ("::ffff:10.0.0.1", "https://10.0.0.1"),
            ("10.0.0.0/8", "https://[::ffff:10.0.0.1]"),
        ] {
            assert!(contains(list, url), "{list}: {url}");
        }
    }

    #[test]
    fn unlisted_host_uses_the_proxy() {
        for (list, url) in [
            ("", "https://corp.test"),
            ("corp.test", "https://notcorp.test"),
            ("corp.test", "https://corp.test.evil.example"),
            ("corp.test", "https://test"),
            ("*.corp.test", "https://corp.test"),
            ("*.corp.test", "https://notcorp.test"),
            ("corp.test:443", "https://corp.test:8443"),
            ("corp.test:8443", "https://corp.test"),
            ("*:8443", "https://corp.test"),
            ("10.0.0.1", "https://10.0.0.11"),
            ("10.0.0.1:8443", "https://10.0.0.1"),
            ("10.0.0.0/9", "https://10.128.0.1"),
            ("10.0.0.0/8", "https://corp.test"),
            ("10.0.0.0/8", "https://[2001:db8::1]"),
            ("0.0.0.0/0", "https://[2001:db8::1]"),
            ("2001:db8::/33", "https://[2001:db8:ffff::1]"),
            ("[2001:db8::1]:8443", "https://[2001:db8::1]"),
        ] {
            assert!(!contains(list, url), "{list}: {url}");
        }
    }

    #[test]
    fn invalid_no_proxy_entry_is_reported() {
        let wrong = [
            "10.*",
            "*corp.test",
            "a*b",
            "http://x.test",
            "x.test/",
            "10.0.0.0/33",
            "x:99999",
            "x:",
            ".",
            "*.",
            "[10.0.0.1]",
            "[::1",
            "1::2/x",
            "..x",
            "a..b",
            "10.",
            "192.168",
        ];
        let list = NoProxy::read(&format!("{},ok.test", wrong.join(", ")));
        assert_eq!(list.entries.len(), 1, "{list:?}");
        assert_eq!(list.into_unreadable(), wrong);
    }
}
