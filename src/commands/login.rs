//! `oauthctl login`: logs the user in and stores the tokens.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use oauthctl_core::flow::{Completed, DeviceRequest, FlowManager, extended_scopes, not_logged_in};
use oauthctl_core::grant::{DEFAULT_ACCOUNT, Grant, Identity};
use oauthctl_core::login::PastedLines;
use oauthctl_core::login::attempt::{self, Attempt, Progress};
use oauthctl_core::login::device::{self, DeviceProgress};
use oauthctl_core::profile::url_login::{is_url, parse_url};
use oauthctl_core::profile::{AuthorizationServer, LoginFlow, Profile, RedirectUri};
use oauthctl_core::protocol::challenge::ResourceChallenge;
use oauthctl_core::store::LoginLock;
use oauthctl_core::{Error, ErrorKind, GrantKey, Result, TokenRequest, time};
use serde_json::{Value, json};

use crate::args::ProfileArg;
use crate::context::Context;
use crate::login_flow::{self, Chosen};
use crate::login_turn::{self, Turn};
use crate::target::Target;
use crate::{by_url, client_secret, manager, progress, run as runner, scopes, ui};

/// How long a login by URL waits for the user, unless `--timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Debug, Args, Default)]
#[command(after_help = "Examples:\n  \
oauthctl login gitlab\n  \
oauthctl login gitlab --account work --login-hint me@example.com\n  \
oauthctl login gitlab --add-scope write_repository\n  \
oauthctl login gitlab --no-browser  # print the URL instead\n  \
oauthctl login github --flow device  # enter a code on any device\n  \
oauthctl login gitlab --flow paste  # then paste the callback URL\n  \
oauthctl login https://mcp.example.com/mcp  # by URL, without a profile")]
pub struct LoginArgs {
    #[command(flatten)]
    profile: ProfileArg,
    /// Account name, to keep several logins of one profile [env: OAUTHCTL_ACCOUNT] [default: default]
    #[arg(long, value_name = "ACCOUNT", value_hint = ValueHint::Other)]
    account: Option<String>,
    /// Login flow: `browser` with a loopback listener, `device` to enter a code on any device, or `paste` to
    /// paste the callback URL [default: the first flow of the profile that works here]
    #[arg(long, value_name = "FLOW")]
    flow: Option<FlowArg>,
    /// Print the URL instead of opening a browser
    #[arg(long)]
    no_browser: bool,
    /// Browser command; %s stands for the URL [env: OAUTHCTL_BROWSER, BROWSER]
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser", value_hint = ValueHint::CommandString)]
    browser: Option<String>,
    /// Draw the address of the device flow as a QR code
    #[arg(long)]
    qr: bool,
    /// Scope to request instead of the profile's; can be repeated
    #[arg(long = "scope", value_name = "SCOPE", value_hint = ValueHint::Other)]
    scopes: Vec<String>,
    /// Scope to request in addition to those of the stored login; can be repeated
    #[arg(long = "add-scope", value_name = "SCOPE", value_hint = ValueHint::Other, conflicts_with = "scopes")]
    add_scopes: Vec<String>,
    /// Value of the `login_hint` parameter: the user who will log in
    #[arg(long, value_name = "HINT", value_hint = ValueHint::EmailAddress)]
    login_hint: Option<String>,
    /// Value of the OIDC `prompt` parameter: select_account, consent or login
    #[arg(long, value_name = "PROMPT", value_hint = ValueHint::Other)]
    prompt: Option<String>,
    /// Extra parameter of the authorization request; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_parameter, value_hint = ValueHint::Other)]
    params: Vec<(String, String)>,
    /// Port of the loopback listener [default: from the profile]
    #[arg(long, value_name = "PORT", value_hint = ValueHint::Other, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// How long to wait for the user [default: from the profile, else 5m]
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, value_hint = ValueHint::Other)]
    timeout: Option<Duration>,
    /// Login by URL: ID of a client that is registered at the server
    #[arg(long, value_name = "ID", value_hint = ValueHint::Other)]
    client_id: Option<String>,
    /// Login by URL: read the secret of that client from standard input
    #[arg(long, requires = "client_id")]
    client_secret_stdin: bool,
    /// Login by URL: the `WWW-Authenticate` value that the resource returned
    #[arg(long, value_name = "VALUE", value_hint = ValueHint::Other)]
    challenge: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FlowArg {
    // A browser and the loopback listener.
    Browser,
    // The callback URL pasted by hand.
    Paste,
    // A code that is entered on another device.
    Device,
}

impl FlowArg {
    fn flow(self) -> LoginFlow {
        match self {
            Self::Browser => LoginFlow::Browser,
            Self::Paste => LoginFlow::Paste,
            Self::Device => LoginFlow::Device,
        }
    }
}

impl LoginArgs {
    /// Returns the arguments of a login to this account that another command needs.
    pub fn of_account(account: Option<&str>) -> Self {
        Self { account: account.map(str::to_owned), ..Self::default() }
    }
}

/// Parses `NAME=VALUE`.
///
/// # Errors
///
/// Returns an error if there is no name or no `=`.
pub fn parse_parameter(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Logs in.
///
/// # Errors
///
/// Returns an error whose kind determines the exit code.
pub fn run(args: &LoginArgs, context: &Context) -> Result<ExitCode> {
    let given = args.profile.name()?;
    if let Some(url) = given.filter(|name| is_url(name)) {
        let done = log_in_by_url(args, context, url, by_url_request(args, context)?)?;
        if context.ui.json {
            ui::print_json(&to_json(&done.grant))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    for (is_set, flag) in
        [(args.client_id.is_some(), "--client-id"), (args.challenge.is_some(), "--challenge")]
    {
        if is_set {
            return Err(Error::usage(format!("`{flag}` is for a login by URL"))
                .hint("name a URL instead of a profile, or set `client_id` in the profile"));
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
    context.ui.say(progress::summary(&grant, profile, &before));
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
    context.ui.say(progress::summary(&grant, target.profile, &before));
    Ok(())
}

fn log_in_with(
    args: &LoginArgs,
    context: &Context,
    target: &Target<'_>,
    manager: &FlowManager,
) -> Result<Grant> {
    let Target { profile, key, state, .. } = target;
    if !profile.grant.needs_person() {
        let want = TokenRequest::default().force();
        let token = runner::block_on(Some(manager), manager.token(key, &want))?;
        context.ui.tell_beside(&token.warning, &token.notes);
        let grant = runner::block_on(Some(manager), manager.grant(key))?;
        return grant.ok_or_else(|| not_logged_in(key));
    }
    refuse_without_input(context, key)?;
    manager::check_files_and_programs(profile)?;
    let timeout = args.timeout.unwrap_or(profile.timeout);
    match login_turn::wait(context, state, key, manager, timeout)? {
        Turn::Ours(lock) => {
            let plan = Plan { args, context, target, scopes: &args.scopes, server: None };
            attempt(&plan, manager, timeout, lock, |outcome| outcome)
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

/// What a login is planned from.
struct Plan<'a> {
    args: &'a LoginArgs,
    context: &'a Context,
    target: &'a Target<'a>,
    /// The scopes instead of the profile's.
    scopes: &'a [String],
    /// The server, if it is known already.
    server: Option<AuthorizationServer>,
}

/// Logs in, and passes the outcome through `keep` before other processes learn of it.
fn attempt(
    plan: &Plan<'_>,
    manager: &FlowManager,
    timeout: Duration,
    mut lock: LoginLock,
    keep: impl FnOnce(Result<Completed>) -> Result<Completed>,
) -> Result<Grant> {
    let Plan { args, context, target, .. } = *plan;
    let work = async {
        let asked = login_flow::Asked {
            flow: args.flow.map(FlowArg::flow),
            no_browser: args.no_browser,
            browser: args.browser.as_deref(),
        };
        let chosen = login_flow::choose(asked, context, target.profile)?;
        let mut attempt = planned(plan, timeout);
        if !args.add_scopes.is_empty() {
            let stored = manager.grant(&target.key).await?;
            attempt.scopes = extended_scopes(target.profile, stored.as_ref(), &args.add_scopes);
        }
        let outcome = log_in_by(args, context, target.profile, manager, attempt, chosen).await;
        let outcome = keep(outcome);
        // Processes that wait for this login share its outcome. Failing to tell them is not a failure of
        // this login.
        let _ = lock.finish(&login_turn::outcome_of(&outcome));
        outcome.map(|completed| (completed.grant, completed.warnings, completed.notes))
    };
    let (grant, warnings, notes) = runner::block_on(Some(manager), work)?;
    context.ui.tell_beside(&warnings, &notes);
    Ok(grant)
}

/// A login by URL that has succeeded.
pub struct LoggedIn {
    /// The grant.
    pub grant: Grant,
    /// The manager of the profile that it made.
    pub manager: FlowManager,
}

/// Returns what the arguments ask for in a login by URL.
fn by_url_request(args: &LoginArgs, context: &Context) -> Result<by_url::Request> {
    let secret = args.client_secret_stdin.then(|| client_secret::read(context)).transpose()?;
    Ok(by_url::Request {
        challenge: args.challenge.as_deref().map(parse_challenge).transpose()?,
        is_step_up: false,
        scopes: args.scopes.iter().flat_map(|s| s.split_whitespace()).map(str::to_owned).collect(),
        client: args.client_id.clone().map(|id| (id, secret)),
        port: args.port,
        listens: !matches!(args.flow, Some(FlowArg::Paste | FlowArg::Device)),
    })
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
            let kept = place.logins.find(url)?.ok_or_else(|| not_logged_in(&key))?;
            let profile = kept.profile()?;
            let manager = manager::build_over(context, Some(&profile), &place.store, state)?;
            return Ok(LoggedIn { grant: *grant, manager });
        }
    };
    let prepared = by_url::prepare(&place, &finder, name, request);
    let by_url::Prepared { login, server } = runner::block_on(Some(&finder), prepared)?;
    let profile = login.profile()?;
    let target = Target {
        profile: &profile,
        key,
        store: place.store.clone(),
        state,
        is_account_named: account.is_some(),
    };
    let before = logged_in(&target)?;
    let manager = manager::build_among_others(context, &target)?;
    let plan = Plan { args, context, target: &target, scopes: &[], server: Some(server) };
    let grant = attempt(&plan, &manager, timeout, lock, |outcome| match outcome {
        Ok(completed) => by_url::keep(&place, &login).map(|()| completed),
        Err(error) => Err(by_url::forget_unknown_client(&place, &login, error)),
    })?;
    context.ui.say(progress::summary(&grant, &profile, &before));
    Ok(LoggedIn { grant, manager })
}

/// Logs in with the chosen flow. A server that has no device flow for this client gets the next one, unless
/// the device flow was asked for.
async fn log_in_by(
    args: &LoginArgs,
    context: &Context,
    profile: &Profile,
    manager: &FlowManager,
    attempt: Attempt,
    chosen: Chosen,
) -> Result<Completed> {
    let Chosen { mut flow, instead, browser } = chosen;
    if flow == LoginFlow::Device {
        let mut request = DeviceRequest::new(attempt.key.clone());
        request.scopes.clone_from(&attempt.scopes);
        request.extra.clone_from(&attempt.extra);
        request.ttl = Some(attempt.timeout);
        match (manager.authorize_device(request).await, instead) {
            (Ok(authorization), _) => {
                let mut tell =
                    |step: DeviceProgress<'_>| progress::narrate_device(&context.ui, args.qr, step);
                return device::log_in(manager, authorization, browser, &mut tell).await;
            }
            (Err(error), Some(other)) if is_unavailable_here(&error) => {
                context.ui.warn(&error.context("cannot use the device flow"));
                context.ui.say(format!("Using the {} flow instead.", other.as_str()));
                flow = other;
            }
            (Err(error), _) => return Err(error),
        }
    }
    let at_terminal = std::io::stdin().is_terminal();
    let listen = flow == LoginFlow::Browser;
    let attempt = Attempt {
        listen,
        browser,
        pasted: (!listen || at_terminal).then(PastedLines::from_stdin),
        ..attempt
    };
    let mut tell = |step: Progress<'_>| progress::narrate(context, profile, listen, step);
    attempt::log_in(manager, attempt, &mut tell).await
}

/// Returns whether the server, or its configuration, has no device flow for this client.
fn is_unavailable_here(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Config | ErrorKind::ServerRefused | ErrorKind::AccessDenied)
}

/// Returns what every flow needs.
fn planned(plan: &Plan<'_>, timeout: Duration) -> Attempt {
    let Plan { args, target, .. } = plan;
    let mut extra = args.params.clone();
    for (name, value) in [("login_hint", &args.login_hint), ("prompt", &args.prompt)] {
        extra.extend(value.iter().map(|v| (name.to_owned(), v.clone())));
    }
    Attempt {
        key: target.key.clone(),
        scopes: plan.scopes.to_vec(),
        extra,
        port: args.port,
        timeout,
        listen: false,
        browser: None,
        pasted: None,
        may_change_family: is_built_in(&target.profile.redirect_uris),
        server: plan.server.clone(),
    }
}

/// Returns whether the redirect URI is the built-in one.
fn is_built_in(uris: &[RedirectUri]) -> bool {
    matches!(uris, [only] if only.text == "http://127.0.0.1/callback")
}

/// Returns what `login --json` prints.
pub fn to_json(grant: &Grant) -> Value {
    json!({
        "profile": grant.key.profile,
        "account": grant.key.account,
        "identity": grant.identity,
        "scopes": grant.tokens.scopes,
        "token_type": grant.tokens.token_type,
        "expires_at": grant.tokens.expires_at.map(|t| t.to_string()),
        "has_refresh_token": grant.tokens.refresh_token.is_some(),
        "grant_id": grant.id,
    })
}

/// Returns who is logged in to this account now, according to the index.
fn logged_in(target: &Target<'_>) -> Result<Identity> {
    Ok(target.state.account(&target.key)?.map(|entry| entry.identity).unwrap_or_default())
}
