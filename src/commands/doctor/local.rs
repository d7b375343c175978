//! Tests of this machine: configuration, files, stores, browser and loopback interface.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use oauthctl_core::login::{Browser, is_headless};
use oauthctl_core::profile::Profile;
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::store::{StorePaths, StoreSpec};
use oauthctl_core::text::shell_word;
use oauthctl_core::{Error, Result};

use super::report::{Report, Status};
use crate::context::Context;
use crate::context::stores::check_agent;
use crate::{browser, environment, run as runner};

/// Tests the configuration file. Returns whether it can be used.
pub fn config(context: &Context, has_agent: bool, report: &mut Report) -> bool {
    const NAME: &str = "config";
    let found = context.config_path().and_then(|path| {
        let config = context.config()?;
        Ok((path, context.config_file()?.is_some(), config))
    });
    let (path, exists, config) = match found {
        Ok(found) => found,
        Err(error) => {
            report.error(NAME, None, Status::Fail, &error);
            return false;
        }
    };
    let shown = path.display();
    if !exists && has_agent {
        report.ok(NAME, None, &format!("{shown} does not exist; the agent has the configuration"));
        return true;
    }
    if !exists {
        let error = Error::config(format!("{shown} does not exist"));
        let error =
            error.hint("add a profile: `oauthctl profile add NAME --issuer URL --client-id ID`");
        report.error(NAME, None, Status::Warn, &error);
        return true;
    }
    // Logins by URL are profiles that no file contains.
    let count = config.profiles.keys().filter(|name| !is_url(name)).count();
    report.ok(NAME, None, &format!("{shown}: {}", counted(count, "profile")));
    for warning in &config.warnings {
        report.error(NAME, None, Status::Warn, &Error::config(warning.clone()));
    }
    true
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Maximum number of files whose mode is compared.
const MOST_FILES: usize = 10_000;

/// Tests that no other user can read the files of this program.
pub fn permissions(context: &Context, report: &mut Report) {
    let mut files = Vec::new();
    if let Ok(keys) = context.key_dir() {
        files.extend([keys.join("store.key"), keys.join("state.key")]);
    }
    if let Ok(data) = environment::data_dir() {
        below(&data.join("tokens"), &mut files);
        below(&data.join("sealed"), &mut files);
    }
    if let Ok(state) = context.state_path() {
        below(&state, &mut files);
    }
    let is_open = |path: &&PathBuf| mode(path).is_some_and(|mode| mode & 0o077 != 0);
    let open: Vec<&PathBuf> = files.iter().filter(is_open).collect();
    let Some(first) = open.first() else {
        let count = files.iter().filter(|path| path.exists()).count();
        let what = match count {
            0 => "there are no files yet".to_owned(),
            1 => "one file or directory, private to you".to_owned(),
            count => format!("{count} files and directories, private to you"),
        };
        return report.ok("permissions", None, &what);
    };
    let what = format!(
        "other users can access {}{}",
        first.display(),
        if open.len() > 1 { format!(", and {} more", open.len() - 1) } else { String::new() }
    );
    // Records are encrypted, and their directory may be private: only a key is lost at once.
    let is_key = open.iter().any(|path| path.extension().is_some_and(|suffix| suffix == "key"));
    let status = if is_key { Status::Fail } else { Status::Warn };
    let all: Vec<String> = open.iter().take(20).map(|p| shell_word(&p.to_string_lossy())).collect();
    let error = Error::config(what).hint(format!("run `chmod go-rwx {}`", all.join(" ")));
    report.error("permissions", None, status, &error);
}

fn below(directory: &Path, found: &mut Vec<PathBuf>) {
    found.push(directory.to_owned());
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten().take(MOST_FILES.saturating_sub(found.len())) {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below(&entry.path(), found),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::symlink_metadata(path).ok().map(|is| is.permissions().mode())
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

/// Tests the state directory: it can be written to, and has locks.
pub fn state(context: &Context, report: &mut Report) {
    let checked = context.state().and_then(|state| state.check());
    match checked.and_then(|()| context.state_path()) {
        Ok(path) => {
            report.ok("state", None, &format!("{} is writable and has locks", path.display()));
        }
        Err(error) => report.error("state", None, Status::Fail, &error),
    }
}

/// Writes, reads and removes a secret in each store that is used. No keyring prompts the user.
pub fn stores(context: &Context, profiles: &[&Profile], usable: bool, report: &mut Report) {
    let mut used: BTreeMap<String, Result<StoreSpec>> = BTreeMap::new();
    let mut add = |spec: Result<StoreSpec>| {
        let name = spec.as_ref().map_or_else(|error| error.to_string(), ToString::to_string);
        used.entry(name).or_insert(spec);
    };
    match context.config() {
        Ok(config) if usable => {
            profiles.iter().for_each(|p| add(context.store_spec(config.store_of(p))));
            if profiles.is_empty() {
                add(context.store_spec(config.defaults.store.as_deref()));
            }
        }
        _ => add(context.store_spec(None)),
    }
    for (name, spec) in used {
        // A store that has no name is described by the error alone.
        let name = spec.is_ok().then_some(name.as_str());
        match spec.and_then(|spec| tested(&spec, context)) {
            Ok(what) => report.ok("store", name, what),
            Err(error) => report.error("store", name, Status::Fail, &error),
        }
    }
}

/// Tests a store, and says what was done.
fn tested(spec: &StoreSpec, context: &Context) -> Result<&'static str> {
    if *spec == StoreSpec::Agent {
        check_agent(spec)?;
        return Ok("tokens come from the agent");
    }
    let paths = StorePaths {
        #[cfg(target_os = "linux")]
        user: None,
        ..context.store_paths_of(spec)?
    };
    let store = spec.open(&paths)?;
    runner::block_on(None, store.check())?;
    Ok("a secret was written, read and removed")
}

/// Tests whether a browser can be opened. Without one, the user opens the URL elsewhere.
pub fn browser(report: &mut Report) {
    const NAME: &str = "browser";
    let lookup =
        |name: &str| environment::variable_os(name).and_then(|value| value.into_string().ok());
    let path = environment::variable_os("PATH");
    let chosen = match browser::named(None) {
        Ok(Some(browser)) => Ok(browser),
        Ok(None) => match is_headless(&lookup) {
            None => Ok(Browser::desktop(&lookup, path.as_deref())),
            Some(reason) => Err(Error::unavailable(format!("no browser opens: {reason}")).hint(
                "open the printed URL on another machine, then paste the callback URL; or choose \
                 a browser with `--browser CMD`",
            )),
        },
        Err(error) => Err(error),
    };
    match chosen.and_then(|browser| browser.program()) {
        Ok(program) => report.ok(NAME, None, &program.display().to_string()),
        Err(error) => report.error(NAME, None, Status::Warn, &error),
    }
}

/// How long a connection on this machine may take.
const LOOPBACK: Duration = Duration::from_secs(3);

/// Tests that a browser on this machine can reach a listener, with both address families.
pub fn loopback(report: &mut Report) {
    let addresses = [
        ("127.0.0.1", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Status::Fail),
        ("::1", SocketAddr::from((Ipv6Addr::LOCALHOST, 0)), Status::Warn),
    ];
    for (name, address, severity) in addresses {
        match connect_to_self(address) {
            Ok(()) => report.ok("loopback", Some(name), "a listener can be reached"),
            Err(why) => {
                let error = Error::unavailable(format!("a listener cannot be reached: {why}"));
                let hint = match severity {
                    Status::Fail => {
                        "allow connections on the loopback interface (firewall, sandbox), or log in \
                         with `--flow paste`"
                    }
                    _ => "only redirect URIs with `[::1]` need it",
                };
                report.error("loopback", Some(name), severity, &error.hint(hint));
            }
        }
    }
}

fn connect_to_self(address: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(address)?;
    let client = TcpStream::connect_timeout(&listener.local_addr()?, LOOPBACK)?;
    listener.set_nonblocking(true)?;
    drop(listener.accept()?);
    drop(client);
    Ok(())
}
