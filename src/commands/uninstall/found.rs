//! What the program has left on this machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use oauthctl_core::profile::SecretSource;
use oauthctl_core::store::StoreSpec;
use oauthctl_core::text::{names, shell_word};
use oauthctl_core::{GrantKey, Result};

use crate::agent::{self, client::Agent};
use crate::commands::credential;
use crate::context::Context;
use crate::credential::links;
use crate::credential::setup::insertions::{Insertion, Insertions, SET_UP};
use crate::environment;

/// Something to remove.
pub enum Item {
    /// An agent that runs: its socket and its process.
    Agent(PathBuf, u64),
    /// The record of an account, in a store.
    Record(GrantKey, String),
    /// The record of an account in a store whose directory is another item.
    InDirectory(GrantKey, String),
    /// The access token of an account in a store that the kernel keyring keeps.
    #[cfg(target_os = "linux")]
    Kept(GrantKey, StoreSpec),
    /// A client secret, in a store.
    Secret(String, String),
    /// What `credential setup` added to the file of a tool.
    Settings(Insertion),
    Directory(PathBuf),
    File(PathBuf),
    /// A link to the program that acts as a helper.
    Link(PathBuf),
}

impl Item {
    /// Returns its kind and its name.
    pub fn words(&self) -> (&'static str, String) {
        match self {
            Self::Agent(path, pid) => ("agent", format!("process {pid} at {}", path.display())),
            Self::Record(key, store) | Self::InDirectory(key, store) => {
                ("account", format!("{key} in the store `{store}`"))
            }
            #[cfg(target_os = "linux")]
            Self::Kept(key, _) => ("token in the kernel keyring", key.to_string()),
            Self::Secret(name, store) => {
                ("client secret", format!("{name} in the store `{store}`"))
            }
            Self::Settings(added) => ("settings", format!("added to {}", added.path.display())),
            Self::Directory(path) => ("directory", path.display().to_string()),
            Self::File(path) => ("file", path.display().to_string()),
            Self::Link(path) => ("link", path.display().to_string()),
        }
    }

    /// Returns whether it is the record of an account.
    pub fn is_account(&self) -> bool {
        matches!(self, Self::Record(..) | Self::InDirectory(..))
    }
}

/// Returns what there is, in the order in which it is removed: records before the keys that open them.
pub fn found(with_config: bool, context: &Context) -> Result<Vec<Item>> {
    // An agent that still runs would write its state again.
    let mut items = agents(context)?;
    let own_files = StoreSpec::File(None).to_string();
    // The state directory, which records them, goes later.
    let left = Insertions::of(&context.state()?).and_then(|insertions| {
        items.extend(insertions.all_present().into_iter().map(Item::Settings));
        credential::rewritten(&insertions)
    });
    match left {
        Ok((removable, left)) => {
            items.extend(removable.into_iter().map(Item::Settings));
            left.iter().for_each(|error| context.ui.warn(error));
        }
        Err(error) => context.ui.warn(&error),
    }
    let accounts = context.state()?.accounts().unwrap_or_else(|error| {
        context.ui.warn(&error);
        Vec::new()
    });
    #[cfg(target_os = "linux")]
    for entry in &accounts {
        let spec: StoreSpec = entry.store.parse()?;
        if context.kernel_cache(&spec)?.find(&entry.key).is_some() {
            items.push(Item::Kept(entry.key.clone(), spec));
        }
    }
    items.extend(accounts.into_iter().map(|entry| match entry.store == own_files {
        // The directory of the default file store is removed as a whole.
        true => Item::InDirectory(entry.key, entry.store),
        false => Item::Record(entry.key, entry.store),
    }));
    match context.config() {
        Ok(config) => {
            for profile in config.profiles.values() {
                let store = context.store_spec(config.store_of(profile))?.to_string();
                if let Some(SecretSource::Keyring(name)) = &profile.client.secret
                    && store != own_files
                {
                    items.push(Item::Secret(name.clone(), store));
                }
            }
        }
        Err(error) => context.ui.warn(&error.context("cannot look for client secrets")),
    }
    let data = environment::data_dir()?;
    let directories = [data.join("tokens"), data.join("sealed")].into_iter();
    let directories = directories.chain(in_state(&context.state_path()?, context));
    items.extend(directories.filter(|path| path.is_dir()).map(Item::Directory));
    let keys = context.key_dir()?;
    let mut files = vec![keys.join("store.key"), keys.join("state.key")];
    if with_config {
        files.push(context.config_path()?);
    }
    items.extend(files.into_iter().filter(|path| path.is_file()).map(Item::File));
    items.extend(helper_links().into_iter().map(Item::Link));
    Ok(items)
}

/// What this program creates in its state directory. A directory that the user has chosen may hold other things.
const IN_STATE: [&str; 13] = [
    "accounts",
    "agent",
    "agent.sock",
    "cache",
    "clients",
    "discovery",
    "locks",
    "notified",
    "pending",
    "rejected",
    "resolved",
    SET_UP,
    "urls",
];

/// What a name begins with that the broker creates in the state directory: its default store and its spool.
const OF_BROKER: [&str; 2] = ["broker.db", "broker-spool"];

/// Returns the agent that listens on the usual socket, or the socket that one left behind.
fn agents(context: &Context) -> Result<Vec<Item>> {
    let path = agent::usual_socket()?;
    let mut items = Vec::new();
    match Agent::at(path.clone()).status() {
        Ok(Some(status)) => {
            items.push(Item::Agent(path.clone(), status["pid"].as_u64().unwrap_or_default()));
        }
        Ok(None) if path.symlink_metadata().is_ok() => items.push(Item::File(path.clone())),
        Ok(None) => {}
        Err(error) => context.ui.warn(&error),
    }
    // Another socket may lead to the agent of another machine.
    if let Ok(Some(Agent::Socket(other))) = Agent::named()
        && other != path
    {
        let word = shell_word(&other.display().to_string());
        context.ui.say(format!(
            "OAUTHCTL_AGENT names another agent, which is not stopped. If it runs on this machine, \
             run `oauthctl agent --socket {word} --stop`."
        ));
    }
    Ok(items)
}

/// Returns the state directory if it is the program's own, else the known directories in it.
fn in_state(state: &Path, context: &Context) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state).into_iter().flatten().flatten();
    let is_of_broker =
        |name: &OsStr| OF_BROKER.iter().any(|of| name.to_string_lossy().starts_with(of));
    let (of_broker, entries): (Vec<_>, Vec<_>) =
        entries.partition(|entry| is_of_broker(&entry.file_name()));
    let (known, other): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|entry| IN_STATE.iter().any(|name| entry.file_name() == OsStr::new(name)));
    if !of_broker.is_empty() {
        let mut paths: Vec<_> =
            of_broker.iter().map(|entry| entry.path().display().to_string()).collect();
        paths.sort();
        let shown = names(paths.iter().map(String::as_str));
        context.ui.say(format!(
            "Keeping the data of the broker, which may contain the connections of many users: \
             {shown}. To remove it, stop `oauthctl serve` and delete these files."
        ));
    }
    let is_own = environment::variable_os("OAUTHCTL_STATE_DIR").is_none();
    let is_alone = of_broker.is_empty() && (is_own || other.is_empty());
    if is_alone && (is_own || !known.is_empty()) {
        return vec![state.to_owned()];
    }
    for entry in &other {
        let path = entry.path();
        context.ui.say(format!("Keeping {}: this program did not create it.", path.display()));
    }
    known.into_iter().map(|entry| entry.path()).collect()
}

/// Returns the links to this program in the directories of `PATH`, and beside it.
fn helper_links() -> Vec<PathBuf> {
    let Ok(program) = std::env::current_exe().and_then(std::fs::canonicalize) else {
        return Vec::new();
    };
    let path = environment::variable_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    directories.extend(program.parent().map(Path::to_owned));
    directories.sort();
    directories.dedup();
    let entries = directories.iter().filter_map(|directory| std::fs::read_dir(directory).ok());
    let entries = entries.flatten().flatten().filter(|entry| {
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        is_link && links::is_helper(Path::new(&entry.file_name()))
    });
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| std::fs::canonicalize(path).is_ok_and(|target| target == program))
        .collect();
    found.sort();
    found
}
