//! One login, from the listener to the final page.

use std::time::Duration;

use super::browser::{Browser, check_url};
use super::candidate::Candidate;
use super::launch::{Launch, launch};
use super::listener::{Event, ListenOptions, Listener};
use super::page::Page;
use super::paste::{PastedLines, parse_pasted};
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Authorization, AuthorizeRequest, Completed, FlowManager, check_extra};
use crate::grant::GrantKey;
use crate::port::BoxFuture;
use crate::profile::{AuthorizationServer, Profile, RedirectUri};
use crate::protocol::authorization::Judgement;
use crate::text::one_line;

/// How long a page may take to reach the browser after the login has ended.
const PAGE_GRACE: Duration = Duration::from_millis(800);

/// The settings of a login, in addition to its profile.
pub struct Attempt {
    /// The key under which the grant will be stored.
    pub key: GrantKey,
    /// The scopes; if empty, those of the profile are used.
    pub scopes: Vec<String>,
    /// `login_hint`, `prompt`, and other parameters of the authorization request.
    pub extra: Vec<(String, String)>,
    /// The port of the listener, instead of the profile's.
    pub port: Option<u16>,
    /// How long to wait for the user.
    pub timeout: Duration,
    /// Whether a listener receives the callback.
    pub listen: bool,
    /// The browser to open; without one, the URL is only reported.
    pub browser: Option<Browser>,
    /// Lines in which the callback may be pasted.
    pub pasted: Option<PastedLines>,
    /// Whether the redirect URI is the built-in one, which may move to `[::1]` on a host without IPv4.
    pub may_change_family: bool,
    /// The authorization server, if its metadata was fetched for this login already.
    pub server: Option<AuthorizationServer>,
}

crate::redact::debug::redacted_debug!(Attempt {
    key,
    scopes,
    extra => pairs,
    port,
    timeout,
    listen,
    browser,
    pasted,
    may_change_family,
    server,
});

/// Progress of a login, to be shown to the user.
pub enum Progress<'a> {
    /// The server is known; nothing has been opened yet.
    Server(&'a AuthorizationServer),
    /// The browser is about to be opened at this URL. Show the URL: it is impossible to know whether a
    /// browser opens.
    Opening(&'a str),
    /// The user must open this URL.
    Open(&'a str),
    /// The browser could not be opened; the user must open the URL.
    BrowserFailed(&'a str, String),
    /// The browser's launcher succeeded a while ago, but no request has arrived from a browser.
    Unconfirmed(&'a str),
    /// A request arrived that was not the expected callback.
    Noise(String),
    /// The pasted text is not the expected callback.
    NotPasted(String),
    /// The response is authentic; the code is being redeemed.
    Redeeming,
}

impl std::fmt::Debug for Progress<'_> {
    /// Formats the progress. A URL contains the state.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server(…)",
            Self::Opening(_) => "Opening(…)",
            Self::Open(_) => "Open(…)",
            Self::BrowserFailed(..) => "BrowserFailed(…)",
            Self::Unconfirmed(_) => "Unconfirmed(…)",
            Self::Noise(_) => "Noise(…)",
            Self::NotPasted(_) => "NotPasted(…)",
            Self::Redeeming => "Redeeming",
        })
    }
}

/// How the wait ended.
struct Response {
    /// The browser that waits for its page, unless the response was pasted.
    candidate: Option<Candidate>,
    parameters: Vec<(String, String)>,
    judgement: Judgement,
}

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
    let _room = manager.prove_store(&attempt.key).await?;
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
        scopes: attempt.scopes.clone(),
        extra: attempt.extra.clone(),
        ttl: attempt.timeout,
    };
    let own = uris.first().filter(|_| uris != profile.redirect_uris);
    let outcome = async {
        let mut attempt = attempt;
        let mut request = request;
        let pending = manager.authorize_at(server.clone(), request.clone()).await?;
        let (expires_at, was_pushed) = (pending.expires_at, pending.is_pushed());
        let outcome = run(manager, profile, &mut attempt, pending, listener.as_mut(), tell).await;
        match outcome {
            // The pushed request expired before the user opened it (RFC 9126, section 2.2).
            Err(error) if was_pushed && listener.is_some() && is_forgotten(&error) => {
                request.ttl = expires_at.remaining(manager.ports().clock.now());
                let pending = manager.authorize_at(server, request).await?;
                run(manager, profile, &mut attempt, pending, listener.as_mut(), tell).await
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
    manager: &FlowManager,
    profile: &Profile,
    attempt: &mut Attempt,
    pending: Authorization,
    mut listener: Option<&mut Listener>,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Completed> {
    if let Ok(url) = url::Url::parse(&pending.authorization_url) {
        manager.ports().trace.authorization_request(&url);
    }
    check_url(&pending.authorization_url)?;
    let mut noise = 0;
    let waiting = wait(manager, &pending, attempt, listener.as_deref_mut(), tell, &mut noise);
    let response = match tokio::time::timeout(attempt_timeout(&pending, manager), waiting).await {
        Ok(response) => response?,
        Err(_) => {
            let heard = listener.as_ref().map_or(0, |l| l.noise_count()) + noise;
            return Err(timed_out(heard, &pending));
        }
    };
    // From here on the terminal handles its keys itself again.
    attempt.pasted = None;
    let Response { candidate, parameters, judgement } = response;
    if manager.ports().trace.enabled() {
        manager
            .ports()
            .trace
            .step("Validating the authorization response", "RFC 6749, section 4.1.2");
        manager.ports().trace.authorization_response(&target(&pending.redirect_uri, &parameters));
    }
    let outcome = match judgement {
        Judgement::Code(code) => {
            tell(Progress::Redeeming);
            let completing = manager.redeem(pending, &code, &parameters);
            turn_away_while(completing, listener).await
        }
        Judgement::Failed(error) => Err(error),
        Judgement::NotOurs(what) => Err(Error::internal(what)),
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

fn attempt_timeout(pending: &Authorization, manager: &FlowManager) -> Duration {
    pending.expires_at.remaining(manager.ports().clock.now())
}

/// Waits for the authentic response; everything else is answered, reported and ignored.
async fn wait(
    manager: &FlowManager,
    pending: &Authorization,
    attempt: &mut Attempt,
    mut listener: Option<&mut Listener>,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
    noise: &mut u64,
) -> Result<Response> {
    let url = &pending.authorization_url;
    tell(if attempt.browser.is_some() { Progress::Opening(url) } else { Progress::Open(url) });
    let browser = attempt.browser.clone();
    let mut launch: BoxFuture<'_, Launch> = Box::pin(launch(browser, url));
    loop {
        tokio::select! {
            event = next_event(&mut listener) => match event {
                Event::Noise(report) => tell(Progress::Noise(report.to_string())),
                Event::Candidate(candidate) => {
                    let opened = manager.open(pending, candidate.parameters().to_pairs()).await?;
                    match opened {
                        (Judgement::NotOurs(_), _) => candidate.refuse_state(),
                        (judgement, parameters) => {
                            let candidate = Some(candidate);
                            return Ok(Response { candidate, parameters, judgement });
                        }
                    }
                }
            },
            line = next_line(&mut attempt.pasted) => {
                let Some(line) = line else {
                    attempt.pasted = None;
                    if listener.is_none() {
                        return Err(Error::new(ErrorKind::LoginRequired, "no callback URL was entered")
                            .hint("paste the whole URL from the browser's address bar"));
                    }
                    continue;
                };
                match judge_pasted(manager, pending, line).await {
                    Ok(response) => return Ok(response),
                    Err(error) => {
                        *noise += 1;
                        // Input from a pipe cannot be corrected.
                        if listener.is_none() && !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
                            return Err(error);
                        }
                        tell(Progress::NotPasted(error.message().to_owned()));
                    }
                }
            }
            launched = &mut launch => {
                tell(match launched {
                    Launch::Failed(why) => Progress::BrowserFailed(url, why),
                    Launch::Unconfirmed => Progress::Unconfirmed(url),
                });
                launch = Box::pin(std::future::pending());
            }
        }
    }
}

async fn judge_pasted(
    manager: &FlowManager,
    pending: &Authorization,
    line: Result<crate::Secret>,
) -> Result<Response> {
    let line = line?;
    let pasted = parse_pasted(line.expose(), &pending.redirect_uri)?;
    let (judgement, parameters) = manager.open(pending, pasted.parameters.to_pairs()).await?;
    if !pasted.has_place && matches!(judgement, Judgement::Code(_)) {
        manager.refuse_mix_up(pending, &parameters).await?;
    }
    let is_cut = |state: &str| !state.is_empty() && pending.state_begins_with(state);
    match judgement {
        Judgement::NotOurs(_) if pasted.parameters.get("state").is_some_and(is_cut) => {
            Err(Error::new(
                ErrorKind::InvalidState,
                "the pasted callback is incomplete: it ends in the middle of its `state`",
            ))
        }
        Judgement::NotOurs(what) => Err(Error::new(
            ErrorKind::InvalidState,
            format!("the pasted text is not the callback of this login: {what}"),
        )),
        judgement => Ok(Response { candidate: None, parameters, judgement }),
    }
}

/// Runs a future while later requests are told that a response has already arrived.
async fn turn_away_while(
    completing: impl Future<Output = Result<Completed>>,
    mut listener: Option<&mut Listener>,
) -> Result<Completed> {
    tokio::pin!(completing);
    loop {
        tokio::select! {
            biased;
            outcome = &mut completing => return outcome,
            event = next_event(&mut listener) => {
                if let Event::Candidate(candidate) = event {
                    candidate.reply(Page::Over);
                }
            }
        }
    }
}

async fn next_event(listener: &mut Option<&mut Listener>) -> Event {
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

fn timed_out(noise: u64, pending: &Authorization) -> Error {
    if noise == 0 {
        let error = Error::new(ErrorKind::Timeout, "timed out waiting for the user to log in");
        let takes_pushed = pending.server().endpoints.pushed_authorization_request.is_some();
        let error = error.hint(Advice::WaitLonger);
        return match takes_pushed && !pending.is_pushed() {
            true => error.and_hint(Advice::configure(
                &["par"],
                "if the server's page says that the request must be pushed, set `par = \"always\"` \
                 in the profile",
            )),
            false => error,
        };
    }
    let requests = match noise {
        1 => "one request that was not the expected callback".to_owned(),
        _ => format!("{noise} requests that were not the expected callback"),
    };
    Error::validation(format!("timed out after {requests}")).hint(
        "if they came from the server itself, it does not return `state`; otherwise a program on this \
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
