//! Rate limits of one instance, for each tenant and each address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Maximum number of tenants or addresses that are counted separately.
const MOST: usize = 65_536;

/// The rates of a process.
#[derive(Default)]
pub struct Rates {
    tenants: Counted<String>,
    addresses: Counted<IpAddr>,
}

impl Rates {
    /// Counts a request of a tenant, and returns whether it is within this rate.
    pub fn allow_tenant(&self, tenant: &str, per_second: u32) -> bool {
        self.tenants.allow(tenant.to_owned(), per_second, Instant::now())
    }

    /// Counts a request from an address, and returns whether it is within this rate. A user often has a whole
    /// IPv6 network, which counts as one address.
    pub fn allow_address(&self, address: IpAddr, per_second: u32) -> bool {
        self.addresses.allow(network(address), per_second, Instant::now())
    }
}

/// Returns the address or network that is counted as one.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

/// For each key, the time at which its requests so far would end if they were evenly spaced (GCRA). The
/// requests of a second may come at once.
struct Ends<K> {
    ends: HashMap<K, Instant>,
    /// When entries that are over were last removed.
    swept_at: Option<Instant>,
}

struct Counted<K>(Mutex<Ends<K>>);

impl<K> Default for Counted<K> {
    fn default() -> Self {
        Self(Mutex::new(Ends { ends: HashMap::new(), swept_at: None }))
    }
}

impl<K: Eq + Hash> Ends<K> {
    /// Returns whether there is room for another key. Old entries are removed at most once a second, so that an
    /// attacker with many addresses cannot make each request expensive.
    fn has_room(&mut self, now: Instant) -> bool {
        let is_swept = self.swept_at.is_some_and(|at| now < at + Duration::from_secs(1));
        if self.ends.len() >= MOST && !is_swept {
            self.ends.retain(|_, end| *end > now);
            self.swept_at = Some(now);
        }
        self.ends.len() < MOST
    }
}

impl<K: Eq + Hash> Counted<K> {
    fn allow(&self, key: K, per_second: u32, now: Instant) -> bool {
        let Some(each) = Duration::from_secs(1).checked_div(per_second) else { return false };
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An attacker with more addresses than that is not limited here, but other clients are not affected.
        if !counted.ends.contains_key(&key) && !counted.has_room(now) {
            return true;
        }
        let end = counted.ends.entry(key).or_insert(now);
        let next = (*end).max(now) + each;
        if next.duration_since(now) > Duration::from_secs(1) {
            return false;
        }
        *end = next;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_is_one_second_and_then_evenly_spaced() {
        let counted = Counted::default();
        let start = Instant::now();
        let at = |millis: u64| counted.allow("t", 10, start + Duration::from_millis(millis));
        assert_eq!((0..20).filter(|_| at(0)).count(), 10);
        assert_eq!((0..20).filter(|_| at(100)).count(), 1);
        assert_eq!((0..20).filter(|_| at(600)).count(), 5);
        assert_eq!((0..20).filter(|_| at(60_000)).count(), 10, "no credit beyond a second");
        assert!(counted.allow("other", 10, start));
        assert!(!counted.allow("none", 0, start));
    }

    #[test]
    fn network_of_an_address_counts_as_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let counted = Counted::default();
        let now = Instant::now();
        for key in 0..2 * MOST {
            counted.allow(key, 1, now);
        }
        assert_eq!(counted.0.lock().unwrap().ends.len(), MOST);
        counted.allow(usize::MAX, 1, now + Duration::from_secs(2));
        assert_eq!(counted.0.lock().unwrap().ends.len(), 1);
    }
}
