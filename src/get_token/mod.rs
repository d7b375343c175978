//! How a command gets a token: from an agent, from the store without any set-up, or from the manager.

pub mod remarks;
pub mod request;
mod stored;

use oauthctl_core::flow::AccessToken;
use oauthctl_core::grant::DEFAULT_ACCOUNT;
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::protocol::challenge::ResourceChallenge;
use oauthctl_core::text::one_line;
use oauthctl_core::{Advice, Error, ErrorKind, GrantKey, Result};

use self::remarks::{Configured, warn_of_move, warn_of_short_life};
use self::request::{Request, Selection, to_library};
use crate::agent::client::Agent;
use crate::commands::login;
use crate::context::Context;
use crate::source::{self, Opened};
use crate::{by_url, manager, run as runner, scopes};

/// Returns a token: from the store without any set-up if that is enough, else through the manager.
///
/// # Errors
/// See [`FlowManager::token`](oauthctl_core::FlowManager::token); also returns errors of configuration and store.
pub fn get(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    request: &Request,
) -> Result<AccessToken> {
    if let Some(agent) = Agent::named()? {
        return agent.token(&agent_request(context, profile, selection, request)?);
    }
    get_here(context, profile, selection, request)
}

/// Returns a token from the stores of this process, even if an agent is named.
///
/// # Errors
///
/// See [`get`].
pub fn get_here(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    request: &Request,
) -> Result<AccessToken> {
    match stored::get(context, profile, selection, request)? {
        Some(token) => Ok(token),
        None => from_manager(context, profile, selection, request),
    }
}

/// Returns this request as an agent reads it.
fn agent_request(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    request: &Request,
) -> Result<serde_json::Value> {
    let (profile, account) = context.asked(profile, selection.account.account.as_deref())?;
    Ok(serde_json::json!({
        "op": "token",
        "profile": profile,
        "account": account,
        "min_ttl": selection.min_ttl.map(|ttl| ttl.as_secs()),
        "scopes": selection.scopes,
        "resource": selection.resource,
        "audience": selection.audience,
        "force": request.force,
        "cached": request.cached,
        "id_token": request.id_token,
    }))
}

/// Takes the full path. It is a separate function because it needs a lot of stack, which a stored token
/// does not.
#[inline(never)]
fn from_manager(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    request: &Request,
) -> Result<AccessToken> {
    let account = selection.account.account.as_deref();
    let url = if request.login { Some(context.profile_name(profile)?) } else { None };
    let url = url.filter(|name| is_url(name));
    let again = |url: &str| {
        let login = by_url::Request { listens: true, ..by_url::Request::default() };
        log_in_by_url(context, url, selection, request, login)
    };
    let Opened { target, manager } = match (source::open(context, profile, account), &url) {
        (Err(error), Some(url)) if error.kind() == ErrorKind::LoginRequired => return again(url),
        (opened, _) => opened?,
    };
    let (profile, key) = (target.profile, &target.key);
    scopes::warn(context, &selection.scopes, profile);
    let to_library = to_library(selection, request, profile.min_ttl);
    let outcome = runner::block_on(Some(&manager), manager.token(key, &to_library));
    let token = match outcome {
        Err(error) if error.kind() == ErrorKind::LoginRequired && request.login => {
            if let Some(warning) = error.warning() {
                context.ui.warn(warning);
            }
            if let Some(url) = &url {
                return again(url);
            }
            let among_others = manager::build_among_others(context, &target)?;
            login::log_in(context, &target, &among_others, &[])?;
            runner::block_on(Some(&manager), manager.token(key, &to_library))?
        }
        other => other?,
    };
    context.ui.tell_beside(&token.warning, &token.notes);
    let token_endpoint = profile.endpoints.token.as_deref();
    let issuer = profile.issuer.as_deref();
    let former = profile.former_clients.iter();
    let former = former.filter(|one| Some(one.issuer.as_str()) == issuer);
    let former = former.map(|one| one.client.id.as_str());
    let client_id = &profile.client.id;
    warn_of_move(context, &token, Configured { issuer, token_endpoint, client_id }, former);
    warn_of_short_life(context, selection, &token);
    Ok(token)
}

/// Logs in again for the scopes that a resource asks for in addition to those that were requested before, and
/// returns a token of this login.
///
/// # Errors
///
/// Returns `Usage` if the challenge is malformed or the profile is not named by a URL, and the errors of
/// [`login::log_in_by_url`].
pub fn step_up(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    request: &Request,
    challenge: &str,
) -> Result<AccessToken> {
    let challenge = login::parse_challenge(challenge)?;
    let name = context.profile_name(profile)?;
    if !is_url(&name) {
        let what = format!(
            "`--challenge` requires a login by URL, but `{}` is not a URL",
            one_line(&name)
        );
        return Err(Error::usage(what).hint("specify the URL of the resource: `-p URL`"));
    }
    if Agent::is_named()? {
        let with = with_scopes(&challenge);
        let what = format!(
            "`{}` requires a new login{with}, but the agent does not start logins",
            one_line(&name)
        );
        return Err(
            Error::login_required(what).hint("log in again on the machine where the agent runs")
        );
    }
    if context.globals.no_input {
        return Err(needs_scopes(context, &name, selection, challenge)?);
    }
    let login = by_url::Request {
        challenge: Some(challenge),
        is_step_up: true,
        listens: true,
        ..by_url::Request::default()
    };
    log_in_by_url(context, &name, selection, request, login)
}

/// Returns the error for a step-up that may not involve the user: the scopes, and the command to run.
fn needs_scopes(
    context: &Context,
    url: &str,
    selection: &Selection,
    challenge: ResourceChallenge,
) -> Result<Error> {
    let account = context.account_name(selection.account.account.as_deref(), url)?;
    let key = GrantKey::new(url, account.as_deref().unwrap_or(DEFAULT_ACCOUNT));
    let with = with_scopes(&challenge);
    let what = format!("{key} requires a new login{with}, but `--no-input` is set");
    let error = Error::login_required(what);
    let is_insufficient = challenge.error.as_deref() == Some("insufficient_scope");
    let is_known = context.url_logins()?.find(url)?.is_some();
    Ok(match is_known && (is_insufficient || !challenge.scopes.is_empty()) {
        true => error.hint(Advice::AddScopes { key, scopes: challenge.scopes }),
        false => error.hint(Advice::LogIn(key)),
    })
}

/// Returns the scopes that a challenge names, as the end of a sentence.
fn with_scopes(challenge: &ResourceChallenge) -> String {
    match one_line(&challenge.scopes.join(" ")) {
        scopes if scopes.is_empty() => String::new(),
        scopes => format!(" with the scopes {scopes}"),
    }
}

/// Logs in to a URL, and returns a token of this login.
fn log_in_by_url(
    context: &Context,
    url: &str,
    selection: &Selection,
    request: &Request,
    login: by_url::Request,
) -> Result<AccessToken> {
    let args = login::LoginArgs::of_account(selection.account.account.as_deref());
    let login::LoggedIn { grant, manager } = login::log_in_by_url(&args, context, url, login)?;
    let profile = runner::block_on(Some(&manager), manager.profile(&grant.key.profile))?;
    let request = Request { force: false, ..*request };
    let request = to_library(selection, &request, profile.min_ttl);
    let token = runner::block_on(Some(&manager), manager.token(&grant.key, &request))?;
    context.ui.tell_beside(&token.warning, &token.notes);
    warn_of_short_life(context, selection, &token);
    Ok(token)
}

/// Returns the id_token of an account in place of its access token.
///
/// # Errors
///
/// Returns `Internal` if there is none: [`Request::id_token`] was not set.
pub fn as_bearer(token: AccessToken) -> Result<AccessToken> {
    let missing = || Error::internal("the token was handed out without its id_token");
    let mut bearer = token;
    bearer.value = bearer.id_token.clone().ok_or_else(missing)?;
    bearer.expires_at = bearer.id_token_expires_at;
    "Bearer".clone_into(&mut bearer.token_type);
    Ok(bearer)
}
