//! `oauthctl attr`: values that are kept with a grant.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use oauthctl::flow::FlowManager;
use oauthctl::grant::Grant;
use oauthctl::text::one_line;
use oauthctl::{Error, GrantKey, Result, Timestamp, time};
use serde_json::{Value, json};

use super::context::Context;
use super::{manager, report, run as runner};

#[derive(Debug, Subcommand)]
pub enum AttrCommand {
    /// Print a value
    Get(GetArgs),
    /// Keep a value with the grant, over every refresh
    Set(SetArgs),
    /// Remove a value
    Unset(GetArgs),
    /// Print all values
    List(Account),
}

#[derive(Debug, Args)]
pub struct Account {
    /// The profile [env: OAUTHCTL_PROFILE]
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
    /// The account, where the profile has several
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

#[derive(Debug, Args)]
pub struct GetArgs {
    #[command(flatten)]
    account: Account,
    /// The attribute's name
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
pub struct SetArgs {
    #[command(flatten)]
    account: Account,
    /// The attribute's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Its value
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
    /// How long it is kept [default: as long as the grant]
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration)]
    ttl: Option<Duration>,
}

/// Runs one of the commands.
///
/// # Errors
///
/// `LoginRequired` where there is no grant, `Config` for an attribute that is not there.
pub fn run(command: &AttrCommand, context: &Context) -> Result<ExitCode> {
    match command {
        AttrCommand::Get(args) => get(args, context)?,
        AttrCommand::Set(args) => {
            if args.ttl.is_some_and(|ttl| ttl.is_zero()) {
                return Err(Error::usage("`--ttl` must be a second at least"));
            }
            let (manager, key) = open(&args.account, context)?;
            let value = Value::String(args.value.clone());
            let setting = manager.set_attribute(&key, &args.name, value, args.ttl);
            runner::block_on(Some(&manager), setting)?;
        }
        AttrCommand::Unset(args) => {
            let (manager, key) = open(&args.account, context)?;
            let unsetting = manager.unset_attribute(&key, &args.name);
            if !runner::block_on(Some(&manager), unsetting)? {
                let name = one_line(&args.name);
                let all = load(&args.account, context)?.attributes_at(Timestamp::now());
                context.voice.say(match all.contains_key(&args.name) {
                    true => format!("`{name}` came from the server, and stays with the grant."),
                    false => format!("There was no attribute `{name}`."),
                });
            }
        }
        AttrCommand::List(account) => list(account, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn open(account: &Account, context: &Context) -> Result<(FlowManager, GrantKey)> {
    let name = context.profile_name(account.profile.as_deref())?;
    let profile = context.profile(&name)?;
    let key = manager::account(context, &name, account.account.as_deref())?;
    Ok((manager::build(context, profile)?, key))
}

fn load(account: &Account, context: &Context) -> Result<Grant> {
    let (manager, key) = open(account, context)?;
    runner::block_on(None, manager.grant(&key))?.ok_or_else(|| {
        Error::login_required(format!("not logged in to {key}"))
            .hint(format!("run `{}`", oauthctl::flow::login_command(&key)))
    })
}

fn get(args: &GetArgs, context: &Context) -> Result<()> {
    let grant = load(&args.account, context)?;
    let value = grant.attributes_at(Timestamp::now()).remove(&args.name).ok_or_else(|| {
        Error::config(format!("there is no attribute `{}`", one_line(&args.name)))
            .hint("`oauthctl attr list` shows them; one past its `--ttl` is gone")
    })?;
    if !context.voice.json {
        return report::print_line(&text(&value));
    }
    let expires_at = grant.attributes.get(&args.name).and_then(|a| a.expires_at);
    report::print_json(&json!({
        "name": args.name,
        "value": value,
        "expires_at": expires_at.map(|at| at.to_string()),
    }))
}

fn list(account: &Account, context: &Context) -> Result<()> {
    let grant = load(account, context)?;
    let attributes = grant.attributes_at(Timestamp::now());
    if context.voice.json {
        return report::print_json(&json!(attributes));
    }
    let line = |(name, value): (&String, &Value)| {
        let end = grant.attributes.get(name).and_then(|attribute| attribute.expires_at);
        let end = end.map_or_else(String::new, |at| format!("  (until {at})"));
        format!("{}={}{end}\n", report::field(name), report::field(&text(value)))
    };
    report::print(&attributes.iter().map(line).collect::<String>())
}

/// A text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
