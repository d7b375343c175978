//! `oauthctl refresh`: refreshes an account's tokens now.

use std::process::ExitCode;

use clap::Args;
use oauthctl_core::Result;
use serde_json::json;

use crate::args::ProfileArg;
use crate::context::Context;
use crate::get_token;
use crate::get_token::request::{Request, Selection};
use crate::progress::new_lifetime;
use crate::ui;

#[derive(Debug, Args)]
#[command(
    mut_arg("min_ttl", |arg| arg.help("Warn if the new token is valid for less than this")),
    after_help = "Example:\n  oauthctl refresh gitlab"
)]
pub struct RefreshArgs {
    #[command(flatten)]
    profile: ProfileArg,
    #[command(flatten)]
    selection: Selection,
}

/// Refreshes the tokens, and prints how long the new token is valid. The token itself is not printed.
///
/// # Errors
///
/// See [`get_token::get`].
pub fn run(args: &RefreshArgs, context: &Context) -> Result<ExitCode> {
    let request = Request { force: true, ..Request::default() };
    let token = get_token::get(context, args.profile.name()?, &args.selection, &request)?;
    let expires_at = token.expires_at;
    if context.ui.json {
        ui::print_json(&json!({
            "profile": token.account.key.profile,
            "account": token.account.key.account,
            "grant_id": token.account.grant_id,
            "scopes": token.scopes,
            "expires_at": expires_at.map(|t| t.to_string()),
        }))?;
    }
    context.ui.say(match expires_at {
        Some(at) => {
            format!("Refreshed {}: the token is valid for {}.", token.account.key, new_lifetime(at))
        }
        None => format!("Refreshed {}.", token.account.key),
    });
    Ok(ExitCode::SUCCESS)
}
