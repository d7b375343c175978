//! Which profile and which account a command means.

use oauthctl_core::profile::url_login;
use oauthctl_core::profile::{Catalog, Rule};
use oauthctl_core::{Error, Result, text};

use super::Context;
use crate::args::{ProfileOption, one_of};

impl Context {
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
            return self.as_kept(name);
        }
        if let Some(name) = self.default_profile()? {
            return self.as_kept(name);
        }
        let config = self.config()?;
        self.config_is_there()?;
        if config.profiles.is_empty() {
            return Err(Error::config("no profile is configured").hint(
                "add one: `oauthctl profile add gitlab --provider gitlab --client-id ID`, or try `oauthctl demo`",
            ));
        }
        let names = text::names(config.profiles.keys().map(String::as_str));
        Err(Error::config("several profiles are configured, but none is the default")
            .hint(format!("select one with `-p` or OAUTHCTL_PROFILE ({names}), or set `profile` in `[defaults]`")))
    }

    /// Returns the profile that is named as an argument, as an option, or as both.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if they name different profiles, and an error if the logins by URL cannot be read.
    pub fn named_profile(
        &self,
        argument: Option<&str>,
        option: &ProfileOption,
    ) -> Result<Option<String>> {
        let named = one_of(argument, option.profile.as_deref())?;
        named.map(|name| self.as_kept(name.to_owned())).transpose()
    }

    /// Returns the name of a profile, a URL as it was written at its first login.
    ///
    /// # Errors
    ///
    /// Returns an error if the logins by URL cannot be read.
    pub fn as_kept(&self, name: String) -> Result<String> {
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
}
