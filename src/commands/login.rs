//! `oauthctl login`: logs the user in and stores the tokens.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use oauthctl_core::flow::{Completed, DeviceRequest, FlowManager, not_logged_in};
use oauthctl_core::grant::{Grant, Identity};
use oauthctl_core::login::PastedLines;
use oauthctl_core::login::attempt::{self, Attempt, Progress};
use oauthctl_core::login::device::{self, DeviceProgress};
use oauthctl_core::profile::{GrantType, LoginFlow, Profile, RedirectUri};
use oauthctl_core::store::LoginOutcome;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, GrantKey, Result, Timestamp, TokenRequest, time};
use serde_json::{Value, json};

use crate::args::ProfileArg;
use crate::context::Context;
use crate::login_flow::{self, Chosen};
use crate::target::Target;
use crate::{manager, progress, run as runner, scopes, ui};

#[derive(Debug, Args, Default)]
#[command(after_help = "Examples:\n  \
oauthctl login gitlab\n  \
oauthctl login gitlab --account work --login-hint me@example.com\n  \
oauthctl login gitlab --no-browser  # print the URL instead\n  \
oauthctl login github --flow device  # enter a code on any device\n  \
oauthctl login gitlab --flow paste  # then paste the callback URL")]
pub struct LoginArgs {
    #[command(flatten)]
    profile: ProfileArg,
    /// Account name, to keep several logins of one profile [default: default]
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
    if let Some(url) = given.filter(|name| name.contains("://")) {
        return Err(Error::usage(format!(
            "login by URL is not supported in this version: `{}`",
            one_line(url)
        ))
        .hint("add a profile: `oauthctl profile add NAME --issuer URL --client-id ID`"));
    }
    let target = Target::named(context, given, args.account.as_deref())?;
    let profile = target.profile;
    context.tell_config_warnings()?;
    scopes::warn(context, &args.scopes, profile);
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
    let mut args = LoginArgs::default();
    if !more.is_empty() {
        let stored = runner::block_on(Some(manager), manager.grant(&target.key))?;
        let scopes = stored.map(|grant| grant.tokens.scopes);
        args.scopes = scopes.unwrap_or_else(|| target.profile.scopes.clone());
        args.scopes.extend(more.iter().cloned());
    }
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
    if !matches!(profile.grant, GrantType::AuthorizationCode | GrantType::DeviceCode) {
        return Err(Error::config(format!(
            "login with the grant `{}` is not supported in this version",
            profile.grant.as_str()
        ))
        .hint("set `grant = \"authorization_code\"` in the profile"));
    }
    if context.globals.no_input {
        return Err(Error::login_required(format!(
            "login to {key} requires user interaction, but `--no-input` is set"
        ))
        .hint("run the command without `--no-input`"));
    }
    manager::check_files_and_programs(profile)?;
    let timeout = args.timeout.unwrap_or(profile.timeout);
    let work = async {
        let locking = state.login_lock(key, timeout);
        tokio::pin!(locking);
        let mut lock = tokio::select! {
            biased;
            lock = &mut locking => lock?,
            () = std::future::ready(()) => {
                context.ui.say(format!("Another login to {key} is in progress; waiting for it \
                                           …"));
                locking.await?
            }
        };
        if let Some(outcome) = lock.joined().cloned() {
            let grant = joined(context, manager, key, &outcome).await?;
            return Ok((grant, Vec::new(), Vec::new()));
        }
        let asked = login_flow::Asked {
            flow: args.flow.map(FlowArg::flow),
            no_browser: args.no_browser,
            browser: args.browser.as_deref(),
        };
        let chosen = login_flow::choose(asked, context, profile)?;
        let attempt = plan(args, target, timeout);
        let outcome = log_in_by(args, context, profile, manager, attempt, chosen).await;
        // Processes that wait for this login share its outcome. Failing to tell them is not a failure of
        // this login.
        let _ = lock.finish(&outcome_of(&outcome));
        outcome.map(|completed| (completed.grant, completed.warnings, completed.notes))
    };
    let (grant, warnings, notes) = runner::block_on(Some(manager), work)?;
    context.ui.tell_beside(&warnings, &notes);
    Ok(grant)
}

/// Returns the outcome of the login to this account that another process completed meanwhile.
async fn joined(
    context: &Context,
    manager: &FlowManager,
    key: &GrantKey,
    outcome: &LoginOutcome,
) -> Result<Grant> {
    if let (Some(id), Some(grant)) = (&outcome.grant_id, manager.grant(key).await?)
        && *id == grant.id
    {
        context.ui.say("Another login to this account was in progress; using its result.");
        return Ok(grant);
    }
    let kind = match outcome.error.as_deref() {
        Some("config") => ErrorKind::Config,
        Some("access_denied") => ErrorKind::AccessDenied,
        Some("timeout") => ErrorKind::Timeout,
        Some("validation") => ErrorKind::Validation,
        Some("server_refused") => ErrorKind::ServerRefused,
        Some("unavailable") => ErrorKind::Unavailable,
        Some("store") => ErrorKind::Store,
        _ => ErrorKind::LoginRequired,
    };
    let message = outcome.message.clone().unwrap_or_else(|| "it did not finish".to_owned());
    Err(Error::new(kind, message).context("the login in progress failed"))
}

fn outcome_of(outcome: &Result<Completed>) -> LoginOutcome {
    let at = Timestamp::now();
    match outcome {
        Ok(completed) => LoginOutcome {
            at,
            grant_id: Some(completed.grant.id.clone()),
            error: None,
            message: None,
        },
        Err(error) => LoginOutcome {
            at,
            grant_id: None,
            error: Some(error.kind().word().to_owned()),
            message: Some(error.message_to_keep()),
        },
    }
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
fn plan(args: &LoginArgs, target: &Target<'_>, timeout: Duration) -> Attempt {
    let mut extra = args.params.clone();
    for (name, value) in [("login_hint", &args.login_hint), ("prompt", &args.prompt)] {
        extra.extend(value.iter().map(|v| (name.to_owned(), v.clone())));
    }
    Attempt {
        key: target.key.clone(),
        scopes: args.scopes.clone(),
        extra,
        port: args.port,
        timeout,
        listen: false,
        browser: None,
        pasted: None,
        may_change_family: is_built_in(&target.profile.redirect_uris),
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
