//! The deep module: everything hard about a grant behind a handful of methods.
//!
//! [`FlowManager`] starts and completes authorizations, hands out tokens, lists and revokes. PKCE,
//! state, validation, locking, rotation and crash safety happen inside; the world is reached through
//! the traits of [`crate::port`], gathered in [`Ports`].
//!
//! | to | call |
//! | --- | --- |
//! | send a person to the server, whose response comes elsewhere or later | [`start`](FlowManager::start), then [`complete`](FlowManager::complete) |
//! | see and cancel what waits for its response | [`pending`](FlowManager::pending), [`cancel`](FlowManager::cancel) |
//! | get a token that works | [`token`](FlowManager::token) |
//! | see what there is | [`list`](FlowManager::list), [`grant`](FlowManager::grant) |
//! | keep values with a grant | [`set_attribute`](FlowManager::set_attribute), [`unset_attribute`](FlowManager::unset_attribute) |
//! | end a grant | [`revoke`](FlowManager::revoke), or [`forget`](FlowManager::forget) without the server |
//! | receive the response in this very process (what `oauthctl_core::login` builds on) | [`authorize`](FlowManager::authorize), [`Authorization::judge`], [`redeem`](FlowManager::redeem) |

mod access_token;
mod accounts;
mod attributes;
mod authorize;
mod commit;
mod credentials;
mod critical;
mod discard;
mod exchange;
mod gate;
mod granted;
mod hooks;
mod identity;
mod index;
mod intent;
mod jwks_cache;
mod load;
mod login_required;
mod mix_up;
mod obtain;
mod ownership;
mod pending;
mod pin;
mod ports;
mod push;
mod redeem;
mod refresh;
mod refreshed;
mod request;
mod required;
mod revoke;
mod token;
mod tokens;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::Secret;
use crate::error::Result;
use crate::grant::{AccountEntry, Grant, GrantKey};
use crate::profile::discovery::Purpose;
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::random;
use crate::protocol::response::AuthorizationResponse;
use turn::{Context, Shared};

pub use access_token::{AccessToken, Account};
#[cfg(feature = "login")]
pub(crate) use authorize::check_extra;
pub use authorize::{Authorization, AuthorizeRequest, USUAL_TTL};
pub use critical::CriticalPart;
pub use hooks::{HOOK_ANSWER, HOOK_LIMIT, Hooks};
pub use login_required::not_logged_in;
pub use pending::{
    Expected, LONGEST_TTL, LONGEST_USER, PendingFlows, PendingInfo, Recognized, StartRequest,
    Started,
};
pub use ports::{Committed, InlineSecrets, Ports, Secrets};
pub use redeem::Completed;
pub use request::TokenRequest;
pub use required::RequiredIdentity;
pub use revoke::{AtServer, Revoked};
pub use tokens::ASSUMED_LIFE;
pub use tokens::stored;

pub use crate::protocol::authorization::Judgement;

/// Starts and completes authorizations, hands out tokens, lists and revokes them.
///
/// A clone is cheap and is the same manager: it may be shared by any number of tasks and threads.
/// Two managers over the same stores and the same coordinator are as good as one.
///
/// The front page of the crate has an example; `oauthctl_core::blocking::FlowManager` is the same for
/// programs without an asynchronous runtime.
#[derive(Clone)]
pub struct FlowManager {
    shared: Shared,
}

impl std::fmt::Debug for FlowManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlowManager")
            .field("profiles", &self.shared.profiles.keys())
            .field("ports", &self.shared.ports)
            .finish()
    }
}

impl FlowManager {
    /// A manager of these profiles over these ports. Of two profiles with one name, the latter
    /// stays.
    pub fn new(profiles: impl IntoIterator<Item = Profile>, mut ports: Ports) -> Self {
        ports.http = ports.trace.wrap(ports.http);
        let profiles = profiles.into_iter().map(|profile| (profile.name.clone(), profile));
        let profiles = Arc::new(profiles.collect());
        let (critical, jwks) = Default::default();
        Self { shared: Shared { profiles, ports, critical, jwks } }
    }

    /// What the manager was built from.
    pub fn ports(&self) -> &Ports {
        &self.shared.ports
    }

    fn context(&self, profile: &str) -> Result<Context<'_>> {
        let shared = &self.shared;
        Ok(Context { shared, profile: accounts::profile(shared, profile)? })
    }

    /// Whether something is being spent and not yet saved, so that the process should not end now.
    pub fn is_critical(&self) -> bool {
        self.critical_part().is_some()
    }

    /// What is being spent and not yet saved, if anything is.
    pub fn critical_part(&self) -> Option<CriticalPart> {
        self.shared.critical.current()
    }

    /// The profile of this name.
    ///
    /// # Errors
    ///
    /// `Config`, with the nearest name.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        accounts::profile(&self.shared, name)
    }

    /// All profiles, sorted by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.shared.profiles.values()
    }

    /// The authorization server of a profile for a login: configuration completed by metadata, which is
    /// fetched anew. A kept copy serves only where the server does not answer.
    ///
    /// # Errors
    ///
    /// `Validation` for metadata that does not match its issuer or is unsafe, `Unavailable` where
    /// it cannot be had, `Config` where an endpoint is missing or the profile is unknown.
    pub async fn server(&self, profile: &str) -> Result<AuthorizationServer> {
        self.context(profile)?.server(Purpose::Login).await
    }

    /// Starts an authorization whose response comes elsewhere or later: any manager with the same
    /// profile, pending store and keys can [`complete`](Self::complete) it, in whatever process.
    /// Any number may be open at once.
    ///
    /// The person is to be sent to [`Started::authorization_url`]. Keep [`Started::state`] in that
    /// person's session, and expect it when the response comes.
    ///
    /// # Errors
    ///
    /// `Config` for an unknown profile, one with another grant than `authorization_code`, a
    /// manager without a pending store, or a user whose flow would replace a login that was not made
    /// for that user; `Usage` for a user, an account, a life, attributes, parameters
    /// or a redirect URI that cannot be, and for a sealed state that is too long for a URL (6 KiB);
    /// `Validation` and `Unavailable` for metadata that is wrong or cannot be had; the refusal of a
    /// pushed request; `Store` where the pending store is full or fails; `Internal` where the manager
    /// has a pending store and no key for states.
    ///
    /// A future that is dropped leaves at most a pending flow that expires by itself.
    pub async fn start(&self, profile: &str, request: StartRequest) -> Result<Started> {
        let context = self.context(profile)?;
        pending::start(context, &self.pending_flows()?, request).await
    }

    /// Completes a started authorization: finds the flow that the response belongs to, judges it,
    /// takes the flow for this call alone, redeems the code, validates what comes and stores it.
    ///
    /// # Errors
    ///
    /// [`InvalidState`](ErrorKind::InvalidState), with nothing redeemed, for every state but one
    /// that was made with these keys, has not expired and was not used, and for one that is not the
    /// expected one, or another profile's, user's, client's or server's; and for a response that
    /// could be another server's, since neither an `iss` nor
    /// [the place where it came in](AuthorizationResponse::received_at) says whose it is (RFC 9700,
    /// section 4.4). Everything else is about a flow that is real:
    ///
    /// - `Validation`: the response came in elsewhere, its `iss` is another server's, the id_token
    ///   is not what was asked for, or another person has granted than the expected one;
    /// - `AccessDenied`: the person said no, or a hook did;
    /// - `ServerRefused`, `LoginRequired`: the server refused the code;
    /// - `Unavailable`: network or server failed, before the code was sent or after, or another holds
    ///   the lock for too long;
    /// - `Store`: nothing could be kept; before the code is sent nothing is spent;
    /// - `Config`: the profile is unknown here, a secret of it cannot be read, a hook of it fails,
    ///   there is nothing to run it ([`Ports::hooks`](Ports::hooks)), or the account holds a
    ///   login that was not made for the user of the flow.
    ///
    /// Whatever fails before the flow is taken leaves the state usable: a hook that denies or fails
    /// before the code is sent, the lock, the store. The flow is taken right before the code is
    /// sent; then the state is used, however it ends. So it is once the server has said no.
    ///
    /// A code is sent once. A future that is dropped after that has lost it, and the person must
    /// start again: let it run to its end.
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
    /// As [`complete`](Self::complete).
    pub async fn complete_recognized(
        &self,
        recognized: &Recognized,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        let flows = self.pending_flows()?;
        pending::complete(&self.shared, &flows, recognized, response, expected).await
    }

    /// The flows that were started and wait for their response, those first that expire first.
    ///
    /// # Errors
    ///
    /// `Config` where the manager has no pending store, `Store` where that fails.
    pub async fn pending(&self) -> Result<Vec<PendingInfo>> {
        self.pending_flows()?.list().await
    }

    /// Forgets a started flow, named by its grant id: its response will be refused. `false` where
    /// there is none, or it was completed meanwhile. A sealed flow is in no store, and cannot be
    /// cancelled.
    ///
    /// # Errors
    ///
    /// As [`FlowManager::pending`].
    pub async fn cancel(&self, grant_id: &str) -> Result<bool> {
        accounts::cancel(&self.pending_flows()?, grant_id).await
    }

    fn pending_flows(&self) -> Result<PendingFlows> {
        accounts::pending_flows(&self.shared.ports)
    }

    /// Hands out a token with enough life: the stored one, a refreshed one, or, for a grant that
    /// needs no person, a new one.
    ///
    /// However many callers and processes ask at once, one request is made per account; a rotated
    /// refresh token is durably stored before this returns.
    ///
    /// # Errors
    ///
    /// - `LoginRequired`: only a person can help, and [`Error::warning`] says where the hook
    ///   `login_required` failed, or there is nothing to run it; with
    ///   [`cached`](TokenRequest::cached), nothing that is stored lives long enough; or the refresh
    ///   pauses, as below;
    /// - `Usage`: the [`resource`](TokenRequest::resource) is none;
    /// - `Store`: the record cannot be read or saved, or is an older copy, put back;
    /// - `Unavailable`: a failure that may pass, or another holds the lock for too long;
    /// - `ServerRefused`: the server refused for another reason than a grant that has ended;
    /// - `Validation`: metadata that does not match its issuer, or an answer that is not what was asked
    ///   for, another person's id_token for instance;
    /// - `AccessDenied`: a hook denied, or the server did;
    /// - `Config`: the key's profile is unknown here, another hook fails or there is nothing to run it
    ///   ([`Ports::hooks`](Ports::hooks)), or a secret of the profile cannot be read.
    ///
    /// # The pause
    ///
    /// Where processes died twice between sending a refresh token and storing the answer, it may be
    /// spent, and a server may end the whole grant if it sees it again (RFC 9700, section 4.14.2). It
    /// is then not sent for 5 minutes, and after each further such death for twice as long, up to an
    /// hour; meanwhile the stored token serves while it lives, and then this fails with
    /// `LoginRequired`. The pause passes by itself; [`force`](TokenRequest::force) ends it at once.
    ///
    /// # Cancellation
    ///
    /// A future that is dropped while a rotating refresh token is under way can lose it, and the
    /// person must log in again: let it run to its end ([`is_critical`](Self::is_critical)).
    pub async fn token(&self, key: &GrantKey, request: &TokenRequest) -> Result<AccessToken> {
        token::token(self.context(&key.profile)?, key, request).await
    }

    /// The stored grant, as it is: no lock, no network, and no judgement of whether its token still
    /// works, for which there is [`FlowManager::token`].
    ///
    /// # Errors
    ///
    /// `Store` where it cannot be read.
    pub async fn grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        Ok(load::load(&self.shared.ports, key).await?)
    }

    /// The grants that are known, of one profile or of all, sorted by key, without their secrets.
    ///
    /// They are those of the store where it can list them
    /// ([`GrantStore::list`](crate::port::GrantStore::list)), else those of the coordinator's index.
    /// Profiles that this manager does not have are listed too.
    ///
    /// # Errors
    ///
    /// `Store` where the store or the index cannot be read.
    pub async fn list(&self, profile: Option<&str>) -> Result<Vec<AccountEntry>> {
        accounts::list(&self.shared.ports, profile).await
    }

    /// Sets an attribute of a grant, for so long, or for as long as the grant lives. The profile need
    /// not be known here.
    ///
    /// A name has 1 to 256 bytes, a value is nested at most 32 deep, and all attributes of a grant,
    /// names and values as JSON, have at most 32 KiB together.
    ///
    /// # Errors
    ///
    /// `LoginRequired` where there is no grant, `Usage` where name or value are beyond these limits,
    /// `Store` and `Unavailable` where the grant cannot be locked, read or saved. That the index of
    /// accounts cannot be written is no error: the attribute is saved by then.
    pub async fn set_attribute(
        &self,
        key: &GrantKey,
        name: &str,
        value: Value,
        ttl: Option<Duration>,
    ) -> Result<()> {
        attributes::set(&self.shared, key, name, value, ttl).await
    }

    /// Removes an attribute of a grant. Says whether there was one.
    ///
    /// # Errors
    ///
    /// As [`FlowManager::set_attribute`].
    pub async fn unset_attribute(&self, key: &GrantKey, name: &str) -> Result<bool> {
        attributes::unset(&self.shared, key, name).await
    }

    /// Revokes a grant at its server and forgets it. It is forgotten even where revocation fails,
    /// and where its profile is unknown here: then no server is asked.
    ///
    /// # Errors
    ///
    /// `Store` where the record cannot be removed, or the store gives another user's under this key;
    /// `Unavailable` where another process holds it.
    pub async fn revoke(&self, key: &GrantKey) -> Result<Revoked> {
        revoke::end(&self.shared, self.shared.profiles.get(&key.profile), key).await
    }

    /// Forgets a grant without asking its server. Says whether there was one.
    ///
    /// # Errors
    ///
    /// As [`FlowManager::revoke`].
    pub async fn forget(&self, key: &GrantKey) -> Result<bool> {
        revoke::end(&self.shared, None, key).await.map(|ended| ended.forgotten)
    }

    /// Asks for an authorization whose response comes to this very process, as a loopback listener
    /// receives it: makes verifier, state and nonce anew and, where the server wants it, pushes the
    /// request (RFC 9126). What waits is the value that is returned, and nothing is stored.
    ///
    /// This is the lower level, which `oauthctl_core::login` uses. Where the response comes
    /// elsewhere or later, use [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// As [`FlowManager::server`]; `Usage` for a reserved parameter; `Validation` where the server
    /// takes no S256; and the refusal of a pushed request.
    pub async fn authorize(&self, request: AuthorizeRequest) -> Result<Authorization> {
        let context = self.context(&request.key.profile)?;
        authorize::authorize(context, None, request, |_| random::token(32)).await
    }

    /// The same at a server that was resolved before ([`FlowManager::server`]), for whoever chose the
    /// redirect URI by it.
    ///
    /// # Errors
    ///
    /// As [`FlowManager::authorize`].
    pub async fn authorize_at(
        &self,
        server: AuthorizationServer,
        request: AuthorizeRequest,
    ) -> Result<Authorization> {
        let context = self.context(&request.key.profile)?;
        authorize::authorize(context, Some(server), request, |_| random::token(32)).await
    }

    /// Redeems the code of a response that [`Authorization::judge`] found authentic, validates the
    /// tokens and stores them: the lower level below [`complete`](Self::complete).
    ///
    /// The lock is taken and the store proved writable before the code is sent; it is sent once, so
    /// the authorization is used up.
    /// `callback` are the parameters of the response, for values that the profile keeps.
    ///
    /// # Errors
    ///
    /// `Timeout` for an expired flow; `Store` or `Unavailable` with nothing spent; the server's
    /// refusal; `Validation` where the answer is not what was asked for.
    pub async fn redeem(
        &self,
        authorization: Authorization,
        code: &Secret,
        callback: &[(String, String)],
    ) -> Result<Completed> {
        let context = self.context(&authorization.key.profile)?;
        redeem::redeem(context, &authorization, code, callback).await
    }

    /// Proves that a record can be saved under this key. Nothing is spent before this.
    ///
    /// # Errors
    ///
    /// `Store`, when it cannot.
    #[cfg(feature = "login")]
    pub(crate) async fn prove_store(&self, key: &GrantKey) -> Result<()> {
        commit::prove_store(&self.shared.ports, key).await
    }

    /// Refuses a code without `iss` that may be another profile's, where it is not known where it came in.
    ///
    /// # Errors
    ///
    /// `InvalidState`.
    #[cfg(feature = "login")]
    pub(crate) fn refuse_mix_up(
        &self,
        authorization: &Authorization,
        parameters: &[(String, String)],
    ) -> Result<()> {
        let profile = self.profile(&authorization.key.profile)?;
        mix_up::refuse_mix_up(&self.shared.ports, profile, self.profiles(), parameters)
    }
}
