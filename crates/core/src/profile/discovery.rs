//! Completes the configuration of an authorization server with the server's own metadata (OpenID Connect
//! Discovery, RFC 8414).

pub(crate) mod fetch;
mod kept;

use std::path::Path;

use serde_json::{Map, Value};

use self::fetch::Failure;
use self::kept::{Found, Kept};
use super::metadata::{Metadata, needs_keys, validate};
use super::{
    AuthorizationServer, ClientAuth, DiscoveryRules, Endpoint, Endpoints, GrantType, LoginFlow,
    Par, Pkce, Profile,
};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::port::{Clock, Http};
use crate::text::one_line;
use crate::time::Timestamp;

/// The purpose for which metadata is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A login: metadata is fetched, and a cached copy is used only if the server does not respond.
    Login,
    /// A token: a cached copy suffices, and nothing is fetched if the configuration has all endpoints that
    /// the grant needs.
    Token,
    /// Endpoints that the grant itself does not need, such as revocation and userinfo.
    Optional,
}

/// Resolves the authorization server of a profile. The configuration overrides metadata, which is cached in
/// `cache_dir` for at most a day.
///
/// A server that reports that it has no metadata (404, for instance) is accepted for a login if the
/// configuration has all endpoints. A server that does not respond is different: an attacker on the network
/// could have blocked the response so that a promised `iss` (RFC 9207) is not required. Then only the
/// cached copy is used.
///
/// # Errors
/// Returns `Validation` if the metadata belongs to another issuer, contains an unsafe endpoint, or excludes
/// PKCE with S256; `Config` if there is no metadata and an endpoint is missing; and `Unavailable` if the
/// server does not respond.
pub(crate) async fn resolve(
    profile: &Profile,
    http: &dyn Http,
    clock: &dyn Clock,
    cache_dir: Option<&Path>,
    purpose: Purpose,
) -> Result<AuthorizationServer> {
    profile.check()?;
    let Some(issuer) = &profile.issuer else {
        return validate_for(profile, overridden(profile, nothing()));
    };
    let source = Source { profile, issuer, http, clock, cache_dir };
    let metadata = match purpose {
        Purpose::Login => source.for_login().await?,
        Purpose::Token if is_complete(profile) => source.at_hand(),
        Purpose::Token => {
            source.kept_or_fetched(|server| missing(profile, &server.endpoints).is_empty()).await?
        }
        Purpose::Optional => source.kept_or_fetched(|server| !lacks(profile, server)).await?,
    };
    validate_for(profile, overridden(profile, metadata.server))
}

/// Returns whether the server of this profile sends `iss` in authorization responses (RFC 9207), according to the
/// metadata in `cache_dir`. Returns `None` if the metadata has not been fetched yet.
pub fn announces_iss(profile: &Profile, cache_dir: &Path) -> Option<bool> {
    let Some(issuer) = &profile.issuer else { return Some(false) };
    Some(last_known(profile, issuer, cache_dir)?.iss_parameter_supported)
}

/// Returns how the client of this profile authenticates, according to the metadata in `cache_dir`. Metadata that has
/// not been fetched yet counts as listing no methods.
pub fn client_auth(profile: &Profile, cache_dir: &Path) -> ClientAuth {
    let issuer = profile.issuer.as_ref();
    let server = issuer.and_then(|issuer| last_known(profile, issuer, cache_dir));
    profile.client_auth(server.as_ref().map_or(&[], |server| &server.token_auth_methods))
}

/// Returns the server according to the cached copy of its metadata, however old.
fn last_known(profile: &Profile, issuer: &str, cache_dir: &Path) -> Option<AuthorizationServer> {
    let rules = profile.discovery_rules;
    let kept = kept::find(cache_dir, issuer, rules, Timestamp::from_unix(0))?;
    Some(kept.metadata.server)
}

/// What an authorization server publishes about itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Published {
    /// The location of the document.
    pub url: String,
    /// Its members, completed from the other locations of such a document.
    pub metadata: Map<String, Value>,
    /// The members that name no usable endpoint.
    pub unusable: Vec<String>,
}

/// Fetches what an issuer publishes about itself (OpenID Connect Discovery, RFC 8414). Nothing is cached.
///
/// # Errors
/// Returns `Validation` if the metadata belongs to another issuer or is invalid, `Config` if the URL is not one of an
/// issuer or has no metadata, and `Unavailable` if the server does not respond.
pub async fn published(issuer: &str, http: &dyn Http) -> Result<Published> {
    let (url, metadata) = fetch::fetch_all(issuer, http).await?;
    let unusable = validate(issuer, &metadata)?.server.ignored_endpoints;
    Ok(Published { url: url.into(), metadata, unusable })
}

/// The source of the metadata of a profile's issuer.
struct Source<'a> {
    profile: &'a Profile,
    issuer: &'a str,
    http: &'a dyn Http,
    clock: &'a dyn Clock,
    cache_dir: Option<&'a Path>,
}

impl Source<'_> {
    fn rules(&self) -> DiscoveryRules {
        self.profile.discovery_rules
    }

    fn kept(&self) -> Option<Kept> {
        kept::find(self.cache_dir?, self.issuer, self.rules(), self.clock.now())
    }

    async fn fetched(&self) -> Result<Metadata, Failure> {
        let lacks = |document: &Map<String, Value>| {
            let validated = validate(self.issuer, document);
            validated.is_ok_and(|metadata| {
                lacks(self.profile, &overridden(self.profile, metadata.server))
            })
        };
        let fetched = fetch::fetch(self.issuer, self.rules(), self.http, lacks).await;
        let found: Found = fetched.map_err(|failure| match failure {
            Failure::NoDocument(error) if self.rules() == DiscoveryRules::Configured => {
                Failure::NoDocument(error.hint(do_without(self.profile)))
            }
            failure => failure,
        })?;
        let metadata = validate(self.issuer, &found.document).map_err(Failure::Refused)?;
        metadata.refuse_unsafe(self.profile, self.issuer).map_err(Failure::Refused)?;
        if let Some(dir) = self.cache_dir {
            kept::keep(dir, self.issuer, self.rules(), found, self.clock.now());
        }
        Ok(metadata)
    }

    async fn for_login(&self) -> Result<Metadata> {
        let is_complete = is_complete(self.profile);
        match self.fetched().await {
            Ok(metadata) => Ok(metadata),
            Err(Failure::NoDocument(_)) if is_complete => Ok(Metadata::from(nothing())),
            Err(Failure::NoAnswer(error)) => match self.kept().filter(|kept| kept.is_current) {
                Some(kept) => Ok(kept.metadata),
                // A grant without an authorization response cannot miss an `iss`.
                None if is_complete && self.profile.grant != GrantType::AuthorizationCode => {
                    Ok(Metadata::from(nothing()))
                }
                None if is_complete => Err(error.hint(Advice::RetryLater).and_hint(
                    "the metadata says whether the server's responses contain `iss`, which must \
                     not be left unchecked",
                )),
                None => Err(error),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    /// Returns what is known without a request, if the configuration has the endpoints. No endpoint of an
    /// outdated copy is used.
    fn at_hand(&self) -> Metadata {
        match self.kept() {
            Some(kept) if kept.is_current => kept.metadata,
            Some(Kept { metadata: Metadata { server, .. }, .. }) => {
                Metadata::from(AuthorizationServer { endpoints: Endpoints::default(), ..server })
            }
            None => Metadata::from(nothing()),
        }
    }

    async fn kept_or_fetched(
        &self,
        is_enough: impl Fn(&AuthorizationServer) -> bool,
    ) -> Result<Metadata> {
        let usable = self.kept().filter(|kept| {
            let server = overridden(self.profile, kept.metadata.server.clone());
            kept.is_current && (kept.is_joined || is_enough(&server))
        });
        match usable {
            Some(kept) => {
                kept.metadata.refuse_unsafe(self.profile, self.issuer)?;
                Ok(kept.metadata)
            }
            None => Ok(self.fetched().await?),
        }
    }
}

/// Returns whether the configuration has every endpoint that the grant needs.
fn is_complete(profile: &Profile) -> bool {
    missing(profile, &profile.endpoints).is_empty()
}

/// Returns the advice for a server without metadata. It names every endpoint that is needed and not set.
fn do_without(profile: &Profile) -> Advice {
    let missing = missing(profile, &profile.endpoints).into_iter();
    let missing: Vec<&str> = missing.map(Endpoint::key).collect();
    let Some((last, before)) = missing.split_last() else {
        return Advice::configure(&["issuer"], "check `issuer`");
    };
    let mut list = before.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if !list.is_empty() {
        list.push_str(" and ");
    }
    let how = format!("check `issuer`, or set {list}`{last}` in the profile");
    Advice::configure(&[&["issuer"], &*missing].concat(), how)
}

/// Returns whether a document lacks an endpoint that another document of the same server may have.
fn lacks(profile: &Profile, server: &AuthorizationServer) -> bool {
    let endpoints = &server.endpoints;
    let pushes = server.require_par && profile.par != Par::Never;
    !missing(profile, endpoints).is_empty()
        || endpoints.revocation.is_none()
        || pushes && endpoints.pushed_authorization_request.is_none()
}

fn nothing() -> AuthorizationServer {
    AuthorizationServer {
        issuer: None,
        endpoints: Endpoints::default(),
        code_challenge_methods: None,
        iss_parameter_supported: false,
        require_par: false,
        require_signed_request: false,
        request_algs: Vec::new(),
        id_token_algs: Vec::new(),
        token_auth_methods: Vec::new(),
        token_auth_algs: Vec::new(),
        mtls_endpoints: Endpoints::default(),
        scopes_supported: Vec::new(),
        client_id_metadata_documents: false,
        ignored_endpoints: Vec::new(),
    }
}

/// Returns the missing endpoints that this profile's grant needs.
fn missing(profile: &Profile, endpoints: &Endpoints) -> Vec<Endpoint> {
    let code = profile.grant == GrantType::AuthorizationCode;
    let device =
        profile.grant == GrantType::DeviceCode || code && profile.flow.contains(&LoginFlow::Device);
    [
        (code, Endpoint::Authorization),
        (true, Endpoint::Token),
        (device, Endpoint::DeviceAuthorization),
        (profile.grant == GrantType::Ciba, Endpoint::BackchannelAuthentication),
        (code && profile.par == Par::Always, Endpoint::PushedAuthorizationRequest),
        (needs_keys(profile), Endpoint::Jwks),
    ]
    .into_iter()
    .filter(|(is_needed, endpoint)| *is_needed && endpoints.get(*endpoint).is_none())
    .map(|(_, endpoint)| endpoint)
    .collect()
}

/// Applies the configuration over the server's metadata. A client with a certificate uses the endpoints that
/// ask for one.
fn overridden(profile: &Profile, mut server: AuthorizationServer) -> AuthorizationServer {
    let is_mutual_tls = profile.client.auth.is_some_and(ClientAuth::is_mutual_tls);
    for endpoint in Endpoint::all() {
        if let Some(alias) = server.mtls_endpoints.get(endpoint).filter(|_| is_mutual_tls).cloned()
        {
            *server.endpoints.get_mut(endpoint) = Some(alias);
        }
        if let Some(own) = profile.endpoints.get(endpoint) {
            *server.endpoints.get_mut(endpoint) = Some(own.clone());
        }
    }
    server.issuer.clone_from(&profile.issuer);
    server
}

/// Checks that the server can serve this profile. A device endpoint that is needed only later, or keys that
/// only an id_token needs, are checked when they are used.
fn validate_for(profile: &Profile, server: AuthorizationServer) -> Result<AuthorizationServer> {
    let is_deferred = |endpoint: &Endpoint| match endpoint {
        Endpoint::Jwks => true,
        Endpoint::DeviceAuthorization => profile.grant != GrantType::DeviceCode,
        _ => false,
    };
    let mut absent = missing(profile, &server.endpoints).into_iter();
    if let Some(endpoint) = absent.find(|endpoint| !is_deferred(endpoint)) {
        let name = endpoint.key();
        let issuer = server.issuer.as_deref().map_or_else(|| "the server".to_owned(), one_line);
        return Err(Error::config(format!("{issuer} has no known {name}")).hint(
            Advice::configure(
                &[name],
                format!("set `{name}` in the profile, if the server has one"),
            ),
        ));
    }
    if profile.discovery_rules == DiscoveryRules::Mcp && server.code_challenge_methods.is_none() {
        let issuer = server.issuer.as_deref().map_or_else(|| "the server".to_owned(), one_line);
        return Err(Error::validation(format!(
            "{issuer} does not advertise PKCE with S256 (`code_challenge_methods_supported`), so \
             an intercepted code could be redeemed"
        ))
        .hint("ask the operator of the server to advertise it"));
    }
    let without_s256 = server
        .code_challenge_methods
        .as_ref()
        .is_some_and(|methods| !methods.iter().any(|method| method == "S256"));
    if without_s256 && profile.pkce == Pkce::S256 && profile.grant == GrantType::AuthorizationCode {
        let methods = server.code_challenge_methods.unwrap_or_default().join(", ");
        let methods = if methods.is_empty() { "none".to_owned() } else { one_line(&methods) };
        return Err(Error::validation(format!(
            "the server supports PKCE without S256 (it lists {methods}), so an intercepted code \
             could be redeemed"
        ))
        .hint(Advice::configure(
            &["pkce"],
            "ask the operator to enable S256, or set `pkce = \"off\"` in the profile",
        )));
    }
    Ok(server)
}

#[cfg(test)]
mod tests;
