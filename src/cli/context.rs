//! What a command runs in: the environment, the configuration, the stores, the trace.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use directories::ProjectDirs;
use oauthctl::clock::SystemClock;
use oauthctl::profile::Profile;
use oauthctl::profile::schema::Config;
use oauthctl::store::{Opened, Opener, StateDir, StoreSpec};
use oauthctl::trace::Trace;
use oauthctl::{Error, Result, Secret};

use super::Globals;
use super::report::Voice;

/// What a command runs in.
pub struct Context {
    /// The global flags.
    pub globals: Globals,
    /// How this run speaks.
    pub voice: Voice,
    /// The teaching trace.
    pub trace: Trace,
    config: OnceCell<Config>,
    har: Option<PathBuf>,
}

impl Context {
    /// Reads nothing yet but the flags.
    ///
    /// # Errors
    ///
    /// None so far.
    pub fn new(globals: Globals, voice: Voice) -> Result<Self> {
        let trace = match (globals.trace, globals.trace_har.is_some()) {
            (false, false) => Trace::off(),
            (text, har) => {
                let sink: Option<Box<dyn FnMut(&str) + Send>> =
                    text.then(|| Box::new(move |line: &str| voice.insist(line)) as _);
                Trace::on(sink, har)
            }
        };
        let har = globals.trace_har.clone();
        Ok(Self { globals, voice, trace, config: OnceCell::new(), har })
    }

    /// Writes the HAR file, if one was asked for.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written.
    pub fn finish_trace(&self) -> Result<()> {
        match &self.har {
            Some(path) => self.trace.finish_har(path),
            None => Ok(()),
        }
    }

    /// An environment variable; an empty one counts as unset.
    ///
    /// # Errors
    ///
    /// Where the value is not UTF-8.
    pub fn env(&self, name: &str) -> Result<Option<String>> {
        match env_os(name) {
            None => Ok(None),
            Some(value) => value.into_string().map(Some).map_err(|_| {
                Error::config(format!("the environment variable {name} is not valid UTF-8"))
            }),
        }
    }

    /// Where the configuration is.
    ///
    /// # Errors
    ///
    /// Where neither flag, variable nor home directory says so.
    pub fn config_path(&self) -> Result<PathBuf> {
        if let Some(path) = &self.globals.config {
            return Ok(path.clone());
        }
        if let Some(path) = env_os("OAUTHCTL_CONFIG") {
            return Ok(path.into());
        }
        Ok(self.config_dir()?.join("config.toml"))
    }

    /// The directory of the generated key: that of the configuration file.
    ///
    /// # Errors
    ///
    /// As [`Context::config_path`].
    pub fn config_dir(&self) -> Result<PathBuf> {
        project_dirs("OAUTHCTL_CONFIG").map(|dirs| dirs.config_dir().to_owned())
    }

    /// Where locks, intents and the account index are.
    ///
    /// # Errors
    ///
    /// Where neither variable nor home directory says so.
    pub fn state_path(&self) -> Result<PathBuf> {
        if let Some(path) = env_os("OAUTHCTL_STATE_DIR") {
            return Ok(path.into());
        }
        let dirs = project_dirs("OAUTHCTL_STATE_DIR")?;
        Ok(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
    }

    /// The state directory, made if it is missing.
    ///
    /// # Errors
    ///
    /// Where it cannot be made or is not safe to use.
    pub fn state(&self) -> Result<StateDir> {
        StateDir::open(&self.state_path()?, Arc::new(SystemClock))
    }

    /// The configuration, read and checked once. A missing file is an empty configuration.
    ///
    /// # Errors
    ///
    /// `Config` with every error of the file.
    pub fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let path = self.config_path()?;
        let config = Config::load(&path)?;
        for warning in &config.warnings {
            self.voice.remark(format!("note: {warning}"));
        }
        Ok(self.config.get_or_init(|| config))
    }

    /// The name of the profile that is meant.
    ///
    /// # Errors
    ///
    /// `Config` where there is none, or several and no default.
    pub fn profile_name(&self, given: Option<&str>) -> Result<String> {
        if let Some(name) = given {
            return Ok(name.to_owned());
        }
        if let Some(name) = self.env("OAUTHCTL_PROFILE")? {
            return Ok(name);
        }
        let config = self.config()?;
        if let Some(name) = config.default_profile() {
            return Ok(name.to_owned());
        }
        if config.profiles.is_empty() {
            return Err(Error::config("there is no profile yet").hint(
                "add one: `oauthctl profile add gitlab --provider gitlab --client-id ID`, or try `oauthctl demo`",
            ));
        }
        let names: Vec<&str> = config.profiles.keys().map(String::as_str).collect();
        Err(Error::config("there are several profiles, and none is the default")
            .hint(format!("name one with `-p`, or set `[defaults] profile`: {}", names.join(", "))))
    }

    /// The profile of this name.
    ///
    /// # Errors
    ///
    /// `Config` where it is unknown, with the nearest name.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        let config = self.config()?;
        if let Some(profile) = config.profiles.get(name) {
            return Ok(profile);
        }
        let error = Error::config(format!(
            "profile `{}` is not in {}",
            oauthctl::text::one_line(name),
            config.path.display()
        ));
        let near = config.profiles.keys().map(|known| (strsim::jaro_winkler(name, known), known));
        let near = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.8);
        Err(match near {
            Some((_, known)) => error.hint(format!("did you mean `{known}`?")),
            None => error.hint("`oauthctl profile list` shows the profiles, `oauthctl profile add` adds one"),
        })
    }

    /// Which store is meant: flag, variable, profile, defaults, keyring.
    ///
    /// # Errors
    ///
    /// `Usage` for a store that there is not.
    pub fn store_spec(&self, of_profile: Option<&str>) -> Result<StoreSpec> {
        let name = match &self.globals.store {
            Some(store) => Some(store.clone()),
            None => self.env("OAUTHCTL_STORE")?,
        };
        match name.as_deref().or(of_profile) {
            Some(name) => name.parse(),
            None => Ok(StoreSpec::Keyring),
        }
    }

    /// Opens a store.
    ///
    /// # Errors
    ///
    /// `Store` where it cannot be opened.
    pub fn open_store(&self, spec: &StoreSpec) -> Result<Opened> {
        let state = self.state_path()?;
        let opener = Opener {
            key: self.env("OAUTHCTL_STORE_KEY")?.map(Secret::new),
            key_file: env_os("OAUTHCTL_STORE_KEY_FILE").map(PathBuf::from),
            config_dir: self.store_key_dir()?,
            data_dir: state,
        };
        opener.open(spec)
    }

    /// Beside the configuration file that is used, so that one variable moves both.
    fn store_key_dir(&self) -> Result<PathBuf> {
        let path = self.config_path()?;
        match path.parent() {
            Some(parent) if parent != Path::new("") => Ok(parent.to_owned()),
            _ => Ok(PathBuf::from(".")),
        }
    }

    /// The store that a profile uses.
    ///
    /// # Errors
    ///
    /// As [`Context::open_store`].
    pub fn store_of(&self, profile: &Profile) -> Result<Opened> {
        let config = self.config()?;
        let named = profile.store.as_deref().or(config.defaults.store.as_deref());
        self.open_store(&self.store_spec(named)?)
    }

    /// A line sink for the trace and other side channels that is shared between threads.
    pub fn shared_voice(&self) -> Arc<Mutex<Voice>> {
        Arc::new(Mutex::new(self.voice))
    }
}

fn env_os(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|v| !v.is_empty())
}

fn project_dirs(variable: &str) -> Result<ProjectDirs> {
    ProjectDirs::from("", "", "oauthctl").ok_or_else(|| {
        Error::config("this user has no home directory")
            .hint(format!("set HOME, or name the place with {variable}"))
    })
}
