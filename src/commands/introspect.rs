//! `oauthctl introspect`: what the server says about a token (RFC 7662).

use std::process::ExitCode;

use clap::Args;
use oauthctl_core::Result;
use oauthctl_core::flow::Introspected;
use serde_json::Value;

use crate::args::{AccountOption, ProfileArg};
use crate::commands::inspect;
use crate::commands::userinfo::print_members;
use crate::context::Context;
use crate::target::Target;
use crate::{manager, run as runner, source, ui};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl introspect api --json\n  \
printf '%s' \"$received\" | oauthctl introspect api --token-stdin")]
pub struct IntrospectArgs {
    #[command(flatten)]
    profile: ProfileArg,
    #[command(flatten)]
    account: AccountOption,
    /// Introspect the stored refresh token
    #[arg(long, conflicts_with = "token_stdin")]
    refresh_token: bool,
    /// Introspect the token on standard input
    #[arg(long, conflicts_with = "account")]
    token_stdin: bool,
}

/// Prints the server's response. A token that is not active is a result, not an error.
///
/// # Errors
///
/// See [`oauthctl_core::FlowManager::introspect`].
pub fn run(args: &IntrospectArgs, context: &Context) -> Result<ExitCode> {
    let (name, account) = (args.profile.name()?, args.account.account.as_deref());
    let target = match args.token_stdin {
        true => Target::named(context, name, None)?,
        false => source::select(context, name, account)?,
    };
    let token = match (args.token_stdin, args.refresh_token) {
        (true, _) => Introspected::Received(inspect::piped()?),
        (false, true) => Introspected::RefreshToken(target.key.clone()),
        (false, false) => Introspected::AccessToken(target.key.clone()),
    };
    let manager = manager::build(context, &target)?;
    let members = runner::block_on(None, manager.introspect(&target.profile.name, &token))?;
    if context.ui.json {
        ui::print_json(&Value::Object(members))?;
    } else {
        print_members(&members)?;
        if members.get("active") == Some(&Value::Bool(false)) {
            context.ui.say(
                "The server does not accept this token: it is expired, revoked or from another \
                 server.",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
