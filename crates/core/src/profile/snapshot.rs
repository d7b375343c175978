//! The settings of a profile that the cached-token path needs, stored in the state directory, so that
//! printing a token parses no TOML however many profiles there are.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::config::{Config, StoreCommand};
use super::config_file::ConfigFile;
use crate::files::cache::{Cache, entry_name};

/// The settings of one profile, valid for exactly one content of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The file's fingerprint.
    config_hash: String,
    /// The profile of a command that names none.
    pub default_profile: Option<String>,
    /// The profile's name.
    pub profile: String,
    /// The store, if the profile or the defaults set one.
    pub store: Option<String>,
    /// The commands of the store `command`.
    pub store_command: Option<StoreCommand>,
    /// `[defaults] cache`.
    pub cache: Option<String>,
    /// Minimum remaining lifetime of a token to be handed out.
    pub min_ttl_seconds: u64,
    /// The issuer.
    pub issuer: Option<String>,
    /// The token endpoint, if the configuration sets it.
    pub token_endpoint: Option<String>,
    /// The client.
    pub client_id: String,
}

impl Snapshot {
    /// Returns the snapshot of this profile, or of the default one, if it was made from exactly this file.
    /// Anything missing, damaged or of another file is `None`: then the file is parsed.
    pub fn lookup(state_dir: &Path, file: &ConfigFile, profile: Option<&str>) -> Option<Self> {
        let snapshot = resolved::<Self>(state_dir).find(&file_name(profile))?;
        let wanted = profile.or(snapshot.default_profile.as_deref())?;
        (snapshot.profile == wanted && snapshot.config_hash == file.fingerprint())
            .then_some(snapshot)
    }

    /// Creates and stores the snapshot of a profile of this file. `config` was parsed from it and may lack
    /// other profiles, so the default one is passed separately. It is an optimisation: if it cannot be
    /// stored, the next run parses again.
    pub fn store(
        state_dir: &Path,
        file: &ConfigFile,
        config: &Config,
        profile: &str,
        default_profile: Option<&str>,
    ) {
        let Some(settings) = config.profiles.get(profile) else { return };
        let store = config.store_of(settings).map(str::to_owned);
        let snapshot = Self {
            config_hash: file.fingerprint().to_owned(),
            default_profile: default_profile.map(str::to_owned),
            profile: profile.to_owned(),
            store_command: config
                .store_command
                .clone()
                .filter(|_| store.as_deref() == Some("command")),
            store,
            cache: config.defaults.cache.clone(),
            min_ttl_seconds: settings.min_ttl.as_secs(),
            issuer: settings.issuer.clone(),
            token_endpoint: settings.endpoints.token.clone(),
            client_id: settings.client.id.clone(),
        };
        let is_default = default_profile == Some(profile);
        for name in [Some(Some(profile)), is_default.then_some(None)].into_iter().flatten() {
            resolved(state_dir).keep(&file_name(name), &snapshot);
        }
    }
}

/// Returns the cache of what the configuration means, in the state directory.
pub(super) fn resolved<T>(state_dir: &Path) -> Cache<T> {
    Cache::within(state_dir, "resolved")
}

fn file_name(profile: Option<&str>) -> String {
    match profile {
        Some(profile) => entry_name("", profile),
        None => "default.json".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const TWO: &str = "[defaults]\nprofile = \"b\"\nstore = \"file\"\n\
        [profiles.a]\nissuer = \"https://a.example\"\nclient_id = \"c\"\nstore = \"keyring\"\n\
        [profiles.b]\nissuer = \"https://b.example\"\nclient_id = \"c\"\nmin_ttl = \"2m\"\n";

    fn file(text: &str) -> ConfigFile {
        ConfigFile::of_text(Path::new("/cfg/c.toml"), text)
    }

    fn store(state: &Path, file: &ConfigFile, profile: &str) {
        let config = file.parse().unwrap();
        Snapshot::store(state, file, &config, profile, config.default_profile());
    }

    fn path(state: &Path, profile: Option<&str>) -> PathBuf {
        resolved::<Snapshot>(state).path_of(&file_name(profile))
    }

    #[test]
    fn a_snapshot_is_found_by_name_and_as_the_default() {
        let state = tempfile::tempdir().unwrap();
        let (file, state) = (file(TWO), state.path());
        assert_eq!(Snapshot::lookup(state, &file, Some("a")), None);
        store(state, &file, "a");
        assert_eq!(Snapshot::lookup(state, &file, None), None, "`a` is not the default");
        store(state, &file, "b");
        let a = Snapshot::lookup(state, &file, Some("a")).unwrap();
        let b = Snapshot::lookup(state, &file, None).unwrap();
        assert_eq!((a.store.as_deref(), a.min_ttl_seconds), (Some("keyring"), 60));
        assert_eq!((b.store.as_deref(), b.min_ttl_seconds), (Some("file"), 120));
        assert_eq!((b.profile.as_str(), b.default_profile.as_deref()), ("b", Some("b")));
        assert_eq!(Snapshot::lookup(state, &file, Some("b")), Some(b));
    }

    #[test]
    fn any_other_file_and_any_damage_make_it_void() {
        let state = tempfile::tempdir().unwrap();
        let (original, state) = (file(TWO), state.path());
        store(state, &original, "a");
        let changed = file(&format!("{TWO}# one comment more\n"));
        assert_eq!(Snapshot::lookup(state, &changed, Some("a")), None);
        let moved = ConfigFile::of_text(Path::new("/other/c.toml"), TWO);
        assert_eq!(Snapshot::lookup(state, &moved, Some("a")), None);
        assert!(Snapshot::lookup(state, &original, Some("a")).is_some());
        std::fs::copy(path(state, Some("a")), path(state, Some("b"))).unwrap();
        assert_eq!(Snapshot::lookup(state, &original, Some("b")), None, "another profile's");
        std::fs::write(path(state, Some("a")), b"{\"config_hash\":").unwrap();
        assert_eq!(Snapshot::lookup(state, &original, Some("a")), None);
    }

    #[test]
    fn it_holds_no_secret() {
        let state = tempfile::tempdir().unwrap();
        let file = file(
            &TWO.replace("client_id = \"c\"", "client_id = \"c\"\nclient_secret = \"hunter2\""),
        );
        store(state.path(), &file, "b");
        for entry in std::fs::read_dir(state.path().join("resolved")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!String::from_utf8(bytes).unwrap().contains("hunter2"));
        }
    }
}
