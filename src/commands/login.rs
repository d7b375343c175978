//! `oauthctl login`: logs the user in and stores the tokens.

mod args;
mod attempt;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::flow::{FlowManager, lost_scopes};
use oauthctl_core::grant::{AccountEntry, DEFAULT_ACCOUNT, GrantInfo};
use oauthctl_core::profile::url_login::{is_url, parse_url};
use oauthctl_core::protocol::challenge::ResourceChallenge;
use oauthctl_core::text::one_line;
use oauthctl_core::{Advice, Error, GrantKey, Result, TokenRequest};
use serde_json::{Value, json};

use self::args::FlowArg;
use self::attempt::{Plan, attempt};
use crate::by_url::login::UrlLogin;
use crate::context::Context;
use crate::login_turn::{self, Turn};
use crate::target::Target;
use crate::{browser, by_url, client_secret, manager, progress, run as runner, scopes, ui};

pub use args::{LoginArgs, parse_parameter};

/// How long a login by URL waits for the user, unless `--timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Logs in.
///
/// # Errors
///
/// Returns an error whose kind determines the exit code.
pub fn run(args: &LoginArgs, context: &Context) -> Result<ExitCode> {
    let given = args.profile.name()?;
    if args.browser.is_some() {
        // A command that cannot be used fails before anything else happens.
        browser::named(args.browser.as_deref())?;
    }
    let selected = match given {
        Some(name) => name.to_owned(),
        None => context.profile_name(None)?,
    };
    if let Some(url) = Some(selected.as_str()).filter(|name| is_url(name)) {
        let done = log_in_by_url(args, context, url, by_url_request(args, context)?)?;
        if context.ui.json {
            ui::print_json(&to_json(&done.grant))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    for (is_set, flag, hint) in [
        (
            args.client_id.is_some(),
            "--client-id",
            "specify a URL instead of a profile, or set `client_id` in the profile",
        ),
        (
            args.challenge.is_some(),
            "--challenge",
            "specify the URL of the resource instead of a profile",
        ),
    ] {
        if is_set {
            return Err(Error::usage(format!("`{flag}` requires a login by URL")).hint(hint));
        }
    }
    let target = Target::selected(context, given, args.account.as_deref())?;
    let profile = target.profile;
    context.tell_config_warnings()?;
    scopes::warn(context, &args.scopes, profile);
    scopes::warn(context, &args.add_scopes, profile);
    let manager = manager::build_among_others(context, &target)?;
    let before = logged_in(&target)?;
    let grant = log_in_with(args, context, &target, &manager)?;
    if context.ui.json {
        ui::print_json(&to_json(&grant))?;
    }
    conclude(args, context, &target, before.as_ref(), &grant);
    Ok(ExitCode::SUCCESS)
}

/// Logs in for another command (`token --login`), with the flows of the profile, and with these scopes in
/// addition to those of the stored grant, if there are any.
///
/// # Errors
///
/// See [`run`].
pub fn log_in(
    context: &Context,
    target: &Target<'_>,
    manager: &FlowManager,
    more: &[String],
) -> Result<()> {
    let before = logged_in(target)?;
    let args = LoginArgs { add_scopes: more.to_vec(), ..LoginArgs::default() };
    let grant = log_in_with(&args, context, target, manager)?;
    conclude(&args, context, target, before.as_ref(), &grant);
    Ok(())
}

fn log_in_with(
    args: &LoginArgs,
    context: &Context,
    target: &Target<'_>,
    manager: &FlowManager,
) -> Result<GrantInfo> {
    let Target { profile, key, state, .. } = target;
    if !profile.grant.needs_user() {
        args.warn_of_no_user(context, profile);
        let request = TokenRequest::default().force();
        let token = runner::block_on(Some(manager), manager.token(key, &request))?;
        context.ui.tell_beside(&token.warning, &token.notes);
        let grant = runner::block_on(Some(manager), manager.grant(key))?;
        return grant.ok_or_else(|| Error::not_logged_in(key));
    }
    refuse_without_input(context, key)?;
    manager::check_files_and_programs(profile)?;
    let timeout = args.timeout.unwrap_or(profile.timeout);
    match login_turn::wait(context, state, key, manager, timeout)? {
        Turn::Ours(lock) => {
            let plan = Plan { args, context, target, scopes: &args.scopes, server: None };
            attempt(&plan, manager, timeout, lock, async |outcome| outcome)
        }
        Turn::Joined(grant) => Ok(*grant),
    }
}

fn refuse_without_input(context: &Context, key: &GrantKey) -> Result<()> {
    if !context.globals.no_input {
        return Ok(());
    }
    Err(Error::login_required(format!(
        "login to {key} requires user interaction, but `--no-input` is set"
    ))
    .hint("run the command without `--no-input`"))
}

/// A login by URL that has succeeded.
pub struct LoggedIn {
    /// The grant.
    pub grant: GrantInfo,
    /// The manager of the profile that it made.
    pub manager: FlowManager,
}

/// Returns what the arguments ask for in a login by URL.
fn by_url_request(args: &LoginArgs, context: &Context) -> Result<by_url::Request> {
    let secret = args.client_secret_stdin.then(|| client_secret::read(context)).transpose()?;
    Ok(by_url::Request {
        challenge: args.challenge.as_deref().map(parse_challenge).transpose()?,
        is_step_up: false,
        scopes: words(&args.scopes),
        more: words(&args.add_scopes),
        client: args.client_id.clone().map(|id| (id, secret)),
        port: args.port,
        listens: !matches!(args.flow, Some(FlowArg::Paste | FlowArg::Device)),
    })
}

/// Returns the scopes of options whose values may hold several.
fn words(options: &[String]) -> Vec<String> {
    options.iter().flat_map(|value| value.split_whitespace()).map(str::to_owned).collect()
}

/// Reads the value of `--challenge`.
///
/// # Errors
///
/// Returns `Usage` if it is malformed, or holds no challenge that tokens answer.
pub fn parse_challenge(value: &str) -> Result<ResourceChallenge> {
    let read = ResourceChallenge::read(value).map_err(|why| {
        Error::usage(format!("`--challenge` is not a `WWW-Authenticate` value: {why}"))
    })?;
    read.ok_or_else(|| Error::usage("`--challenge` contains no `Bearer` challenge"))
}

/// Logs in to a URL, and keeps it as a profile.
///
/// # Errors
///
/// See [`by_url::prepare`] and [`run`].
pub fn log_in_by_url(
    args: &LoginArgs,
    context: &Context,
    url: &str,
    request: by_url::Request,
) -> Result<LoggedIn> {
    let mut needs_new_client = false;
    let outcome = log_in_once(args, context, url, request.clone(), &mut needs_new_client);
    if !needs_new_client {
        return outcome;
    }
    context.ui.say("The registered client may not request these scopes; registering another one.");
    log_in_once(args, context, url, request, &mut false)
}

fn log_in_once(
    args: &LoginArgs,
    context: &Context,
    url: &str,
    request: by_url::Request,
    needs_new_client: &mut bool,
) -> Result<LoggedIn> {
    parse_url(url)?;
    let known = context.url_logins()?.find(url)?;
    let name = known.as_ref().map_or(url, |login| &login.url);
    let account = context.account_name(args.account.as_deref(), name)?;
    let key = GrantKey::new(name, account.as_deref().unwrap_or(DEFAULT_ACCOUNT));
    refuse_without_input(context, &key)?;
    let place = by_url::Place::of(context, known.as_ref())?;
    let state = context.state()?;
    let finder = manager::build_over(context, None, &place.store, state.clone())?;
    let timeout = args.timeout.unwrap_or(TIMEOUT);
    let lock = match login_turn::wait(context, &state, &key, &finder, timeout)? {
        Turn::Ours(lock) => lock,
        Turn::Joined(grant) => {
            let kept = place.logins.find(url)?.ok_or_else(|| Error::not_logged_in(&key))?;
            let profile = kept.profile()?;
            let manager = manager::build_over(context, Some(&profile), &place.store, state)?;
            return Ok(LoggedIn { grant: *grant, manager });
        }
    };
    let prepared = by_url::prepare(&place, &finder, name, request);
    let prepared = runner::block_on(Some(&finder), prepared)?;
    let profile = prepared.profile()?;
    announce(args, context, &prepared);
    let by_url::Prepared { login, server, secret, mark, .. } = prepared;
    let target = Target {
        profile: &profile,
        key,
        store: place.store.clone(),
        state,
        is_account_named: account.is_some(),
    };
    let before = logged_in(&target)?;
    let keeper = Arc::new(by_url::Keeper::new(&place, &login, secret)?);
    let manager = manager::build_by_url(context, &target, keeper.clone())?;
    let plan = Plan { args, context, target: &target, scopes: &[], server: Some(server) };
    let grant = attempt(&plan, &manager, timeout, lock, async |outcome| {
        // What uses the client from here on is stored.
        drop(mark);
        match outcome {
            Ok(mut completed) => {
                completed.warnings.extend(keeper.forget_replaced(&manager).await.err());
                Ok(completed)
            }
            Err(error) => {
                Err(failed(context, (&place, &login), &manager, error, needs_new_client).await)
            }
        }
    })?;
    conclude(args, context, &target, before.as_ref(), &grant);
    Ok(LoggedIn { grant, manager })
}

/// Says what a login at an issuer requests if the user named no scopes, and at which server a client is used that the
/// user named.
fn announce(args: &LoginArgs, context: &Context, prepared: &by_url::Prepared) {
    let login = &prepared.login;
    let names_scopes = !args.scopes.is_empty() || !args.add_scopes.is_empty();
    if !names_scopes && login.resource.is_none() {
        match login.scopes.as_slice() {
            [] => context.ui.say(
                "No scopes are requested: the server decides what the token is good for, and may issue no refresh \
                 token. Request scopes with `--scope`.",
            ),
            [only] if only == by_url::OFFLINE_ACCESS => context.ui.say(format!(
                "Only `{}` is requested: the server decides what the token is good for. Request \
                 further scopes with `--scope`.",
                by_url::OFFLINE_ACCESS
            )),
            _ => {}
        }
    }
    let Some(named) = prepared.named else { return };
    let (id, issuer) = (one_line(&login.client.id), one_line(&login.issuer));
    context.ui.say(match named {
        by_url::Named::Now => format!("Using the client `{id}` at {issuer}."),
        by_url::Named::Elsewhere => format!(
            "Using the client `{id}` of an earlier login at {issuer}. To use another one, pass `--client-id`."
        ),
    });
}

/// Returns the error of a login by URL that has failed. Forgets its client if that is useless.
async fn failed(
    context: &Context,
    (place, login): (&by_url::Place, &UrlLogin),
    manager: &FlowManager,
    error: Error,
    needs_new_client: &mut bool,
) -> Error {
    match by_url::explain(place, login, error).await {
        by_url::Failed::Final(error) => error,
        by_url::Failed::UselessClient { error, can_retry } => {
            match by_url::forget_failed(place, manager, login).await {
                Ok(()) => *needs_new_client = can_retry,
                Err(failed) => context.ui.warn(&failed),
            }
            error
        }
    }
}

/// Returns what `login --json` prints.
pub fn to_json(grant: &GrantInfo) -> Value {
    json!({
        "profile": grant.key.profile,
        "account": grant.key.account,
        "identity": grant.identity,
        "scopes": grant.scopes,
        "token_type": grant.token_type,
        "expires_at": grant.expires_at.map(|t| t.to_string()),
        "has_refresh_token": grant.has_refresh_token,
        "grant_id": grant.id,
    })
}

/// Returns the login to this account that the new one replaces, according to the index.
fn logged_in(target: &Target<'_>) -> Result<Option<AccountEntry>> {
    target.state.account(&target.key)
}

/// Says what the login resulted in. Warns about scopes that are gone, unless the user named those to request.
fn conclude(
    args: &LoginArgs,
    context: &Context,
    target: &Target<'_>,
    before: Option<&AccountEntry>,
    grant: &GrantInfo,
) {
    let identity = before.map(|entry| entry.identity.clone()).unwrap_or_default();
    context.ui.say(progress::summary(grant, target.profile, &identity));
    let former = before.filter(|_| args.scopes.is_empty());
    let lost = former.map(|entry| lost_scopes(target.profile, &entry.scopes, grant));
    let lost = lost.unwrap_or_default();
    if !lost.is_empty() {
        let scopes = one_line(&lost.join(" "));
        let what =
            format!("the previous login to {} had scopes that this one lacks: {scopes}", grant.key);
        let advice = Advice::AddScopes { key: grant.key.clone(), scopes: lost };
        context.ui.warn(&Error::config(what).hint(advice));
    }
}
