//! `oauthctl import`: takes an account that `export` printed.

use std::io::Read;
use std::process::ExitCode;

use clap::Args;
use oauthctl::grant::AccountEntry;
use oauthctl::port::Coordinator as _;
use oauthctl::store::portable;
use oauthctl::{Error, Result, Secret};

use super::context::Context;
use super::run as runner;

/// The most that is read: a record of 256 KiB in base64, and room.
const LIMIT: u64 = 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
oauthctl export -p gitlab | ssh build.example.com oauthctl import")]
pub struct ImportArgs {
    /// Standard input, which is also the default
    #[arg(value_name = "-", default_value = "-", value_parser = ["-"], hide_default_value = true, hide_possible_values = true)]
    from: String,
    /// Replace what is stored under the same account
    #[arg(long)]
    replace: bool,
}

/// Reads the line from standard input and stores the account.
///
/// # Errors
///
/// `Usage` for a line that is none, `Config` where the account is already there.
pub fn run(args: &ImportArgs, context: &Context) -> Result<ExitCode> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(LIMIT)
        .read_to_string(&mut text)
        .map_err(|e| Error::usage(format!("standard input could not be read: {e}")))?;
    take(context, &Secret::new(text.trim()), args.replace)?;
    Ok(ExitCode::SUCCESS)
}

/// Stores the account of an exported line.
///
/// # Errors
///
/// As [`run`].
pub fn take(context: &Context, line: &Secret, replace: bool) -> Result<()> {
    let identity = context.env("OAUTHCTL_STORE_KEY")?.map(Secret::new);
    let grant = portable::import(line, identity.as_ref())?;
    let named = context.config()?.profiles.get(&grant.key.profile).and_then(|p| p.store.clone());
    let store = context.open_store(
        &context.store_spec(named.as_deref().or(context.config()?.defaults.store.as_deref()))?,
    )?;
    let state = context.state()?;
    let work = async {
        let mut lock = state.lock(&grant.key, std::time::Duration::from_secs(45)).await?;
        let present = store.grants.load(&grant.key).await?;
        if present.is_some() && !replace {
            return Err(Error::config(format!("{} is already in the store", grant.key))
                .hint("`--replace` replaces it"));
        }
        store.grants.prepare(&grant.key, 64 * 1024).await?;
        store.grants.save(&grant).await?;
        lock.clear_intent()?;
        lock.publish(&AccountEntry::of(&grant, &store.grants.name()))
    };
    runner::block_on(None, work)?;
    context.voice.say(format!("Imported {}.", grant.key));
    Ok(())
}
