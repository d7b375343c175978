//! The cached path, which parses no configuration and sets up no runtime, thread or TLS.

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use oauthctl_core::flow::{self, AccessToken};
use oauthctl_core::grant::DEFAULT_ACCOUNT;
use oauthctl_core::profile::DEFAULT_MIN_TTL;
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::store::StoreSpec;
use oauthctl_core::{GrantKey, Result, Timestamp};

use super::remarks::{Configured, warn_of_move};
use super::request::{Request, Selection, to_library};
use crate::by_url::login::IssuedClient;
use crate::context::Context;
use crate::context::snapshot::{Found, Snapshot};
use crate::context::stores::is_kernel;

/// Returns the stored token if it satisfies the request. Everything else, errors included, is left to the full
/// path.
///
/// # Errors
///
/// Returns `Usage` for an unknown store, and an error if a file that is needed cannot be read.
pub fn get(
    context: &Context,
    profile: Option<&str>,
    selection: &Selection,
    request: &Request,
) -> Result<Option<AccessToken>> {
    if request.force {
        return Ok(None);
    }
    let named = match profile {
        Some(name) => Some(name.to_owned()),
        None => context.env("OAUTHCTL_PROFILE")?,
    };
    let Some(settings) = Settings::find(context, named.as_deref())? else { return Ok(None) };
    let spec = context.store_spec(settings.store.as_deref())?;
    let of_variable = match selection.account.account {
        Some(_) => None,
        None => context.env("OAUTHCTL_ACCOUNT")?,
    };
    let account = selection.account.account.as_deref().or(of_variable.as_deref());
    let account = account.or(settings.account.as_deref()).unwrap_or(DEFAULT_ACCOUNT);
    let key = GrantKey::new(&settings.profile, account);
    let to_library = to_library(selection, request, settings.min_ttl);
    let is_cached = is_kernel(settings.cache.as_deref());
    let mut token = None;
    #[cfg(target_os = "linux")]
    if is_cached && !request.whole && !request.id_token {
        let grant = context.kernel_cache(&spec)?.find(&key);
        token = grant.and_then(|grant| flow::stored(&grant, &to_library, false, Timestamp::now()));
    }
    // A program of the user takes longer to start than all of the full path.
    if token.is_none() && spec != StoreSpec::Command {
        let store = context.open_store_cached(&spec, is_cached)?;
        let load = pin!(store.grants.load(&key));
        // The stores on this path respond at once; one that does not is tried again on the full path.
        if let Poll::Ready(Ok(Some(grant))) = load.poll_once() {
            token = flow::stored(&grant, &to_library, false, Timestamp::now());
        }
    }
    if let Some(token) = &token {
        let (issuer, token_endpoint) =
            (settings.issuer.as_deref(), settings.token_endpoint.as_deref());
        let former = settings.former.iter().filter(|one| Some(one.issuer.as_str()) == issuer);
        let former = former.map(|one| one.client.id.as_str());
        let client_id = &settings.client_id;
        warn_of_move(context, token, Configured { issuer, token_endpoint, client_id }, former);
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
    /// The clients of earlier logins.
    former: Vec<IssuedClient>,
}

impl Settings {
    /// Returns the settings of a profile, if they are known without its part of the configuration. Whatever is
    /// wrong with that is said later.
    fn find(context: &Context, named: Option<&str>) -> Result<Option<Self>> {
        if let Some(url) = named.filter(|name| is_url(name)) {
            return Self::of_url(context, url);
        }
        if let Some(found) = Self::of_snapshot(context, named)? {
            return Ok(Some(found));
        }
        if named.is_some() {
            return Ok(None);
        }
        // The configuration can name a URL.
        match context.profile_name(None) {
            Ok(name) if is_url(&name) => Self::of_url(context, &name),
            _ => Ok(None),
        }
    }

    fn of_url(context: &Context, url: &str) -> Result<Option<Self>> {
        let Some(login) = context.url_logins()?.find(url)? else { return Ok(None) };
        let Ok(account) = context.account_name(None, &login.url) else { return Ok(None) };
        Ok(Some(Self {
            profile: login.url,
            account,
            store: Some(login.store),
            cache: None,
            min_ttl: DEFAULT_MIN_TTL,
            issuer: Some(login.issuer),
            token_endpoint: None,
            client_id: login.client.id,
            former: login.former,
        }))
    }

    fn of_snapshot(context: &Context, named: Option<&str>) -> Result<Option<Self>> {
        let Some(file) = context.config_file()? else { return Ok(None) };
        let here = || std::env::current_dir().ok();
        let found = Snapshot::lookup(&context.state_path()?, file, named, here);
        Ok(found.map(|Found { snapshot, account }| Self {
            profile: snapshot.profile,
            account,
            store: snapshot.store,
            cache: snapshot.cache,
            min_ttl: Duration::from_secs(snapshot.min_ttl_seconds),
            issuer: snapshot.issuer,
            token_endpoint: snapshot.token_endpoint,
            client_id: snapshot.client_id,
            former: Vec::new(),
        }))
    }
}

trait PollOnce: Future {
    fn poll_once(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output>;
}

impl<F: Future> PollOnce for F {
    fn poll_once(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output> {
        self.poll(&mut TaskContext::from_waker(Waker::noop()))
    }
}
