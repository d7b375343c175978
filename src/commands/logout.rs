//! `oauthctl logout`: revokes and removes tokens.

use std::process::ExitCode;

use clap::Args;
use oauthctl_core::flow::{AtServer, FlowManager};
use oauthctl_core::grant::{DEFAULT_ACCOUNT, Pin};
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::store::StoreSpec;
use oauthctl_core::{Advice, Error, GrantKey, Result, text};
use serde_json::{Value, json};

use crate::args::{AccountOption, ProfileArg};
use crate::context::Context;
use crate::target::several_accounts;
use crate::{by_url, manager, run as runner, ui};

#[derive(Debug, Args)]
#[command(
    after_help = "The tokens are removed even if they cannot be revoked. The exit code then \
reports the failure.\n\n\
Examples:\n  oauthctl logout gitlab\n  oauthctl logout --all  # all accounts of all profiles"
)]
pub struct LogoutArgs {
    #[command(flatten)]
    profile: ProfileArg,
    #[command(flatten)]
    account: AccountOption,
    /// Log out of all accounts of the profile, or of all profiles if none is named
    #[arg(long, conflicts_with = "account")]
    all: bool,
    /// Remove the tokens locally without revoking them at the server
    #[arg(long)]
    local: bool,
}

/// Revokes and removes tokens. Tokens that cannot be revoked are removed all the same; the first failure
/// determines the exit code.
///
/// # Errors
///
/// See [`oauthctl_core::flow::FlowManager::revoke`]. A failed revocation is returned after the tokens are
/// removed.
pub fn run(args: &LogoutArgs, context: &Context) -> Result<ExitCode> {
    let mut results = Vec::new();
    let mut failure = None;
    for key in meant(args, context)? {
        let outcome = log_out(&key, args.local, context);
        match outcome {
            Ok((result, failed)) => {
                results.push(result);
                failure = failure.or(failed);
            }
            Err(error) if args.all => {
                context.ui.warn(&error);
                failure = failure.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    if context.ui.json {
        ui::print_json(&Value::Array(results))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn meant(args: &LogoutArgs, context: &Context) -> Result<Vec<GrantKey>> {
    let given = args.profile.name()?;
    if !args.all {
        let name = context.profile_name(given)?;
        return Ok(vec![named(args, context, &name)?]);
    }
    let accounts = match given {
        Some(name) => {
            context.state()?.some_accounts(&context.as_kept(name.to_owned())?, usize::MAX)?
        }
        None => context.state()?.accounts()?,
    };
    Ok(accounts.into_iter().map(|entry| entry.key).collect())
}

/// Returns the account to log out. Unlike `token`, `logout` never falls back to an account that is not
/// named: a script that runs twice would log out the next one.
fn named(args: &LogoutArgs, context: &Context, profile: &str) -> Result<GrantKey> {
    let given = context.account_name(args.account.account.as_deref(), profile)?;
    let key = GrantKey::new(profile, given.as_deref().unwrap_or(DEFAULT_ACCOUNT));
    let state = context.state()?;
    let is_known = state.account(&key)?.is_some();
    let others = if is_known { Vec::new() } else { state.some_accounts(profile, usize::MAX)? };
    if is_known || (others.is_empty() && given.is_none()) {
        return Ok(key);
    }
    if given.is_some() && is_stored(&key, context)? {
        return Ok(key);
    }
    if !is_url(profile) {
        context.profile(profile)?;
    }
    let unknown = Error::config(format!("not logged in to {key}"));
    let names = text::names(others.iter().map(|entry| entry.key.account.as_str()));
    Err(match (others.len(), given.is_some()) {
        (0, _) => unknown.hint("run `oauthctl status` to see who is logged in"),
        (_, true) => unknown.hint(format!("the accounts of this profile are {names}")),
        (several, false) => {
            let error = if several > 1 { several_accounts(profile) } else { unknown };
            error.hint(format!(
                "select one with `--account` or OAUTHCTL_ACCOUNT, or use `--all`: {names}"
            ))
        }
    })
}

/// Returns the store in which commands look for this account. Its profile may be unknown.
fn selected_store(key: &GrantKey, context: &Context) -> Result<StoreSpec> {
    let config = context.config()?;
    let of_profile = config.profiles.get(&key.profile).and_then(|p| config.store_of(p));
    context.store_spec(of_profile.or(config.defaults.store.as_deref()))
}

/// Returns whether the store has a record of an account that the index does not list.
fn is_stored(key: &GrantKey, context: &Context) -> Result<bool> {
    let store = context.open_store(&selected_store(key, context)?)?;
    Ok(runner::block_on(None, store.grants.contains(key))? == Some(true))
}

fn log_out(key: &GrantKey, local: bool, context: &Context) -> Result<(Value, Option<Error>)> {
    // The account of a removed profile can still be removed.
    let state = context.state()?;
    let entry = state.account(key)?;
    let profile = context.config()?.profiles.get(&key.profile);
    // A URL is known only while it is logged in: to log out again is no error, as for a profile.
    let is_unknown = profile.is_none() && entry.is_none() && !is_url(&key.profile);
    if is_unknown && !is_stored(key, context)? {
        context.profile(&key.profile).map_err(|error| match error.advice() {
            [Advice::DidYouMean(_)] => error,
            _ => error.hint("run `oauthctl status` to see who is logged in"),
        })?;
    }
    let spec = match (&context.globals.store, &entry) {
        (None, Some(entry)) => entry.store.parse()?,
        _ => selected_store(key, context)?,
    };
    let manager = manager::build_over(context, profile, &context.open_store(&spec)?, state)?;
    // If it cannot be read, its client is forgotten with the last account.
    let pin = match is_url(&key.profile) {
        true => runner::block_on(None, manager.grant(key)).ok().flatten().map(|grant| grant.pin),
        false => None,
    };
    let ending = async {
        match local {
            true => {
                manager.forget(key).await.map(|forgotten| (forgotten, AtServer::NotAsked, None))
            }
            false => manager
                .revoke(key)
                .await
                .map(|ended| (ended.forgotten, ended.at_server, ended.asked)),
        }
    };
    let (forgotten, at_server, asked) = runner::block_on(Some(&manager), ending)?;
    let registration = match is_url(&key.profile) {
        true => {
            let place = by_url::Place::in_store(context, &spec)?;
            forget_url(place, key, (pin.as_ref(), local), context, &manager)?
        }
        false => None,
    };
    let at = asked.as_deref().map_or_else(String::new, |url| format!(" at {}", host_of(url)));
    let (word, failed) = match at_server {
        AtServer::NoEndpoint => ("no_endpoint", None),
        AtServer::Revoked => ("revoked", None),
        AtServer::Failed(error) => ("failed", Some(error)),
        _ => ("not_asked", None),
    };
    context.ui.say(summary(key, forgotten, word, &at));
    warn_of_valid_tokens(context, key, word, forgotten && !local && profile.is_none());
    let mut result = json!({
        "profile": key.profile, "account": key.account,
        "forgotten": forgotten, "revocation": word, "revocation_endpoint": asked,
    });
    if let Some(registration) = registration {
        result["registration"] = json!(registration);
    }
    let failed = failed.map(|e| {
        e.context(format!("the tokens of {key} were removed locally, but could not be revoked{at}"))
            .hint("the tokens may still be valid: revoke access in the server's settings")
    });
    Ok((result, failed))
}

/// Warns that tokens stay valid at a server that was not asked to revoke them.
fn warn_of_valid_tokens(context: &Context, key: &GrantKey, word: &str, lacks_profile: bool) {
    let name = text::one_line(&key.profile);
    let (what, hint) = match word {
        "no_endpoint" => (
            format!("no revocation endpoint is known for `{name}`"),
            "set `revocation_endpoint` in the profile if the server has one; the tokens stay valid \
             until they expire or you revoke access in the server's settings",
        ),
        "not_asked" if lacks_profile => (
            format!("the configuration has no profile `{name}`, so its tokens are not revoked"),
            "the tokens stay valid until they expire or you revoke access in the server's settings",
        ),
        _ => return,
    };
    context.ui.warn(&Error::config(what).hint(hint));
}

/// Forgets a login by URL with its last account, and with each of them the client that no other one uses. Returns what
/// became of the registration of the client.
fn forget_url(
    place: by_url::Place,
    key: &GrantKey,
    (pin, local): (Option<&Pin>, bool),
    context: &Context,
    manager: &FlowManager,
) -> Result<Option<&'static str>> {
    let login = place.logins.find(&key.profile)?.filter(|login| login.url == key.profile);
    let Some(login) = login else { return Ok(None) };
    let is_last = place.state.some_accounts(&key.profile, 1)?.is_empty();
    let forgetting = async {
        match (is_last, pin) {
            (true, _) => {
                let places = with_other_stores(context, &login, place);
                by_url::forget(&places, manager, &login, local).await
            }
            (false, Some(pin)) => by_url::forget_account(&place, manager, &login, pin, local).await,
            (false, None) => Ok(None),
        }
    };
    let outcome = runner::block_on(Some(manager), forgetting)?;
    Ok(match outcome {
        None => None,
        Some(Ok(())) => {
            context.ui.say("The registration of the client is deleted.");
            Some("deleted")
        }
        Some(Err(error)) => {
            context.ui.warn(&error);
            Some("failed")
        }
    })
}

/// Returns the places of the clients of a login, whose accounts can have been in several stores.
fn with_other_stores(
    context: &Context,
    login: &by_url::login::UrlLogin,
    place: by_url::Place,
) -> Vec<by_url::Place> {
    let others = login.stores().into_iter().filter(|store| *store != place.store_name);
    let open = |store: String| by_url::Place::in_store(context, &store.parse()?);
    let mut places: Vec<by_url::Place> = others
        .filter_map(|store| open(store).map_err(|error| context.ui.warn(&error)).ok())
        .collect();
    places.insert(0, place);
    places
}

/// Returns the sentence that tells the user what became of the tokens.
fn summary(key: &GrantKey, forgotten: bool, word: &str, at: &str) -> String {
    match (forgotten, word) {
        (false, _) => format!("Not logged in to {key}."),
        (true, "revoked") => {
            format!("Logged out of {key}{at}: the tokens are revoked and removed.")
        }
        (true, _) => {
            format!("Logged out of {key}: the tokens are removed locally, but not revoked.")
        }
    }
}

/// Returns the server of an endpoint, as shown to the user.
fn host_of(endpoint: &str) -> String {
    let host = url::Url::parse(endpoint).map(|url| url.origin().ascii_serialization());
    host.unwrap_or_else(|_| text::one_line(endpoint))
}
