//! `oauthctl export`: prints one account as one line of text.

use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::store::portable;
use oauthctl_core::{Error, Result};

use crate::args::{AccountOption, ProfileArg};
use crate::context::Context;
use crate::{manager, run as runner, source, ui};

#[derive(Debug, Args)]
#[command(
    after_help = "The line contains the refresh token: keep it in a secret store and out of \
                  logs.\n\nExamples:\n  \
oauthctl export -p gitlab --account ci\n  \
oauthctl export -p gitlab --recipient age1... > ci.line  # encrypted"
)]
pub struct ExportArgs {
    #[command(flatten)]
    profile: ProfileArg,
    #[command(flatten)]
    account: AccountOption,
    /// Encrypt the line to this age recipient; can be repeated
    #[arg(long, value_name = "AGE1…", value_hint = ValueHint::Other)]
    recipient: Vec<String>,
}

/// Prints the line of an account.
///
/// # Errors
///
/// Returns `LoginRequired` if there is nothing to export.
pub fn run(args: &ExportArgs, context: &Context) -> Result<ExitCode> {
    let account = args.account.account.as_deref();
    let target = source::select(context, args.profile.name()?, account)?;
    // An importer of the line sends its refresh token: one that is already spent would end the grant.
    let manager = manager::build(context, &target)?;
    let grant = runner::block_on(Some(&manager), manager.export_grant(&target.key))?
        .ok_or_else(|| Error::not_logged_in(&target.key))?;
    if args.recipient.is_empty() {
        let what = Error::store("the line is not encrypted: anyone who reads it can use the login");
        context.ui.warn(&what.hint("encrypt it with `--recipient age1…`"));
    }
    ui::print_line(portable::export(&grant, &args.recipient)?.expose())?;
    Ok(ExitCode::SUCCESS)
}
