//! `oauthctl store`: keys of the file store, contents of the stores, migration between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueHint};
use oauthctl_core::profile::edit;
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::store::{KeySource, StoreSpec, accept_unauthenticated, file, migrate};
use oauthctl_core::{AccountEntry, Error, GrantKey, Result, text};
use serde_json::json;

use crate::args::ProfileOption;
use crate::context::Context;
use crate::hint::STORE;
use crate::migrated;
use crate::rows::Rows;
use crate::{prompt, run as runner, ui};

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Generate a key for the file store, to be set as OAUTHCTL_STORE_KEY
    #[command(after_help = "The public half of the key is printed on standard error.\n\n\
        Example:\n  oauthctl store keygen > ci.key")]
    Keygen,
    /// Show the store in use, where it is, and how many accounts it holds
    #[command(
        after_help = "Examples:\n  oauthctl store info\n  oauthctl --store file store info --json"
    )]
    Info,
    /// Move accounts and client secrets to another store
    #[command(
        after_help = "An account is removed from the old store only after it has been read back from \
                      the new one.\n\nExamples:\n  oauthctl store migrate --to file\n  \
                      oauthctl store migrate gitlab --to file:tokens --write"
    )]
    Migrate(MigrateArgs),
}

#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Profile whose accounts to move [default: all profiles]
    #[arg(id = "profile_argument", value_name = "PROFILE", value_hint = ValueHint::Other)]
    argument: Option<String>,
    #[command(flatten)]
    option: ProfileOption,
    /// Store to move to: keyring, file, file:DIR or command
    #[arg(long, value_name = "STORE", value_hint = ValueHint::Other)]
    to: String,
    /// Write the new store to the configuration afterwards
    #[arg(long)]
    write: bool,
    /// Accept unauthenticated records of file stores, as written by earlier versions
    #[arg(long)]
    accept_unauthenticated: bool,
}

/// Runs one of the store commands.
///
/// # Errors
///
/// Returns `Store` if a store cannot be used.
pub fn run(command: &StoreCommand, context: &Context) -> Result<ExitCode> {
    match command {
        StoreCommand::Keygen => keygen(context),
        StoreCommand::Info => info(context),
        StoreCommand::Migrate(args) => migrate_accounts(args, context),
    }
}

fn keygen(context: &Context) -> Result<ExitCode> {
    let (identity, recipient) = file::keygen();
    if context.ui.json {
        ui::print_json(&json!({"identity": identity.expose(), "recipient": recipient}))?;
    } else {
        ui::print_line(identity.expose())?;
    }
    context.ui.say(format!(
        "Public key: {recipient}\nKeep the line on stdout secret: it can decrypt the store."
    ));
    Ok(ExitCode::SUCCESS)
}

fn info(context: &Context) -> Result<ExitCode> {
    let config = context.config()?;
    let spec = context.store_spec(config.defaults.store.as_deref())?;
    let place = Place::of(&spec, context)?;
    let accounts = context.state()?.accounts()?;
    let here = accounts.iter().filter(|e| e.store == spec.to_string()).count();
    let others = other_stores(&spec, context)?;
    let (config_path, state) = (context.config_path()?, context.state_path()?);
    if context.ui.json {
        ui::print_json(&json!({
            "store": spec.to_string(),
            "directory": place.directory.as_deref().map(shown),
            "key": place.key,
            "accounts": here,
            "accounts_elsewhere": accounts.len() - here,
            "profiles": others,
            "config": shown(&config_path),
            "state": shown(&state),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = Rows::new("", 10, " ");
    rows.row("store", &spec.to_string());
    if let Some(directory) = &place.directory {
        rows.row("directory", &ui::field(&shown(directory)));
    }
    if let Some(key) = &place.key {
        rows.row("key", key);
    }
    rows.row("accounts", &format!("{here} in this store, {} in others", accounts.len() - here));
    let stores: BTreeSet<&String> = others.values().collect();
    for store in stores {
        let of_it = others.iter().filter(|(_, other)| *other == store);
        let names = text::names(of_it.map(|(name, _)| *name));
        rows.row("elsewhere", &format!("{} is the store of {names}", ui::field(store)));
    }
    rows.row("config", &ui::field(&shown(&config_path)));
    rows.row("state", &ui::field(&shown(&state)));
    rows.print()?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the profiles that use another store than this one, each with its store.
fn other_stores<'c>(spec: &StoreSpec, context: &'c Context) -> Result<BTreeMap<&'c str, String>> {
    let config = context.config()?;
    let mut others = BTreeMap::new();
    for profile in config.profiles.values() {
        let own = context.store_spec(config.store_of(profile))?;
        if own != *spec {
            others.insert(profile.name.as_str(), own.to_string());
        }
    }
    Ok(others)
}

/// Returns a path as text, lossily if it is not UTF-8.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Where a store keeps its records, and the source of its key.
struct Place {
    directory: Option<PathBuf>,
    key: Option<String>,
}

impl Place {
    fn of(spec: &StoreSpec, context: &Context) -> Result<Self> {
        let StoreSpec::File(directory) = spec else {
            return Ok(Self { directory: None, key: None });
        };
        let places = context.store_paths()?;
        let key = match &places.key {
            KeySource::Identity(_) => "given".to_owned(),
            KeySource::Variable(name, _) => (*name).to_owned(),
            KeySource::File(path) | KeySource::VariableFile(_, path) => path.display().to_string(),
            KeySource::Generated(path) if path.exists() => path.display().to_string(),
            KeySource::Generated(path) => {
                format!("{} (generated when first needed)", path.display())
            }
        };
        Ok(Self { directory: Some(directory.clone().unwrap_or(places.files)), key: Some(key) })
    }
}

/// The tables of the configuration that determine the store of some profiles: each profile's own if it sets a store,
/// else the defaults. If only some of the profiles that use the defaults move, each of them gets its own.
struct Tables {
    profiles: BTreeSet<String>,
    defaults: bool,
}

impl Tables {
    fn of(profiles: &BTreeSet<&str>, is_part: bool, context: &Context) -> Result<Self> {
        let config = context.config()?;
        let mut others =
            config.profiles.values().filter(|other| !profiles.contains(other.name.as_str()));
        let is_shared = is_part && others.any(|other| other.store.is_none());
        let has_own = |name: &&&str| {
            let profile = config.profiles.get(**name);
            profile.is_some_and(|profile| profile.store.is_some() || is_shared)
        };
        let own = profiles.iter().filter(has_own).map(|name| (*name).to_owned());
        let defaults = !is_shared && !profiles.iter().all(|name| has_own(&name));
        Ok(Self { profiles: own.collect(), defaults })
    }

    /// Writes the store to the file, if the user wants that, and says what is written or to be written.
    fn write(&self, to_spec: &StoreSpec, what: &str, write: bool, context: &Context) -> Result<()> {
        if let Some(used) = context.env(STORE)?.filter(|used| *used != to_spec.to_string()) {
            let what = format!(
                "{STORE} is set to `{}`, which overrides the configuration",
                text::one_line(&used)
            );
            context
                .ui
                .warn(&Error::config(what).hint(format!("set it to `{to_spec}`, or unset it")));
        }
        if !self.defaults && self.profiles.is_empty() {
            return Ok(());
        }
        let own = self.profiles.iter();
        let own = own.map(|name| format!("[profiles.{}]", text::one_line(name)));
        let tables = self.defaults.then(|| "[defaults]".to_owned()).into_iter().chain(own);
        let tables = tables.collect::<Vec<_>>().join(" and ");
        let line = format!("`store = \"{to_spec}\"`");
        let question = format!("Set {line} in {tables}, to use {what} from there?");
        let asks = !context.ui.json && prompt::is_possible(context);
        let writes = write || asks && matches!(prompt::confirm(&question, false), Ok(true));
        if !writes {
            context.ui.say(format!("Set {line} in {tables} to use {what} from there."));
            return Ok(());
        }
        let path = context.config_path()?;
        let profiles: Vec<&str> = self.profiles.iter().map(String::as_str).collect();
        edit::set_store(&path, &profiles, self.defaults, &to_spec.to_string())?;
        context.ui.say(format!("Wrote {line} to {tables} in {}.", path.display()));
        Ok(())
    }
}

fn migrate_accounts(args: &MigrateArgs, context: &Context) -> Result<ExitCode> {
    let to_spec: StoreSpec = StoreSpec::from_user(&args.to)?;
    let to = context.open_store(&to_spec)?;
    let state = context.state()?;
    let accounts = state.accounts()?;
    let profile = context.named_profile(args.argument.as_deref(), &args.option)?;
    let profile = profile.as_deref();
    let of_profile = |e: &&AccountEntry| profile.is_none_or(|name| name == e.key.profile);
    let accounts: Vec<_> = accounts.iter().filter(of_profile).collect();
    let accepted = match args.accept_unauthenticated {
        true => accept(profile, &to_spec, &accounts, context)?,
        false => Vec::new(),
    };
    check_name(profile.filter(|_| accounts.is_empty() && accepted.is_empty()), context)?;
    let mut moved = Vec::new();
    let mut stayed = BTreeSet::new();
    let mut failure: Option<Error> = None;
    for entry in accounts.iter().filter(|entry| entry.store != to_spec.to_string()) {
        let from = context.open_store(&entry.store.parse()?)?;
        let keys: [GrantKey; 1] = [entry.key.clone()];
        let migration = runner::block_on(None, migrate(&*from.grants, &*to.grants, &keys, &state))?;
        for (key, error) in migration.failed {
            context.ui.warn(&error.clone().context(format!("cannot move {key}")));
            stayed.insert(key.profile);
            failure = failure.or(Some(error));
        }
        moved.extend(migration.moved);
    }
    for key in &moved {
        context.ui.say(format!("Moved {key} to {to_spec}."));
    }
    let secrets = migrated::secrets(profile, (&to_spec, &to), &accounts, &stayed, context)?;
    for name in &secrets.profiles {
        let name = text::one_line(name);
        context.ui.say(format!("Moved the client secret of `{name}` to {to_spec}."));
    }
    if let Some(failure) = failure.or(secrets.failure) {
        return Err(failure);
    }
    if context.ui.json {
        let secrets = &secrets.profiles;
        let mut result =
            json!({"to": to_spec.to_string(), "moved": moved, "client_secrets": secrets});
        if args.accept_unauthenticated {
            result["accepted"] = accepted.into();
        }
        ui::print_json(&result)?;
    } else if !accepted.is_empty() && moved.is_empty() && secrets.profiles.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let mut profiles: BTreeSet<&str> = moved.iter().map(|key| key.profile.as_str()).collect();
    profiles.extend(secrets.profiles.iter().map(String::as_str));
    let is_nothing = profiles.is_empty();
    if is_nothing {
        context.ui.say(format!("There is nothing to move to {to_spec}."));
    }
    let is_account = is_nothing || !moved.is_empty();
    let what = if is_account { "the accounts" } else { "the client secrets" };
    configure(profiles, (&accounts, profile.is_some()), what, (&to_spec, args.write), context)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks the name of a profile without accounts.
fn check_name(name: Option<&str>, context: &Context) -> Result<()> {
    match name.filter(|name| !is_url(name)) {
        Some(name) => context.profile(name).map(drop),
        None => Ok(()),
    }
}

/// Writes the store of these profiles to the configuration, or prints what to write. This includes profiles whose
/// accounts an earlier migration moved without changing the configuration.
fn configure<'a>(
    mut profiles: BTreeSet<&'a str>,
    (accounts, is_part): (&[&'a AccountEntry], bool),
    what: &str,
    (to_spec, writes): (&StoreSpec, bool),
    context: &Context,
) -> Result<()> {
    for entry in accounts.iter().filter(|entry| entry.store == to_spec.to_string()) {
        if uses_another(&entry.key.profile, to_spec, writes, context)? {
            profiles.insert(&entry.key.profile);
        }
    }
    // The store of a login by URL is not in the configuration.
    profiles.retain(|name| !is_url(name));
    if profiles.is_empty() {
        return Ok(());
    }
    Tables::of(&profiles, is_part, context)?.write(to_spec, what, writes, context)
}

/// Returns whether a profile uses a store other than this one. If the configuration is to be written, only the
/// configuration counts.
fn uses_another(profile: &str, to: &StoreSpec, writes: bool, context: &Context) -> Result<bool> {
    let config = context.config()?;
    let Some(profile) = config.profiles.get(profile) else { return Ok(false) };
    let used = match (config.store_of(profile), writes) {
        (Some(own), true) => own.parse()?,
        (None, true) => StoreSpec::Keyring,
        (own, false) => context.store_spec(own)?,
    };
    Ok(used != *to)
}

/// Accepts unauthenticated records in the target store and in the stores of the accounts, and returns what
/// was accepted.
fn accept(
    profile: Option<&str>,
    to: &StoreSpec,
    accounts: &[&AccountEntry],
    context: &Context,
) -> Result<Vec<String>> {
    let mut stores = vec![to.clone()];
    for entry in accounts {
        let spec: StoreSpec = entry.store.parse()?;
        if !stores.contains(&spec) {
            stores.push(spec);
        }
    }
    let (state, places) = (context.state()?, context.store_paths()?);
    let mut accepted = Vec::new();
    for spec in stores {
        let Some(store) = spec.open_files(&places) else { continue };
        context.note_warnings(store.warnings());
        let work = accept_unauthenticated(&store, profile, &state);
        for claimed in runner::block_on(None, work)? {
            context.ui.say(format!("Accepted {claimed} in {spec}."));
            accepted.push(claimed.to_string());
        }
    }
    Ok(accepted)
}
