//! Waits for the response: at the listener, or as a pasted line.

use std::time::Duration;

use super::options::{Attempt, Progress};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Authorization, FlowManager};
use crate::login::candidate::Candidate;
use crate::login::countdown::Countdown;
use crate::login::launch::{Launch, launch};
use crate::login::listener::{Event, Listener};
use crate::login::paste::{PastedLines, is_same_page, parse_pasted, what_to_paste};
use crate::port::BoxFuture;
use crate::protocol::authorization::Validation;

/// How the wait ended.
pub(super) struct Response {
    /// The browser that waits for its page, unless the response was pasted.
    pub(super) candidate: Option<Candidate>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) validation: Validation,
}

/// A login that waits for its response.
pub(super) struct Waiting<'a> {
    pub(super) manager: &'a FlowManager,
    pub(super) attempt: Attempt,
    pub(super) listener: Option<&'a mut Listener>,
    pub(super) tell: &'a mut (dyn FnMut(Progress<'_>) + Send),
    /// The number of pasted lines that were rejected.
    pub(super) rejected: u64,
}

/// Waits for the authentic response; everything else is answered, reported and ignored.
pub(super) async fn wait(waiting: &mut Waiting<'_>, pending: &Authorization) -> Result<Response> {
    let Waiting { manager, attempt, listener, tell, rejected } = waiting;
    let url = &pending.authorization_url;
    // The browser that waits for Enter.
    let mut asked = attempt.browser.clone().filter(|_| attempt.asks);
    say_where(manager, pending, attempt, listener.is_some(), *tell);
    let at_once = attempt.browser.clone().filter(|_| !attempt.asks);
    let mut opening: BoxFuture<'_, Launch> = Box::pin(launch(at_once, url));
    let mut countdown = Countdown::new(attempt.countdown);
    loop {
        tokio::select! {
            event = next_event(listener) => match event {
                Event::Rejected(report) => tell(Progress::RejectedRequest(report.to_string())),
                Event::Candidate(candidate) => {
                    let opened = manager.open(pending, candidate.parameters().to_pairs()).await?;
                    match opened {
                        (Validation::NotOurs(_), _) => candidate.refuse_state(),
                        (validation, parameters) => {
                            let candidate = Some(candidate);
                            return Ok(Response { candidate, parameters, validation });
                        }
                    }
                }
            },
            line = next_line(&mut attempt.pasted) => {
                let Some(line) = line else {
                    attempt.pasted = None;
                    if listener.is_none() {
                        return Err(nothing_pasted(&pending.redirect_uri));
                    }
                    continue;
                };
                if line.as_ref().is_ok_and(|line| line.expose().is_empty()) {
                    if let Some(browser) = asked.take() {
                        opening = Box::pin(launch(Some(browser), url));
                    }
                    continue;
                }
                match validate_pasted(manager, pending, line).await {
                    Ok(response) => return Ok(response),
                    Err(error) => {
                        *rejected += 1;
                        // Input from a pipe cannot be corrected.
                        if listener.is_none() && !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
                            return Err(error);
                        }
                        tell(Progress::NotPasted(error));
                    }
                }
            }
            () = countdown.next() => {
                // A line that the user is typing stays on the screen.
                if attempt.pasted.as_ref().is_none_or(PastedLines::may_show_status) {
                    tell(Progress::Waiting(remaining(manager, pending)));
                }
            }
            opened = &mut opening => {
                tell(step_of(opened, url));
                opening = Box::pin(std::future::pending());
            }
        }
    }
}

/// Returns how long the login can still wait.
pub(super) fn remaining(manager: &FlowManager, pending: &Authorization) -> Duration {
    pending.expires_at.remaining(manager.ports().clock.now())
}

/// Says which URL the user opens, and where the response is awaited if no browser opens.
fn say_where(
    manager: &FlowManager,
    pending: &Authorization,
    attempt: &Attempt,
    listens: bool,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) {
    tell(first_step(attempt, &pending.authorization_url));
    if listens && attempt.browser.is_none() {
        tell(Progress::Listening(&pending.redirect_uri, remaining(manager, pending)));
    }
}

fn first_step<'u>(attempt: &Attempt, url: &'u str) -> Progress<'u> {
    match attempt.browser {
        Some(_) if attempt.asks => Progress::Asking(url),
        Some(_) => Progress::Opening(url),
        None => Progress::Open(url),
    }
}

fn step_of(launch: Launch, url: &str) -> Progress<'_> {
    match launch {
        Launch::Failed(why) => Progress::BrowserFailed(url, why),
        Launch::Unconfirmed => Progress::Unconfirmed(url),
    }
}

fn nothing_pasted(redirect_uri: &str) -> Error {
    let error = Error::new(ErrorKind::LoginRequired, "no callback URL was entered");
    error.hint(what_to_paste(redirect_uri))
}

async fn validate_pasted(
    manager: &FlowManager,
    pending: &Authorization,
    line: Result<crate::Secret>,
) -> Result<Response> {
    let hint = || what_to_paste(&pending.redirect_uri);
    let line = line.map_err(|error| error.hint(hint()))?;
    let pasted = parse_pasted(line.expose(), &pending.redirect_uri).map_err(|error| {
        if !is_same_page(line.expose(), &pending.authorization_url) {
            return error;
        }
        Error::validation("the pasted URL is that of the login page, not the callback").hint(hint())
    })?;
    let (validation, parameters) = manager.open(pending, pasted.parameters.to_pairs()).await?;
    if !pasted.has_place && matches!(validation, Validation::Code(_)) {
        manager.refuse_mix_up(pending, &parameters).await?;
    }
    let is_cut = |state: &str| !state.is_empty() && pending.state_begins_with(state);
    let what = match validation {
        Validation::NotOurs(_) if pasted.parameters.get("state").is_some_and(is_cut) => {
            "the pasted callback is incomplete: it ends in the middle of its `state`".to_owned()
        }
        Validation::NotOurs(what) => {
            format!("the pasted text is not the callback of this login: {what}")
        }
        validation => return Ok(Response { candidate: None, parameters, validation }),
    };
    Err(Error::new(ErrorKind::InvalidState, what).hint(hint()))
}

pub(super) async fn next_event(listener: &mut Option<&mut Listener>) -> Event {
    match listener {
        Some(listener) => listener.next().await,
        None => std::future::pending().await,
    }
}

async fn next_line(pasted: &mut Option<PastedLines>) -> Option<Result<crate::Secret>> {
    match pasted {
        Some(lines) => lines.next().await,
        None => std::future::pending().await,
    }
}
