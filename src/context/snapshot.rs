//! The settings of a profile that the cached-token path needs, stored in the state directory, so that
//! printing a token parses no TOML however many profiles there are.

use std::path::{Path, PathBuf};

use oauthctl_core::files::{Cache, entry_name};
use oauthctl_core::profile::{Config, ConfigFile, Rule};
use serde::{Deserialize, Serialize};

/// The settings of one profile, valid for exactly one content of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The file's fingerprint.
    config_hash: String,
    /// The default profile.
    pub default_profile: Option<String>,
    /// The rules of the file.
    rules: Vec<Rule>,
    /// The profile's name.
    pub profile: String,
    /// The store, if the profile or the defaults set one.
    pub store: Option<String>,
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

/// A snapshot, and the account that a rule sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The account.
    pub account: Option<String>,
}

impl Snapshot {
    /// Returns the snapshot of this profile, or of the default profile if the command names none, if it was
    /// created from exactly this file. Returns `None` if it is missing, damaged or belongs to another file;
    /// the file is then parsed. `directory` is called only if the file has rules.
    pub fn lookup(
        state_dir: &Path,
        file: &ConfigFile,
        profile: Option<&str>,
        directory: impl FnOnce() -> Option<PathBuf>,
    ) -> Option<Found> {
        let found = resolved(state_dir).find(&file_name(profile))?;
        if found.config_hash != file.fingerprint() {
            return None;
        }
        let here = if found.rules.is_empty() { None } else { directory() };
        let rule = here.and_then(|here| Rule::find(&found.rules, &here).cloned());
        let of_rule = rule.as_ref().and_then(|rule| rule.profile.as_deref());
        let wanted = profile.or(of_rule).or(found.default_profile.as_deref())?.to_owned();
        let snapshot = match found.profile == wanted {
            true => found,
            false if profile.is_some() => return None,
            false => resolved(state_dir).find(&file_name(Some(&wanted)))?,
        };
        let is_right = snapshot.profile == wanted && snapshot.config_hash == file.fingerprint();
        let account = rule.and_then(|rule| rule.account_of(&wanted).map(str::to_owned));
        is_right.then_some(Found { snapshot, account })
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
        let snapshot = Self {
            config_hash: file.fingerprint().to_owned(),
            default_profile: default_profile.map(str::to_owned),
            rules: config.rules.clone(),
            profile: profile.to_owned(),
            store: config.store_of(settings).map(str::to_owned),
            cache: config.defaults.cache.clone(),
            min_ttl_seconds: settings.min_ttl.as_secs(),
            issuer: settings.issuer.clone(),
            token_endpoint: settings.endpoints.token.clone(),
            client_id: settings.client.id.clone(),
        };
        // A command that names no profile finds the rules there, and the profile by its name.
        let is_usual = default_profile == Some(profile) || !config.rules.is_empty();
        for name in [Some(Some(profile)), is_usual.then_some(None)].into_iter().flatten() {
            resolved(state_dir).keep(&file_name(name), &snapshot);
        }
    }
}

fn resolved(state_dir: &Path) -> Cache<Snapshot> {
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

    fn look(state: &Path, file: &ConfigFile, profile: Option<&str>) -> Option<Snapshot> {
        let never = || panic!("without rules, the directory does not matter");
        Snapshot::lookup(state, file, profile, never).map(|found| found.snapshot)
    }

    fn path(state: &Path, profile: Option<&str>) -> PathBuf {
        state.join("resolved").join(file_name(profile))
    }

    #[test]
    fn snapshot_is_found_by_name_and_as_the_default() {
        let state = tempfile::tempdir().unwrap();
        let (file, state) = (file(TWO), state.path());
        assert_eq!(look(state, &file, Some("a")), None);
        store(state, &file, "a");
        assert_eq!(look(state, &file, None), None, "`a` is not the default");
        store(state, &file, "b");
        let a = look(state, &file, Some("a")).unwrap();
        let b = look(state, &file, None).unwrap();
        assert_eq!((a.store.as_deref(), a.min_ttl_seconds), (Some("keyring"), 60));
        assert_eq!((b.store.as_deref(), b.min_ttl_seconds), (Some("file"), 120));
        assert_eq!((b.profile.as_str(), b.default_profile.as_deref()), ("b", Some("b")));
        assert_eq!(look(state, &file, Some("b")), Some(b));
    }

    #[test]
    fn changed_file_or_damage_voids_the_snapshot() {
        let state = tempfile::tempdir().unwrap();
        let (original, state) = (file(TWO), state.path());
        store(state, &original, "a");
        let changed = file(&format!("{TWO}# one comment more\n"));
        assert_eq!(look(state, &changed, Some("a")), None);
        let moved = ConfigFile::of_text(Path::new("/other/c.toml"), TWO);
        assert_eq!(look(state, &moved, Some("a")), None);
        assert!(look(state, &original, Some("a")).is_some());
        std::fs::copy(path(state, Some("a")), path(state, Some("b"))).unwrap();
        assert_eq!(look(state, &original, Some("b")), None, "another profile's");
        std::fs::write(path(state, Some("a")), b"{\"config_hash\":").unwrap();
        assert_eq!(look(state, &original, Some("a")), None);
    }

    #[test]
    fn snapshot_holds_no_secret() {
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

    #[test]
    fn rules_choose_profile_and_account_by_directory() {
        let state = tempfile::tempdir().unwrap();
        let here = tempfile::tempdir().unwrap();
        let real = here.path().canonicalize().unwrap();
        let rules =
            format!("[[rules]]\ndirectory = {real:?}\nprofile = \"a\"\naccount = \"work\"\n");
        let (file, state) = (file(&(TWO.to_owned() + &rules)), state.path());
        let found = |profile, directory: &Path| {
            let found = Snapshot::lookup(state, &file, profile, || Some(directory.to_owned()))?;
            Some((found.snapshot.profile, found.account))
        };
        store(state, &file, "a");
        let work = Some("work".to_owned());
        assert_eq!(found(None, &real), Some(("a".to_owned(), work.clone())));
        assert_eq!(found(None, Path::new("/")), None, "the default was not kept");
        store(state, &file, "b");
        assert_eq!(found(None, &real), Some(("a".to_owned(), work.clone())));
        assert_eq!(found(None, Path::new("/")), Some(("b".to_owned(), None)));
        assert_eq!(found(Some("a"), &real), Some(("a".to_owned(), work)));
        assert_eq!(found(Some("b"), &real), Some(("b".to_owned(), None)));
    }
}
