//! The deep module: everything hard about a grant behind a handful of methods.
//!
//! [`FlowManager`] starts and completes authorizations, hands out tokens, and revokes. PKCE, state,
//! validation, locking, rotation and crash safety happen inside; the world is reached through the
//! traits of [`crate::port`].

mod attributes;
mod commit;
mod complete;
mod exchange;
mod hooks;
mod identity;
mod key_cache;
mod obtain;
mod refresh;
mod remembered;
mod renew;
mod required;
mod revoke;
mod start;
mod two_phase;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::Secret;
use crate::error::{Error, Result};
use crate::grant::{Grant, GrantKey, Pin, TokenSet};
use crate::port::{BoxFuture, Clock, Coordinator, GrantStore, Http};
use crate::profile::{AuthorizationServer, ClientAuth, Profile, SecretSource, discovery};
use crate::protocol::jwks::KeySource;
use crate::time::Timestamp;
use crate::trace::Trace;

pub use complete::Completed;
pub use hooks::{HOOK_ANSWER, HOOK_LIMIT, Hooks};
pub use renew::{login_command, stored};
pub use required::RequiredIdentity;
pub use revoke::{AtServer, Revoked};
#[cfg(feature = "login")]
pub(crate) use start::check_extra;
pub use start::{PendingFlow, StartRequest};
pub use two_phase::{BeginRequest, Begun, PendingInfo, Recognized, TwoPhase};

/// How long a caller waits for another that is refreshing the same grant: longer than one request may
/// take. Behind one that takes longer still, the caller gives up; it never sends a second request.
const LOCK_WAIT: Duration = Duration::from_secs(45);

/// The life that a token without `expires_in` is trusted to have when it can be refreshed. One that
/// cannot be refreshed is handed out for as long as it is stored.
pub const ASSUMED_LIFE: Duration = Duration::from_secs(3_600);

/// The room that is reserved for a record before a code or refresh token is spent.
const RECORD_ROOM: usize = 64 * 1024;

/// Turns the references to secrets in a profile into secrets.
pub trait Secrets: Send + Sync {
    /// Reads a secret from where the profile says it is.
    fn resolve<'a>(&'a self, source: &'a SecretSource) -> BoxFuture<'a, Result<Secret>>;
}

/// The secrets of a profile that names none: a public client's.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve<'a>(&'a self, _: &'a SecretSource) -> BoxFuture<'a, Result<Secret>> {
        let error = Error::config("the profile names a secret, and there is nowhere to read it");
        Box::pin(std::future::ready(Err(error)))
    }
}

/// Sees every grant right after it was committed: write-back to a CI system, for instance.
pub trait Committed: Send + Sync {
    /// Called once a new generation is durable. An error is told to the caller as a warning: the
    /// commit stands.
    fn committed<'a>(&'a self, profile: &'a Profile, grant: &'a Grant)
    -> BoxFuture<'a, Result<()>>;
}

/// What a [`FlowManager`] is built from.
#[derive(Clone)]
pub struct Ports {
    /// The transport.
    pub http: Arc<dyn Http>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where grants are kept.
    pub store: Arc<dyn GrantStore>,
    /// Who takes turns.
    pub coordinator: Arc<dyn Coordinator>,
    /// Where client secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// Who sees commits.
    pub committed: Option<Arc<dyn Committed>>,
    /// The teaching trace.
    pub trace: Trace,
    /// Where discovered metadata is cached.
    pub discovery_cache: Option<PathBuf>,
}

/// Starts and completes authorizations, hands out tokens, and revokes them.
#[derive(Clone)]
pub struct FlowManager {
    ports: Ports,
    critical: Arc<AtomicUsize>,
    keys: Arc<Mutex<HashMap<String, Arc<KeySource>>>>,
    two_phase: Option<TwoPhase>,
    hooks: Option<Arc<dyn Hooks>>,
}

/// What a caller wants of [`FlowManager::token`].
#[derive(Debug, Clone, Default)]
pub struct TokenRequest {
    /// The least life that the token must have left.
    pub min_ttl: Duration,
    /// Refresh even if the stored token has enough life.
    pub force: bool,
    /// Never use the network.
    pub cached: bool,
    /// Ask for these scopes instead of the granted ones (RFC 6749, section 6: no more than those).
    pub scopes: Vec<String>,
    /// Ask for a token for this resource (RFC 8707).
    pub resource: Option<String>,
    /// Ask for a token for this audience.
    pub audience: Option<String>,
}

impl TokenRequest {
    /// The name under which a narrowed token is kept; `None` for the grant's own.
    fn narrowing(&self) -> Option<String> {
        if self.scopes.is_empty() && self.resource.is_none() && self.audience.is_none() {
            return None;
        }
        let mut scopes = self.scopes.clone();
        scopes.sort();
        let none = String::new();
        let (resource, audience) =
            (self.resource.as_ref().unwrap_or(&none), self.audience.as_ref().unwrap_or(&none));
        Some(format!("scope={} resource={resource} audience={audience}", scopes.join(" ")))
    }
}

/// A token that was handed out, and the grant that it belongs to.
#[derive(Debug, Clone)]
pub struct Handout {
    /// The grant.
    pub grant: Grant,
    /// The tokens: the grant's own, or narrowed ones.
    pub tokens: TokenSet,
    /// Why a refresh failed although a token could be handed out.
    pub warning: Option<Error>,
    /// Whether the token came from a request that this call made.
    pub fresh: bool,
}

impl FlowManager {
    /// A manager over these ports.
    pub fn new(mut ports: Ports) -> Self {
        ports.http = ports.trace.wrap(ports.http);
        Self { ports, critical: Arc::default(), keys: Arc::default(), two_phase: None, hooks: None }
    }

    /// What the manager was built from.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Whether something is being spent and not yet saved, so that the process should not end now.
    pub fn is_critical(&self) -> bool {
        self.critical.load(Ordering::SeqCst) > 0
    }

    fn enter_critical(&self) -> Critical {
        self.critical.fetch_add(1, Ordering::SeqCst);
        Critical(Arc::clone(&self.critical))
    }

    /// The authorization server of a profile: configuration completed by discovery.
    ///
    /// # Errors
    ///
    /// `Validation` for metadata that does not match its issuer or is unsafe, `Unavailable` where
    /// it cannot be had, `Config` where an endpoint is missing.
    pub async fn server(&self, profile: &Profile) -> Result<AuthorizationServer> {
        let cache = self.ports.discovery_cache.as_deref();
        discovery::resolve(profile, &*self.ports.http, &*self.ports.clock, cache).await
    }

    /// The same with the optional endpoints (revocation, userinfo), which are not worth a request
    /// on the way to a token.
    pub(crate) async fn whole_server(&self, profile: &Profile) -> Result<AuthorizationServer> {
        let cache = self.ports.discovery_cache.as_deref();
        discovery::resolve_fully(profile, &*self.ports.http, &*self.ports.clock, cache).await
    }

    /// Looks at what is stored, without lock or network.
    pub async fn peek(&self, key: &GrantKey) -> Result<Option<Grant>> {
        self.ports.store.load(key).await
    }

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }
}

/// Counts as long as it lives.
struct Critical(Arc<AtomicUsize>);

impl Drop for Critical {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The way a client authenticates: as configured, else by what it has and what the server takes.
pub fn client_auth(profile: &Profile, server: &AuthorizationServer) -> ClientAuth {
    if let Some(method) = profile.client.auth {
        return method;
    }
    let offered = |method: ClientAuth| {
        server.token_auth_methods.is_empty()
            || server.token_auth_methods.iter().any(|m| m == method.as_str())
    };
    if profile.client.private_key.is_some() || profile.client.assertion.is_some() {
        return ClientAuth::PrivateKeyJwt;
    }
    match profile.client.secret {
        None => ClientAuth::None,
        Some(_)
            if !offered(ClientAuth::ClientSecretBasic) && offered(ClientAuth::ClientSecretPost) =>
        {
            ClientAuth::ClientSecretPost
        }
        Some(_) => ClientAuth::ClientSecretBasic,
    }
}

fn pin(profile: &Profile, server: &AuthorizationServer) -> Result<Pin> {
    Ok(Pin {
        issuer: server.issuer.clone(),
        token_endpoint: token_endpoint(profile, server)?.to_owned(),
        refresh_endpoint: server.endpoints.refresh.clone(),
        revocation_endpoint: server.endpoints.revocation.clone(),
        client_id: profile.client.id.clone(),
        client_auth: client_auth(profile, server).as_str().to_owned(),
    })
}

fn token_endpoint<'a>(profile: &Profile, server: &'a AuthorizationServer) -> Result<&'a str> {
    server.endpoints.token.as_deref().ok_or_else(|| {
        Error::config(format!("no token endpoint is known for profile `{}`", profile.name))
            .hint("set `token_endpoint`, or `issuer` for discovery")
    })
}

/// What differs between the pin of a grant and what configuration or metadata now name.
fn moved(old: &Pin, new: &Pin) -> Option<String> {
    let differs = |what: &str, old: &str, new: &str| {
        Some(format!(
            "{what} was {} and is now {}",
            crate::text::one_line(old),
            crate::text::one_line(new)
        ))
    };
    if let (Some(a), Some(b)) = (&old.issuer, &new.issuer)
        && a != b
    {
        return differs("the issuer", a, b);
    }
    if old.token_endpoint != new.token_endpoint {
        return differs("the token endpoint", &old.token_endpoint, &new.token_endpoint);
    }
    if old.refresh_endpoint != new.refresh_endpoint {
        let none = String::from("the token endpoint");
        let (a, b) = (&old.refresh_endpoint, &new.refresh_endpoint);
        return differs(
            "the refresh endpoint",
            a.as_ref().unwrap_or(&none),
            b.as_ref().unwrap_or(&none),
        );
    }
    if old.client_id != new.client_id {
        return differs("the client", &old.client_id, &new.client_id);
    }
    if old.client_auth != new.client_auth {
        return differs("the client authentication", &old.client_auth, &new.client_auth);
    }
    None
}
