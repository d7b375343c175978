//! The authorization request, and what must be kept until its response arrives: the lower level,
//! where one process sends the request and receives the response.

use std::collections::BTreeMap;
use std::time::Duration;

use oauth2::{PkceCodeChallenge, PkceCodeVerifier};

use super::credentials::{credentials, dpop_key, prove_secrets};
use super::first_tokens::Requested;
use super::pin::pin;
use super::push::{may_want_a_push, push};
use super::request_signature::{is_signed, request_key, signed};
use super::turn::{Context, Peer};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{Attribute, GrantKey, Pin};
use crate::parameters::is_reserved_for_authorization;
use crate::profile::discovery::Purpose;
use crate::profile::{AuthorizationServer, Par, Pkce, Profile, redirect_uri, scopes};
use crate::protocol::authorization::{self, AuthorizationRequest, Validation};
use crate::protocol::client_auth::Credentials;
use crate::protocol::signing_key::SigningKey;
use crate::protocol::{dpop, random};
use crate::text::one_line;
use crate::time::Timestamp;

/// Default time to wait for a response: 10 minutes.
pub const DEFAULT_TTL: Duration = Duration::from_secs(600);

/// A request to [`FlowManager::authorize`](crate::FlowManager::authorize).
#[derive(Clone)]
#[non_exhaustive]
pub struct AuthorizeRequest {
    /// The key under which the grant will be stored.
    pub key: GrantKey,
    /// The redirect URI, exactly as the server will see it. If empty, the first one of the profile is used
    /// ([`Profile::login_redirect_uris`]).
    pub redirect_uri: String,
    /// The redirect URI if responses of the server cannot share one with those of other servers
    /// ([`Profile::can_share_redirect_uri`]).
    pub own_redirect_uri: Option<String>,
    /// The scopes, one per element or several separated by spaces. If empty, those of the profile are used.
    pub scopes: Vec<String>,
    /// Additional parameters: `login_hint`, `prompt`, and others that are not reserved.
    pub extra: Vec<(String, String)>,
    /// How long to wait for the response.
    pub ttl: Duration,
}

crate::redact::debug::redacted_debug!(AuthorizeRequest {
    key,
    redirect_uri,
    own_redirect_uri,
    scopes,
    extra => pairs,
    ttl,
});

impl AuthorizeRequest {
    /// Creates a request with the settings of the profile, which expires after [`DEFAULT_TTL`].
    pub fn new(key: GrantKey, redirect_uri: impl Into<String>) -> Self {
        let (redirect_uri, scopes, extra) = (redirect_uri.into(), Vec::new(), Vec::new());
        Self { key, redirect_uri, own_redirect_uri: None, scopes, extra, ttl: DEFAULT_TTL }
    }

    /// Chooses the redirect URI, once it is known whether the server announces `iss`.
    fn settle_redirect_uri(&mut self, profile: &Profile, announces_iss: bool) -> Result<()> {
        if let Some(own) = self.own_redirect_uri.take()
            && !profile.can_share_redirect_uri(announces_iss)
        {
            self.redirect_uri = own;
        }
        if self.redirect_uri.is_empty() {
            let first = profile.login_redirect_uris(announces_iss).into_iter().next();
            let first = first.ok_or_else(|| Error::config("the profile has no redirect URI"))?;
            self.redirect_uri = first.text;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        check_extra(&self.extra)?;
        scopes::check(&self.scopes)?;
        let uris = [
            Some(&self.redirect_uri).filter(|uri| !uri.is_empty()),
            self.own_redirect_uri.as_ref(),
        ];
        for uri in uris.into_iter().flatten() {
            redirect_uri::redirect_uri(uri)
                .map_err(|why| Error::usage(format!("the redirect URI {why}")))?;
        }
        Ok(())
    }
}

/// A pending authorization whose response is expected in this process. The server is fixed: a response is
/// redeemed nowhere else. `Debug` omits everything that the response has to match.
pub struct Authorization {
    /// The URL to open in the user's browser.
    pub authorization_url: String,
    /// The redirect URI.
    pub redirect_uri: String,
    /// The key under which the grant will be stored.
    pub key: GrantKey,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// When the authorization expires.
    pub expires_at: Timestamp,
    /// The id that the grant will have.
    pub grant_id: String,
    pub(super) user: Option<String>,
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) state: Secret,
    pub(super) nonce: Option<String>,
    pub(super) verifier: Option<Secret>,
    pub(super) dpop_key: Option<Secret>,
    /// The client's credentials, where this process redeems the code: they are read once.
    pub(super) credentials: Option<Credentials>,
    pub(super) server: AuthorizationServer,
    pub(super) pin: Pin,
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorization")
            .field("grant_id", &self.grant_id)
            .field("key", &self.key)
            .field("redirect_uri", &self.redirect_uri)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Authorization {
    /// Validates the parameters of an authorization response: state, `iss`, `error`, then the code.
    pub fn validate(&self, parameters: &[(String, String)]) -> Validation {
        match authorization::validate(parameters, self.state.expose(), &self.server) {
            Validation::Failed(error) => {
                Validation::Failed(may_want_a_push(error, self.is_pushed()))
            }
            validation => validation,
        }
    }

    /// Returns whether this is the beginning of the state, as in a truncated response.
    #[cfg(feature = "login")]
    pub(crate) fn state_begins_with(&self, text: &str) -> bool {
        self.state.expose().starts_with(text)
    }

    /// Returns whether the URL only refers to a pushed request (RFC 9126).
    pub(crate) fn is_pushed(&self) -> bool {
        let url = url::Url::parse(&self.authorization_url).ok();
        url.is_some_and(|url| url.query_pairs().any(|(name, _)| name == "request_uri"))
    }

    /// Returns the S256 code challenge (RFC 7636, section 4.2) that was sent, or `None` if PKCE is off.
    pub fn code_challenge(&self) -> Option<String> {
        let verifier = self.verifier.as_ref()?.expose().to_owned();
        let verifier = PkceCodeVerifier::new(verifier);
        Some(PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str().to_owned())
    }

    /// Returns the requested grant.
    pub(super) fn requested(&self) -> Requested<'_> {
        Requested {
            key: &self.key,
            grant_id: &self.grant_id,
            scopes: &self.scopes,
            user: self.user.as_deref(),
            attributes: &self.attributes,
            nonce: self.nonce.as_deref(),
            dpop_key: self.dpop_key.as_ref(),
            pin: &self.pin,
            is_claimed: false,
        }
    }

    /// Returns the authorization server.
    pub fn server(&self) -> &AuthorizationServer {
        &self.server
    }
}

/// Where the response of an authorization is awaited.
#[derive(Clone, Copy)]
pub(super) enum Awaited {
    /// In this process, so that an unreadable client secret is reported before the user is involved.
    Here,
    /// Perhaps in another process, which reads the client's secrets itself.
    Elsewhere,
}

/// Creates an authorization request for this server, or for the profile's if it is `None`. `make_state` derives the state
/// from the rest of the authorization.
pub(super) async fn authorize(
    context: Context<'_>,
    server: Option<AuthorizationServer>,
    mut request: AuthorizeRequest,
    awaited: Awaited,
    make_state: impl FnOnce(&mut Authorization) -> Result<String>,
) -> Result<Authorization> {
    let profile = context.profile;
    request.check()?;
    let credentials = match awaited {
        Awaited::Here => Some(credentials(context).await?),
        Awaited::Elsewhere => prove_secrets(context).await.map(|()| None)?,
    };
    let server = match server {
        Some(server) => server,
        None => context.server(Purpose::Login).await?,
    };
    if profile.client.is_metadata_document && refuses_documents(&server) {
        let issuer = server.issuer.as_deref().map(one_line).unwrap_or_default();
        let what = format!("{issuer} does not accept client-ID metadata documents");
        return Err(Error::config(what).hint(Advice::RegisterClient));
    }
    request.settle_redirect_uri(profile, server.iss_parameter_supported)?;
    let endpoint = server.endpoints.authorization.clone().ok_or_else(|| {
        Error::config(format!("no authorization endpoint is known for profile `{}`", profile.name))
            .hint(Advice::configure(
                &["authorization_endpoint", "issuer"],
                "set `authorization_endpoint`, or `issuer` for discovery",
            ))
    })?;
    refuse_reserved(&endpoint)?;
    let scopes = if request.scopes.is_empty() { &profile.scopes } else { &request.scopes };
    let scopes = scopes::split(scopes, &profile.scope_separator);
    let (challenge, verifier) = make_challenge(context.with(&server))?;
    let nonce = scopes.iter().any(|s| s == "openid").then(|| random::token(32)).transpose()?;
    let dpop_key = dpop_key(context, credentials.as_ref()).await?;
    let mut pending = Authorization {
        authorization_url: String::new(),
        redirect_uri: request.redirect_uri,
        key: request.key,
        scopes,
        expires_at: context.now().plus(request.ttl),
        grant_id: random::grant_id()?,
        user: None,
        attributes: BTreeMap::new(),
        state: Secret::default(),
        nonce,
        verifier,
        dpop_key,
        credentials,
        pin: pin(profile, &server)?,
        server,
    };
    pending.state = Secret::new(make_state(&mut pending)?);
    let url = request_url(context, &pending, &endpoint, challenge.as_deref(), &request.extra);
    pending.authorization_url = url.await?;
    Ok(pending)
}

/// Returns whether the metadata of a server says, by omission, that it accepts no client-ID metadata documents.
fn refuses_documents(server: &AuthorizationServer) -> bool {
    server.issuer.is_some() && !server.client_id_metadata_documents
}

/// Returns the URL to open: with the whole request, or with a reference to the pushed one.
async fn request_url(
    context: Context<'_>,
    pending: &Authorization,
    endpoint: &str,
    challenge: Option<&str>,
    extra: &[(String, String)],
) -> Result<String> {
    let Authorization { server, dpop_key, .. } = pending;
    let profile = context.profile;
    let thumbprint = match dpop_key {
        Some(key) => Some(dpop::thumbprint(&SigningKey::from_stored(key)?)?),
        None => None,
    };
    let message = AuthorizationRequest {
        redirect_uri: &pending.redirect_uri,
        state: pending.state.expose(),
        nonce: pending.nonce.as_deref(),
        code_challenge: challenge,
        dpop_jkt: thumbprint.as_deref(),
        scopes: &pending.scopes,
        extra,
    };
    context.trace_step("Building the authorization request", "RFC 6749, section 4.1.1");
    let parameters = message.parameters(profile);
    let parameters = match is_signed(profile, server)? {
        true => {
            let key = request_key(context, pending.credentials.as_ref()).await?;
            signed(context.with(server), &key, endpoint, &parameters)?
        }
        false => parameters,
    };
    let pushed = match profile.par {
        Par::Never if server.require_par => return Err(par_required(profile)),
        Par::Never => None,
        Par::Always => Some(()),
        Par::Auto => server.require_par.then_some(()),
    };
    if pushed.is_none() {
        return Ok(authorization::url(endpoint, &parameters));
    }
    let resolved = match &pending.credentials {
        Some(credentials) => credentials,
        None => &credentials(context).await?,
    };
    let uri = push(context.with(server), resolved, parameters, dpop_key.as_ref()).await?;
    let client = ("client_id".to_owned(), profile.client.id.clone());
    Ok(authorization::url(endpoint, &[client, ("request_uri".to_owned(), uri)]))
}

fn make_challenge(peer: Peer<'_>) -> Result<(Option<String>, Option<Secret>)> {
    if peer.profile.pkce == Pkce::Off {
        return Ok((None, None));
    }
    // Metadata that does not mention PKCE is no reason to omit it (RFC 9700, section 2.1.1).
    if let Some(methods) = &peer.server.code_challenge_methods
        && !methods.iter().any(|m| m == "S256")
    {
        return Err(Error::validation("the server's metadata does not advertise PKCE with S256")
            .hint(
                "`plain` protects nothing; if the server does not support PKCE, set `pkce = \
                 \"off\"`",
            ));
    }
    peer.trace_step("Creating a code verifier and its S256 challenge", "RFC 7636, section 4");
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    Ok((Some(challenge.as_str().to_owned()), Some(Secret::new(verifier.into_secret()))))
}

fn par_required(profile: &Profile) -> Error {
    Error::config(format!(
        "the server of profile `{}` requires pushed authorization requests, but `par` is `never`",
        profile.name
    ))
    .hint(Advice::configure(&["par"], "set `par = \"auto\"` in the profile"))
}

/// The endpoint's own query must not set parameters of the request: servers differ in which of two
/// parameters with the same name they use.
fn refuse_reserved(endpoint: &str) -> Result<()> {
    let query = endpoint.split_once('?').map_or("", |(_, query)| query);
    let mut names = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    match names.find(|name| is_reserved_for_authorization(name)) {
        Some(name) => Err(Error::validation(format!(
            "the authorization endpoint already sets `{}`",
            crate::text::one_line(&name)
        ))
        .hint(
            "remove it from the endpoint's query, which must not contain parameters of the \
               protocol",
        )),
        None => Ok(()),
    }
}

/// Refuses parameters that are reserved for the protocol.
pub(crate) fn check_extra(extra: &[(String, String)]) -> Result<()> {
    let reserved = |name: &&(String, String)| is_reserved_for_authorization(&name.0);
    match extra.iter().find(reserved) {
        Some((name, _)) => {
            Err(Error::usage(format!("`{name}` cannot be set as a parameter"))
                .hint(Advice::UseScopes))
        }
        None => Ok(()),
    }
}
