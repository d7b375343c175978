//! Which store a command uses, and where it is.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use oauthctl_core::profile::{Config, Profile};
#[cfg(target_os = "linux")]
use oauthctl_core::store::KernelCache;
use oauthctl_core::store::{KeySource, Store, StorePaths, StoreSpec};
use oauthctl_core::{Error, Result, Secret};

use super::Context;
use crate::agent::client::Agent;
use crate::environment;
use crate::hint::{STORE, STORE_KEY, STORE_KEY_FILE};

impl Context {
    /// Returns the selected store: of the flag, the variable, the profile or the defaults, else the
    /// keyring.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for an unknown store.
    pub fn store_spec(&self, of_profile: Option<&str>) -> Result<StoreSpec> {
        let name = match &self.globals.store {
            Some(store) => Some(store.clone()),
            None => self.env(STORE)?,
        };
        match name.as_deref().or(of_profile) {
            Some(name) => StoreSpec::from_user(name),
            None => Ok(StoreSpec::Keyring),
        }
    }

    /// Returns the store of the profile of this name.
    ///
    /// # Errors
    ///
    /// See [`Context::profile`] and [`Context::store_spec`].
    pub fn store_spec_of(&self, name: &str) -> Result<StoreSpec> {
        let narrowed = self.catalog()?.and_then(|catalog| catalog.narrowed(name));
        let config = match &narrowed {
            Some(config) => config,
            None => self.config()?,
        };
        self.store_spec(config.store_of(config.profile(name)?))
    }

    /// Opens a store without accessing it.
    ///
    /// # Errors
    ///
    /// Returns `Store` if this version does not support the store.
    pub fn open_store(&self, spec: &StoreSpec) -> Result<Store> {
        let known = self.narrowed.get().or(self.config.get());
        let keeps = |config: &Config| is_kernel(config.defaults.cache.as_deref());
        let keeps = match known {
            Some(config) => keeps(config),
            None => self.config().is_ok_and(keeps),
        };
        self.open_store_cached(spec, keeps)
    }

    /// Does the same where it is known whether access tokens are kept in the kernel keyring.
    ///
    /// # Errors
    ///
    /// See [`Context::open_store`].
    pub fn open_store_cached(&self, spec: &StoreSpec, keeps: bool) -> Result<Store> {
        check_agent(spec)?;
        let store = spec.open(&self.store_paths_of(spec)?)?;
        self.note_warnings(store.warnings.clone());
        #[cfg(target_os = "linux")]
        let store = store.cached_in_kernel(self.kernel_cache(spec)?, keeps);
        #[cfg(not(target_os = "linux"))]
        let _ = keeps;
        Ok(store)
    }

    /// Returns the kernel's cache of the access tokens of a store.
    ///
    /// # Errors
    ///
    /// Returns an error if the state directory is unknown.
    #[cfg(target_os = "linux")]
    pub fn kernel_cache(&self, spec: &StoreSpec) -> Result<KernelCache> {
        Ok(KernelCache::new(&self.state_path()?, &spec.to_string()))
    }

    /// Returns the directory for generated keys: always the platform's configuration directory, because the
    /// directory of `--config` may be a repository.
    ///
    /// # Errors
    ///
    /// Returns an error if neither a home directory nor the path of the configuration is known.
    pub fn key_dir(&self) -> Result<PathBuf> {
        match ProjectDirs::from("", "", "oauthctl") {
            Some(dirs) => Ok(dirs.config_dir().to_owned()),
            None => {
                let path = self.config_path()?;
                let parent = path.parent().filter(|parent| *parent != Path::new(""));
                Ok(parent.unwrap_or(Path::new(".")).to_owned())
            }
        }
    }

    /// Returns the paths and keys of the stores.
    ///
    /// # Errors
    ///
    /// Returns an error if no variable or home directory determines them.
    pub fn store_paths(&self) -> Result<StorePaths> {
        let key = match self.env(STORE_KEY)? {
            Some(identity) => KeySource::Variable(STORE_KEY, Secret::new(identity)),
            None => match environment::variable_os(STORE_KEY_FILE) {
                Some(path) => KeySource::VariableFile(STORE_KEY_FILE, path.into()),
                None => KeySource::Generated(self.key_dir()?.join("store.key")),
            },
        };
        let data = environment::data_dir()?;
        Ok(StorePaths {
            files: data.join("tokens"),
            key,
            sealed: data.join("sealed"),
            bus: environment::session_bus(),
            command: None,
            #[cfg(target_os = "linux")]
            user: environment::keyring_user(self.ui, self.globals.no_input),
        })
    }

    /// Returns the same with what the configuration says about this store.
    ///
    /// # Errors
    ///
    /// See [`Context::store_paths`].
    pub fn store_paths_of(&self, spec: &StoreSpec) -> Result<StorePaths> {
        let mut paths = self.store_paths()?;
        if *spec == StoreSpec::Command {
            paths.command.clone_from(&self.config()?.store_command);
        }
        Ok(paths)
    }

    /// Opens the store of a profile.
    ///
    /// # Errors
    ///
    /// See [`Context::open_store`].
    pub fn store_of(&self, profile: &Profile) -> Result<Store> {
        let config = self.config_of(&profile.name)?;
        self.open_store(&self.store_spec(config.store_of(profile))?)
    }
}

/// Checks that an agent is named, if the store is one.
///
/// # Errors
///
/// Returns `Store` if none is named.
pub fn check_agent(spec: &StoreSpec) -> Result<()> {
    if *spec == StoreSpec::Agent && Agent::named()?.is_none() {
        return Err(Error::store("the store `agent` requires OAUTHCTL_AGENT")
            .hint("set it to what `oauthctl agent` prints where it runs"));
    }
    Ok(())
}

/// Returns whether `[defaults] cache` names the kernel keyring.
pub fn is_kernel(cache: Option<&str>) -> bool {
    cache == Some("kernel")
}
