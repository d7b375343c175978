//! Authorizations whose response arrives in this process, and logins by URL.

use super::FlowManager;
use crate::Secret;
use crate::error::Result;
use crate::flow::authorize::{self, Authorization, AuthorizeRequest, Awaited};
use crate::flow::by_url::{self, Located, Registration};
#[cfg(feature = "login")]
use crate::flow::commit;
use crate::flow::first_tokens::Completed;
#[cfg(feature = "login")]
use crate::flow::mix_up;
use crate::flow::{opened, redeem};
#[cfg(feature = "login")]
use crate::grant::GrantKey;
use crate::profile::AuthorizationServer;
use crate::profile::discovery::Purpose;
use crate::protocol::authorization::Validation;
use crate::protocol::challenge::ResourceChallenge;
use crate::protocol::random;

impl FlowManager {
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
    /// rules of the MCP authorization specification. A request is sent to the resource unless the caller passes
    /// its challenge. If it has several authorization servers, the one with the issuer `used` is preferred.
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

    /// Starts an authorization whose response arrives in this process, for instance at a loopback listener.
    /// Generates the verifier, the state and the nonce, and pushes the request (RFC 9126) if the server
    /// requires it. The returned value holds the flow; nothing is stored.
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

    /// Same as [`authorize`](Self::authorize), at a server that [`FlowManager::server`] has already
    /// resolved, for callers that chose the redirect URI for that server.
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

    /// Opens an authorization response and says what it means, as [`Authorization::validate`] does for plain
    /// parameters. A response that is a signed JWT (JARM) is verified with the server's keys; the returned
    /// parameters are then those of the JWT.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the profile is unknown. A response that violates a rule is a
    /// [`Validation::Failed`].
    pub async fn open(
        &self,
        authorization: &Authorization,
        parameters: Vec<(String, String)>,
    ) -> Result<(Validation, Vec<(String, String)>)> {
        let profile = self.profile(&authorization.key.profile).await?;
        let peer = self.context(&profile).with(&authorization.server);
        let validate = |parameters: &opened::Pairs| authorization.validate(parameters);
        let opened = opened::open(peer, &authorization.state, parameters, validate).await;
        Ok((opened.validation, opened.parameters))
    }

    /// Redeems the code of a response that [`Authorization::validate`] accepted, validates the tokens and
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

    /// Checks that a record can be saved under this key, before anything is spent.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot.
    #[cfg(feature = "login")]
    pub(crate) async fn prove_store(&self, key: &GrantKey) -> Result<commit::Reservation> {
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
