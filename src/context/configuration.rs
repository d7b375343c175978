//! The configuration: read once, and only as much of it as a command needs.

use oauthctl_core::profile::url_login;
use oauthctl_core::profile::{Catalog, Config, ConfigFile, CredentialTool, Profile};
use oauthctl_core::{Error, Result};

use super::Context;
use super::snapshot::Snapshot;
use crate::agent::client::Agent;
use crate::by_url::login::UrlLogin;
use crate::by_url::logins::UrlLogins;

impl Context {
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

    /// Returns the configuration with what the helper of a tool hands out: that of the agent, if one is named and
    /// there is no table for the tool here.
    ///
    /// # Errors
    ///
    /// See [`config`](Self::config); also returns the errors of the agent.
    pub fn config_for(&self, tool: CredentialTool) -> Result<&Config> {
        let own = self.config()?;
        let agent = if own.credential.contains_key(&tool) { None } else { Agent::named()? };
        let Some(agent) = agent else { return Ok(own) };
        let mut lent = Config::empty(&self.config_path()?);
        lent.credential.insert(tool, agent.credentials(tool)?);
        Ok(self.lent.get_or_init(|| lent))
    }

    /// Adds the logins by URL. One that cannot be read is skipped with a warning.
    fn add_url_logins(&self, config: &mut Config) {
        let all = self.url_logins().and_then(|logins| logins.all());
        for profile in all.unwrap_or_default().iter().map(UrlLogin::profile) {
            match profile {
                Ok(profile) => drop(config.profiles.insert(profile.name.clone(), profile)),
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
    pub(super) fn config_of(&self, name: &str) -> Result<&Config> {
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

    /// Returns the profile of this name.
    ///
    /// # Errors
    ///
    /// Returns `Config` if it is unknown, with a similar name if there is one.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        let config = self.config_of(name)?;
        self.config_is_there()?;
        config.profile(name)
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

    /// Returns the default profile.
    pub(super) fn default_profile(&self) -> Result<Option<String>> {
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

    /// Fails if `--config` names a file that does not exist.
    pub(super) fn config_is_there(&self) -> Result<()> {
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
}
