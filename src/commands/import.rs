//! `oauthctl import`: imports an account that `oauthctl export` printed.

use std::ffi::OsString;
use std::io::Read;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::grant::{AccountEntry, Grant};
use oauthctl_core::port::Coordinator as _;
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::store::portable;
use oauthctl_core::text::shell_word;
use oauthctl_core::{Error, GrantKey, Result, Secret};

use zeroize::Zeroizing;

use crate::context::Context;
use crate::hint::{IMPORT, export_command, login_command};
use crate::run as runner;
use crate::target::Target;

/// Maximum input size: the longest line, and white space around it.
const LIMIT: u64 = portable::LONGEST_LINE as u64 + 1024;

#[derive(Debug, Args)]
#[command(
    after_help = "An account that is already stored is not overwritten without `--replace`.\n\n\
Example:\n  \
oauthctl export -p gitlab | ssh build.example.com oauthctl import"
)]
pub struct ImportArgs {
    /// Read the line from standard input (the default)
    #[arg(value_name = "-", default_value = "-", hide_default_value = true, value_hint = ValueHint::Other)]
    from: OsString,
    /// Replace the account if it is already stored
    #[arg(long)]
    replace: bool,
}

/// Reads the line from standard input and stores the account.
///
/// # Errors
///
/// Returns `Usage` for an invalid line, and `Config` if the account is already stored.
pub fn run(args: &ImportArgs, context: &Context) -> Result<ExitCode> {
    if args.from != "-" {
        // Not repeated: it is most likely the line, with the refresh token.
        return Err(Error::usage(
            "`import` reads the line from standard input and accepts no argument except `-`",
        )
        .hint(
            "pipe the line, which keeps it out of process lists: \
             `printenv OAUTHCTL_IMPORT | oauthctl import -`, or `oauthctl import < FILE`",
        ));
    }
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .take(LIMIT)
        .read_to_string(&mut text)
        .map_err(|e| Error::usage(format!("cannot read standard input: {e}")))?;
    let there = if args.replace { There::Replace } else { There::Refuse };
    take(context, &Secret::new(text.trim()), there)?;
    Ok(ExitCode::SUCCESS)
}

/// What to do if the account is already in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    Replace,
    Refuse,
    /// Leave it, unless the server has ended its login and the line is of a newer one.
    ReplaceDead,
}

/// Returns whether a stored account gives way to the one of `OAUTHCTL_IMPORT`: a line that the job already
/// used is not tried again.
fn gives_way(stored: &Grant, line: &Grant) -> bool {
    let is_newer = stored.id != line.id || stored.generation < line.generation;
    stored.dead.is_some() && is_newer
}

/// Fills an empty store from the line in `OAUTHCTL_IMPORT`, if it is set, and returns whether it did. A
/// stored account that still works is never overwritten: after a rotation it is newer than the line.
///
/// # Errors
///
/// Returns `Usage` for an invalid line, and `Store` if it cannot be decrypted or stored.
pub fn from_environment(context: &Context, target: &Target<'_>) -> Result<bool> {
    let line = context.env(IMPORT)?.filter(|line| !line.trim().is_empty());
    let Some(line) = line else { return Ok(false) };
    // Of an account that works or is damaged, the line is not even read.
    match runner::block_on(None, target.store.grants.load(&target.key)) {
        Ok(None) => {}
        Ok(Some(stored)) if stored.dead.is_some() => {}
        _ => return Ok(false),
    }
    let not_taken = |e: Error| e.context("cannot import the account in OAUTHCTL_IMPORT");
    let line = Secret::new(line);
    let grant = portable::import(&line, identity(context)?.as_ref()).map_err(not_taken)?;
    if grant.key.profile != target.key.profile {
        return Ok(false);
    }
    take(context, &line, There::ReplaceDead).map_err(not_taken)
}

/// Stores the account of an exported line.
fn take(context: &Context, line: &Secret, there: There) -> Result<bool> {
    let grant = portable::import(line, identity(context)?.as_ref())?;
    let named = context.config()?.profiles.get(&grant.key.profile).and_then(|p| p.store.clone());
    let store = context.open_store(
        &context.store_spec(named.as_deref().or(context.config()?.defaults.store.as_deref()))?,
    )?;
    let state = context.state()?;
    let work = async {
        let mut lock = state.lock(&grant.key, std::time::Duration::from_secs(45)).await?;
        let present = store.grants.load(&grant.key).await?;
        if there == There::ReplaceDead
            && present.as_ref().is_some_and(|present| !gives_way(present, &grant))
        {
            return Ok(false);
        }
        if present.is_some() && there == There::Refuse {
            return Err(Error::config(format!("{} is already in the store", grant.key))
                .hint("use `--replace` to replace it"));
        }
        if there != There::Replace
            && let Some(known) = state.account(&grant.key)?
            && known.rotates == Some(true)
        {
            let older = known.refuse_older(&grant, &store.grants.name());
            older.map_err(|error| match there {
                There::ReplaceDead => error.hint(format!(
                    "set {IMPORT} to what `{}` prints now",
                    export_command(&grant.key)
                )),
                _ => error.and_hint("to import it anyway, use `--replace`"),
            })?;
        }
        store.grants.prepare(&grant.key, 64 * 1024).await?;
        // The index entry describes the record that is about to be replaced.
        lock.retract().await?;
        store.grants.save(&grant).await?;
        lock.clear_intent().await?;
        lock.publish(&AccountEntry::of(&grant, &store.grants.name())).await?;
        Ok(true)
    };
    let is_imported = runner::block_on(None, work)?;
    if is_imported {
        context.ui.say(format!("Imported {}.", grant.key));
        warn_of_no_profile(context, &grant.key)?;
    }
    Ok(is_imported)
}

/// Warns about a profile that is not configured. An account may be imported before its profile is added,
/// but a misspelled profile must not go unnoticed.
fn warn_of_no_profile(context: &Context, key: &GrantKey) -> Result<()> {
    let name = &key.profile;
    let Err(unknown) = context.config()?.profile(name) else { return Ok(()) };
    if is_url(name) {
        let what = format!(
            "{key} cannot be used: the client of its login is known only where that was made"
        );
        let hint = format!("run `{}` to log in here", login_command(key));
        context.ui.warn(&Error::config(what).hint(hint));
    } else {
        let add = format!(
            "add the profile: `oauthctl profile add {} --issuer URL --client-id ID`",
            shell_word(name)
        );
        context.ui.warn(&unknown.hint(add));
    }
    Ok(())
}

/// Returns the key that decrypts a line: the file store's, if there is one.
fn identity(context: &Context) -> Result<Option<Secret>> {
    context.store_paths()?.key.read()
}
