//! Locates the configuration, the state directory and the keys.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directories::ProjectDirs;
use oauthctl_core::profile::{Config, ConfigFile};
use oauthctl_core::{Error, Result, Secret};
use zeroize::Zeroizing;

use super::globals::Globals;
use crate::keys::{MasterKey, random_text};
use crate::private_files;
use crate::settings::Section;
use crate::storage::{self, Usage};
use crate::vault::Vault;

/// The master key.
pub const MASTER_KEY: &str = "OAUTHCTL_MASTER_KEY";

/// The master key that replaces it.
const NEW_MASTER_KEY: &str = "OAUTHCTL_NEW_MASTER_KEY";

/// The key with which the operator signs in to `/admin`.
const ADMIN_KEY: &str = "OAUTHCTL_ADMIN_KEY";

/// Minimum length of the admin key, which must be random: sign-in has no limit of attempts.
const SHORTEST_ADMIN_KEY: usize = 32;

/// The key file, if the variable is not set.
const KEY_FILE: &str = "broker.key";

/// The variable with the key that protects the metrics of a broker that other machines can reach.
const METRICS_KEY: &str = "OAUTHCTL_METRICS_KEY";

/// Returns the key that reads the metrics.
pub fn metrics_key() -> Option<Secret> {
    variable(METRICS_KEY).and_then(|key| key.into_string().ok()).map(Secret::new)
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn project(name: &str) -> Result<ProjectDirs> {
    ProjectDirs::from("", "", "oauthctl")
        .ok_or_else(|| Error::config("no home directory is known").hint(format!("set {name}")))
}

fn config_path(globals: &Globals) -> Result<PathBuf> {
    if let Some(path) = &globals.config {
        return Ok(path.clone());
    }
    match variable("OAUTHCTL_CONFIG") {
        Some(path) => Ok(path.into()),
        None => Ok(project("OAUTHCTL_CONFIG")?.config_dir().join("config.toml")),
    }
}

/// Returns the state directory.
///
/// # Errors
///
/// Returns `Config` if nothing says where it is.
pub fn state_dir() -> Result<PathBuf> {
    if let Some(path) = variable("OAUTHCTL_STATE_DIR") {
        return Ok(path.into());
    }
    let dirs = project("OAUTHCTL_STATE_DIR")?;
    Ok(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
}

/// Reads `[serve]`. Flags override it.
///
/// # Errors
///
/// Returns `Usage` for an invalid flag and one with a password, and `Config` for a file that is invalid, or that has a
/// password and that other users can read.
pub fn section(globals: &Globals, flags: Section) -> Result<Section> {
    let (flags, path) = (Section { store: globals.store.clone(), ..flags }, config_path(globals)?);
    if let Some(key) = flags.password_key() {
        let what = format!("every user of this machine can see the password in --{key}");
        return Err(Error::usage(what)
            .hint(format!("set `{key}` under [serve] in {} instead", path.display())));
    }
    flags.check().map_err(|error| {
        let invalid = Error::usage(error.message());
        error.advice_text().into_iter().fold(invalid, Error::hint)
    })?;
    let opened = ConfigFile::open(&path)?;
    let config = opened.as_ref().map_or_else(|| Ok(Config::empty(&path)), ConfigFile::parse)?;
    let file = config.serve.try_into::<Section>().map_err(|error| {
        Error::config(format!("{}: [serve]: {}", config.path.display(), error.message()))
    })?;
    if file.password_key().is_some()
        && let Some(metadata) = opened.as_ref().and_then(ConfigFile::metadata)
    {
        private_files::refuse_open_secret(metadata, &config.path)?;
    }
    Ok(flags.or(file))
}

/// Opens the store with the master key.
///
/// # Errors
///
/// Returns `Config` without a usable key, and `Store` if the store cannot be opened.
pub async fn vault(globals: &Globals, section: &Section, usage: Usage) -> Result<Arc<Vault>> {
    let location = section.place(&state_dir()?)?;
    let master = master_key(globals)?;
    let storage = storage::open(&location, usage).await?;
    Ok(Arc::new(Vault::open(storage, master).await?))
}

/// Returns the master key: from the variable, else from the key file, which is generated if it is missing.
fn master_key(globals: &Globals) -> Result<MasterKey> {
    if let Some(key) = of_variable(MASTER_KEY)? {
        return Ok(key);
    }
    let path = key_file(globals)?;
    if !path.exists() {
        create(&path, &MasterKey::generate()?.expose())?;
    }
    let text = private_files::read_secret(&path)?;
    MasterKey::parse(&text, &path.display().to_string())
}

fn of_variable(name: &str) -> Result<Option<MasterKey>> {
    let Some(text) = variable(name) else { return Ok(None) };
    let text = text.into_string().map(Zeroizing::new);
    let text = text.map_err(|_| Error::config(format!("{name} is not valid UTF-8")))?;
    MasterKey::parse(&text, name).map(Some)
}

/// Returns the admin key: from the variable, else from the file.
///
/// # Errors
///
/// Returns `Config` for a file that cannot be read or that other users can read, and for a key that could be guessed.
pub fn admin_key(section: &Section) -> Result<Option<Secret>> {
    let (text, source) = match (variable(ADMIN_KEY), &section.admin_key_file) {
        (Some(text), _) => {
            let invalid = |_| Error::config(format!("{ADMIN_KEY} is not valid UTF-8"));
            (Zeroizing::new(text.into_string().map_err(invalid)?), ADMIN_KEY.to_owned())
        }
        (None, Some(path)) => (private_files::read_secret(path)?, path.display().to_string()),
        (None, None) => return Ok(None),
    };
    let key = text.trim();
    if key.len() < SHORTEST_ADMIN_KEY {
        return Err(Error::config(format!(
            "{source}: the admin key must be at least {SHORTEST_ADMIN_KEY} characters long"
        ))
        .hint("generate one with `openssl rand -base64 32`"));
    }
    Ok(Some(Secret::new(key)))
}

/// Returns the key that replaces the master key.
///
/// # Errors
///
/// Returns `Config` if the variable is missing or invalid.
pub fn new_master_key() -> Result<MasterKey> {
    of_variable(NEW_MASTER_KEY)?
        .ok_or_else(|| Error::config(format!("{NEW_MASTER_KEY} is not set")))
}

/// Replaces the key file, if the master key came from there.
///
/// # Errors
///
/// Returns `Config` if it cannot be written.
pub fn keep_master_key(globals: &Globals, text: &str) -> Result<()> {
    if variable(MASTER_KEY).is_some() {
        return Ok(());
    }
    let path = key_file(globals)?;
    let draft = draft(&path, text)?;
    fs::rename(&draft, &path).map_err(|e| cannot("replace", &path, &e))
}

/// Returns the path of the key file.
///
/// # Errors
///
/// Returns `Config` if nothing says where the configuration is.
pub fn key_file(globals: &Globals) -> Result<PathBuf> {
    let config = config_path(globals)?;
    Ok(config.parent().unwrap_or(Path::new("")).join(KEY_FILE))
}

/// Writes a new key file. If another process is faster, its key is kept.
fn create(path: &Path, key: &str) -> Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    if let Some(directory) = directory {
        private_files::create_directory(directory).map_err(|e| cannot("create", directory, &e))?;
    }
    let draft = draft(path, key)?;
    // A hard link creates the complete file atomically, and never replaces a key.
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(cannot("create", path, &error))
        }
        _ => Ok(()),
    }
}

fn draft(path: &Path, key: &str) -> Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", &random_text()?[..12]));
    let draft = PathBuf::from(name);
    let file = private_files::for_writing().create_new(true).open(&draft);
    let mut file = file.map_err(|e| cannot("create", &draft, &e))?;
    let text = Zeroizing::new(format!("{key}\n"));
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|e| cannot("write", &draft, &e))?;
    Ok(draft)
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::config(format!("cannot {what} {}: {error}", path.display())).caused_by(error)
}
