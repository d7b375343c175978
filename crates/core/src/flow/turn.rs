//! The context of the steps of a flow: a profile, then its server, then a grant whose lock is held.

use std::sync::Arc;
use std::time::Duration;

use super::access_token::AccessToken;
use super::critical::Parts;
use super::hooks::HOOK_TIMEOUT;
use super::jwks_cache::JwksCache;
use super::pin::{pin, token_endpoint};
use super::ports::Ports;
use super::profiles::Profiles;
use super::request::TokenRequest;
use crate::error::{Error, Result};
use crate::grant::{GrantKey, Pin};
use crate::port::{BoxFuture, Clock, Http, Lock};
use crate::profile::discovery::{self, Purpose};
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::service_account::ServiceAccount;
use crate::text::one_line;
use crate::time::Timestamp;

/// How long a caller waits for another that is refreshing the same grant: longer than one request may take.
/// After that the caller gives up; it never sends a second request.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(45);

/// Returns how long a caller waits for another that holds the lock, with the hooks of both.
pub(super) fn lock_wait(profile: &Profile) -> Duration {
    if profile.hooks.is_empty() { LOCK_WAIT } else { LOCK_WAIT + 2 * HOOK_TIMEOUT }
}

/// Returns a token, as [`FlowManager::token`](crate::FlowManager::token) does. A value of this type takes
/// the place of a call where a grant is obtained with the token of another one.
pub(super) type GetToken =
    for<'a> fn(Context<'a>, &'a GrantKey, &'a TokenRequest) -> BoxFuture<'a, Result<AccessToken>>;

/// What a manager and its clones share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) profiles: Arc<dyn Profiles>,
    pub(super) ports: Ports,
    pub(super) critical: Parts,
    pub(super) jwks: JwksCache,
    pub(super) get_token: GetToken,
    /// The profiles whose grants wait for a token of this one, from the first.
    pub(super) waiting: Vec<String>,
}

impl Shared {
    /// Returns the profile of this name, if it is known. Profiles come from a port, so the name is checked:
    /// the tokens of one profile must never be sent to the server of another.
    pub(super) async fn profile(&self, name: &str) -> Result<Option<Arc<Profile>>> {
        match self.profiles.get(name).await? {
            Some(other) if other.name != name => Err(Error::config(format!(
                "the profile `{}` was returned in place of `{}`",
                one_line(&other.name),
                one_line(name)
            ))),
            found => Ok(found),
        }
    }

    /// Returns the same for another profile, whose token a profile waits for.
    ///
    /// # Errors
    ///
    /// Returns `Config` if that profile waits for this one already.
    pub(super) fn for_profile(&self, waiting: &str, other: &str) -> Result<Self> {
        let mut shared = self.clone();
        shared.waiting.push(waiting.to_owned());
        if shared.waiting.iter().any(|known| known == other) {
            let chain = shared.waiting.iter().map(|name| one_line(name)).collect::<Vec<_>>();
            return Err(Error::config(format!(
                "profile `{}` requires its own token: {}",
                one_line(other),
                chain.join(" → ")
            )));
        }
        if let Some(ports) = self.ports.others.get(other) {
            let others = Arc::clone(&self.ports.others);
            let http = self.ports.trace.wrap(Arc::clone(&ports.http));
            shared.ports = Ports { others, http, ..ports.clone() };
        }
        Ok(shared)
    }
}

/// A profile: what a step needs before the server is known.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) shared: &'a Shared,
    pub(super) profile: &'a Profile,
}

impl<'a> Context<'a> {
    pub(super) fn ports(self) -> &'a Ports {
        &self.shared.ports
    }

    pub(super) fn clock(self) -> &'a dyn Clock {
        &*self.ports().clock
    }

    pub(super) fn now(self) -> Timestamp {
        self.clock().now()
    }

    /// Returns a token of this profile.
    pub(super) fn token(
        self,
        key: &'a GrantKey,
        request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<AccessToken>> {
        (self.shared.get_token)(self, key, request)
    }

    /// Tells the teaching trace of a step, and of the section that describes it.
    pub(super) fn trace_step(self, what: &str, section: &str) {
        self.ports().trace.step(what, section);
    }

    /// Returns the authorization server: configuration completed by metadata.
    pub(super) async fn server(self, purpose: Purpose) -> Result<AuthorizationServer> {
        let ports = self.ports();
        let cache = ports.discovery_cache.as_deref();
        let completed = self.with_token_uri().await?;
        let profile = completed.as_ref().unwrap_or(self.profile);
        discovery::resolve(profile, &*ports.http, &*ports.clock, cache, purpose).await
    }

    /// Returns the profile with the token endpoint of its service-account file, if only that names one.
    async fn with_token_uri(self) -> Result<Option<Profile>> {
        let is_known = self.profile.endpoints.token.is_some() || self.profile.issuer.is_some();
        let source = self.profile.inputs.service_account.as_ref().filter(|_| !is_known);
        let Some(source) = source else { return Ok(None) };
        let of_key = |error: Error| {
            let name = one_line(&self.profile.name);
            error.context(format!("`service_account` of profile `{name}`"))
        };
        let file = self.ports().secrets.resolve(source).await.map_err(of_key)?;
        let mut profile = self.profile.clone();
        profile.endpoints.token = Some(ServiceAccount::read(&file).map_err(of_key)?.token_uri);
        Ok(Some(profile))
    }

    /// Returns the server of a grant or a flow that was made before, of which the client authentication is
    /// known.
    pub(super) async fn server_of(self, made: Option<&Pin>) -> Result<AuthorizationServer> {
        let mut server = self.server(Purpose::Token).await?;
        // Metadata that is not available now may have determined it then.
        if let Some(made) = made
            && server.token_auth_methods.is_empty()
        {
            server.token_auth_methods.push(made.client_auth.clone());
        }
        Ok(server)
    }

    /// The same profile with its server.
    pub(super) fn with(self, server: &'a AuthorizationServer) -> Peer<'a> {
        Peer { shared: self.shared, profile: self.profile, server }
    }
}

/// A profile and its authorization server: what a step needs to send a request.
#[derive(Clone, Copy)]
pub(super) struct Peer<'a> {
    pub(super) shared: &'a Shared,
    pub(super) profile: &'a Profile,
    pub(super) server: &'a AuthorizationServer,
}

impl<'a> Peer<'a> {
    pub(super) fn context(self) -> Context<'a> {
        Context { shared: self.shared, profile: self.profile }
    }

    pub(super) fn ports(self) -> &'a Ports {
        &self.shared.ports
    }

    pub(super) fn http(self) -> &'a dyn Http {
        &*self.ports().http
    }

    pub(super) fn now(self) -> Timestamp {
        self.context().now()
    }

    pub(super) fn trace_step(self, what: &str, section: &str) {
        self.context().trace_step(what, section);
    }

    pub(super) fn token_endpoint(self) -> Result<&'a str> {
        token_endpoint(self.profile, self.server)
    }
}

/// One call for a token: a profile, the key of the grant, and what is requested.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) context: Context<'a>,
    pub(super) key: &'a GrantKey,
    pub(super) request: &'a TokenRequest,
}

impl<'a> Call<'a> {
    pub(super) fn ports(self) -> &'a Ports {
        self.context.ports()
    }

    pub(super) fn now(self) -> Timestamp {
        self.context.now()
    }

    /// Returns whether the grant of the profile requires user interaction.
    pub(super) fn needs_user(self) -> bool {
        self.context.profile.grant.needs_user()
    }
}

/// A grant's turn: its lock is held, and the server is known that its tokens are exchanged with.
pub(super) struct Turn<'a> {
    pub(super) shared: &'a Shared,
    pub(super) profile: &'a Profile,
    pub(super) server: &'a AuthorizationServer,
    pub(super) pin: Pin,
    pub(super) lock: &'a mut dyn Lock,
}

impl<'a> Turn<'a> {
    /// Returns the turn of a grant that is pinned to this server, as the profile is configured now.
    pub(super) fn new(
        context: Context<'a>,
        server: &'a AuthorizationServer,
        lock: &'a mut dyn Lock,
    ) -> Result<Self> {
        let Context { shared, profile } = context;
        Ok(Self { shared, profile, server, pin: pin(profile, server)?, lock })
    }

    /// The turn without its lock.
    pub(super) fn peer(&self) -> Peer<'a> {
        Peer { shared: self.shared, profile: self.profile, server: self.server }
    }

    pub(super) fn context(&self) -> Context<'a> {
        self.peer().context()
    }

    pub(super) fn ports(&self) -> &'a Ports {
        &self.shared.ports
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context().now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_behind_hooks_lasts_as_long_as_both_hooks() {
        let profile = |more: &str| -> Profile {
            let text =
                format!("[profiles.p]\nissuer = 'https://as.example'\nclient_id = 'c'\n{more}");
            text.parse::<crate::profile::Config>().unwrap().profile("p").unwrap().clone()
        };
        assert_eq!(lock_wait(&profile("")), LOCK_WAIT);
        let with_rule = profile("[profiles.p.hooks]\npost_token = ['true']");
        assert_eq!(lock_wait(&with_rule), LOCK_WAIT + HOOK_TIMEOUT + HOOK_TIMEOUT);
    }
}
