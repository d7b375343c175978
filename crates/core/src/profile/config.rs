//! The configuration as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::credential::{self, Credential, CredentialTool, Credentials};
use super::diagnose::similar;
use super::rules::Rule;
use super::target::Target;
use super::{Profile, callbacks, url_login};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{DEFAULT_ACCOUNT, GrantKey};
use crate::text::one_line;

/// The parsed configuration.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The file.
    pub path: PathBuf,
    /// Defaults for all profiles.
    pub defaults: Defaults,
    /// The default profile and account, by directory; the first match wins.
    pub rules: Vec<Rule>,
    /// The profiles, presets applied.
    pub profiles: BTreeMap<String, Profile>,
    /// The commands of the store `command`.
    pub store_command: Option<StoreCommand>,
    /// `[credential]`.
    pub credential: Credentials,
    /// `[serve]`, not parsed.
    pub serve: toml::Table,
    /// Warnings about settings that are allowed but unwise, each with its position.
    pub warnings: Vec<String>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.profiles.keys().collect();
        write!(f, "Config({}, profiles {names:?})", self.path.display())
    }
}

/// `[defaults]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Defaults {
    /// The default profile.
    pub profile: Option<String>,
    /// The store of a profile that names none.
    pub store: Option<String>,
    /// Where an unexpired access token is also cached: `kernel`.
    pub cache: Option<String>,
    /// The URL that serves as client id if the server accepts client-ID metadata documents.
    pub client_id_metadata_url: Option<String>,
    /// Whether a login at a terminal opens the browser only once the user presses Enter.
    pub asks_before_opening: bool,
    /// The command that notifies the user that a login is required; the text is added as its last
    /// argument. If empty, the desktop's usual command is used.
    pub notify: Option<Vec<String>>,
}

/// `[store.command]`: commands that receive the record on stdin or print it on stdout.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCommand {
    /// Prints the record on stdout.
    pub get: Vec<String>,
    /// Receives the record on stdin.
    pub set: Vec<String>,
    /// Removes the record.
    pub delete: Vec<String>,
}

crate::redact::debug::redacted_debug!(StoreCommand {
    get => command,
    set => command,
    delete => command,
});

impl Config {
    /// Returns the configuration of a machine that has no file yet.
    pub fn empty(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            defaults: Defaults::default(),
            rules: Vec::new(),
            profiles: BTreeMap::new(),
            store_command: None,
            credential: Credentials::new(),
            serve: toml::Table::new(),
            warnings: Vec::new(),
        }
    }

    /// Returns the default profile: `[defaults] profile`, else the only one. A login by URL
    /// is the only one if the file has no profile.
    pub fn default_profile(&self) -> Option<&str> {
        let (by_url, configured): (Vec<_>, Vec<_>) =
            self.profiles.keys().partition(|name| url_login::is_url(name));
        let only = match (configured.as_slice(), by_url.as_slice()) {
            ([only], _) | ([], [only]) => Some(*only),
            _ => None,
        };
        self.defaults.profile.as_ref().or(only).map(String::as_str)
    }

    /// Returns a profile by its name.
    ///
    /// # Errors
    /// Returns `Config` for an unknown profile, with a similar name if there is one.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        self.profiles.get(name).ok_or_else(|| {
            if url_login::is_url(name) {
                return Error::not_logged_in(&GrantKey::new(name, DEFAULT_ACCOUNT));
            }
            let path = self.path.display();
            let error = Error::config(format!("no profile `{}` in {path}", one_line(name)));
            match similar(name, self.profiles.keys().map(String::as_str)) {
                Some(near) => error.hint(Advice::DidYouMean(near.to_owned())),
                None => match url_login::with_scheme(name) {
                    Some(url) => {
                        error.hint(Advice::WriteScheme(url)).and_hint(Advice::ListProfiles)
                    }
                    None => error.hint(Advice::AddProfile(name.to_owned())),
                },
            }
        })
    }

    /// Returns the credential of a tool whose key matches this target most precisely, with its key.
    pub fn credential_for(
        &self,
        tool: CredentialTool,
        asked: &Target,
    ) -> Option<(&str, &Credential)> {
        credential::covering(self.credential.get(&tool)?, asked)
    }

    /// Returns the store of a profile: its own, else the default one; `None` leaves it to the caller.
    pub fn store_of<'a>(&'a self, profile: &'a Profile) -> Option<&'a str> {
        profile.store.as_deref().or(self.defaults.store.as_deref())
    }

    /// Returns the profiles of other servers whose responses arrive at the same path as this one's, because
    /// the configuration sets that path. If neither server sends `iss`, one of them can obtain the code of
    /// the other.
    pub fn sharing_a_callback(&self, profile: &Profile) -> Vec<&Profile> {
        self.of_other_servers(profile)
            .into_iter()
            .filter(|other| callbacks::shares(profile, other))
            .collect()
    }

    /// Returns the profiles of other servers, except where both this profile and the other set only a
    /// preset. One of these servers could obtain the code of the other.
    pub fn of_other_servers(&self, profile: &Profile) -> Vec<&Profile> {
        callbacks::of_other_servers(self.profiles.values(), profile).collect()
    }
}
