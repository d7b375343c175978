//! Tokens that a server refused before they expired. The next call refreshes them.

use oauthctl_core::files::{Cache, entry_name};
use oauthctl_core::store::StateDir;
use oauthctl_core::{GrantKey, Result, Secret};

/// Which token of an account was refused, by its digest. As everywhere in the state directory, there is no secret in it.
pub struct Rejected(Cache<String>);

impl Rejected {
    /// Returns what this state directory records.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the state directory must not be used.
    pub fn of(state: &StateDir) -> Result<Self> {
        Ok(Self(Cache::new(&state.place("rejected")?)))
    }

    /// Records that a server refused this token.
    pub fn add(&self, key: &GrantKey, token: &Secret) {
        self.0.keep(&entry(key), &digest(token));
    }

    /// Returns whether exactly this token was refused.
    pub fn has(&self, key: &GrantKey, token: &Secret) -> bool {
        self.0.find(&entry(key)).is_some_and(|noted| noted == digest(token))
    }

    /// Forgets the refusal, because a new token was requested.
    pub fn forget(&self, key: &GrantKey) {
        self.0.keep(&entry(key), &String::new());
    }
}

fn entry(key: &GrantKey) -> String {
    entry_name("", &key.slug())
}

fn digest(token: &Secret) -> String {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    hash.update(b"rejected");
    hash.update(token.expose().as_bytes());
    hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oauthctl_core::clock::SystemClock;

    use super::*;

    #[test]
    fn refused_token_is_known_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path(), Arc::new(SystemClock));
        let rejected = Rejected::of(&state).unwrap();
        let (key, token) = (GrantKey::new("p", "default"), Secret::new("hunter2"));
        rejected.add(&key, &token);
        assert!(rejected.has(&key, &token));
        assert!(!rejected.has(&key, &Secret::new("another")));
        assert!(!rejected.has(&GrantKey::new("p", "other"), &token));
        for entry in std::fs::read_dir(folder.path().join("rejected")).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            assert!(!text.contains("hunter2"), "{text}");
        }
        rejected.forget(&key);
        assert!(!rejected.has(&key, &token));
    }
}
