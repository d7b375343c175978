//! `oauthctl userinfo`: what the server says about the user who logged in.

use std::process::ExitCode;

use clap::Args;
use oauthctl_core::Result;
use serde_json::Value;

use crate::args::{AccountOption, ProfileArg};
use crate::context::Context;
use crate::rows::Rows;
use crate::{manager, run as runner, source, ui};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl userinfo gitlab\n  \
oauthctl userinfo -p gitlab --account work --json")]
pub struct UserinfoArgs {
    #[command(flatten)]
    profile: ProfileArg,
    #[command(flatten)]
    account: AccountOption,
}

/// Prints the claims of the userinfo endpoint. Their subject must be that of the id_token.
///
/// # Errors
///
/// See [`oauthctl_core::FlowManager::userinfo`].
pub fn run(args: &UserinfoArgs, context: &Context) -> Result<ExitCode> {
    let account = args.account.account.as_deref();
    let target = source::select(context, args.profile.name()?, account)?;
    let manager = manager::build(context, &target)?;
    let found = runner::block_on(Some(&manager), manager.userinfo(&target.key))?;
    context.ui.tell_beside(&found.warning, &[]);
    if context.ui.json {
        ui::print_json(&Value::Object(found.claims))?;
        return Ok(ExitCode::SUCCESS);
    }
    print_members(&found.claims)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the members of an object, one per line.
///
/// # Errors
///
/// See [`ui::print`].
pub fn print_members(members: &serde_json::Map<String, Value>) -> Result<()> {
    let width = members.keys().map(|name| ui::field(name).chars().count()).max().unwrap_or(0);
    let mut rows = Rows::new("", width, "  ");
    members.iter().for_each(|(name, value)| rows.row(&ui::field(name), &ui::plain(value)));
    rows.print()
}
