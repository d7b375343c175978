//! The name of a grant: one account of a profile.

use serde::{Deserialize, Serialize};

use crate::digest::short_hex_sha256;

/// The account of a login that does not name one.
pub const DEFAULT_ACCOUNT: &str = "default";

/// The key of a grant: one per account of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GrantKey {
    /// The profile's name.
    pub profile: String,
    /// The account's name.
    pub account: String,
}

impl GrantKey {
    /// Creates a key from these names.
    pub fn new(profile: impl Into<String>, account: impl Into<String>) -> Self {
        Self { profile: profile.into(), account: account.into() }
    }

    /// Returns a name for files, locks and keyring items: a readable part, and a hash of the exact bytes of
    /// both names. No two keys share it on any file system, and none leaves its directory.
    ///
    /// ```
    /// use oauthctl_core::GrantKey;
    /// let name = GrantKey::new("../Prod", "default").slug();
    /// assert!(name.starts_with("prod-default-"));
    /// assert_ne!(name, GrantKey::new("../prod", "default").slug());
    /// ```
    pub fn slug(&self) -> String {
        let length = (self.profile.len() as u64).to_be_bytes();
        let (profile, account) = (self.profile.as_bytes(), self.account.as_bytes());
        let mut slug = readable(&self.profile);
        slug.push('-');
        slug.push_str(&readable(&self.account));
        slug.push('-');
        slug.push_str(&short_hex_sha256(&[&length, profile, account]));
        slug
    }
}

/// Returns a name for files and directories of a profile, built like [`GrantKey::slug`].
pub(crate) fn profile_slug(profile: &str) -> String {
    format!("{}-{}", readable(profile), short_hex_sha256(&[profile.as_bytes()]))
}

fn readable(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .take(24)
        .collect::<String>()
        .to_ascii_lowercase()
}

impl std::fmt::Display for GrantKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.account == DEFAULT_ACCOUNT {
            write!(f, "`{}`", crate::text::one_line(&self.profile))
        } else {
            let (p, a) =
                (crate::text::one_line(&self.profile), crate::text::one_line(&self.account));
            write!(f, "`{p}` (account `{a}`)")
        }
    }
}
