//! The context of a command: environment, configuration, stores, trace.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use directories::ProjectDirs;
use oauthctl_core::clock::SystemClock;
use oauthctl_core::profile::snapshot::Snapshot;
use oauthctl_core::profile::url_login::{self, UrlLogin};
use oauthctl_core::profile::{Catalog, Config, ConfigFile, Profile, Rule};
#[cfg(target_os = "linux")]
use oauthctl_core::store::KernelCache;
use oauthctl_core::store::{KeySource, Places, StateDir, Store, StoreSpec, UrlLogins, Warnings};
use oauthctl_core::trace::Trace;
use oauthctl_core::{Error, Result, Secret, Timestamp, text};

use crate::args::Globals;
use crate::environment;
use crate::ui::Ui;

/// The context in which a command runs.
pub struct Context {
    /// The global flags.
    pub globals: Globals,
    /// How messages are printed.
    pub ui: Ui,
    /// The protocol trace.
    pub trace: Trace,
    file: OnceLock<Option<ConfigFile>>,
    config: OnceLock<Config>,
    catalog: OnceLock<Option<Catalog>>,
    narrowed: OnceLock<Config>,
    har: Option<PathBuf>,
    warnings: Mutex<Vec<Warnings>>,
}

impl Context {
    /// Creates the context from the flags alone.
    ///
    /// A HAR file is created now. If it cannot be written, the command fails before it sends a request: a
    /// spent code or token cannot be recovered.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if the HAR file cannot be written.
    pub fn new(globals: Globals, ui: Ui) -> Result<Self> {
        let sink: Option<oauthctl_core::trace::LineSink> =
            globals.trace.then(|| Box::new(move |line: &str| ui.insist(line)) as _);
        let har = globals.trace_har.clone();
        let trace = Trace::new(sink, har.is_some(), Timestamp::now());
        if let Some(path) = &har {
            trace.finish_har(path)?;
        }
        Ok(Self {
            globals,
            ui,
            trace,
            file: OnceLock::new(),
            config: OnceLock::new(),
            catalog: OnceLock::new(),
            narrowed: OnceLock::new(),
            har,
            warnings: Mutex::default(),
        })
    }

    /// Writes the HAR file, if one was requested. The command has finished and its result is printed, so a
    /// file that cannot be written is only a warning.
    pub fn finish_trace(&self) {
        let written = self.har.as_deref().map_or(Ok(()), |path| self.trace.finish_har(path));
        if let Err(error) = written {
            self.ui.warn(&error);
        }
    }

    /// Returns an environment variable; an empty one counts as unset.
    ///
    /// # Errors
    ///
    /// Returns an error if the value is not valid UTF-8.
    pub fn env(&self, name: &str) -> Result<Option<String>> {
        environment::variable(name)
    }

    /// Returns the path of the configuration file.
    ///
    /// # Errors
    ///
    /// Returns an error if no flag, variable or home directory determines it.
    pub fn config_path(&self) -> Result<PathBuf> {
        match &self.globals.config {
            Some(path) => Ok(path.clone()),
            None => environment::config_path(),
        }
    }

    /// Returns the path of the state directory: locks, intents and the account index.
    ///
    /// # Errors
    ///
    /// Returns an error if no variable or home directory determines it.
    pub fn state_path(&self) -> Result<PathBuf> {
        environment::state_path()
    }

    /// Opens the state directory, and creates it if it is missing.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be created or is not safe to use.
    pub fn state(&self) -> Result<StateDir> {
        let state = StateDir::open(self.state_path()?, Arc::new(SystemClock));
        self.note_warnings(state.warnings());
        Ok(state)
    }

    /// Registers a list of warnings, to be printed at the end.
    pub fn note_warnings(&self, warnings: Warnings) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warnings);
    }

    /// Prints what the stores and the state directory repaired or skipped.
    pub fn tell_warnings(&self) {
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in warnings.iter().flat_map(Warnings::take) {
            self.ui.warn(&Error::store(warning));
        }
    }

    /// Returns the configuration file, read once but not parsed, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns `Config` if it cannot be read.
    pub fn config_file(&self) -> Result<Option<&ConfigFile>> {
        if self.file.get().is_none() {
            let file = ConfigFile::open(&self.config_path()?)?;
            return Ok(self.file.get_or_init(|| file).as_ref());
        }
        Ok(self.file.get().and_then(Option::as_ref))
    }

    /// Returns the configuration, parsed and checked once. A missing file is an empty configuration.
    ///
    /// # Errors
    ///
    /// Returns `Config` with every error of the file.
    pub fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let mut config = match self.config_file()? {
            Some(file) => match self.state_path() {
                Ok(state) => file.parse_and_catalog(&state)?,
                Err(_) => file.parse()?,
            },
            None => Config::empty(&self.config_path()?),
        };
        self.add_url_logins(&mut config);
        Ok(self.config.get_or_init(|| config))
    }

    /// Adds the logins by URL. One that cannot be read is skipped with a warning.
    fn add_url_logins(&self, config: &mut Config) {
        let all = self.url_logins().and_then(|logins| logins.all());
        for profile in all.unwrap_or_default().iter().map(UrlLogin::profile) {
            match profile {
                Ok(profile) => config.add_url_login(profile),
                Err(error) => self.ui.warn(&error.context("a login by URL cannot be read")),
            }
        }
    }

    /// Returns the logins by URL.
    ///
    /// # Errors
    ///
    /// Returns an error if no variable or home directory determines the state directory.
    pub fn url_logins(&self) -> Result<UrlLogins> {
        let logins = UrlLogins::new(&self.state_path()?);
        self.note_warnings(logins.warnings());
        Ok(logins)
    }

    /// Returns the catalog of a large configuration file, unless the file was already parsed.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the file cannot be read.
    pub fn catalog(&self) -> Result<Option<&Catalog>> {
        if self.config.get().is_some() {
            return Ok(None);
        }
        if let Some(catalog) = self.catalog.get() {
            return Ok(catalog.as_ref());
        }
        let catalog = match (self.config_file()?, self.state_path()) {
            (Some(file), Ok(state)) => Catalog::open(&state, file),
            _ => None,
        };
        Ok(self.catalog.get_or_init(|| catalog).as_ref())
    }

    /// Returns a configuration that may contain this profile only: a large file that was checked before is
    /// not parsed as a whole again.
    fn config_of(&self, name: &str) -> Result<&Config> {
        if let Some(config) = self.narrowed.get().filter(|c| c.profiles.contains_key(name)) {
            return Ok(config);
        }
        match self.catalog()?.and_then(|catalog| catalog.narrowed(name)) {
            Some(config) if self.narrowed.get().is_none() => {
                Ok(self.narrowed.get_or_init(|| config))
            }
            _ => self.config(),
        }
    }

    /// Checks the configuration, unless the same content was checked before.
    ///
    /// # Errors
    ///
    /// See [`Context::config`].
    pub fn check_config(&self) -> Result<()> {
        if self.catalog()?.is_none() {
            self.config()?;
        }
        Ok(())
    }

    /// Prints the warnings about the configuration, for instance about `pkce = "off"`.
    ///
    /// # Errors
    ///
    /// See [`Context::config`].
    pub fn tell_config_warnings(&self) -> Result<()> {
        let warnings = match self.catalog()? {
            Some(catalog) => catalog.warnings(),
            None => self.config()?.warnings.clone(),
        };
        for warning in warnings {
            self.ui.warn(&Error::config(warning));
        }
        Ok(())
    }

    /// Returns the name of the selected profile.
    ///
    /// # Errors
    ///
    /// Returns `Config` if there is no profile, or several and no default.
    pub fn profile_name(&self, given: Option<&str>) -> Result<String> {
        let named = match given {
            Some(name) => Some(name.to_owned()),
            None => self.env("OAUTHCTL_PROFILE")?,
        };
        if let Some(name) = named {
            return self.as_kept(name);
        }
        if let Some(name) = self.rule()?.and_then(|rule| rule.profile) {
            return Ok(name);
        }
        if let Some(name) = self.default_profile()? {
            return Ok(name);
        }
        let config = self.config()?;
        self.config_is_there()?;
        if config.profiles.is_empty() {
            return Err(Error::config("no profile is configured").hint(
                "add one: `oauthctl profile add gitlab --provider gitlab --client-id ID`, or try `oauthctl demo`",
            ));
        }
        let names = text::names(config.profiles.keys().map(String::as_str));
        Err(Error::config("several profiles are configured, and none is the default")
            .hint(format!("select one with `-p`, or set `[defaults] profile`: {names}")))
    }

    /// Returns the name of a profile, a URL as it was written at its first login.
    fn as_kept(&self, name: String) -> Result<String> {
        match url_login::is_url(&name) {
            true => Ok(self.url_logins()?.find(&name)?.map_or(name, |login| login.url)),
            false => Ok(name),
        }
    }

    /// Returns the account that is selected: the one given, else that of the variable, else that of a rule.
    ///
    /// # Errors
    ///
    /// See [`Context::config`].
    pub fn account_name(&self, given: Option<&str>, profile: &str) -> Result<Option<String>> {
        if let Some(name) = given {
            return Ok(Some(name.to_owned()));
        }
        if let Some(name) = self.env("OAUTHCTL_ACCOUNT")? {
            return Ok(Some(name));
        }
        Ok(self.rule()?.and_then(|rule| rule.account_of(profile).map(str::to_owned)))
    }

    /// Returns the rule for the working directory.
    fn rule(&self) -> Result<Option<Rule>> {
        let of_catalog = self.catalog()?.and_then(Catalog::rules);
        let rules = match &of_catalog {
            Some(rules) => rules,
            None => &self.config()?.rules,
        };
        let here = if rules.is_empty() { None } else { std::env::current_dir().ok() };
        Ok(here.and_then(|here| Rule::find(rules, &here).cloned()))
    }

    /// Returns the names of all profiles.
    ///
    /// # Errors
    ///
    /// See [`Context::config`].
    pub fn profile_names(&self) -> Result<Vec<String>> {
        match self.catalog()? {
            Some(catalog) => {
                let by_url = self.url_logins()?.all()?.into_iter().map(|login| login.url);
                Ok(catalog.names().map(str::to_owned).chain(by_url).collect())
            }
            None => Ok(self.config()?.profiles.keys().cloned().collect()),
        }
    }

    /// Returns the profile of a command that names none.
    fn default_profile(&self) -> Result<Option<String>> {
        match self.catalog()? {
            Some(catalog) => Ok(catalog.default_profile().map(str::to_owned)),
            None => Ok(self.config()?.default_profile().map(str::to_owned)),
        }
    }

    /// Saves what the next run needs to print a stored token of this profile without parsing the
    /// configuration.
    ///
    /// # Errors
    ///
    /// See [`Context::config`].
    pub fn keep_snapshot(&self, profile: &Profile) -> Result<()> {
        // What is kept of a login by URL serves as well, and changes without the file.
        if let Some(file) = self.config_file()?.filter(|_| !url_login::is_url(&profile.name)) {
            let (state, default) = (self.state_path()?, self.default_profile()?);
            let config = self.config_of(&profile.name)?;
            Snapshot::store(&state, file, config, &profile.name, default.as_deref());
        }
        Ok(())
    }

    /// Returns the profile of this name.
    ///
    /// # Errors
    ///
    /// Returns `Config` if it is unknown, with the nearest name.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        let config = self.config_of(name)?;
        self.config_is_there()?;
        config.profile(name)
    }

    /// Fails if `--config` names a file that does not exist.
    fn config_is_there(&self) -> Result<()> {
        match (&self.globals.config, self.config_file()?) {
            (Some(path), None) => {
                let what = format!("the configuration file {} does not exist", path.display());
                Err(Error::config(what).hint(
                    "correct `--config`; to create the file, run \
                     `oauthctl profile add NAME --issuer URL --client-id ID`",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Returns the selected store: of the flag, the variable, the profile or the defaults, else the
    /// keyring.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for an unknown store.
    pub fn store_spec(&self, of_profile: Option<&str>) -> Result<StoreSpec> {
        let name = match &self.globals.store {
            Some(store) => Some(store.clone()),
            None => self.env("OAUTHCTL_STORE")?,
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
        let store = spec.open(&self.places_of(spec)?)?;
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
    pub fn places(&self) -> Result<Places> {
        let key = match self.env("OAUTHCTL_STORE_KEY")? {
            Some(identity) => KeySource::Identity(Secret::new(identity)),
            None => match environment::variable_os("OAUTHCTL_STORE_KEY_FILE") {
                Some(path) => KeySource::File(path.into()),
                None => KeySource::Generated(self.key_dir()?.join("store.key")),
            },
        };
        let data = environment::data_dir()?;
        Ok(Places {
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
    /// See [`Context::places`].
    pub fn places_of(&self, spec: &StoreSpec) -> Result<Places> {
        let mut places = self.places()?;
        if *spec == StoreSpec::Command {
            places.command.clone_from(&self.config()?.store_command);
        }
        Ok(places)
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

/// Returns whether `[defaults] cache` names the kernel keyring.
pub fn is_kernel(cache: Option<&str>) -> bool {
    cache == Some("kernel")
}
