//! The `state` of a started flow: a JWT with the claims of the draft on JWT-encoded state, signed (RFC
//! 7515) or encrypted (RFC 7516) with this program's keys.
//!
//! It names the flow, not the user. Only states that this module produces are accepted: the header must be,
//! byte for byte, that of one of the given keys, so that nothing in it can choose an algorithm, a key, or
//! an extension.

mod claims;
mod key;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::secret::Secret;

pub(crate) use claims::refused;
pub use claims::{StateAlg, StateClaims};
pub use key::StateKey;

/// Maximum length of a state, in bytes.
pub(crate) const LONGEST: usize = 8 * 1024;

/// The keys of a program: the first one signs states, and all of them are accepted.
///
/// Every process that completes flows must know the key of the process that started them. HS256 is
/// sufficient: processes that verify states may also create them. Rotate with [`StateKeys::new`]: the new
/// key first, followed by the old one for as long as states are valid (at most
/// [`MAX_TTL`](crate::flow::MAX_TTL)).
///
/// ```
/// use oauthctl_core::{Secret, StateAlg, StateKey, StateKeys};
///
/// # fn show(new: &Secret, old: &Secret) -> oauthctl_core::Result<()> {
/// let new = StateKey::read(new, StateAlg::Hs256)?;
/// let old = StateKey::read(old, StateAlg::Hs256)?;
/// let keys = StateKeys::new(new, vec![old]);
/// # Ok(()) }
/// # show(&StateKey::generate()?, &StateKey::generate()?)?;
/// # Ok::<(), oauthctl_core::Error>(())
/// ```
#[derive(Debug)]
pub struct StateKeys(Vec<StateKey>);

/// A state whose key is known, as [`StateKeys::open`] returns it.
pub enum Opened<'a> {
    /// Creates a signed state with these claims. [`FlowManager::start`](crate::FlowManager::start)
    /// does so for each flow.
    Signed(StateClaims, &'a StateKey),
    /// The content of an encrypted state.
    Sealed(Zeroizing<Vec<u8>>, &'a StateKey),
}

impl std::fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signed(..) => "Signed(…)",
            Self::Sealed(..) => "Sealed(…)",
        })
    }
}

impl StateKeys {
    /// Creates the keys: `current` signs states, and `earlier` keys are still accepted.
    pub fn new(current: StateKey, earlier: Vec<StateKey>) -> Self {
        let mut keys = vec![current];
        keys.extend(earlier);
        Self(keys)
    }

    /// Generates a key that no other process knows: its states are valid only within this process.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if the generator fails.
    pub fn generate() -> Result<Self> {
        Self::of_secret(&StateKey::generate()?)
    }

    /// Derives the key from one secret, signing with HS256. Every process that completes flows has to know
    /// the secret; [`StateKey::generate`] generates one.
    ///
    /// # Errors
    ///
    /// Returns [`Config`](crate::ErrorKind::Config) if it is invalid.
    pub fn of_secret(secret: &Secret) -> Result<Self> {
        Ok(Self::new(StateKey::read(secret, StateAlg::Hs256)?, Vec::new()))
    }

    /// Returns no keys: every state is refused.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns the key that signs new states.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if there is none.
    pub fn current(&self) -> Result<&StateKey> {
        self.0.first().ok_or_else(|| Error::internal("there is no key for states"))
    }

    /// Returns all keys, the current one first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &StateKey> {
        self.0.iter()
    }

    /// Verifies a state with these keys. Does not check its expiry.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidState`](crate::ErrorKind::InvalidState) for everything else.
    pub fn open(&self, state: &str) -> Result<Opened<'_>> {
        if state.len() > LONGEST || !state.is_ascii() {
            return Err(refused());
        }
        let found = self.0.iter().find_map(|key| {
            let signed = key.verify(state).map(|claims| Opened::Signed(claims, key));
            signed.or_else(|| key.decrypt(state).map(|plain| Opened::Sealed(plain, key)))
        });
        found.ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests;
