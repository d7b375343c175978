//! What the environment says: variables, directories of the platform, exceptions of the proxy.

use std::ffi::OsString;
use std::path::PathBuf;
#[cfg(target_os = "linux")]
use std::sync::Arc;

use directories::ProjectDirs;
use oauthctl_core::http::unreadable_exceptions;
use oauthctl_core::store::keyring;
#[cfg(target_os = "linux")]
use oauthctl_core::store::keyring::KeyringUser;
use oauthctl_core::{Error, Result};

use crate::ui::Ui;

/// How long the user has to answer a prompt of the keyring.
#[cfg(target_os = "linux")]
const KEYRING_PROMPT: std::time::Duration = std::time::Duration::from_secs(60);

/// Returns an environment variable; an empty one counts as unset.
///
/// # Errors
///
/// Returns `Config` if the value is not valid UTF-8.
pub fn variable(name: &str) -> Result<Option<String>> {
    match variable_os(name) {
        None => Ok(None),
        Some(value) => value.into_string().map(Some).map_err(|_| {
            Error::config(format!("the environment variable {name} is not valid UTF-8"))
        }),
    }
}

/// Returns an environment variable that need not be text; an empty one counts as unset.
pub fn variable_os(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the path of the configuration file that no flag names.
///
/// # Errors
///
/// Returns `Config` if neither a variable nor a home directory determines it.
pub fn config_path() -> Result<PathBuf> {
    match variable_os("OAUTHCTL_CONFIG") {
        Some(path) => Ok(path.into()),
        None => Ok(project_dirs("OAUTHCTL_CONFIG")?.config_dir().join("config.toml")),
    }
}

/// Returns the path of the state directory.
///
/// # Errors
///
/// Returns `Config` if neither a variable nor a home directory determines it.
pub fn state_path() -> Result<PathBuf> {
    if let Some(path) = variable_os("OAUTHCTL_STATE_DIR") {
        return Ok(path.into());
    }
    let dirs = project_dirs("OAUTHCTL_STATE_DIR")?;
    Ok(dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned())
}

/// Returns the directory for data of the user, else the state directory.
///
/// # Errors
///
/// See [`state_path`].
pub fn data_dir() -> Result<PathBuf> {
    match ProjectDirs::from("", "", "oauthctl") {
        Some(dirs) => Ok(dirs.data_local_dir().to_owned()),
        None => state_path(),
    }
}

fn project_dirs(variable: &str) -> Result<ProjectDirs> {
    ProjectDirs::from("", "", "oauthctl").ok_or_else(|| {
        Error::config("cannot determine the home directory").hint(format!("set HOME or {variable}"))
    })
}

/// Returns the address of the session bus.
pub fn session_bus() -> Option<String> {
    keyring::session_bus(variable_os("DBUS_SESSION_BUS_ADDRESS"), variable_os("XDG_RUNTIME_DIR"))
}

/// Returns how to notify the user of a keyring prompt, if the user can see one.
#[cfg(target_os = "linux")]
pub fn keyring_user(ui: Ui, no_input: bool) -> Option<KeyringUser> {
    use std::io::IsTerminal;
    let lookup = |name: &str| variable_os(name).and_then(|value| value.into_string().ok());
    let is_there = !no_input
        && std::io::stderr().is_terminal()
        && oauthctl_core::login::is_headless(&lookup).is_none();
    is_there.then(|| KeyringUser {
        patience: KEYRING_PROMPT,
        notice: Arc::new(move || {
            let left = oauthctl_core::time::describe(KEYRING_PROMPT);
            ui.insist(format!("The keyring is waiting for you: answer its prompt within {left}."));
        }),
    })
}

/// Warns about entries of NO_PROXY that cannot be parsed: requests to those hosts would go through the
/// proxy unnoticed.
pub fn warn_of_no_proxy(ui: &Ui) {
    for entry in unreadable_exceptions() {
        let entry = oauthctl_core::text::one_line(&entry);
        let what = format!("ignoring `{entry}` in NO_PROXY: it is not a host");
        ui.warn(&Error::config(what).hint(
            "use `corp.test` (which includes its subdomains), `*.corp.test`, an IP address, or a \
             network such as `10.0.0.0/8`; a host may end with `:PORT`",
        ));
    }
}
