//! `oauthctl attr`: attributes that are stored with a grant.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};
use oauthctl_core::flow::FlowManager;
use oauthctl_core::grant::GrantInfo;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, GrantKey, Result, Timestamp, time};
use serde_json::{Value, json};

use crate::args::{AccountOption, ProfileArg, ProfileOption, one_of};
use crate::context::Context;
use crate::{manager, run as runner, source, ui};

pub const NOTES: &str = "Attributes are kept as long as the grant, across refreshes. `oauthctl token --json` \
and `oauthctl status --json` show them.";

#[derive(Debug, Subcommand)]
pub enum AttrCommand {
    /// Print the value of an attribute
    #[command(
        override_usage = "oauthctl attr get [OPTIONS] [PROFILE] <NAME>",
        after_help = "Example:\n  oauthctl attr get -p gitlab --account 4711 trial || echo no"
    )]
    Get(NameArgs),
    /// Set an attribute; it is kept across refreshes
    #[command(
        override_usage = "oauthctl attr set [OPTIONS] [PROFILE] <NAME> <VALUE>",
        after_help = "Example:\n  oauthctl attr set -p gitlab --account 4711 trial yes --ttl 7d"
    )]
    Set(SetArgs),
    /// Remove an attribute
    #[command(
        override_usage = "oauthctl attr unset [OPTIONS] [PROFILE] <NAME>",
        after_help = "Example:\n  oauthctl attr unset -p gitlab --account 4711 trial"
    )]
    Unset(NameArgs),
    /// Print all attributes
    #[command(after_help = "Example:\n  oauthctl attr list gitlab --json | jq .")]
    List(ListArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    profile: ProfileArg,
    #[command(flatten)]
    account: AccountOption,
}

#[derive(Debug, Args)]
pub struct NameArgs {
    /// Name of the attribute
    #[arg(value_name = "NAME", value_hint = ValueHint::Other)]
    first: String,
    /// Profile to use; precedes NAME [env: OAUTHCTL_PROFILE]
    #[arg(id = "last", value_name = "PROFILE", value_hint = ValueHint::Other)]
    second: Option<String>,
    #[command(flatten)]
    profile: ProfileOption,
    #[command(flatten)]
    account: AccountOption,
}

impl NameArgs {
    /// Returns the profile, the account and the name.
    fn read(&self) -> Result<(Grants<'_>, &str)> {
        let (argument, name) = match &self.second {
            Some(name) => (Some(self.first.as_str()), name),
            None => (None, &self.first),
        };
        Ok((Grants::of(argument, &self.profile, &self.account)?, name))
    }
}

#[derive(Debug, Args)]
pub struct SetArgs {
    /// Name of the attribute
    #[arg(value_name = "NAME", value_hint = ValueHint::Other)]
    first: String,
    /// Value of the attribute
    #[arg(value_name = "VALUE", allow_hyphen_values = true, value_hint = ValueHint::Other)]
    second: String,
    /// Profile to use; precedes NAME [env: OAUTHCTL_PROFILE]
    #[arg(id = "last", value_name = "PROFILE", allow_hyphen_values = true, value_hint = ValueHint::Other)]
    third: Option<String>,
    #[command(flatten)]
    profile: ProfileOption,
    #[command(flatten)]
    account: AccountOption,
    /// How long to keep it [default: as long as the grant]
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, value_hint = ValueHint::Other)]
    ttl: Option<Duration>,
}

impl SetArgs {
    /// Returns the profile, the account, the name and the value.
    fn read(&self) -> Result<(Grants<'_>, &str, &str)> {
        let (argument, name, value) = match &self.third {
            Some(value) => (Some(self.first.as_str()), &self.second, value),
            None => (None, &self.first, &self.second),
        };
        Ok((Grants::of(argument, &self.profile, &self.account)?, name, value))
    }
}

/// Selects a grant by profile and account.
struct Grants<'a> {
    profile: Option<&'a str>,
    account: Option<&'a str>,
}

impl<'a> Grants<'a> {
    fn of(
        argument: Option<&'a str>,
        option: &'a ProfileOption,
        account: &'a AccountOption,
    ) -> Result<Self> {
        let profile = one_of(argument, option.profile.as_deref())?;
        Ok(Self { profile, account: account.account.as_deref() })
    }
}

/// Runs one of the commands.
///
/// # Errors
///
/// Returns `LoginRequired` if there is no grant, and `Config` for an attribute that does not exist.
pub fn run(command: &AttrCommand, context: &Context) -> Result<ExitCode> {
    match command {
        AttrCommand::Get(args) => get(args, context)?,
        AttrCommand::Set(args) => {
            if args.ttl.is_some_and(|ttl| ttl.is_zero()) {
                return Err(Error::usage("`--ttl` must be at least one second"));
            }
            let (grants, name, value) = args.read()?;
            let (manager, key) = open(&grants, context)?;
            let value = Value::String(value.to_owned());
            let setting = manager.set_attribute(&key, name, value, args.ttl);
            runner::block_on(Some(&manager), setting)?;
        }
        AttrCommand::Unset(args) => {
            let (grants, name) = args.read()?;
            let (manager, key) = open(&grants, context)?;
            if !runner::block_on(Some(&manager), manager.unset_attribute(&key, name))? {
                let all = load(&grants, context)?.attributes_at(Timestamp::now());
                let shown = one_line(name);
                context.ui.say(match all.contains_key(name) {
                    true => format!("`{shown}` was set by the server and cannot be removed."),
                    false => format!("There is no attribute `{shown}`."),
                });
            }
        }
        AttrCommand::List(args) => {
            let account = args.account.account.as_deref();
            list(&Grants { profile: args.profile.name()?, account }, context)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn open(grants: &Grants<'_>, context: &Context) -> Result<(FlowManager, GrantKey)> {
    let target = source::select(context, grants.profile, grants.account)?;
    Ok((manager::build(context, &target)?, target.key))
}

fn load(grants: &Grants<'_>, context: &Context) -> Result<GrantInfo> {
    let (manager, key) = open(grants, context)?;
    runner::block_on(None, manager.grant(&key))?.ok_or_else(|| Error::not_logged_in(&key))
}

fn get(args: &NameArgs, context: &Context) -> Result<()> {
    let (grants, name) = args.read()?;
    let grant = load(&grants, context)?;
    let value = grant.attributes_at(Timestamp::now()).remove(name).ok_or_else(|| {
        Error::config(format!("there is no attribute `{}`", one_line(name))).hint(
            "run `oauthctl attr list` to see all attributes; an attribute is removed when \
                   its `--ttl` ends",
        )
    })?;
    if !context.ui.json {
        return ui::print_line(&text(&value));
    }
    let expires_at = grant.attributes.get(name).and_then(|a| a.expires_at);
    ui::print_json(&json!({
        "name": name,
        "value": value,
        "expires_at": expires_at.map(|at| at.to_string()),
    }))
}

fn list(grants: &Grants<'_>, context: &Context) -> Result<()> {
    let grant = load(grants, context)?;
    let attributes = grant.attributes_at(Timestamp::now());
    if context.ui.json {
        return ui::print_json(&json!(attributes));
    }
    let line = |(name, value): (&String, &Value)| {
        let end = grant.attributes.get(name).and_then(|attribute| attribute.expires_at);
        let end = end.map_or_else(String::new, |at| format!("  (until {at})"));
        format!("{}={}{end}\n", ui::field(name), ui::field(&text(value)))
    };
    ui::print(&attributes.iter().map(line).collect::<String>())
}

/// Returns a string as it is, and any other value as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
