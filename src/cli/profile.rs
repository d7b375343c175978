//! `oauthctl profile`: the profiles of the configuration file.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use oauthctl::profile::describe;
use oauthctl::profile::edit::{self, NewProfile};
use oauthctl::profile::{LoopbackHost, SecretSource};
use oauthctl::text::shell_word;
use oauthctl::{Error, Result, Secret};
use serde_json::json;

use super::context::Context;
use super::{callbacks, report, run as runner, scopes};

#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// Add a profile to the configuration file
    Add(AddArgs),
    /// List the profiles
    List,
    /// Show a profile with everything that its preset gives, secrets redacted
    Show(NameArgs),
    /// Remove a profile from the configuration file
    Remove(NameArgs),
    /// Print the path of the configuration file
    Path,
}

#[derive(Debug, Args)]
pub struct NameArgs {
    /// The profile
    #[arg(value_name = "PROFILE")]
    name: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl profile add gitlab --provider gitlab --client-id ID --scope read_api\n  \
oauthctl profile add work --issuer https://sso.example.com --client-id ID\n  \
pass show api | oauthctl profile add api --provider asana --client-id ID \\\n    \
--client-secret-stdin")]
pub struct AddArgs {
    /// The name of the new profile
    name: String,
    /// A preset (see `oauthctl providers`)
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// An issuer, for discovery
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The client id
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// A scope; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Any other key of a profile
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = super::login::parse_parameter)]
    set: Vec<(String, String)>,
    /// Read the client secret from standard input and keep it in the token store
    #[arg(long)]
    client_secret_stdin: bool,
}

/// Runs one of the profile commands.
///
/// # Errors
///
/// `Config` for an invalid profile or file, `Store` where the client secret cannot be kept.
pub fn run(command: &ProfileCommand, context: &Context) -> Result<ExitCode> {
    match command {
        ProfileCommand::Add(args) => add(args, context),
        ProfileCommand::List => list(context),
        ProfileCommand::Show(args) => show(args, context),
        ProfileCommand::Remove(args) => remove(&args.name, context),
        ProfileCommand::Path => {
            let path = context.config_path()?;
            if context.voice.json {
                report::print_json(&json!({ "path": path.display().to_string() }))?;
            } else {
                report::print_path(&path)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn remove(name: &str, context: &Context) -> Result<ExitCode> {
    // A file that is not right can be mended this way: its profile need not be readable.
    let profile = context.config().ok().and_then(|config| config.profiles.get(name));
    let item = secret_item(name);
    let secret = profile.and_then(|p| p.client.secret.as_ref()).cloned();
    let store = match (profile, secret == Some(SecretSource::Keyring(item.clone()))) {
        (Some(profile), true) => Some(context.store_of(profile)?),
        _ => None,
    };
    edit::remove(&context.config_path()?, name)?;
    context.voice.say(format!("Removed profile `{name}`."));
    if let Some(store) = store
        && let Err(error) = runner::block_on(None, store.items.unset(&item))
    {
        context.voice.warn(&error.context("its client secret is still in the token store"));
    }
    if !context.state()?.some_accounts(name, 1)?.is_empty() {
        let what = Error::config(format!("somebody is still logged in to `{name}`"));
        context.voice.warn(&what.hint(format!(
            "`oauthctl logout {} --all` forgets the tokens, and cannot revoke them any more",
            shell_word(name)
        )));
    }
    Ok(ExitCode::SUCCESS)
}

/// The item of the token store that holds a profile's client secret.
fn secret_item(profile: &str) -> String {
    format!("{profile}/client_secret")
}

fn add(args: &AddArgs, context: &Context) -> Result<ExitCode> {
    let names_endpoints = args.set.iter().any(|(key, _)| {
        key == "root_url" || key == "provider" || key == "issuer" || key.ends_with("_endpoint")
    });
    if args.provider.is_none() && args.issuer.is_none() && !names_endpoints {
        return Err(Error::config("the profile names no service")
            .hint("say which: `--provider NAME` (see `oauthctl providers`) or `--issuer URL`"));
    }
    let item = secret_item(&args.name);
    let secret = args.client_secret_stdin.then(read_secret).transpose()?;
    let new = NewProfile {
        name: args.name.clone(),
        provider: args.provider.clone(),
        issuer: args.issuer.clone(),
        client_id: Some(args.client_id.clone()),
        scopes: args.scopes.clone(),
        set: args.set.clone(),
        client_secret_item: secret.as_ref().map(|_| item.clone()),
    };
    let path = context.config_path()?;
    let config = edit::add(&path, &new)?;
    if let Some(secret) = &secret {
        let named = config.store_of(config.profile(&args.name)?);
        let store = context.open_store(&context.store_spec(named)?)?;
        if let Err(error) = runner::block_on(None, store.items.set(&item, secret)) {
            // A profile whose secret could not be kept is of no use.
            edit::remove(&path, &args.name)?;
            return Err(
                error.context("the client secret could not be kept, and the profile was not added")
            );
        }
    }
    context.voice.say(format!("Added profile `{}` to {}.", args.name, path.display()));
    scopes::warn(context, &args.scopes, config.profile(&args.name)?);
    let (uris, note) = callbacks::to_register(context, config.profile(&args.name)?);
    if !uris.is_empty() {
        let uris = uris.join(", ");
        context.voice.say(format!("Redirect URI, where the service asks for one: {uris}"));
    }
    if let Some(note) = note {
        context.voice.say(note);
    }
    let name = shell_word(&args.name);
    let uris = &config.profile(&args.name)?.redirect_uris;
    context.voice.say(match uris.iter().all(|uri| uri.host == LoopbackHost::Elsewhere) {
        true => format!("Send people there with `oauthctl start {name}`."),
        false => format!("Log in with `oauthctl login {name}`."),
    });
    Ok(ExitCode::SUCCESS)
}

/// One line, without an echo problem of ours: the shell or a pipe provides it.
fn read_secret() -> Result<Secret> {
    let mut stdin = std::io::stdin().lock();
    if std::io::stdin().is_terminal() {
        return Err(Error::usage("`--client-secret-stdin` reads from a pipe, not from a terminal")
            .hint("for example: `pass show gitlab/secret | oauthctl profile add …`"));
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    (&mut stdin)
        .take(64 * 1024)
        .read_to_string(&mut text)
        .map_err(|e| Error::usage(format!("the client secret could not be read: {e}")))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Error::usage("the client secret on standard input is empty"));
    }
    Ok(Secret::new(secret))
}

fn list(context: &Context) -> Result<ExitCode> {
    let config = context.config()?;
    let default = config.default_profile();
    if context.voice.json {
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
        report::print_json(&rows.into())?;
        return Ok(ExitCode::SUCCESS);
    }
    if config.profiles.is_empty() {
        context.voice.say(format!("There is no profile in {}.", config.path.display()));
    }
    let width = config.profiles.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for profile in config.profiles.values() {
        let mark = if default == Some(profile.name.as_str()) { "*" } else { " " };
        let endpoint = profile.endpoints.token.as_deref();
        let from = profile.provider.as_deref().or(profile.issuer.as_deref()).or(endpoint);
        text.push_str(&format!(
            "{mark} {:<width$}  {}\n",
            profile.name,
            report::field(from.unwrap_or(""))
        ));
    }
    report::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn show(args: &NameArgs, context: &Context) -> Result<ExitCode> {
    let profile = context.profile(&args.name)?;
    let mut shown = describe::effective(profile);
    let (uris, note) = callbacks::to_register(context, profile);
    if !uris.is_empty() {
        shown.insert("redirect_uri".to_owned(), json!(uris));
    }
    let store = context.store_spec(context.config()?.store_of(profile))?;
    shown.insert("store".to_owned(), json!(store.to_string()));
    if context.voice.json {
        report::print_json(&shown.into())?;
    } else {
        let width = shown.keys().map(String::len).max().unwrap_or(0);
        let rows =
            shown.iter().map(|(key, value)| format!("{key:<width$}  {}\n", report::plain(value)));
        report::print(&rows.collect::<String>())?;
    }
    if let Some(note) = note {
        context.voice.say(note);
    }
    Ok(ExitCode::SUCCESS)
}
