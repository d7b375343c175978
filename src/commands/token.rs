//! `oauthctl token`: prints a valid access token.

use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use clap::{Args, ValueHint};
use oauthctl_core::flow::{self, AccessToken, TokenRequest};
use oauthctl_core::grant::DEFAULT_ACCOUNT;
use oauthctl_core::profile::USUAL_MIN_TTL;
use oauthctl_core::profile::snapshot::{Found, Snapshot};
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::store::StoreSpec;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, GrantKey, Result, Secret, Timestamp, time};

use crate::agent::client::Agent;
use crate::args::{AccountOption, ProfileArg};
use crate::commands::login;
use crate::context::{Context, is_kernel};
use crate::format::{FORMATS, Format, render};
use crate::source::{self, Opened};
use crate::{by_url, hint, manager, run as runner, scopes, ui};

/// Which account to use, and what its token must satisfy.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    #[command(flatten)]
    pub account: AccountOption,
    /// Minimum remaining lifetime of the token [default: from the profile, else 60s]
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, value_hint = ValueHint::Other)]
    pub min_ttl: Option<Duration>,
    /// Request a token with only this scope; can be repeated
    #[arg(long = "scope", value_name = "SCOPE", value_hint = ValueHint::Other)]
    pub scopes: Vec<String>,
    /// Request a token for this resource (RFC 8707)
    #[arg(long, value_name = "URI", value_hint = ValueHint::Url)]
    pub resource: Option<String>,
    /// Request a token for this audience
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub audience: Option<String>,
}

#[derive(Debug, Default, Args)]
#[command(after_help = format!("{FORMATS}\n\nExamples:\n  \
oauthctl token -p gitlab\n  \
oauthctl token -p api --format curl | curl -K - https://api.example.com/me\n  \
eval \"$(oauthctl token -p gitlab --format env)\""))]
pub struct TokenArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Refresh the token even if it is still valid
    #[arg(long, conflicts_with = "cached")]
    force_refresh: bool,
    /// Print the stored token or fail, without network access
    #[arg(long)]
    pub(crate) cached: bool,
    /// Print the id_token instead of the access token
    #[arg(long)]
    id_token: bool,
    /// Log in if necessary
    #[arg(long, conflicts_with = "cached")]
    login: bool,
    /// Profile named by a URL: log in again for the scopes in this `WWW-Authenticate` value
    #[arg(long, value_name = "VALUE", conflicts_with = "cached", value_hint = ValueHint::Other)]
    challenge: Option<String>,
    /// Output format, see below [default: token]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Format>,
    /// Mailbox for `--format xoauth2` and `--format oauthbearer`
    #[arg(long, value_name = "MAILBOX", value_hint = ValueHint::EmailAddress)]
    user: Option<String>,
    /// Add a DPoP proof for this request; for the formats header, headers, curl and json (RFC 9449)
    #[arg(long, value_name = "METHOD URL", value_parser = parse_request, value_hint = ValueHint::Other, conflicts_with = "id_token")]
    dpop: Option<(String, String)>,
    /// `DPoP-Nonce` that the API returned, for the proof
    #[arg(long, value_name = "NONCE", value_hint = ValueHint::Other, requires = "dpop")]
    dpop_nonce: Option<String>,
}

/// Parses `METHOD URL`.
fn parse_request(text: &str) -> std::result::Result<(String, String), String> {
    let mut words = text.split_ascii_whitespace().map(str::to_owned);
    match (words.next(), words.next(), words.next()) {
        (Some(method), Some(url), None) => Ok((method, url)),
        _ => Err("expected a method and a URL, like `GET https://api.example.com/me`".to_owned()),
    }
}

/// Prints a token.
///
/// # Errors
///
/// Returns an error whose kind determines the exit code.
pub fn run(args: &TokenArgs, context: &Context) -> Result<ExitCode> {
    let format = match args.format {
        Some(format) => format,
        None if context.globals.json => Format::Json,
        None => Format::Token,
    };
    if args.user.is_none() {
        format.check_without_user()?;
    }
    if args.dpop.is_some() && !format.has_proof() {
        return Err(Error::usage("`--dpop` requires another format")
            .hint("add `--format header`, `headers`, `curl` or `json`"));
    }
    let want = Want {
        force: args.force_refresh,
        cached: args.cached,
        login: args.login,
        id_token: args.id_token,
        whole: format == Format::Json || args.dpop.is_some(),
    };
    let profile = args.profile.name()?;
    let token = match args.challenge.as_deref() {
        Some(value) => step_up(context, profile, &args.selection, &want, value)?,
        None => hand_out(context, profile, &args.selection, &want)?,
    };
    remark_renewal(context, &token);
    let token = if args.id_token && format != Format::Json { as_bearer(token)? } else { token };
    let now = Timestamp::now();
    let proof = proof(args, &token, now)?;
    ui::print(&render(format, &token, args.user.as_deref(), proof.as_ref(), now)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the proof that is requested.
fn proof(args: &TokenArgs, token: &AccessToken, now: Timestamp) -> Result<Option<Secret>> {
    let Some((method, url)) = &args.dpop else { return Ok(None) };
    let nonce = args.dpop_nonce.as_deref();
    let proof = token.dpop_proof(method, url, nonce, now)?;
    if proof.is_none() {
        let what = format!(
            "`--dpop` requires a token that is bound to a key, but this is a {} token",
            token.token_type
        );
        return Err(Error::usage(what).hint("set `dpop = true` in the profile, and log in again"));
    }
    Ok(proof)
}

/// Says with `--verbose` that the token is new.
pub fn remark_renewal(context: &Context, token: &AccessToken) {
    if !token.fresh {
        return;
    }
    let life = token.expires_at.map_or_else(String::new, |at| {
        format!(" that is valid for {}", time::describe(at.remaining(Timestamp::now())))
    });
    context.ui.remark(format!("The server issued a new token for {}{life}.", token.account.key));
}

/// Returns the id_token of an account in place of its access token.
///
/// # Errors
///
/// Returns `Internal` if there is none: [`Want::id_token`] was not set.
pub fn as_bearer(token: AccessToken) -> Result<AccessToken> {
    let missing = || Error::internal("the token was handed out without its id_token");
    let mut bearer = token;
    bearer.value = bearer.id_token.clone().ok_or_else(missing)?;
    bearer.expires_at = bearer.id_token_expires_at;
    "Bearer".clone_into(&mut bearer.token_type);
    Ok(bearer)
}

/// What `token`, `exec` and `refresh` request beyond the selection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Want {
    /// Refresh whatever is stored.
    pub force: bool,
    /// Use no network.
    pub cached: bool,
    /// Log in if needed.
    pub login: bool,
    /// Return an id_token with the remaining lifetime.
    pub id_token: bool,
    /// Return what is known with the token too, such as its attributes.
    pub whole: bool,
}

/// Returns a token: from the store without any set-up if that is enough, else through the manager.
///
/// # Errors
/// See [`flow::FlowManager::token`]; also returns errors of configuration and store.
pub fn hand_out(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    want: &Want,
) -> Result<AccessToken> {
    if let Some(agent) = Agent::named()? {
        return agent.token(&lent_request(context, profile, selection, want)?);
    }
    own(context, profile, selection, want)
}

/// Returns a token of this process's own store, even if an agent is named.
///
/// # Errors
///
/// See [`hand_out`].
pub fn own(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    want: &Want,
) -> Result<AccessToken> {
    match from_store(context, profile, selection, want)? {
        Some(token) => Ok(token),
        None => from_manager(context, profile, selection, want),
    }
}

/// Returns the same request for an agent.
fn lent_request(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    want: &Want,
) -> Result<serde_json::Value> {
    let named = match profile {
        Some(name) => Some(name.to_owned()),
        None => context.env("OAUTHCTL_PROFILE")?,
    };
    Ok(serde_json::json!({
        "op": "token",
        "profile": named,
        "account": selection.account.account,
        "min_ttl": selection.min_ttl.map(|ttl| ttl.as_secs()),
        "scopes": selection.scopes,
        "resource": selection.resource,
        "audience": selection.audience,
        "force": want.force,
        "cached": want.cached,
        "id_token": want.id_token,
    }))
}

/// Takes the full path. It is a separate function because it needs a lot of stack, which a stored token
/// does not.
#[inline(never)]
fn from_manager(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    want: &Want,
) -> Result<AccessToken> {
    let account = selection.account.account.as_deref();
    let url = if want.login { Some(context.profile_name(profile)?) } else { None };
    let url = url.filter(|name| is_url(name));
    let again = |url: &str| {
        let request = by_url::Request { listens: true, ..by_url::Request::default() };
        log_in_by_url(context, url, selection, want, request)
    };
    let Opened { target, manager } = match (source::open(context, profile, account), &url) {
        (Err(error), Some(url)) if error.kind() == ErrorKind::LoginRequired => return again(url),
        (opened, _) => opened?,
    };
    let (profile, key) = (target.profile, &target.key);
    scopes::warn(context, &selection.scopes, profile);
    let request = request(selection, want, profile.min_ttl);
    let outcome = runner::block_on(Some(&manager), manager.token(key, &request));
    let token = match outcome {
        Err(error) if error.kind() == ErrorKind::LoginRequired && want.login => {
            if let Some(warning) = error.warning() {
                context.ui.warn(warning);
            }
            if let Some(url) = &url {
                return again(url);
            }
            let among_others = manager::build_among_others(context, &target)?;
            login::log_in(context, &target, &among_others, &[])?;
            runner::block_on(Some(&manager), manager.token(key, &request))?
        }
        other => other?,
    };
    context.ui.tell_beside(&token.warning, &token.notes);
    let endpoint = profile.endpoints.token.as_deref();
    warn_of_move(context, &token, profile.issuer.as_deref(), endpoint, &profile.client.id);
    warn_of_short_life(context, selection, &token);
    Ok(token)
}

/// Warns about a token of the server or client that was configured before: it still works there, and
/// nowhere else.
fn warn_of_move(
    context: &Context,
    token: &AccessToken,
    issuer: Option<&str>,
    token_endpoint: Option<&str>,
    client_id: &str,
) {
    let account = &token.account;
    let Some(what) = account.pin.differs_from(issuer, token_endpoint, client_id) else { return };
    let warning = format!(
        "the token of {} belongs to a different {what} than the one that is now configured",
        account.key
    );
    let hint = format!("run `{}` to get a new one", hint::login_command(&account.key));
    context.ui.warn(&Error::config(warning).hint(hint));
}

/// Warns that the server issues only tokens with a shorter lifetime than requested.
fn warn_of_short_life(context: &Context, selection: &Selection, token: &AccessToken) {
    let (Some(wanted), Some(at)) = (selection.min_ttl, token.expires_at) else {
        return;
    };
    // A new token has its whole lifetime, minus the duration of the request.
    let left = match token.lifetime.filter(|_| token.fresh) {
        Some(lifetime) => Duration::from_secs(lifetime),
        None => at.remaining(Timestamp::now()),
    };
    if left < wanted && token.warning.is_none() {
        let what = format!(
            "the token is valid for {}, less than the {} of `--min-ttl`: the server does not issue \
             longer-lived tokens",
            time::describe(left),
            time::describe(wanted)
        );
        context.ui.warn(&Error::unavailable(what));
    }
}

fn request(selection: &Selection, want: &Want, of_profile: Duration) -> TokenRequest {
    let mut request = TokenRequest::default().usual_min_ttl(of_profile);
    request = request.scopes(selection.scopes.clone());
    request.min_ttl = selection.min_ttl;
    (request.force, request.cached, request.id_token) = (want.force, want.cached, want.id_token);
    request.resource.clone_from(&selection.resource);
    request.audience.clone_from(&selection.audience);
    request
}

/// Logs in again for the scopes that a resource asks for in addition to those that were requested before.
fn step_up(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    want: &Want,
    challenge: &str,
) -> Result<AccessToken> {
    let challenge = login::parse_challenge(challenge)?;
    let name = context.profile_name(profile)?;
    if !is_url(&name) {
        let what =
            format!("`--challenge` is for a login by URL, and `{}` is none", one_line(&name));
        return Err(Error::usage(what).hint("name the URL of the resource: `-p URL`"));
    }
    let request = by_url::Request {
        challenge: Some(challenge),
        is_step_up: true,
        listens: true,
        ..by_url::Request::default()
    };
    log_in_by_url(context, &name, selection, want, request)
}

/// Logs in to a URL, and returns a token of this login.
fn log_in_by_url(
    context: &Context,
    url: &str,
    selection: &Selection,
    want: &Want,
    request: by_url::Request,
) -> Result<AccessToken> {
    let args = login::LoginArgs::of_account(selection.account.account.as_deref());
    let login::LoggedIn { grant, manager } = login::log_in_by_url(&args, context, url, request)?;
    let profile = runner::block_on(Some(&manager), manager.profile(&grant.key.profile))?;
    let want = Want { force: false, ..*want };
    let request = self::request(selection, &want, profile.min_ttl);
    let token = runner::block_on(Some(&manager), manager.token(&grant.key, &request))?;
    context.ui.tell_beside(&token.warning, &token.notes);
    warn_of_short_life(context, selection, &token);
    Ok(token)
}

/// Tries the cached path, which parses no configuration and sets up no runtime, thread or TLS. Everything
/// else, errors included, is left to the full path.
fn from_store(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    want: &Want,
) -> Result<Option<AccessToken>> {
    if want.force {
        return Ok(None);
    }
    let named = match profile {
        Some(name) => Some(name.to_owned()),
        None => context.env("OAUTHCTL_PROFILE")?,
    };
    let Some(settings) = settings(context, named.as_deref())? else { return Ok(None) };
    let spec = context.store_spec(settings.store.as_deref())?;
    let of_variable = match selection.account.account {
        Some(_) => None,
        None => context.env("OAUTHCTL_ACCOUNT")?,
    };
    let account = selection.account.account.as_deref().or(of_variable.as_deref());
    let account = account.or(settings.account.as_deref()).unwrap_or(DEFAULT_ACCOUNT);
    let key = GrantKey::new(&settings.profile, account);
    let request = request(selection, want, settings.min_ttl);
    let is_cached = is_kernel(settings.cache.as_deref());
    let mut token = None;
    #[cfg(target_os = "linux")]
    if is_cached && !want.whole && !want.id_token {
        let grant = context.kernel_cache(&spec)?.find(&key);
        token = grant.and_then(|grant| flow::stored(&grant, &request, false, Timestamp::now()));
    }
    // A program of the user takes longer to start than all of the full path.
    if token.is_none() && spec != StoreSpec::Command {
        let store = context.open_store_cached(&spec, is_cached)?;
        let load = pin!(store.grants.load(&key));
        // The stores on this path respond at once; one that does not is tried again on the full path.
        if let Poll::Ready(Ok(Some(grant))) = load.poll_once() {
            token = flow::stored(&grant, &request, false, Timestamp::now());
        }
    }
    if let Some(token) = &token {
        let (issuer, endpoint) = (settings.issuer.as_deref(), settings.token_endpoint.as_deref());
        warn_of_move(context, token, issuer, endpoint, &settings.client_id);
    }
    Ok(token)
}

/// The settings of a profile that the cached path needs.
struct Settings {
    profile: String,
    /// The account that a rule sets.
    account: Option<String>,
    store: Option<String>,
    cache: Option<String>,
    min_ttl: Duration,
    issuer: Option<String>,
    token_endpoint: Option<String>,
    client_id: String,
}

/// Returns the settings of a profile, if they are known without parsing the configuration.
fn settings(context: &Context, named: Option<&str>) -> Result<Option<Settings>> {
    if let Some(url) = named.filter(|name| is_url(name)) {
        let login = context.url_logins()?.find(url)?;
        return Ok(login.map(|login| Settings {
            profile: login.url,
            account: None,
            store: Some(login.store),
            cache: None,
            min_ttl: USUAL_MIN_TTL,
            issuer: Some(login.issuer),
            token_endpoint: None,
            client_id: login.client.id,
        }));
    }
    let Some(file) = context.config_file()? else { return Ok(None) };
    let here = || std::env::current_dir().ok();
    let found = Snapshot::lookup(&context.state_path()?, file, named, here);
    Ok(found.map(|Found { snapshot, account }| Settings {
        profile: snapshot.profile,
        account,
        store: snapshot.store,
        cache: snapshot.cache,
        min_ttl: Duration::from_secs(snapshot.min_ttl_seconds),
        issuer: snapshot.issuer,
        token_endpoint: snapshot.token_endpoint,
        client_id: snapshot.client_id,
    }))
}

trait PollOnce: Future {
    fn poll_once(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output>;
}

impl<F: Future> PollOnce for F {
    fn poll_once(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output> {
        self.poll(&mut TaskContext::from_waker(Waker::noop()))
    }
}
