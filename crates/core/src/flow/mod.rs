//! The deep module: the complexity of a grant behind a handful of methods.
//!
//! [`FlowManager`] starts and completes authorizations, hands out tokens, lists and revokes them. PKCE,
//! state, validation, locking, rotation and crash safety happen inside. Everything external is reached
//! through the traits of [`crate::port`], collected in [`Ports`].
//!
//! | to | call |
//! | --- | --- |
//! | start an authorization whose response arrives in another process or later | [`start`](FlowManager::start), then [`complete`](FlowManager::complete) |
//! | list and cancel pending authorizations | [`pending`](FlowManager::pending), [`cancel`](FlowManager::cancel) |
//! | get a valid token | [`token`](FlowManager::token) |
//! | let a part of the program get tokens, and nothing else | pass it a [`TokenSource`] |
//! | list grants, read a grant | [`list`](FlowManager::list), [`grant`](FlowManager::grant), [`settled_grant`](FlowManager::settled_grant) |
//! | ask the server about a user or a token | [`userinfo`](FlowManager::userinfo), [`introspect`](FlowManager::introspect), [`verify`](FlowManager::verify) |
//! | store values with a grant | [`set_attribute`](FlowManager::set_attribute), [`unset_attribute`](FlowManager::unset_attribute) |
//! | revoke a grant | [`revoke`](FlowManager::revoke), or [`forget`](FlowManager::forget) to only remove it |
//! | log in on another device (RFC 8628) | [`authorize_device`](FlowManager::authorize_device), then [`complete_device`](FlowManager::complete_device) or [`poll_device`](FlowManager::poll_device) |
//! | receive the response in this process (what `oauthctl_core::login` builds on) | [`authorize`](FlowManager::authorize), [`Authorization::judge`], [`redeem`](FlowManager::redeem) |

mod access_token;
mod accounts;
mod attributes;
mod authorize;
mod by_url;
mod claims;
mod commit;
mod credentials;
mod critical;
mod device;
mod discard;
mod exchange;
mod first_tokens;
mod gate;
mod grant_request;
mod granted;
mod hooks;
mod identity;
mod index;
mod intent;
mod introspect;
mod jwks_cache;
mod load;
mod login_required;
mod mix_up;
mod obtain;
mod opened;
mod other_profiles;
mod ownership;
mod pending;
mod pin;
mod ports;
mod profiles;
mod prover;
mod push;
mod redeem;
mod refresh;
mod refreshed;
mod request;
mod required;
mod revoke;
mod token;
mod token_source;
mod tokens;
mod turn;
mod userinfo;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::Secret;
use crate::error::Result;
use crate::grant::{AccountEntry, Grant, GrantKey};
use crate::profile::discovery::Purpose;
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::challenge::ResourceChallenge;
use crate::protocol::jwt::{Jwt, Signature};
use crate::protocol::random;
use crate::protocol::response::AuthorizationResponse;
use authorize::Awaited;
use turn::{Context, Shared};

pub use access_token::{AccessToken, Account};
#[cfg(feature = "login")]
pub(crate) use authorize::check_extra;
pub use authorize::{Authorization, AuthorizeRequest, USUAL_TTL};
pub use by_url::{Located, Registration};
pub use claims::Userinfo;
pub use critical::CriticalPart;
pub use device::{DeviceAuthorization, DevicePoll, DeviceRequest};
pub use first_tokens::Completed;
pub use granted::extended_scopes;
pub use hooks::{HOOK_ANSWER, HOOK_LIMIT, Hooks};
pub use introspect::Introspected;
pub use login_required::not_logged_in;
pub use pending::{
    Expected, LONGEST_TTL, LONGEST_USER, PendingFlows, PendingInfo, Recognized, StartRequest,
    Started,
};
pub use ports::{Committed, InlineSecrets, Ports, Secrets};
pub use profiles::{FixedProfiles, Profiles};
pub use prover::Prover;
pub use request::TokenRequest;
pub use required::RequiredIdentity;
pub use revoke::{AtServer, Revoked};
pub use token_source::TokenSource;
pub use tokens::ASSUMED_LIFE;
pub use tokens::stored;

pub use crate::protocol::authorization::Judgement;

/// Starts and completes authorizations; hands out, lists and revokes tokens.
///
/// Cloning is cheap, and all clones are the same manager, which any number of tasks and threads may share.
/// Two managers over the same stores and the same coordinator behave as one.
///
/// The front page of the crate has an example. `oauthctl_core::blocking::FlowManager` is the blocking
/// counterpart for programs without an asynchronous runtime.
#[derive(Clone)]
pub struct FlowManager {
    shared: Shared,
}

impl std::fmt::Debug for FlowManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlowManager").field("ports", &self.shared.ports).finish_non_exhaustive()
    }
}

impl FlowManager {
    /// Creates a manager of these profiles over these ports. If two profiles have the same name, the last
    /// one wins.
    pub fn new(profiles: impl IntoIterator<Item = Profile>, ports: Ports) -> Self {
        Self::with_profiles(Arc::new(FixedProfiles::from_iter(profiles)), ports)
    }

    /// Creates a manager over these ports that looks up a profile each time it needs one.
    pub fn with_profiles(profiles: Arc<dyn Profiles>, mut ports: Ports) -> Self {
        ports.http = ports.trace.wrap(ports.http);
        let (critical, jwks, waiting) = Default::default();
        let get_token = token::boxed;
        Self { shared: Shared { profiles, ports, critical, jwks, get_token, waiting } }
    }

    /// Returns the ports from which the manager was built.
    pub fn ports(&self) -> &Ports {
        &self.shared.ports
    }

    fn context<'a>(&'a self, profile: &'a Profile) -> Context<'a> {
        Context { shared: &self.shared, profile }
    }

    /// Returns whether something is being spent and not yet saved, so that the process should not end now.
    pub fn is_critical(&self) -> bool {
        self.critical_part().is_some()
    }

    /// Returns what is being spent and not yet saved, if anything.
    pub fn critical_part(&self) -> Option<CriticalPart> {
        self.shared.critical.current()
    }

    /// Returns the profile of this name.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an unknown profile, with the nearest name.
    pub async fn profile(&self, name: &str) -> Result<Arc<Profile>> {
        accounts::profile(&self.shared, name).await
    }

    /// Returns all profiles, sorted by name.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Profiles::list`].
    pub async fn profiles(&self) -> Result<Vec<Arc<Profile>>> {
        self.shared.profiles.list().await
    }

    /// Resolves the authorization server of a profile for a login: the configuration, completed by freshly
    /// fetched metadata. A cached copy is used only if the server does not respond.
    ///
    /// # Errors
    ///
    /// Returns `Validation` for metadata that is unsafe or does not match its issuer, `Unavailable` if the
    /// metadata is not available, and `Config` if an endpoint is missing or the profile is unknown.
    pub async fn server(&self, profile: &str) -> Result<AuthorizationServer> {
        let profile = self.profile(profile).await?;
        self.context(&profile).server(Purpose::Login).await
    }

    /// Finds the authorization server of a URL, which is a protected resource (RFC 9728) or an issuer, by the
    /// rules of the MCP authorization specification. A resource is asked unless the caller passes its challenge.
    /// If it has several authorization servers, the one with the issuer `used` is preferred.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for an invalid URL; `Config` if there is no metadata; `Validation` for metadata that is
    /// unsafe, does not match the URL or its issuer, or does not advertise PKCE with S256; and `Unavailable` if
    /// a server does not respond.
    pub async fn locate(
        &self,
        url: &str,
        challenge: Option<&ResourceChallenge>,
        used: Option<&str>,
    ) -> Result<Located> {
        by_url::locate(&self.shared.ports, url, challenge, used).await
    }

    /// Registers a native client at a server (RFC 7591).
    ///
    /// # Errors
    ///
    /// Returns `Config` if the server registers no clients, `ServerRefused` if it refuses, `Validation` for a
    /// response that cannot be used, and `Unavailable` if it does not respond.
    pub async fn register_client(
        &self,
        server: &AuthorizationServer,
        redirect_uri: &str,
        scopes: &[String],
    ) -> Result<Registration> {
        by_url::register(&self.shared.ports, server, redirect_uri, scopes).await
    }

    /// Deletes a registration (RFC 7592).
    ///
    /// # Errors
    ///
    /// Returns `ServerRefused` if the server refuses, and `Unavailable` if it does not respond.
    pub async fn unregister_client(&self, uri: &str, token: &Secret) -> Result<()> {
        by_url::unregister(&self.shared.ports, uri, token).await
    }

    /// Starts an authorization whose response arrives in another process or later. Any manager with the
    /// same profile, pending store and keys can [`complete`](Self::complete) it, in any process. Any number
    /// of authorizations can be pending at once.
    ///
    /// Send the user to [`Started::authorization_url`]. Keep [`Started::state`] in that user's session, and
    /// expect it when the response arrives.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an unknown profile, a profile with another grant than `authorization_code`, a
    /// manager without a pending store, or a user whose flow would replace a login that was not made for
    /// that user; `Usage` for an invalid user, account, lifetime, attribute, parameter or redirect URI, and
    /// for a sealed state that is too long for a URL (6 KiB); `Validation` and `Unavailable` for metadata
    /// that is invalid or not available; the server's refusal of a pushed request; `Store` if the pending
    /// store is full or fails; and `Internal` if the manager has a pending store but no key for states.
    ///
    /// Dropping the future leaves at most a pending flow, which expires by itself.
    pub async fn start(&self, profile: &str, request: StartRequest) -> Result<Started> {
        let profile = self.profile(profile).await?;
        pending::start(self.context(&profile), &self.pending_flows()?, request).await
    }

    /// Completes a started authorization: finds the flow of the response, validates the response, claims
    /// the flow for this call alone, redeems the code, and validates and stores the tokens.
    ///
    /// # Errors
    ///
    /// [`InvalidState`](crate::ErrorKind::InvalidState), with nothing redeemed, for every state that these keys
    /// did not sign, that has expired or that was used; for an unexpected state, or a state of another
    /// profile, user, client or server; and for a response that another server could have sent, because
    /// neither an `iss` nor [the URL that received it](AuthorizationResponse::received_at) identifies the
    /// server (RFC 9700, section 4.4). All other errors concern an existing flow:
    ///
    /// - `Validation`: the response was received at another redirect URI, its `iss` names another server,
    ///   the id_token does not match the request, or another user than the required one has granted;
    /// - `AccessDenied`: the user or a hook denied;
    /// - `ServerRefused`, `LoginRequired`: the server refused the code;
    /// - `Unavailable`: the network or the server failed, before or after the code was sent, or another
    ///   caller holds the lock for too long;
    /// - `Store`: the store failed; before the code is sent, nothing is spent;
    /// - `Config`: the profile is unknown here, a secret of it cannot be read, a hook of it fails,
    ///   there is nothing to run it ([`Ports::hooks`](Ports::hooks)), or the account holds a
    ///   login that was not made for the user of the flow.
    ///
    /// A failure before the flow is claimed leaves the state usable: a hook that denies or fails before the
    /// code is sent, the lock, the store. The flow is claimed right before the code is sent; from then on
    /// the state is used, whatever the outcome. It is also used once the server has refused the
    /// authorization.
    ///
    /// A code is sent once. If the future is dropped after that, the code is lost and the user must start
    /// again, so let the future run to completion.
    pub async fn complete(
        &self,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        let recognized = self.pending_flows()?.recognize(response, expected).await?;
        self.complete_recognized(&recognized, response, expected).await
    }

    /// The second half of [`complete`](Self::complete), for a flow that
    /// [`PendingFlows::recognize`](PendingFlows::recognize) has found: for who can build the
    /// manager only once the profile is known.
    ///
    /// # Errors
    ///
    /// See [`complete`](Self::complete).
    pub async fn complete_recognized(
        &self,
        recognized: &Recognized,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        let flows = self.pending_flows()?;
        pending::complete(&self.shared, &flows, recognized, response, expected).await
    }

    /// Lists the started flows that are waiting for their response, ordered by expiry.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the manager has no pending store, and `Store` if that fails.
    pub async fn pending(&self) -> Result<Vec<PendingInfo>> {
        self.pending_flows()?.list().await
    }

    /// Removes a started flow, named by its grant id, so that its response will be refused. Returns `false`
    /// if there is none or it was completed meanwhile. A sealed flow is not stored and cannot be cancelled.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::pending`].
    pub async fn cancel(&self, grant_id: &str) -> Result<bool> {
        accounts::cancel(&self.pending_flows()?, grant_id).await
    }

    fn pending_flows(&self) -> Result<PendingFlows> {
        accounts::pending_flows(&self.shared.ports)
    }

    /// Returns a token with the required lifetime: the stored one, a refreshed one, or a new one for a
    /// grant that requires no user interaction.
    ///
    /// However many callers and processes ask at once, one request is made per account. A rotated refresh
    /// token is durably stored before this method returns.
    ///
    /// # Errors
    ///
    /// - `LoginRequired`: a login by the user is required; [`Error::warning`](crate::Error::warning) says if the hook
    ///   `login_required` failed or cannot be run. Also returned if no stored token has the required lifetime
    ///   with [`cached`](TokenRequest::cached), and while refreshing pauses, as described below;
    /// - `Usage`: the [`resource`](TokenRequest::resource) is invalid;
    /// - `Store`: the record cannot be read or saved, or an older copy of it was restored;
    /// - `Unavailable`: a transient failure, or another caller holds the lock for too long;
    /// - `ServerRefused`: the server refused for another reason than a grant that has ended;
    /// - `Validation`: metadata that does not match its issuer, or a response that does not match the
    ///   request, such as an id_token of another user;
    /// - `AccessDenied`: a hook or the server denied;
    /// - `Config`: the key's profile is unknown here, another hook fails or there is nothing to run it
    ///   ([`Ports::hooks`](Ports::hooks)), or a secret of the profile cannot be read.
    ///
    /// # The pause
    ///
    /// If processes die twice between sending a refresh token and storing the response, the token may be
    /// spent, and a server may end the whole grant if it sees the token again (RFC 9700, section 4.14.2).
    /// The token is then not sent for 5 minutes, and after each further such death for twice as long, up to
    /// an hour. Meanwhile the stored token is returned while it is valid; after that, this method fails
    /// with `LoginRequired`. The pause ends by itself; [`force`](TokenRequest::force) ends it at once.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped while a rotating refresh token is being sent, that token can be lost, and
    /// the user must log in again. Let the future run to completion ([`is_critical`](Self::is_critical)).
    pub async fn token(&self, key: &GrantKey, request: &TokenRequest) -> Result<AccessToken> {
        let profile = self.profile(&key.profile).await?;
        token::token(self.context(&profile), key, request).await
    }

    /// Returns what signs the proofs of possession that requests with a token of this grant need (RFC 9449);
    /// none if its tokens are not bound to a key.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the grant or its key cannot be read.
    pub async fn prover(&self, key: &GrantKey) -> Result<Option<Prover>> {
        prover::prover(&self.shared, key).await
    }

    /// Returns the stored grant as it is, without a lock or the network. Does not check whether its token
    /// is still valid; use [`FlowManager::token`] for that.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot be read.
    pub async fn grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        Ok(load::load(&self.shared.ports, key).await?)
    }

    /// Returns the stored grant under its lock, without the network: waits for a refresh in progress, and
    /// completes a save that was interrupted. Use it before copying a grant elsewhere: the refresh token that
    /// [`FlowManager::grant`] returns may be spent at that moment.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the grant cannot be locked or read, an interrupted save cannot be completed, or an
    /// older copy of the record was restored, and `Unavailable` if another caller holds the lock for too long.
    pub async fn settled_grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        accounts::settled(&self.shared, key).await
    }

    /// Lists the known grants of one profile or of all, sorted by key, without their secrets.
    ///
    /// The grants are those of the store if it can list them
    /// ([`GrantStore::list`](crate::port::GrantStore::list)), else those of the coordinator's index. Grants
    /// of profiles that are unknown to this manager are listed too.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store or the index cannot be read.
    pub async fn list(&self, profile: Option<&str>) -> Result<Vec<AccountEntry>> {
        accounts::list(&self.shared.ports, profile).await
    }

    /// Sets an attribute of a grant, for the given time or for the lifetime of the grant. The profile need
    /// not be known to this manager.
    ///
    /// A name has 1 to 256 bytes, and a value is nested at most 32 levels deep. All attributes of a grant,
    /// names and values as JSON, have at most 32 KiB.
    ///
    /// # Errors
    ///
    /// Returns `LoginRequired` if there is no grant, `Usage` if the name or the value exceeds these limits,
    /// and `Store` or `Unavailable` if the grant cannot be locked, read or saved. A failure to write the
    /// index of accounts is not an error: the attribute is saved by then.
    pub async fn set_attribute(
        &self,
        key: &GrantKey,
        name: &str,
        value: Value,
        ttl: Option<Duration>,
    ) -> Result<()> {
        attributes::set(&self.shared, key, name, value, ttl).await
    }

    /// Removes an attribute of a grant. Returns whether it existed.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::set_attribute`].
    pub async fn unset_attribute(&self, key: &GrantKey, name: &str) -> Result<bool> {
        attributes::unset(&self.shared, key, name).await
    }

    /// Revokes a grant at its server and removes it. The grant is removed even if revocation fails, or if
    /// its profile is unknown, in which case no request is sent.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the record cannot be removed or the store returns another user's record for this
    /// key, `Unavailable` if another process holds its lock, and the errors of [`Profiles::get`], in which case
    /// nothing is removed.
    pub async fn revoke(&self, key: &GrantKey) -> Result<Revoked> {
        let profile = self.shared.profile(&key.profile).await?;
        revoke::end(&self.shared, profile.as_deref(), key).await
    }

    /// Removes a grant without contacting its server. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::revoke`].
    pub async fn forget(&self, key: &GrantKey) -> Result<bool> {
        revoke::end(&self.shared, None, key).await.map(|ended| ended.forgotten)
    }

    /// Returns what the server says about the user of an account (OpenID Connect Core, section 5.3), requested with a
    /// valid token. The subject must be that of the id_token.
    ///
    /// # Errors
    ///
    /// See [`token`](Self::token); also returns `Config` if no endpoint is known, `Validation` if the claims are about
    /// another user or cannot be verified, `ServerRefused` if the server refuses the token, and `Unavailable`.
    pub async fn userinfo(&self, key: &GrantKey) -> Result<Userinfo> {
        let profile = self.profile(&key.profile).await?;
        claims::userinfo(self.context(&profile), key).await
    }

    /// Returns what the server of this profile says about a token (RFC 7662). `active` is a boolean in every result.
    /// The stored token is sent as it is: an expired one is not refreshed.
    ///
    /// # Errors
    ///
    /// Returns `Config` if no endpoint is known or the login belongs to another server, `LoginRequired` if there is no
    /// such token, `ServerRefused` if the server refuses the client, `Validation` for an invalid response,
    /// `Unavailable`, and `Store`.
    pub async fn introspect(
        &self,
        profile: &str,
        token: &Introspected,
    ) -> Result<Map<String, Value>> {
        let profile = self.profile(profile).await?;
        introspect::introspect(self.context(&profile), token).await
    }

    /// Verifies the signature of a token with the keys of the profile's server, if the token names that server as its
    /// issuer. Nothing else in the token is checked, its expiry included. Keys that cannot be fetched are a result
    /// ([`Signature::NotVerified`]).
    ///
    /// # Errors
    ///
    /// Returns `Config` if the profile is unknown or its `jwks_uri` is invalid.
    pub async fn verify(&self, profile: &str, token: &Jwt) -> Result<Signature> {
        let profile = self.profile(profile).await?;
        introspect::verify(self.context(&profile), token).await
    }

    /// Starts an authorization whose response arrives in this process, for instance at a loopback listener.
    /// Generates verifier, state and nonce and, if the server requires it, pushes the request (RFC 9126).
    /// The returned value holds the flow; nothing is stored.
    ///
    /// This is the lower level, which `oauthctl_core::login` uses. If the response arrives in another
    /// process or later, use [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// See [`FlowManager::server`]; also returns `Usage` for a reserved parameter, `Validation` if the
    /// server does not support S256, and the server's refusal of a pushed request.
    pub async fn authorize(&self, request: AuthorizeRequest) -> Result<Authorization> {
        let profile = self.profile(&request.key.profile).await?;
        let make_state = |_: &mut Authorization| random::token(32);
        authorize::authorize(self.context(&profile), None, request, Awaited::Here, make_state).await
    }

    /// Does the same at a server that [`FlowManager::server`] has already resolved, for callers that chose
    /// the redirect URI by it.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::authorize`].
    pub async fn authorize_at(
        &self,
        server: AuthorizationServer,
        request: AuthorizeRequest,
    ) -> Result<Authorization> {
        let profile = self.profile(&request.key.profile).await?;
        let make_state = |_: &mut Authorization| random::token(32);
        let context = self.context(&profile);
        authorize::authorize(context, Some(server), request, Awaited::Here, make_state).await
    }

    /// Opens an authorization response and says what it means, as [`Authorization::judge`] does for plain
    /// parameters. A response that is a signed JWT (JARM) is verified with the server's keys; the returned
    /// parameters are then those of the JWT.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the profile is unknown. A response that violates a rule is a
    /// [`Judgement::Failed`].
    pub async fn open(
        &self,
        authorization: &Authorization,
        parameters: Vec<(String, String)>,
    ) -> Result<(Judgement, Vec<(String, String)>)> {
        let profile = self.profile(&authorization.key.profile).await?;
        let peer = self.context(&profile).with(&authorization.server);
        let judge = |parameters: &opened::Pairs| authorization.judge(parameters);
        let opened = opened::open(peer, &authorization.state, parameters, judge).await;
        Ok((opened.judgement, opened.parameters))
    }

    /// Redeems the code of a response that [`Authorization::judge`] accepted, validates the tokens and
    /// stores them: the lower level of [`complete`](Self::complete).
    ///
    /// The lock is acquired and the store checked before the code is sent. The code is sent once, so the
    /// authorization is used up. `callback` holds the parameters of the response, for values that the
    /// profile stores.
    ///
    /// # Errors
    ///
    /// Returns `Timeout` for an expired flow, `Store` or `Unavailable` with nothing spent, the server's
    /// refusal, or `Validation` if the response does not match the request.
    pub async fn redeem(
        &self,
        authorization: Authorization,
        code: &Secret,
        callback: &[(String, String)],
    ) -> Result<Completed> {
        let profile = self.profile(&authorization.key.profile).await?;
        redeem::redeem(self.context(&profile), &authorization, code, callback).await
    }

    /// Starts a device authorization (RFC 8628): proves that the store can be written, and requests the codes. Any
    /// profile can use this flow whose server has a device authorization endpoint.
    ///
    /// Show the code and the page to the user, then call [`complete_device`](Self::complete_device) or
    /// [`poll_device`](Self::poll_device).
    ///
    /// # Errors
    ///
    /// Returns `Config` for an unknown profile, and if no device authorization endpoint is known; `Usage` for an
    /// invalid scope or a reserved parameter; `Store` if the store cannot be written; the server's refusal;
    /// `Unavailable` if it does not respond; and `Validation` for a response that cannot be shown to a user.
    pub async fn authorize_device(&self, request: DeviceRequest) -> Result<DeviceAuthorization> {
        let profile = device::of_device(&*self.profile(&request.key.profile).await?);
        device::authorize(self.context(&profile), request).await
    }

    /// Waits until the next poll is due, and polls once. If the user has granted, validates and stores the
    /// tokens.
    ///
    /// The interval is the server's (5 seconds if it names none), longer after `slow_down` and while there is no
    /// answer. Before each poll the lock is acquired and the store checked. Dropping the future while it waits
    /// is harmless.
    ///
    /// # Errors
    ///
    /// - `Timeout`: the codes have expired;
    /// - `AccessDenied`: the user, the server or a hook denied;
    /// - `ServerRefused`, `LoginRequired`: any other refusal, which ends the authorization;
    /// - `Validation`: the response is not a token response, or its id_token is invalid;
    /// - `Store`, `Unavailable`: the store failed, or another caller holds the lock for too long;
    /// - `Config`: a hook failed, or the profile is unknown.
    ///
    /// A poll without an answer is no error: [`DevicePoll::Unanswered`].
    pub async fn poll_device(&self, authorization: &mut DeviceAuthorization) -> Result<DevicePoll> {
        let profile = device::of_device(&*self.profile(&authorization.key.profile).await?);
        device::poll(self.context(&profile), authorization).await
    }

    /// Polls until the user has decided or the codes expire.
    ///
    /// # Errors
    ///
    /// See [`poll_device`](Self::poll_device).
    pub async fn complete_device(
        &self,
        mut authorization: DeviceAuthorization,
    ) -> Result<Completed> {
        loop {
            if let DevicePoll::Completed(completed) = self.poll_device(&mut authorization).await? {
                return Ok(*completed);
            }
        }
    }

    /// Checks that a record can be saved under this key, before anything is spent.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot.
    #[cfg(feature = "login")]
    pub(crate) async fn prove_store(&self, key: &GrantKey) -> Result<commit::Room> {
        commit::prove_store(&self.shared.ports, key).await
    }

    /// Refuses a code without `iss` that may be another profile's, where it is not known where it came in.
    ///
    /// # Errors
    ///
    /// `InvalidState`.
    #[cfg(feature = "login")]
    pub(crate) async fn refuse_mix_up(
        &self,
        authorization: &Authorization,
        parameters: &[(String, String)],
    ) -> Result<()> {
        let profile = self.profile(&authorization.key.profile).await?;
        mix_up::refuse_mix_up(&self.shared, &profile, parameters).await
    }
}
