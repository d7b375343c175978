//! One login with the chosen flow.

use std::io::IsTerminal;
use std::time::Duration;

use oauthctl_core::flow::{Completed, DeviceRequest, FlowManager, extended_scopes};
use oauthctl_core::grant::GrantInfo;
use oauthctl_core::login::PastedLines;
use oauthctl_core::login::attempt::{self, Attempt, Progress};
use oauthctl_core::login::device::{self, DeviceProgress};
use oauthctl_core::profile::{AuthorizationServer, LoginFlow, RedirectUri};
use oauthctl_core::{Error, ErrorKind, Result};

use super::args::{FlowArg, LoginArgs};
use crate::context::Context;
use crate::login_flow::{self, Chosen};
use crate::login_turn::lock::LoginLock;
use crate::progress::Setting;
use crate::target::Target;
use crate::{login_turn, progress, run as runner, ui};

/// What a login is planned from.
pub struct Plan<'a> {
    pub args: &'a LoginArgs,
    pub context: &'a Context,
    pub target: &'a Target<'a>,
    /// The scopes instead of the profile's.
    pub scopes: &'a [String],
    /// The server, if it is known already.
    pub server: Option<AuthorizationServer>,
}

/// Logs in, and passes the outcome through `keep` before other processes learn of it.
///
/// # Errors
///
/// Returns the errors of the flow that is used, and those of `keep`.
pub fn attempt(
    plan: &Plan<'_>,
    manager: &FlowManager,
    timeout: Duration,
    mut lock: LoginLock,
    keep: impl AsyncFnOnce(Result<Completed>) -> Result<Completed>,
) -> Result<GrantInfo> {
    let Plan { args, context, target, .. } = *plan;
    let work = async {
        let asked = login_flow::FlowOptions {
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
        let outcome = log_in_by(plan, manager, attempt, chosen).await;
        let outcome = keep(outcome).await;
        // Processes that wait for this login share its outcome. Failing to tell them is not a failure of
        // this login.
        let _ = lock.finish(&login_turn::outcome_of(&outcome));
        outcome.map(|completed| (completed.grant, completed.warnings, completed.notes))
    };
    let (grant, warnings, notes) = runner::block_on(Some(manager), work)?;
    context.ui.tell_beside(&warnings, &notes);
    Ok(grant)
}

/// Logs in with the chosen flow. A server that has no device flow for this client gets the next one, unless
/// the device flow was asked for.
async fn log_in_by(
    plan: &Plan<'_>,
    manager: &FlowManager,
    attempt: Attempt,
    chosen: Chosen,
) -> Result<Completed> {
    let Plan { args, context, target, .. } = *plan;
    let Chosen { mut flow, instead, browser } = chosen;
    let countdown = !context.ui.quiet && ui::shows_status();
    let tried_device = flow == LoginFlow::Device;
    if flow == LoginFlow::Device {
        args.warn_of_unused(context, flow);
        let mut request = DeviceRequest::new(attempt.key.clone());
        request.scopes.clone_from(&attempt.scopes);
        request.extra.clone_from(&attempt.extra);
        request.ttl = Some(attempt.timeout);
        match (manager.authorize_device(request).await, instead) {
            (Ok(authorization), _) => {
                let mut tell =
                    |step: DeviceProgress<'_>| progress::narrate_device(&context.ui, args.qr, step);
                let outcome =
                    device::log_in(manager, authorization, browser, countdown, &mut tell).await;
                ui::clear_status();
                return outcome;
            }
            (Err(error), Some(other)) if is_unavailable_here(&error) => {
                context.ui.warn(&error.context("cannot use the device flow"));
                context.ui.say(format!("Using the {} flow instead.", other.as_str()));
                flow = other;
            }
            (Err(error), _) => return Err(error),
        }
    }
    args.warn_of_unused(context, flow);
    let at_terminal = std::io::stdin().is_terminal();
    let listen = flow == LoginFlow::Browser;
    let asks = at_terminal && browser.is_some() && context.config()?.defaults.asks_before_opening;
    let lines = if asks { PastedLines::with_blank_lines } else { PastedLines::from_stdin };
    let attempt = Attempt {
        listen,
        browser,
        asks,
        pasted: (!listen || at_terminal).then(lines),
        countdown,
        ..attempt
    };
    let mut setting =
        Setting { listens: listen, has_device: !tried_device, is_chosen: args.flow.is_some() };
    let mut tell =
        |step: Progress<'_>| progress::narrate(context, target.profile, &mut setting, step);
    let outcome = attempt::log_in(manager, attempt, &mut tell).await;
    ui::clear_status();
    outcome
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
        asks: false,
        pasted: None,
        countdown: false,
        may_change_family: is_built_in(&target.profile.redirect_uris),
        server: plan.server.clone(),
    }
}

/// Returns whether the redirect URI is the built-in one.
fn is_built_in(uris: &[RedirectUri]) -> bool {
    matches!(uris, [only] if only.text == "http://127.0.0.1/callback")
}
