//! `oauthctl refresh`: refreshes an account's tokens now.

use std::process::ExitCode;

use clap::Args;
use oauthctl_core::{Result, Timestamp, time};
use serde_json::json;

use crate::args::ProfileArg;
use crate::commands::token::{Selection, Want, hand_out};
use crate::context::Context;
use crate::ui;

#[derive(Debug, Args)]
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
/// See [`hand_out`].
pub fn run(args: &RefreshArgs, context: &Context) -> Result<ExitCode> {
    let want = Want { force: true, ..Want::default() };
    let token = hand_out(context, args.profile.name()?, &args.selection, &want)?;
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
        Some(at) => format!(
            "Refreshed {}: the token is valid for {}.",
            token.account.key,
            time::describe(at.remaining(Timestamp::now()))
        ),
        None => format!("Refreshed {}.", token.account.key),
    });
    Ok(ExitCode::SUCCESS)
}
