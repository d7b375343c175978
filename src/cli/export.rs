//! `oauthctl export`: one account as one line of text.

use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::grant::Grant;
use oauthctl_core::store::portable;
use oauthctl_core::{Error, Result};

use super::context::Context;
use super::target::{AccountOption, ProfileArg};
use super::{manager, report, run as runner};

#[derive(Debug, Args)]
#[command(
    after_help = "The line holds the refresh token: give it to a secret store, never to a log."
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

/// Prints the line.
///
/// # Errors
///
/// `LoginRequired` where there is nothing to export.
pub fn run(args: &ExportArgs, context: &Context) -> Result<ExitCode> {
    let name = context.profile_name(args.profile.name()?)?;
    let profile = context.profile(&name)?;
    let key = manager::account(context, &name, args.account.account.as_deref())?;
    let store = context.store_of(profile)?;
    let grant = runner::block_on(None, store.grants.load(&key))?
        .ok_or_else(|| oauthctl_core::flow::not_logged_in(&key))?;
    if args.recipient.is_empty() {
        let what = Error::store("the line is not encrypted: whoever has it has the login");
        context.voice.warn(&what.hint("`--recipient age1…` encrypts it"));
    }
    report::print_line(portable::export(&grant, &args.recipient)?.expose())?;
    Ok(ExitCode::SUCCESS)
}

/// The line of a grant, not encrypted: for `write_back`.
///
/// # Errors
///
/// `Internal` only.
pub fn line(grant: &Grant) -> Result<oauthctl_core::Secret> {
    portable::export(grant, &[])
}
