//! The context of a command: environment, configuration, stores, trace.

mod configuration;
mod selection;
pub mod snapshot;
pub mod stores;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use oauthctl_core::clock::SystemClock;
use oauthctl_core::profile::{Catalog, Config, ConfigFile};
use oauthctl_core::store::{StateDir, Warnings};
use oauthctl_core::trace::Trace;
use oauthctl_core::{Error, Result, Timestamp};

use crate::args::Globals;
use crate::environment;
use crate::ui::{self, Ui};

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
    lent: OnceLock<Config>,
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
            globals.trace.then(|| Box::new(ui::quote) as _);
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
            lent: OnceLock::new(),
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

    /// Returns the profile and the account that the user names, by an option or a variable: what an agent is
    /// asked for.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable is not valid UTF-8.
    pub fn asked(
        &self,
        profile: Option<&str>,
        account: Option<&str>,
    ) -> Result<(Option<String>, Option<String>)> {
        let or = |given: Option<&str>, name| match given {
            Some(given) => Ok(Some(given.to_owned())),
            None => self.env(name),
        };
        Ok((or(profile, "OAUTHCTL_PROFILE")?, or(account, "OAUTHCTL_ACCOUNT")?))
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
}
