//! The state of one issuer: flows, grants and tokens, limited in number.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use jsonwebtoken::jwk::JwkSet;

use super::keys::Signing;
use super::users::User;

/// Maximum number of records of one kind; the oldest is removed first.
const KEPT: usize = 10_000;

/// A map that removes its oldest entries.
pub(super) struct Capped<K, V> {
    map: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Capped<K, V> {
    fn default() -> Self {
        Self { map: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone, V> Capped<K, V> {
    /// Stores a value.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.map.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.map.remove(&oldest);
            }
        }
    }

    /// Returns a value.
    pub(super) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.map.get(key)
    }

    /// Returns a value for modification.
    pub(super) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.map.get_mut(key)
    }

    /// Removes and returns a value.
    pub(super) fn take<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let value = self.map.remove(key)?;
        self.order.retain(|k| k.borrow() != key);
        Some(value)
    }

    /// Returns the key of the first entry that matches.
    pub(super) fn find(&self, fits: impl Fn(&V) -> bool) -> Option<&K> {
        self.order.iter().find(|k| self.map.get(*k).is_some_and(&fits))
    }
}

/// A validated authorization request.
#[derive(Clone)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) scope: String,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) audience: Vec<String>,
    pub(super) prompt: Option<String>,
    pub(super) login_hint: Option<String>,
    /// The thumbprint of the key to which the code is bound (RFC 9449, section 10).
    pub(super) jkt: Option<String>,
}

/// A pushed request (RFC 9126).
pub(super) struct Pushed {
    pub(super) request: AuthorizationRequest,
    pub(super) expires: u64,
}

/// An open consent page.
pub(super) struct Transaction {
    pub(super) request: AuthorizationRequest,
    pub(super) expires: u64,
}

/// An authorization code.
pub(super) struct Code {
    pub(super) request: AuthorizationRequest,
    pub(super) user: &'static User,
    pub(super) auth_time: u64,
    pub(super) expires: u64,
    /// The grant for which the code was redeemed.
    pub(super) redeemed: Option<u64>,
}

/// A grant: all its tokens share its lifetime.
#[derive(Clone)]
pub(super) struct Family {
    pub(super) client_id: String,
    pub(super) subject: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    /// When the user consented; absent where no user took part.
    pub(super) auth_time: Option<u64>,
    pub(super) audience: Vec<String>,
    pub(super) jkt: Option<String>,
    pub(super) revoked: bool,
}

/// An access token.
pub(super) struct AccessToken {
    pub(super) family: u64,
    pub(super) scope: String,
    pub(super) issued: u64,
    pub(super) expires: u64,
}

/// A refresh token.
pub(super) struct RefreshToken {
    pub(super) family: u64,
    /// When it was replaced by another.
    pub(super) spent: Option<u64>,
}

/// The outcome of a device authorization.
#[derive(Clone, Copy)]
pub(super) enum Decision {
    Pending,
    Approved(&'static User),
    Denied,
}

/// A device authorization (RFC 8628).
pub(super) struct DeviceFlow {
    pub(super) user_code: String,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) expires: u64,
    pub(super) interval: u64,
    pub(super) polled: Option<u64>,
    pub(super) polls: u64,
    pub(super) decision: Decision,
}

/// A registered client.
pub(super) struct Client {
    pub(super) secret: Option<String>,
    pub(super) method: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) signing: Signing,
    pub(super) jwks: Option<JwkSet>,
}

/// The state of one issuer.
#[derive(Default)]
pub(super) struct Store {
    pub(super) clients: Capped<String, Client>,
    pub(super) pushed: Capped<String, Pushed>,
    pub(super) transactions: Capped<String, Transaction>,
    pub(super) device_pages: Capped<String, u64>,
    pub(super) codes: Capped<String, Code>,
    pub(super) families: Capped<u64, Family>,
    pub(super) access: Capped<String, AccessToken>,
    pub(super) refresh: Capped<String, RefreshToken>,
    pub(super) devices: Capped<String, DeviceFlow>,
    pub(super) proofs: Capped<String, ()>,
    /// One-time scenarios that have occurred.
    pub(super) happened: HashSet<&'static str>,
    /// The nonce that DPoP proofs require, if any.
    pub(super) proof_nonce: Option<String>,
    last_family: u64,
}

impl Store {
    /// Starts a grant.
    pub(super) fn begin(&mut self, family: Family) -> u64 {
        self.last_family += 1;
        self.families.insert(self.last_family, family);
        self.last_family
    }

    /// Returns a grant that has not been revoked.
    pub(super) fn family(&self, id: u64) -> Option<&Family> {
        self.families.get(&id).filter(|f| !f.revoked)
    }

    /// Ends a grant with all its tokens.
    pub(super) fn revoke(&mut self, id: u64) {
        if let Some(family) = self.families.get_mut(&id) {
            family.revoked = true;
        }
    }

    /// Returns a valid access token, and its grant.
    pub(super) fn access(&self, token: &str, now: u64) -> Option<(&AccessToken, &Family)> {
        let access = self.access.get(token).filter(|a| a.expires > now)?;
        Some((access, self.family(access.family)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_entry_makes_room() {
        let mut capped = Capped::default();
        for n in 0..KEPT + 5 {
            capped.insert(n, ());
        }
        assert!(capped.get(&4).is_none() && capped.get(&5).is_some());
        assert_eq!(capped.map.len(), KEPT);
        assert!(capped.take(&5).is_some() && capped.take(&5).is_none());
        assert_eq!(capped.order.len(), KEPT - 1);
    }
}
