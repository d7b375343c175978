//! `oauthctl uninstall`: removes what the program has left on this machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use oauthctl_core::profile::SecretSource;
use oauthctl_core::store::{Insertion, StoreSpec};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, GrantKey, Result};
use serde_json::json;

use crate::context::Context;
use crate::credential::links;
use crate::{environment, prompt, run as runner, ui};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl logout --all        # revokes the tokens first\n  \
oauthctl uninstall --dry-run\n  \
oauthctl uninstall --yes")]
pub struct UninstallArgs {
    /// Only show what would be removed
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Skip the confirmation prompt
    #[arg(long)]
    yes: bool,
    /// Remove the configuration file too
    #[arg(long)]
    with_config: bool,
}

/// Something to remove.
enum Item {
    /// The record of an account, in a store.
    Record(GrantKey, String),
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
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Record(key, store) => ("account", format!("{key} in the store `{store}`")),
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
}

/// Removes accounts, keys, state, caches, links and what was added to the settings of tools. The tokens stay valid at their servers; the program itself stays.
///
/// # Errors
///
/// Returns `Usage` if nothing says that it may be removed, and `Store` if something remains.
pub fn run(args: &UninstallArgs, context: &Context) -> Result<ExitCode> {
    let items = found(args, context)?;
    let is_asked = !args.dry_run && !args.yes;
    if is_asked && !prompt::is_possible(context) {
        return Err(Error::usage("removal requires confirmation")
            .hint("add `--dry-run` to see what would be removed, or `--yes` to remove it"));
    }
    if !context.ui.json {
        let lines = items.iter().map(|item| {
            let (kind, name) = item.words();
            format!("{kind}: {}\n", ui::field(&name))
        });
        ui::print(&lines.collect::<String>())?;
    }
    if items.is_empty() {
        context.ui.say("There is nothing to remove.");
    }
    let is_confirmed = args.yes
        || is_asked
            && !items.is_empty()
            && prompt::confirm(
                "Remove all of this? The tokens remain valid on their servers.",
                false,
            )?;
    let failure = if is_confirmed { remove_all(&items, context) } else { None };
    if context.ui.json {
        let items = items.iter().map(|item| {
            let (kind, name) = item.words();
            json!({ "kind": kind, "name": name })
        });
        ui::print_json(&json!({ "removed": is_confirmed, "items": items.collect::<Vec<_>>() }))?;
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Returns what there is, in the order in which it is removed: records before the keys that open them.
fn found(args: &UninstallArgs, context: &Context) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let own_files = StoreSpec::File(None).to_string();
    // The state directory, which records them, goes later.
    let added = context.state()?.inserted_texts().unwrap_or_else(|error| {
        context.ui.warn(&error);
        Vec::new()
    });
    items.extend(added.into_iter().map(Item::Settings));
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
    // The directory of the default file store is removed as a whole.
    let elsewhere = accounts.into_iter().filter(|entry| entry.store != own_files);
    items.extend(elsewhere.map(|entry| Item::Record(entry.key, entry.store)));
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
    if args.with_config {
        files.push(context.config_path()?);
    }
    items.extend(files.into_iter().filter(|path| path.is_file()).map(Item::File));
    items.extend(helper_links().into_iter().map(Item::Link));
    Ok(items)
}

/// The directory that records what was added to the settings of tools.
const SET_UP: &str = "set-up";

/// What this program creates in its state directory. A directory that the user has chosen may hold other things.
const IN_STATE: [&str; 13] = [
    "accounts",
    "agent",
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
    "broker",
];

/// Returns the state directory if it is the program's own, else the known directories in it.
fn in_state(state: &Path, context: &Context) -> Vec<PathBuf> {
    // The store of the broker may hold the accounts of many users.
    let has_broker = state.join("broker.db").exists();
    if environment::variable_os("OAUTHCTL_STATE_DIR").is_none() && !has_broker {
        return vec![state.to_owned()];
    }
    let entries = std::fs::read_dir(state).into_iter().flatten().flatten();
    let (known, other): (Vec<_>, Vec<_>) = entries.partition(|entry| {
        IN_STATE.iter().any(|name| entry.file_name() == std::ffi::OsStr::new(name))
    });
    if other.is_empty() && !known.is_empty() {
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

/// Removes everything that can be removed. Returns the first failure; each is reported.
fn remove_all(items: &[Item], context: &Context) -> Option<Error> {
    let mut first = None;
    let mut has_settings_left = false;
    for item in items {
        let removed = match item {
            // The record of them is needed to remove them later.
            Item::Directory(path) if has_settings_left && has_set_up(path) => {
                Err(Error::store("it records the settings that were not removed"))
            }
            _ => remove(item, context),
        };
        if let Err(error) = removed {
            has_settings_left |= matches!(item, Item::Settings(_));
            let (kind, name) = item.words();
            let error = error.context(format!("cannot remove the {kind} {}", one_line(&name)));
            context.ui.warn(&error);
            first = first.or(Some(error.with_kind(oauthctl_core::ErrorKind::Store)));
        }
    }
    if first.is_none() && !items.is_empty() {
        context.ui.say("Done. What remains is the program itself, and the configuration unless `--with-config` was given.");
    }
    first
}

/// Returns whether a directory contains the record of the settings of tools.
fn has_set_up(path: &Path) -> bool {
    path.ends_with(SET_UP) || path.join(SET_UP).exists()
}

fn remove(item: &Item, context: &Context) -> Result<()> {
    let open = |store: &String| context.open_store(&store.parse()?);
    let removed = match item {
        Item::Record(key, store) => {
            return runner::block_on(None, open(store)?.grants.remove(key)).map(drop);
        }
        #[cfg(target_os = "linux")]
        Item::Kept(key, spec) => {
            context.kernel_cache(spec)?.forget(key);
            return Ok(());
        }
        Item::Secret(name, store) => {
            return runner::block_on(None, open(store)?.items.unset(name)).map(drop);
        }
        Item::Settings(added) => return context.state()?.remove_inserted(added),
        Item::Directory(path) => std::fs::remove_dir_all(path),
        Item::File(path) | Item::Link(path) => std::fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::store(error.to_string()).caused_by(&error))
        }
        _ => Ok(()),
    }
}
