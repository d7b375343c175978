//! Which addresses a client may connect to. Names are checked by what they resolve to, and the connection goes to an
//! address that was checked: a DNS answer that changes in between has no effect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The addresses that a client may connect to, for services whose users choose the servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// Every address.
    #[default]
    Anywhere,
    /// Public addresses, and those of the machine itself.
    PublicAndLoopback,
    /// Public addresses only: no private, link-local, loopback or other special-purpose addresses (RFC 6890).
    Public,
}

impl Reach {
    /// Returns whether this address may be connected to.
    ///
    /// ```
    /// use oauthctl_core::http::Reach;
    ///
    /// assert!(!Reach::Public.allows("169.254.169.254".parse().unwrap()));
    /// assert!(!Reach::Public.allows("::ffff:10.0.0.1".parse().unwrap()));
    /// assert!(Reach::PublicAndLoopback.allows("127.0.0.1".parse().unwrap()));
    /// ```
    pub fn allows(self, address: IpAddr) -> bool {
        let address = match address {
            IpAddr::V6(address) => embedded(address).map_or(IpAddr::V6(address), IpAddr::V4),
            v4 @ IpAddr::V4(_) => v4,
        };
        match self {
            Self::Anywhere => true,
            Self::PublicAndLoopback if address.is_loopback() => true,
            Self::PublicAndLoopback | Self::Public => match address {
                IpAddr::V4(address) => is_public_v4(address),
                IpAddr::V6(address) => is_public_v6(address),
            },
        }
    }

    /// Returns whether a URL may be connected to, without resolving its host.
    pub fn allows_host(self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_local = name == "localhost" || name.ends_with(".localhost");
                !is_local || self.allows(Ipv4Addr::LOCALHOST.into())
            }
            None => false,
        }
    }
}

/// Returns the IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64 and 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some(of(high, low)),
        [0, 0, 0, 0, 0, 0]
            if address != Ipv6Addr::LOCALHOST && address != Ipv6Addr::UNSPECIFIED =>
        {
            Some(of(high, low))
        }
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || matches!(
            (a, b, c),
            (0 | 224.., _, _)
                | (100, 64..=127, _)
                | (192, 0, 0)
                | (192, 88, 99)
                | (198, 18 | 19, _)
        );
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Everything else than global unicast is special; of that, documentation, benchmarks and Teredo.
    (0x2000..0x4000).contains(&segments[0])
        && !matches!(segments, [0x2001, 0 | 2 | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..])
}

/// Resolves names to addresses within reach.
pub(super) struct Resolver(pub(super) Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|at| reach.allows(at.ip())).collect();
            match allowed.is_empty() {
                true => Err("its address is private or special, which is not allowed here".into()),
                false => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_out_of_reach() {
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:192.168.1.1",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
        ] {
            assert!(!Reach::Public.allows(special.parse().unwrap()), "{special}");
        }
        for public in ["1.1.1.1", "172.32.0.1", "198.20.0.1", "2606:4700::1111", "2002:101:101::"] {
            assert!(Reach::Public.allows(public.parse().unwrap()), "{public}");
        }
        for own in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(Reach::PublicAndLoopback.allows(own.parse().unwrap()), "{own}");
        }
        assert!(!Reach::PublicAndLoopback.allows("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn host_is_checked_in_every_notation() {
        for url in [
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::ffff:7f00:1]/",
            "https://localhost/",
            "https://a.localhost./",
            "https://LOCALHOST/",
            "https://10.0.0.1:8443/x",
        ] {
            assert!(!Reach::Public.allows_host(&url.parse().unwrap()), "{url}");
        }
        assert!(Reach::Public.allows_host(&"https://as.example/".parse().unwrap()));
    }
}
