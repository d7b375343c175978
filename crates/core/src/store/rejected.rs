//! Tokens that a server refused before they expired. The next call refreshes them.

use super::StateDir;
use crate::digest::hex_sha256;
use crate::error::Result;
use crate::files::cache::{Cache, entry_name};
use crate::grant::GrantKey;
use crate::secret::Secret;

/// Records which token of an account was refused, by its digest. As everywhere in the state directory, there is
/// no secret in it.
impl StateDir {
    /// Records that a server refused this token.
    ///
    /// # Errors
    ///
    /// Returns [`Store`](crate::ErrorKind::Store) if the state directory must not be used.
    pub fn reject(&self, key: &GrantKey, token: &Secret) -> Result<()> {
        self.rejections()?.keep(&entry(key), &digest(token));
        Ok(())
    }

    /// Returns whether exactly this token was refused.
    pub fn is_rejected(&self, key: &GrantKey, token: &Secret) -> bool {
        let noted = self.rejections().ok().and_then(|all| all.find(&entry(key)));
        noted.is_some_and(|noted| noted == digest(token))
    }

    /// Forgets the refusal, because a new token was requested.
    ///
    /// # Errors
    ///
    /// See [`StateDir::reject`].
    pub fn forget_rejection(&self, key: &GrantKey) -> Result<()> {
        self.rejections()?.keep(&entry(key), &String::new());
        Ok(())
    }

    fn rejections(&self) -> Result<Cache<String>> {
        Ok(Cache::new(&self.place("rejected")?))
    }
}

fn entry(key: &GrantKey) -> String {
    entry_name("", &key.slug())
}

fn digest(token: &Secret) -> String {
    hex_sha256(&[b"rejected", token.expose().as_bytes()])
}
