//! `oauthctl profile`: the profiles of the configuration file.

mod draft;
mod editor;
mod guided;
mod secret;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueHint};
use oauthctl_core::profile::describe;
use oauthctl_core::profile::edit::{self, NewProfile};
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::profile::{self, ClientAuth, LoopbackHost, Profile, SecretSource};
use oauthctl_core::store::{Store, StoreSpec};
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, Result, Secret};
use serde_json::json;

use crate::args::{ProfileArg, ProfileOption};
use crate::callbacks::ToRegister;
use crate::commands::login;
use crate::context::Context;
use crate::rows::Rows;
use crate::target::Target;
use crate::{callbacks, client_secret, manager, prompt, run as runner, scopes, ui};

#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// Add a profile to the configuration file, interactively at a terminal
    Add(AddArgs),
    /// List the profiles
    #[command(after_help = "Example:\n  oauthctl profile list --json | jq -r '.[].name'")]
    List,
    /// Show a profile and the values of its preset, with secrets redacted
    #[command(after_help = "Examples:\n  oauthctl profile show\n  oauthctl profile show gitlab")]
    Show(ProfileArg),
    /// Edit the configuration file in $VISUAL or $EDITOR, and validate it before saving
    #[command(
        after_help = "Examples:\n  oauthctl profile edit\n  EDITOR='code --wait' oauthctl profile edit"
    )]
    Edit,
    /// Show or set the default profile
    #[command(
        after_help = "Examples:\n  oauthctl profile default\n  oauthctl profile default gitlab"
    )]
    Default(DefaultArgs),
    /// Remove a profile from the configuration file
    #[command(
        override_usage = "oauthctl profile remove [OPTIONS] <PROFILE>",
        after_help = "Examples:\n  oauthctl logout work  # revokes the tokens first\n  \
        oauthctl profile remove work"
    )]
    Remove(NameArgs),
    /// Store the client secret of a profile, read from standard input
    #[command(
        override_usage = "oauthctl profile set-secret [OPTIONS] <PROFILE>",
        after_help = "Example:\n  pass show api | oauthctl profile set-secret api"
    )]
    SetSecret(NameArgs),
    /// Print the path of the configuration file
    #[command(after_help = "Example:\n  cp \"$(oauthctl profile path)\" backup.toml")]
    Path,
}

/// The profile of a command that changes it: no default selects it.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// Name of the profile
    #[arg(id = "profile_argument", value_name = "PROFILE", value_hint = ValueHint::Other, required_unless_present = "profile")]
    argument: Option<String>,
    #[command(flatten)]
    option: ProfileOption,
}

impl NameArgs {
    fn name(&self, context: &Context) -> Result<String> {
        let name = context.named_profile(self.argument.as_deref(), &self.option)?;
        name.ok_or_else(|| Error::usage("no profile specified"))
    }
}

#[derive(Debug, Args)]
pub struct DefaultArgs {
    /// New default profile [default: only show the current one]
    #[arg(value_name = "PROFILE", value_hint = ValueHint::Other)]
    name: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl profile add work\n  \
oauthctl profile add gitlab --provider gitlab --client-id ID \\\n    \
--scope read_api\n  \
oauthctl profile add work --issuer https://sso.example.com \\\n    \
--client-id ID\n  \
pass show api | oauthctl profile add api --provider asana \\\n    \
--client-id ID --client-secret-stdin")]
pub struct AddArgs {
    /// Name of the new profile
    #[arg(value_hint = ValueHint::Other)]
    name: String,
    /// Built-in preset to start from (see `oauthctl providers`)
    #[arg(long, value_name = "PROVIDER", value_hint = ValueHint::Other)]
    provider: Option<String>,
    /// Issuer URL, for discovery of the endpoints
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    issuer: Option<String>,
    /// Client ID that the service issued [default: prompt for all settings at a terminal]
    #[arg(long, value_name = "ID", value_hint = ValueHint::Other)]
    client_id: Option<String>,
    /// Scope to request; can be repeated
    #[arg(long = "scope", value_name = "SCOPE", value_hint = ValueHint::Other)]
    scopes: Vec<String>,
    /// Set any other key of the profile; can be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = crate::commands::login::parse_parameter, value_hint = ValueHint::Other)]
    set: Vec<(String, String)>,
    /// Read the client secret from standard input and store it in the token store
    #[arg(long)]
    client_secret_stdin: bool,
}

/// Runs one of the profile commands.
///
/// # Errors
///
/// Returns `Config` for an invalid profile or file, and `Store` if the client secret cannot be stored.
pub fn run(command: &ProfileCommand, context: &Context) -> Result<ExitCode> {
    match command {
        ProfileCommand::Add(args) => add(args, context),
        ProfileCommand::List => list(context),
        ProfileCommand::Show(args) => show(args, context),
        ProfileCommand::Edit => editor::run(context),
        ProfileCommand::Default(args) => default(args.name.as_deref(), context),
        ProfileCommand::Remove(args) => remove(&args.name(context)?, context),
        ProfileCommand::SetSecret(args) => secret::set(&args.name(context)?, context),
        ProfileCommand::Path => {
            let path = context.config_path()?;
            if context.ui.json {
                ui::print_json(&json!({ "path": path.display().to_string() }))?;
            } else {
                ui::print_path(&path)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn remove(name: &str, context: &Context) -> Result<ExitCode> {
    if is_url(name) {
        let what =
            format!("`{}` is a login by URL, which is not in the configuration", one_line(name));
        let hint = format!("run `oauthctl logout {}` to remove it", shell_word(name));
        return Err(Error::config(what).hint(hint));
    }
    // A broken file can be repaired this way: its profile need not be readable.
    let profile = context.config().ok().and_then(|config| config.profiles.get(name));
    let item = secret::item_of(name);
    let secret = profile.and_then(|p| p.client.secret.as_ref()).cloned();
    let store = match (profile, secret == Some(SecretSource::Keyring(item.clone()))) {
        (Some(profile), true) => Some(context.store_of(profile)?),
        _ => None,
    };
    edit::remove(&context.config_path()?, name)?;
    context.ui.say(format!("Removed profile `{}`.", one_line(name)));
    if let Some(store) = store
        && let Err(error) = runner::block_on(None, store.items.unset(&item))
    {
        context.ui.warn(&error.context("its client secret is still in the token store"));
    }
    if !context.state()?.some_accounts(name, 1)?.is_empty() {
        let what = Error::config(format!("`{}` still has stored tokens", one_line(name)));
        context.ui.warn(&what.hint(format!(
            "run `oauthctl logout {} --all` to remove them; they can no longer be revoked",
            shell_word(name)
        )));
    }
    Ok(ExitCode::SUCCESS)
}

fn default(name: Option<&str>, context: &Context) -> Result<ExitCode> {
    let shown = match name {
        Some(name) => {
            edit::set_default(&context.config_path()?, name)?;
            Some(name.to_owned())
        }
        None => context.config()?.default_profile().map(str::to_owned),
    };
    if context.ui.json {
        ui::print_json(&json!({ "profile": shown }))?;
        return Ok(ExitCode::SUCCESS);
    }
    match (name, shown) {
        (Some(name), _) => {
            context.ui.say(format!("The default profile is now `{}`.", one_line(name)));
        }
        (None, Some(shown)) => ui::print_line(&ui::field(&shown))?,
        (None, None) => context.ui.say("There is no default profile."),
    }
    Ok(ExitCode::SUCCESS)
}

fn add(args: &AddArgs, context: &Context) -> Result<ExitCode> {
    let mut new = NewProfile {
        name: args.name.clone(),
        provider: args.provider.clone(),
        issuer: args.issuer.clone(),
        client_id: args.client_id.clone(),
        scopes: args.scopes.clone(),
        store: store_to_write(args, context)?,
        set: args.set.clone(),
        client_secret_item: None,
    };
    let is_guided =
        args.client_id.is_none() && !args.client_secret_stdin && prompt::is_possible(context);
    let secret = match (is_guided, &args.client_id) {
        (true, _) => guided::complete(&mut new, context)?,
        (false, None) => {
            return Err(Error::usage("no client ID specified").hint(
                "add `--client-id ID`; at a terminal, omit it to be prompted for all settings",
            ));
        }
        (false, Some(_)) => {
            args.client_secret_stdin.then(|| client_secret::read(context)).transpose()?
        }
    };
    let names_endpoints = new.set.iter().any(|(key, _)| {
        key == "root_url" || key == "provider" || key == "issuer" || key.ends_with("_endpoint")
    });
    if new.provider.is_none() && new.issuer.is_none() && !names_endpoints {
        return Err(Error::config("the profile does not specify a server")
            .hint("add `--provider NAME` (see `oauthctl providers`) or `--issuer URL`"));
    }
    let profile = write(new, secret.as_ref(), context)?;
    // The dialogue has said what to register, before it asked for the client.
    if !is_guided {
        callbacks::to_register_now(context, &profile).say(context);
    }
    let is_loopback = !profile.redirect_uris.iter().all(|u| u.host == LoopbackHost::Elsewhere);
    let name = shell_word(&args.name);
    if is_guided
        && is_loopback
        && profile.grant.needs_user()
        && prompt::confirm("Log in now to test the profile?", true)?
    {
        let target = Target::named(context, Some(&args.name), None)?;
        let manager = manager::build_among_others(context, &target)?;
        login::log_in(context, &target, &manager, &[])?;
        return Ok(ExitCode::SUCCESS);
    }
    context.ui.say(match (profile.grant.needs_user(), is_loopback) {
        (false, _) => format!("Get a token with `oauthctl token {name}`."),
        (true, false) => format!("Start authorizations with `oauthctl start {name}`."),
        (true, true) => format!("Log in with `oauthctl login {name}`."),
    });
    Ok(ExitCode::SUCCESS)
}

/// Writes the profile and its client secret.
fn write(mut new: NewProfile, secret: Option<&Secret>, context: &Context) -> Result<Profile> {
    let item = secret::item_of(&new.name);
    new.client_secret_item = secret.map(|_| item.clone());
    let path = context.config_path()?;
    let config = edit::add(&path, &new)?;
    let profile = config.profile(&new.name)?;
    if let Some(secret) = secret {
        let spec = context.store_spec(config.store_of(profile));
        let store = spec.and_then(|spec| context.open_store(&spec));
        let set = |store: Store| runner::block_on(None, store.items.set(&item, secret));
        if let Err(error) = store.and_then(set) {
            // Without its client secret, the profile is useless.
            edit::remove(&path, &new.name)?;
            return Err(error.context("cannot store the client secret; the profile was not added"));
        }
    }
    context.ui.say(format!("Added profile `{}` to {}.", new.name, path.display()));
    scopes::warn(context, &new.scopes, profile);
    Ok(profile.clone())
}

/// Returns the store of `--store`, which is written to the profile unless `--set` names one.
fn store_to_write(args: &AddArgs, context: &Context) -> Result<Option<String>> {
    let Some(store) = &context.globals.store else { return Ok(None) };
    if args.set.iter().any(|(key, _)| key == "store") {
        return Ok(None);
    }
    Ok(Some(StoreSpec::from_user(store)?.to_string()))
}

fn list(context: &Context) -> Result<ExitCode> {
    let config = context.config()?;
    let default = config.default_profile();
    if context.ui.json {
        let rows: Vec<_> = config
            .profiles
            .values()
            .map(|p| {
                json!({
                    "name": p.name,
                    "provider": p.provider,
                    "issuer": p.issuer,
                    "client_id": p.client.id,
                    "scopes": p.scopes,
                    "default": default == Some(p.name.as_str()),
                })
            })
            .collect();
        ui::print_json(&rows.into())?;
        return Ok(ExitCode::SUCCESS);
    }
    if config.profiles.is_empty() {
        context.ui.say(format!("There are no profiles in {}.", config.path.display()));
    }
    let width = config.profiles.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut rows = Rows::new("", width + 2, "  ");
    for profile in config.profiles.values() {
        let mark = if default == Some(profile.name.as_str()) { "*" } else { " " };
        let endpoint = profile.endpoints.token.as_deref();
        let from = profile.provider.as_deref().or(profile.issuer.as_deref()).or(endpoint);
        rows.row(&format!("{mark} {}", profile.name), &ui::field(from.unwrap_or("")));
    }
    rows.print()?;
    Ok(ExitCode::SUCCESS)
}

/// Returns how the client authenticates, as far as that is known without a request.
fn client_auth(profile: &Profile, context: &Context) -> ClientAuth {
    match context.state_path() {
        Ok(state) => profile::client_auth(profile, &state.join("discovery")),
        Err(_) => profile.client_auth(&[]),
    }
}

fn show(args: &ProfileArg, context: &Context) -> Result<ExitCode> {
    let profile = context.profile(&context.profile_name(args.name()?)?)?;
    let mut shown = describe::effective(profile, client_auth(profile, context));
    let ToRegister { uris, note } = callbacks::to_register(context, profile);
    if !uris.is_empty() {
        shown.insert("redirect_uri".to_owned(), json!(uris));
    }
    let store = context.store_spec(context.config()?.store_of(profile))?;
    shown.insert("store".to_owned(), json!(store.to_string()));
    if context.ui.json {
        ui::print_json(&shown.into())?;
    } else {
        let width = shown.keys().map(String::len).max().unwrap_or(0);
        let mut rows = Rows::new("", width, "  ");
        shown.iter().for_each(|(key, value)| rows.row(key, &ui::plain(value)));
        rows.print()?;
    }
    if let Some(note) = note {
        context.ui.say(note);
    }
    Ok(ExitCode::SUCCESS)
}
