//! Starting an authorization whose response comes elsewhere or later.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::flows::PendingFlows;
use super::record::{FlowRecord, Whole, name_of, seal, sealed_state};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::flow::attributes;
use crate::flow::authorize::{AuthorizeRequest, USUAL_TTL, authorize};
use crate::flow::ownership::check_owner;
use crate::flow::turn::Context;
use crate::grant::{DEFAULT_ACCOUNT, GrantKey};
use crate::profile::{GrantType, Profile};
use crate::protocol::random;
use crate::protocol::state::StateClaims;
use crate::time::{Timestamp, describe};

/// The most bytes of a user reference.
pub const LONGEST_USER: usize = 1024;

/// The longest life of a state: 30 days.
pub const LONGEST_TTL: Duration = Duration::from_secs(30 * 86_400);

/// The most bytes of all attributes of a flow together.
const LARGEST_ATTRIBUTES: usize = 16 * 1024;

/// What a caller wants of [`FlowManager::start`](crate::FlowManager::start). The default asks for what the profile says.
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
    /// The caller's own name for the user: any text of 1 to [`LONGEST_USER`] bytes. It comes back
    /// with the grant, and neither the state nor the server shows it. A flow with a user replaces only
    /// a login that a flow of the same user made.
    pub user: Option<String>,
    /// The account that the grant is kept as, of 1 to [`LONGEST_USER`] bytes; `None` takes the user's
    /// name, else `default`.
    pub account: Option<String>,
    /// Attributes that the grant will have, of 16 KiB together at most.
    pub attributes: BTreeMap<String, Value>,
    /// Where the person is sent back to; `None` takes the profile's first redirect URI.
    pub redirect_uri: Option<String>,
    /// The scopes; empty takes the profile's.
    pub scopes: Vec<String>,
    /// Further parameters: `login_hint`, `prompt`, and others. Refused is what the flow says itself:
    /// `response_type`, `client_id`, `client_secret`, `redirect_uri`, `scope`, `state`, `nonce`, `code`,
    /// `code_challenge`, `code_challenge_method`, `code_verifier`, `request` and `request_uri`.
    pub extra: Vec<(String, String)>,
    /// How long the response is awaited: a second at least, [`LONGEST_TTL`] at most.
    pub ttl: Duration,
    /// Whether all of the flow goes into the state itself, encrypted, and nothing into the pending
    /// store: then any process with the key can complete it. That the state is used is noted in the
    /// store all the same, so processes without a common store can each complete it once.
    pub sealed: bool,
}

crate::redact::debug::redacted_debug!(StartRequest {
    user,
    account,
    attributes => names_of,
    redirect_uri,
    scopes,
    extra => pairs,
    ttl,
    sealed,
});

impl Default for StartRequest {
    /// No user, nothing but what the profile says, [`USUAL_TTL`].
    fn default() -> Self {
        Self {
            user: None,
            account: None,
            attributes: BTreeMap::new(),
            redirect_uri: None,
            scopes: Vec::new(),
            extra: Vec::new(),
            ttl: USUAL_TTL,
            sealed: false,
        }
    }
}

impl StartRequest {
    /// For a person whom the caller knows by this name.
    pub fn for_user(user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..Self::default() }
    }

    /// The same, kept as this account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// The same with an attribute, which the grant will have.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// The same with another redirect URI than the profile's first.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// The same for these scopes instead of the profile's.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The same with a further parameter of the authorization request.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }

    /// The same with another life.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// The same with all of the flow in the state.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.sealed = true;
        self
    }
}

/// A flow that waits for its response. `Debug` shows neither the state nor the URL that has it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// Where the person must go.
    pub authorization_url: String,
    /// The state of that URL, to be kept in the person's own session until the response comes
    /// ([`Expected::state`](super::Expected::state)). With the code it completes the flow.
    pub state: String,
    /// The name of the flow, which its state says (`jti`): the
    /// [`PendingRecord::id`](crate::port::PendingRecord::id) by which it waits.
    pub id: String,
    /// The S256 code challenge (RFC 7636, section 4.2), which is no secret; `None` where PKCE is off.
    pub code_challenge: Option<String>,
    /// The name that the grant will have.
    pub grant_id: String,
    /// The profile.
    pub profile: String,
    /// The account that the grant will be kept as.
    pub account: String,
    /// The caller's own name for the person.
    pub user: Option<String>,
    /// Until when a response is taken.
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
    /// Where the grant will be, once the flow is completed.
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
    let StartRequest { user, account, attributes, redirect_uri, scopes, extra, ttl, sealed } =
        request;
    let redirect_uri = redirect_uri.unwrap_or_default();
    let account = account.or_else(|| user.clone()).unwrap_or_else(|| DEFAULT_ACCOUNT.into());
    let key = GrantKey::new(&profile.name, account);
    check_owner(context.ports(), &key, user.as_deref()).await?;
    let asked = AuthorizeRequest { key, redirect_uri, scopes, extra, ttl };
    let state_key = flows.keys().current()?;
    let (rfp, jti) = (random::token(16)?, random::token(16)?);
    let mut record = None;
    let authorization = authorize(context, None, asked, |authorization| {
        let expires = authorization.expires_at.unix();
        let started_at = Timestamp::from_unix(expires.saturating_sub(ttl.as_secs()));
        let user = user.as_deref();
        let mut flow = FlowRecord::of(authorization, user, &attributes, &rfp, started_at);
        let claims = StateClaims {
            rfp: rfp.clone(),
            iat: started_at.unix(),
            exp: expires,
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
    Ok(Started {
        id: jti,
        code_challenge: authorization.code_challenge(),
        authorization_url: authorization.authorization_url,
        state: authorization.state.expose().to_owned(),
        grant_id: authorization.grant_id,
        profile: authorization.key.profile,
        account: authorization.key.account,
        user,
        expires_at: authorization.expires_at,
    })
}

fn check(profile: &Profile, request: &StartRequest) -> Result<()> {
    if profile.grant != GrantType::AuthorizationCode {
        return Err(Error::config(format!(
            "a flow with the grant `{}` cannot be completed elsewhere",
            profile.grant.as_str()
        ))
        .hint(Advice::configure(&["grant"], "use `grant = \"authorization_code\"`")));
    }
    if request.redirect_uri.as_deref() == Some("") {
        return Err(Error::usage("the redirect URI is empty"));
    }
    if request.ttl.as_secs() == 0 || request.ttl > LONGEST_TTL {
        return Err(Error::usage(format!(
            "a state lives for a second at least and {} at most",
            describe(LONGEST_TTL)
        )));
    }
    let names = [("a user reference", &request.user), ("an account", &request.account)];
    for (what, name) in names {
        if name.as_ref().is_some_and(|name| name.is_empty() || name.len() > LONGEST_USER) {
            return Err(Error::usage(format!("{what} has 1 to {LONGEST_USER} bytes")));
        }
    }
    attributes::check_each(request.attributes.iter())?;
    let size: usize = request.attributes.iter().map(|(n, v)| n.len() + v.to_string().len()).sum();
    if size > LARGEST_ATTRIBUTES {
        return Err(Error::usage(format!(
            "the attributes of a flow have at most {LARGEST_ATTRIBUTES} bytes together"
        ))
        .hint(Advice::SetAttributesLater));
    }
    Ok(())
}
