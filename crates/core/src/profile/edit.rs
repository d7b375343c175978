//! Changes the configuration file, leaving the rest of it as it is: comments, order and spacing.
//!
//! A change is written only if the resulting file is valid. Changes by several processes are serialized.
//!
//! ```
//! # fn main() -> oauthctl_core::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("config.toml");
//! use oauthctl_core::profile::edit::{self, NewProfile};
//!
//! let name = "gitlab".to_owned();
//! let (provider, client_id) = (Some("gitlab".to_owned()), Some("4711".to_owned()));
//! let config = edit::add(&path, &NewProfile { name, provider, client_id, ..NewProfile::default() })?;
//! assert_eq!(config.profile("gitlab")?.client.id, "4711");
//! let config = edit::remove(&path, "gitlab")?;
//! assert!(config.profiles.is_empty());
//! # Ok(()) }
//! ```

mod new_profile;

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::config::Config;
use super::config_file::ConfigFile;
use super::sections::profile_name;
use super::url_login;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::files::output::{self, Leftovers};
use crate::files::{self, Locked, directory_lock, trusted};
use crate::parameters::is_secret_setting;
use crate::text::one_line;

pub use new_profile::NewProfile;
use new_profile::{SECRET_KEYS, reference, table_of};

/// Adds a profile. The file and its directory are created if they are missing.
///
/// # Errors
/// Returns `Config` if the file is invalid, already has this profile, or would be invalid with it, and
/// `Usage` if a secret would be written to the file. Nothing is written then.
pub fn add(path: &Path, new: &NewProfile) -> Result<Config> {
    profile_name(&new.name).map_err(Error::usage)?;
    change(path, |file| with(path, file, new))
}

/// Returns the configuration as it would be with this profile, without writing it.
///
/// # Errors
/// See [`add`].
pub fn preview(path: &Path, new: &NewProfile) -> Result<Config> {
    profile_name(&new.name).map_err(Error::usage)?;
    let file = ConfigFile::open(path)?;
    with(path, file.as_ref(), new).map(|(_, config)| config)
}

/// Returns the text of the file with this profile, and the configuration in it.
fn with(path: &Path, file: Option<&ConfigFile>, new: &NewProfile) -> Result<(String, Config)> {
    let name = one_line(&new.name);
    if let Some(file) = file
        && file.parse()?.profiles.contains_key(&new.name)
    {
        return Err(Error::config(format!("the profile `{name}` already exists"))
            .hint(Advice::RemoveProfile(new.name.clone())));
    }
    let mut document = document(file)?;
    let table = table_of(new)?;
    let profiles = document.entry("profiles").or_insert_with(implicit_table);
    let profiles =
        profiles.as_table_like_mut().ok_or_else(|| Error::config("`profiles` is not a table"))?;
    profiles.insert(&new.name, Item::Table(table));
    let mut text = document.to_string();
    if file.is_none() {
        // Removes the blank line that separates a table from what precedes it.
        text = text.trim_start().to_owned();
    }
    let config = ConfigFile::of_text(path, &text).parse_unsaved().map_err(|error| {
        Error::config(format!("the profile `{name}` would be invalid, and is not added: {error}"))
            .hints(error.advice().to_vec())
    })?;
    Ok((text, config))
}

/// Sets the default profile, or removes that setting.
///
/// # Errors
/// Returns `Config` if there is no such profile, or if the file is invalid, and `Usage` for a URL to which nobody
/// can log in.
pub fn set_default(path: &Path, name: &str) -> Result<Config> {
    change(path, |file| {
        let config = file.map(ConfigFile::parse).transpose()?;
        match config {
            _ if url_login::is_url(name) => drop(url_login::parse_url(name)?),
            Some(config) => config.profile(name).map(drop)?,
            None => {
                return Err(Error::config("no profile is configured").hint(Advice::ListProfiles));
            }
        }
        let mut document = document(file)?;
        let defaults = document.entry("defaults").or_insert_with(|| {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            Item::Table(table)
        });
        let defaults = defaults
            .as_table_like_mut()
            .ok_or_else(|| Error::config("`defaults` is not a table"))?;
        defaults.insert("profile", name.into());
        let text = document.to_string();
        let config = ConfigFile::of_text(path, &text).parse_unsaved()?;
        Ok((text, config))
    })
}

/// Removes a profile from the file, and from `[defaults] profile`.
///
/// # Errors
/// Returns `Config` if there is no such profile, or if the rest of the file is invalid.
pub fn remove(path: &Path, name: &str) -> Result<Config> {
    change(path, |file| {
        let mut document = document(file)?;
        let removed = document
            .get_mut("profiles")
            .and_then(Item::as_table_like_mut)
            .and_then(|profiles| profiles.remove(name));
        if removed.is_none() {
            let path = path.display();
            return Err(Error::config(format!("no profile `{}` in {path}", one_line(name)))
                .hint(Advice::ListProfiles));
        }
        if let Some(defaults) = document.get_mut("defaults").and_then(Item::as_table_like_mut)
            && defaults.get("profile").and_then(Item::as_str) == Some(name)
        {
            defaults.remove("profile");
        }
        let text = document.to_string();
        let config = ConfigFile::of_text(path, &text).parse()?;
        Ok((text, config))
    })
}

/// Sets the client secret of a profile to this item of the token store, after `store` has stored it.
///
/// # Errors
/// Returns `Config` if there is no such profile or the file would be invalid, and the errors of `store`.
pub fn set_client_secret(
    path: &Path,
    name: &str,
    item: &str,
    store: impl FnOnce(&Config) -> Result<()>,
) -> Result<Config> {
    change(path, |file| {
        let mut document = document(file)?;
        profile_of(&mut document, name)?.insert("client_secret", reference(item));
        let text = document.to_string();
        let config = ConfigFile::of_text(path, &text).parse_unsaved()?;
        store(&config)?;
        Ok((text, config))
    })
}

/// Returns the table of a profile.
fn profile_of<'d>(document: &'d mut DocumentMut, name: &str) -> Result<&'d mut dyn TableLike> {
    document
        .get_mut("profiles")
        .and_then(|all| all.as_table_like_mut()?.get_mut(name)?.as_table_like_mut())
        .ok_or_else(|| Error::config(format!("no profile `{}`", one_line(name))))
}

/// Sets the store of these profiles, and that of `[defaults]` if `defaults`.
///
/// # Errors
/// Returns `Config` if there is no such profile, or if the file is invalid, before or after.
pub fn set_store(path: &Path, profiles: &[&str], defaults: bool, store: &str) -> Result<Config> {
    change(path, |file| {
        let mut document = document(file)?;
        for name in profiles {
            set_text(profile_of(&mut document, name)?, "store", store);
        }
        if defaults {
            let table = document.entry("defaults").or_insert_with(|| Item::Table(Table::new()));
            let table = table
                .as_table_like_mut()
                .ok_or_else(|| Error::config("`defaults` is not a table"))?;
            set_text(table, "store", store);
        }
        let text = document.to_string();
        let config = ConfigFile::of_text(path, &text).parse()?;
        Ok((text, config))
    })
}

/// Sets a key, and keeps the comment behind its former value.
fn set_text(table: &mut dyn TableLike, key: &str, text: &str) {
    let mut value = Value::from(text);
    if let Some(former) = table.get(key).and_then(Item::as_value) {
        *value.decor_mut() = former.decor().clone();
    }
    table.insert(key, Item::Value(value));
}

/// Replaces the text of the file, which may have been edited by the user. `before` is the text on which the new one is
/// based; it is empty if there was no file.
///
/// # Errors
/// Returns `Config` if the new text is invalid, or if the file no longer contains `before`.
pub fn replace(path: &Path, before: &str, after: &str) -> Result<Config> {
    change(path, |file| {
        let now = file.map(ConfigFile::text).transpose()?.unwrap_or_default();
        if now != before {
            let what = "cannot save the configuration: another program has changed it";
            return Err(Error::config(what));
        }
        Ok((after.to_owned(), ConfigFile::of_text(path, after).parse()?))
    })
}

/// Returns a profile as it is in the file, without comments, secrets redacted.
///
/// # Errors
/// Returns `Config` if the file is not TOML or has no such profile.
pub fn written(file: &ConfigFile, name: &str) -> Result<toml::Table> {
    let config = file.parse()?;
    config.profile(name)?;
    let root: toml::Table =
        file.text()?.parse().map_err(|_| Error::config("the configuration is not valid TOML"))?;
    let mut table = root
        .get("profiles")
        .and_then(|profiles| profiles.get(name)?.as_table())
        .cloned()
        .unwrap_or_default();
    redact(&mut table);
    Ok(table)
}

fn redact(table: &mut toml::Table) {
    let redacted = || toml::Value::String(super::describe::REDACTED.to_owned());
    for (key, value) in table.iter_mut() {
        if SECRET_KEYS.contains(&key.as_str()) && value.is_str() {
            *value = redacted();
        } else if let toml::Value::Table(params) = value {
            for (name, value) in params.iter_mut() {
                if is_secret_setting(name) {
                    *value = redacted();
                }
            }
        }
    }
}

/// Reads, changes, checks and writes the file, one process at a time.
fn change(
    path: &Path,
    edit: impl FnOnce(Option<&ConfigFile>) -> Result<(String, Config)>,
) -> Result<Config> {
    let path = target(path);
    let failed = |error: std::io::Error| {
        Error::config(format!("cannot write {}: {error}", path.display())).caused_by(&error)
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    files::make_dirs(directory).map_err(failed)?;
    if std::fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err(failed(std::io::Error::other("not a regular file")));
    }
    trusted::check_place(&path).map_err(|error| error.context("cannot write the configuration"))?;
    let turn = turn(directory)?;
    let file = ConfigFile::open(&path)?;
    let (text, config) = edit(file.as_ref())?;
    let leftovers = if turn.is_some() { Leftovers::Remove } else { Leftovers::Keep };
    output::replace(&path, text.as_bytes(), leftovers).map_err(failed)?;
    drop(turn);
    Ok(config)
}

/// Returns the real location of the file, so that a link to it stays a link.
fn target(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Locks the directory, so that edits are serialized. If the file system does not support locks, the last
/// of two edits wins as a whole.
fn turn(directory: &Path) -> Result<Option<Locked>> {
    match directory_lock::take(directory) {
        directory_lock::Taken::Held(file) => Ok(Some(file)),
        directory_lock::Taken::NoLocks => Ok(None),
        directory_lock::Taken::Busy(holder) => {
            let who = holder.map_or_else(String::new, |pid| format!(" (process {pid})"));
            Err(Error::config(format!(
                "cannot change the configuration: another process{who} holds the lock on {}",
                directory.display()
            ))
            .hint("wait for that process, or stop it"))
        }
    }
}

fn document(file: Option<&ConfigFile>) -> Result<DocumentMut> {
    let Some(file) = file else { return Ok(DocumentMut::new()) };
    match file.text()?.parse() {
        Ok(document) => Ok(document),
        // The schema reports it better, with every position.
        Err(_) => Err(file
            .parse()
            .err()
            .unwrap_or_else(|| Error::config("the configuration is not valid TOML"))),
    }
}

fn implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
