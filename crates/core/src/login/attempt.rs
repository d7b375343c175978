//! One login, from the listener to the final page.

mod options;
mod wait;

use std::time::Duration;

use self::wait::{Response, Waiting, next_event, remaining, wait};
use super::browser::check_url;
use super::listener::{Event, ListenOptions, Listener};
use super::page::Page;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Authorization, AuthorizeRequest, Completed, FlowManager, check_extra};
use crate::profile::{Profile, RedirectUri};
use crate::protocol::authorization::Validation;
use crate::text::one_line;

pub use options::{Attempt, Progress};

/// How long a page may take to reach the browser after the login has ended.
const PAGE_GRACE: Duration = Duration::from_millis(800);

/// Logs in: resolves the server, opens the listener and then the browser, validates the response, redeems
/// the code, stores the tokens, and only then shows success in the browser.
///
/// # Errors
///
/// Returns `Timeout` if the user did not respond, `Validation` if the time ran out after forged callbacks
/// had arrived, and the errors of [`FlowManager::authorize_at`] and [`FlowManager::redeem`].
pub async fn log_in(
    manager: &FlowManager,
    attempt: Attempt,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Completed> {
    let profile = &*manager.profile(&attempt.key.profile).await?;
    let _reservation = manager.prove_store(&attempt.key).await?;
    check_extra(&attempt.extra)?;
    let server = match attempt.server.clone() {
        Some(server) => server,
        None => manager.server(&profile.name).await?,
    };
    tell(Progress::Server(&server));
    // How the servers are told apart decides where the response is awaited.
    let uris = profile.login_redirect_uris(server.iss_parameter_supported);
    let mut listener = match attempt.listen {
        true => Some(bind(profile, &uris, &attempt).await?),
        false => None,
    };
    let redirect_uri = match (&listener, uris.first()) {
        (Some(listener), _) => listener.redirect_uri().to_owned(),
        (None, Some(uri)) => uri.text.clone(),
        (None, None) => return Err(Error::config("the profile has no redirect URI")),
    };
    let request = AuthorizeRequest {
        key: attempt.key.clone(),
        redirect_uri,
        own_redirect_uri: None,
        scopes: attempt.scopes.clone(),
        extra: attempt.extra.clone(),
        ttl: attempt.timeout,
    };
    let own = uris.first().filter(|_| uris != profile.redirect_uris);
    let outcome = async {
        let mut request = request;
        let listener = listener.as_mut();
        let mut waiting = Waiting { manager, attempt, listener, tell, rejected: 0 };
        let pending = manager.authorize_at(server.clone(), request.clone()).await?;
        let (expires_at, was_pushed) = (pending.expires_at, pending.is_pushed());
        match run(&mut waiting, profile, pending).await {
            // The pushed request expired before the user opened it (RFC 9126, section 2.2).
            Err(error) if was_pushed && waiting.listener.is_some() && is_forgotten(&error) => {
                request.ttl = expires_at.remaining(manager.ports().clock.now());
                let pending = manager.authorize_at(server, request).await?;
                run(&mut waiting, profile, pending).await
            }
            outcome => outcome,
        }
    };
    let outcome = outcome.await.map_err(|error| unregistered(error, own));
    if let Some(listener) = listener {
        listener.close(PAGE_GRACE).await;
    }
    outcome
}

async fn bind(profile: &Profile, uris: &[RedirectUri], attempt: &Attempt) -> Result<Listener> {
    let options = ListenOptions {
        form_post: profile.is_form_post(),
        other_family: attempt.may_change_family,
    };
    Listener::bind(uris, attempt.port, options).await
}

async fn run(
    waiting: &mut Waiting<'_>,
    profile: &Profile,
    pending: Authorization,
) -> Result<Completed> {
    let manager = waiting.manager;
    if let Ok(url) = url::Url::parse(&pending.authorization_url) {
        manager.ports().trace.authorization_request(&url);
    }
    check_url(&pending.authorization_url)?;
    waiting.rejected = 0;
    let timeout = remaining(manager, &pending);
    let response = match tokio::time::timeout(timeout, wait(waiting, &pending)).await {
        Ok(response) => response?,
        Err(_) => {
            let listened = waiting.listener.as_ref().map_or(0, |l| l.rejected_count());
            let heard = listened + waiting.rejected;
            return Err(timed_out(heard, &pending));
        }
    };
    // From here on the terminal handles its keys itself again.
    waiting.attempt.pasted = None;
    let Response { candidate, parameters, validation } = response;
    if manager.ports().trace.enabled() {
        manager
            .ports()
            .trace
            .step("Validating the authorization response", "RFC 6749, section 4.1.2");
        manager.ports().trace.authorization_response(&target(&pending.redirect_uri, &parameters));
    }
    let outcome = match validation {
        Validation::Code(code) => {
            (waiting.tell)(Progress::Redeeming);
            let completing = manager.redeem(pending, &code, &parameters);
            turn_away_while(completing, &mut waiting.listener).await
        }
        Validation::Failed(error) => Err(error),
        Validation::NotOurs(what) => Err(Error::internal(what)),
    };
    if let Some(candidate) = candidate {
        candidate.reply(page(profile, &outcome));
    }
    outcome
}

/// Returns the response as a request target, whichever way it arrived.
fn target(redirect_uri: &str, parameters: &[(String, String)]) -> String {
    let path =
        url::Url::parse(redirect_uri).map_or_else(|_| "/".to_owned(), |u| u.path().to_owned());
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{path}?{query}")
}

/// Runs a future, and meanwhile answers later requests with the page that says that a response has already arrived.
async fn turn_away_while(
    completing: impl Future<Output = Result<Completed>>,
    listener: &mut Option<&mut Listener>,
) -> Result<Completed> {
    tokio::pin!(completing);
    loop {
        tokio::select! {
            biased;
            outcome = &mut completing => return outcome,
            event = next_event(listener) => {
                if let Event::Candidate(candidate) = event {
                    candidate.reply(Page::Over);
                }
            }
        }
    }
}

/// Extends the hint of a timeout: a server that does not know the redirect URI shows that only in the
/// browser.
fn unregistered(error: Error, own: Option<&RedirectUri>) -> Error {
    match own {
        Some(uri) if error.kind() == ErrorKind::Timeout => error.hint(Advice::StartAgain).and_hint(
            format!("if the server rejected the redirect URI, register {} with it", uri.text),
        ),
        _ => error,
    }
}

/// Returns whether the server no longer knows the pushed request (RFC 9101, section 7).
fn is_forgotten(error: &Error) -> bool {
    error.oauth_error().is_some_and(|oauth| oauth.code == "invalid_request_uri")
}

fn timed_out(rejected: u64, pending: &Authorization) -> Error {
    if rejected == 0 {
        let error = Error::new(ErrorKind::Timeout, "timed out waiting for the user to log in");
        let takes_pushed = pending.server().endpoints.pushed_authorization_request.is_some();
        let error = error.hint(Advice::WaitLonger);
        return match takes_pushed && !pending.is_pushed() {
            true => error.and_hint(Advice::configure(
                &["par"],
                "if the server's page says that pushed authorization requests are required, set \
                 `par = \"always\"` in the profile",
            )),
            false => error,
        };
    }
    let requests = match rejected {
        1 => "one request that was not the expected callback".to_owned(),
        _ => format!("{rejected} requests that were not the expected callback"),
    };
    Error::validation(format!("timed out after {requests}")).hint(
        "if they came from the server, it does not return `state`; otherwise a program on this \
         machine or a web page interfered",
    )
}

fn page(profile: &Profile, outcome: &Result<Completed>) -> Page {
    let to = one_line(&profile.name);
    match outcome {
        Ok(completed) => {
            Page::SignedIn { to, identity: completed.grant.identity.label().map(one_line) }
        }
        Err(error) if error.kind() == ErrorKind::AccessDenied => {
            let reason = error.oauth_error().and_then(|o| o.description.clone());
            Page::Denied { to, reason }
        }
        Err(error) => Page::Failed { to, reason: error.message().to_owned() },
    }
}
