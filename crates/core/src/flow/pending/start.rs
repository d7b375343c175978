//! Starts an authorization whose response arrives in another process or later.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::flows::PendingFlows;
use super::record::{FlowRecord, Whole, name_of, seal, sealed_state};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::flow::attributes;
use crate::flow::authorize::{Authorization, AuthorizeRequest, Awaited, DEFAULT_TTL, authorize};
use crate::flow::ownership::check_owner;
use crate::flow::turn::Context;
use crate::grant::{DEFAULT_ACCOUNT, GrantKey};
use crate::profile::{GrantType, Profile, scopes};
use crate::protocol::random;
use crate::protocol::state::StateClaims;
use crate::time::{Timestamp, describe};

/// Maximum length of a user reference, in bytes.
pub const MAX_USER_BYTES: usize = 1024;

/// Maximum lifetime of a state: 30 days.
pub const MAX_TTL: Duration = Duration::from_secs(30 * 86_400);

/// Maximum size of all attributes of a flow, in bytes.
const LARGEST_ATTRIBUTES: usize = 16 * 1024;

/// A request to [`FlowManager::start`](crate::FlowManager::start). The default requests what the profile sets.
///
/// ```
/// use std::time::Duration;
/// use oauthctl_core::StartRequest;
///
/// let request = StartRequest::for_user("4711")
///     .scopes(["read_api"])
///     .param("login_hint", "ada@example.org")
///     .attribute("plan", "gold")
///     .ttl(Duration::from_secs(1_800));
/// assert_eq!(request.user.as_deref(), Some("4711"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct StartRequest {
    /// The caller's reference for the user: any text of 1 to [`MAX_USER_BYTES`] bytes. It is returned with
    /// the grant, and neither the state nor the server reveals it. A flow with a user replaces only a login
    /// that a flow of the same user made.
    pub user: Option<String>,
    /// The account under which the grant is stored, of 1 to [`MAX_USER_BYTES`] bytes. `None` uses the user
    /// reference, else `default`.
    pub account: Option<String>,
    /// Attributes that the grant will have, of at most 16 KiB in total.
    pub attributes: BTreeMap<String, Value>,
    /// The redirect URI; `None` uses the first one of the profile.
    pub redirect_uri: Option<String>,
    /// The redirect URI if responses of the server cannot share one with those of other servers
    /// ([`Profile::can_share_redirect_uri`]).
    pub own_redirect_uri: Option<String>,
    /// The scopes; if empty, those of the profile are used.
    pub scopes: Vec<String>,
    /// Additional parameters: `login_hint`, `prompt`, and others. Parameters that the flow sets itself are
    /// refused: `response_type`, `client_id`, `client_secret`, `redirect_uri`, `scope`, `state`, `nonce`,
    /// `code`, `code_challenge`, `code_challenge_method`, `code_verifier`, `request` and `request_uri`.
    pub extra: Vec<(String, String)>,
    /// How long to wait for the response: at least a second, at most [`MAX_TTL`].
    pub ttl: Duration,
    /// Whether the whole flow is encrypted into the state itself instead of being stored in the pending
    /// store, so that any process with the key can complete it. The use of the state is still recorded in
    /// the store; processes without a common store can therefore each complete it once.
    pub sealed: bool,
    /// The id that the grant will have, if the caller has promised one already; `None` generates one.
    pub grant_id: Option<String>,
}

crate::redact::debug::redacted_debug!(StartRequest {
    user,
    account,
    attributes => names_of,
    redirect_uri,
    own_redirect_uri,
    scopes,
    extra => pairs,
    ttl,
    sealed,
    grant_id,
});

impl Default for StartRequest {
    /// Returns a request without a user, with the settings of the profile and [`DEFAULT_TTL`].
    fn default() -> Self {
        Self {
            user: None,
            account: None,
            attributes: BTreeMap::new(),
            redirect_uri: None,
            own_redirect_uri: None,
            scopes: Vec::new(),
            extra: Vec::new(),
            ttl: DEFAULT_TTL,
            sealed: false,
            grant_id: None,
        }
    }
}

impl StartRequest {
    /// Creates a request for the user that the caller knows by this reference.
    pub fn for_user(user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..Self::default() }
    }

    /// Validates the request for a profile, without starting anything.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for an invalid request, and `Config` for a profile for which no flow can be started.
    pub fn check(&self, profile: &Profile) -> Result<()> {
        scopes::check(&self.scopes)?;
        check(profile, self)
    }

    /// Sets the account under which the grant is stored.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Adds an attribute, which the grant will have.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Sets the redirect URI, instead of the profile's first.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Sets the redirect URI if responses of the server cannot share one with those of other servers. A service whose
    /// users choose servers sets one for each profile, so that no server can receive the code of another (RFC 9700,
    /// section 4.4).
    #[must_use]
    pub fn own_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.own_redirect_uri = Some(uri.into());
        self
    }

    /// Sets the scopes, instead of the profile's.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a parameter of the authorization request.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }

    /// Sets how long to wait for the response.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Puts the whole flow into the state.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.sealed = true;
        self
    }

    /// Sets the id that the grant will have: `g_` and 1 to 62 letters, digits, `-` and `_`, unique among all grants.
    #[must_use]
    pub fn grant_id(mut self, id: impl Into<String>) -> Self {
        self.grant_id = Some(id.into());
        self
    }
}

/// A flow that waits for its response. `Debug` omits the state and the URL that contains it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// The URL to send the user to.
    pub authorization_url: String,
    /// The state of that URL. Keep it in the user's own session until the response arrives
    /// ([`Expected::state`](super::Expected::state)). Together with the code, it completes the flow.
    pub state: String,
    /// The id of the flow, which is the `jti` of its state and the
    /// [`PendingRecord::id`](crate::port::PendingRecord::id) under which it is stored.
    pub id: String,
    /// The S256 code challenge (RFC 7636, section 4.2), which is not secret; `None` if PKCE is off.
    pub code_challenge: Option<String>,
    /// The id that the grant will have.
    pub grant_id: String,
    /// The profile.
    pub profile: String,
    /// The account under which the grant will be stored.
    pub account: String,
    /// The caller's reference for the user.
    pub user: Option<String>,
    /// The redirect URI, at which the response will be received.
    pub redirect_uri: String,
    /// When the flow expires.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Started")
            .field("id", &self.id)
            .field("grant_id", &self.grant_id)
            .field("profile", &self.profile)
            .field("account", &self.account)
            .field("user", &self.user)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Started {
    fn of(authorization: Authorization, id: String, user: Option<String>) -> Self {
        Self {
            id,
            code_challenge: authorization.code_challenge(),
            authorization_url: authorization.authorization_url,
            state: authorization.state.expose().to_owned(),
            grant_id: authorization.grant_id,
            profile: authorization.key.profile,
            account: authorization.key.account,
            user,
            redirect_uri: authorization.redirect_uri,
            expires_at: authorization.expires_at,
        }
    }

    /// Returns the key of the grant, once the flow is completed.
    pub fn key(&self) -> GrantKey {
        GrantKey::new(&self.profile, &self.account)
    }
}

/// Starts an authorization whose response comes elsewhere or later.
pub(in crate::flow) async fn start(
    context: Context<'_>,
    flows: &PendingFlows,
    request: StartRequest,
) -> Result<Started> {
    let profile = context.profile;
    check(profile, &request)?;
    let StartRequest {
        user,
        account,
        attributes,
        redirect_uri,
        own_redirect_uri,
        scopes,
        extra,
        ttl,
        sealed,
        grant_id,
    } = request;
    let redirect_uri = redirect_uri.unwrap_or_default();
    let account = account.or_else(|| user.clone()).unwrap_or_else(|| DEFAULT_ACCOUNT.into());
    let key = GrantKey::new(&profile.name, account);
    check_owner(context.ports(), &key, user.as_deref()).await?;
    let asked = AuthorizeRequest { key, redirect_uri, own_redirect_uri, scopes, extra, ttl };
    let state_key = flows.keys().current()?;
    let (rfp, jti) = (random::token(16)?, random::token(16)?);
    let mut record = None;
    let authorization = authorize(context, None, asked, Awaited::Elsewhere, |authorization| {
        authorization.grant_id = grant_id.unwrap_or(std::mem::take(&mut authorization.grant_id));
        let exp = authorization.expires_at.unix();
        let started_at = Timestamp::from_unix(exp.saturating_sub(ttl.as_secs()));
        let mut flow =
            FlowRecord::of(authorization, user.as_deref(), &attributes, &rfp, started_at);
        let claims = StateClaims {
            rfp: rfp.clone(),
            iat: started_at.unix(),
            exp,
            server: name_of(&authorization.server),
            aud: profile.client.id.clone(),
            jti: jti.clone(),
        };
        if sealed {
            flow.server = None;
            return sealed_state(state_key, Whole { claims, flow });
        }
        record = Some(seal(state_key, &claims, &flow)?);
        state_key.sign(&claims)
    })
    .await?;
    if let Some(record) = record {
        flows.store().put(&record).await?;
    }
    Ok(Started::of(authorization, jti, user))
}

fn check(profile: &Profile, request: &StartRequest) -> Result<()> {
    if profile.grant != GrantType::AuthorizationCode {
        return Err(Error::config(format!(
            "a flow with the grant `{}` cannot be completed in another process",
            profile.grant.as_str()
        ))
        .hint(Advice::configure(
            &["grant"],
            "set `grant = \"authorization_code\"` in the profile",
        )));
    }
    if request.redirect_uri.as_deref() == Some("") {
        return Err(Error::usage("the redirect URI is empty"));
    }
    if request.ttl.as_secs() == 0 || request.ttl > MAX_TTL {
        return Err(Error::usage(format!(
            "the lifetime of a state must be at least one second and at most {}",
            describe(MAX_TTL)
        )));
    }
    let names = [("a user reference", &request.user), ("an account", &request.account)];
    for (what, name) in names {
        if name.as_ref().is_some_and(|name| name.is_empty() || name.len() > MAX_USER_BYTES) {
            return Err(Error::usage(format!("{what} must have 1 to {MAX_USER_BYTES} bytes")));
        }
    }
    if request.grant_id.as_ref().is_some_and(|id| !is_grant_id(id)) {
        return Err(Error::usage(
            "a grant id must be `g_` followed by 1 to 62 letters, digits, `-` and `_`",
        ));
    }
    attributes::check_each(request.attributes.iter())?;
    let size: usize = request.attributes.iter().map(|(n, v)| n.len() + v.to_string().len()).sum();
    if size > LARGEST_ATTRIBUTES {
        return Err(Error::usage(format!(
            "the attributes of a flow must not exceed {LARGEST_ATTRIBUTES} bytes in total"
        ))
        .hint(Advice::SetAttributesLater));
    }
    Ok(())
}

fn is_grant_id(id: &str) -> bool {
    let is_inner = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    let rest = id.strip_prefix("g_").filter(|rest| (1..=62).contains(&rest.len()));
    rest.is_some_and(|rest| rest.bytes().all(is_inner))
}
