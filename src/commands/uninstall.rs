//! `oauthctl uninstall`: removes what the program has left on this machine.

mod found;

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};
use serde_json::json;

use self::found::Item;
use crate::agent::{self, client::Agent};
use crate::commands::credential;
use crate::context::Context;
use crate::credential::setup::insertions::{Insertions, SET_UP};
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

/// Stops the agent, and removes accounts, keys, state, caches, links and what was added to the settings of tools. The
/// tokens stay valid at their servers; the program itself stays.
///
/// # Errors
///
/// Returns `Usage` if nothing says that it may be removed, and `Store` if something remains.
pub fn run(args: &UninstallArgs, context: &Context) -> Result<ExitCode> {
    let items = found::found(args.with_config, context)?;
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
        if args.dry_run && !items.is_empty() {
            context.ui.say("Nothing was removed: these would be removed without `--dry-run`.");
        }
    }
    if items.is_empty() {
        context.ui.say("There is nothing to remove.");
    }
    warn_of_tokens(&items, args.yes, context);
    let is_confirmed =
        args.yes || is_asked && !items.is_empty() && prompt::confirm("Remove all of this?", false)?;
    if is_asked && !is_confirmed && !items.is_empty() {
        context.ui.say("Nothing was removed.");
    }
    let failure = if is_confirmed { remove_all(&items, args, context) } else { None };
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

/// Warns that removing a token does not revoke it.
fn warn_of_tokens(items: &[Item], is_decided: bool, context: &Context) {
    if !items.iter().any(Item::is_account) {
        return;
    }
    context.ui.warn(&match is_decided {
        false => Error::store("the tokens of these accounts remain valid at their servers")
            .hint("run `oauthctl logout --all` first to revoke them"),
        true => Error::store("the tokens were not revoked and remain valid at their servers")
            .hint("revoke them in the account settings of each service"),
    });
}

/// Removes everything that can be removed. Returns the first failure; each is reported.
fn remove_all(items: &[Item], args: &UninstallArgs, context: &Context) -> Option<Error> {
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
            let verb = if matches!(item, Item::Agent(..)) { "stop" } else { "remove" };
            let error = error.context(format!("cannot {verb} the {kind} {}", one_line(&name)));
            context.ui.warn(&error);
            first = first.or(Some(error.with_kind(oauthctl_core::ErrorKind::Store)));
        }
    }
    remove_empty(context);
    if first.is_none() && !items.is_empty() {
        let config = context.config_path().ok().filter(|path| path.is_file());
        context.ui.say(match config.filter(|_| !args.with_config) {
            Some(path) => format!(
                "Done. The program itself remains, and the configuration {}.",
                path.display()
            ),
            None => "Done. The program itself remains.".to_owned(),
        });
    }
    first
}

/// Removes the directories around what was removed, if nothing else is in them.
fn remove_empty(context: &Context) {
    let socket = agent::usual_socket().ok();
    let around = [
        socket.as_deref().and_then(Path::parent).map(Path::to_owned),
        environment::data_dir().ok(),
        context.key_dir().ok(),
    ];
    for directory in around.into_iter().flatten().filter(|path| path.ends_with("oauthctl")) {
        let _ = std::fs::remove_dir(directory);
    }
}

/// Returns whether a directory contains the record of the settings of tools.
fn has_set_up(path: &Path) -> bool {
    path.ends_with(SET_UP) || path.join(SET_UP).exists()
}

fn remove(item: &Item, context: &Context) -> Result<()> {
    let open = |store: &String| context.open_store(&store.parse()?);
    let removed = match item {
        Item::Agent(path, _) => return Agent::at(path.clone()).stop(),
        Item::InDirectory(..) => return Ok(()),
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
        Item::Settings(added) => {
            return credential::remove_settings(&Insertions::of(&context.state()?)?, added);
        }
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
