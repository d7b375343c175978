//! Profiles: an authorization server, a client of it, a grant type, scopes and parameters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub mod api_url;
mod authentication;
mod authorization_server;
#[cfg(test)]
mod bad_files;
mod builder;

mod callbacks;
mod catalog;
mod check;
mod client;
mod config;
mod config_file;
mod credential;
mod credential_tables;
pub mod describe;
pub(crate) mod diagnose;
pub mod discovery;
#[cfg(test)]
mod documented;
pub mod edit;
pub(crate) mod endpoint;
mod endpoints;
mod grant_type;
#[cfg(test)]
mod growth_tests;
mod holders;
mod id_token;
pub(crate) mod inputs;
mod keys;
pub(crate) mod metadata;
mod node;
pub mod presets;
pub mod programs;
pub(crate) mod reader;
pub(crate) mod redirect_uri;
mod requests;
mod response_mode;
mod rule_tables;
mod rules;
pub mod scopes;
pub mod secret_source;
mod sections;
mod server;
mod source;
mod tables;
mod target;
pub mod url_login;
mod validate;
mod work;

pub use authorization_server::AuthorizationServer;
pub use builder::ProfileBuilder;
pub(crate) use callbacks::of_other_servers;
pub use catalog::Catalog;
pub use client::{AssertionAudience, Client, ClientAuth, FormerClient, SecretSource};
pub use config::{Config, Defaults, StoreCommand};
pub use config_file::ConfigFile;
pub use credential::{Credential, CredentialToken, CredentialTool, Credentials};
pub use diagnose::similar;
pub use discovery::{announces_iss, client_auth};
pub(crate) use endpoints::Endpoint;
pub use endpoints::Endpoints;
pub use grant_type::{GrantInputs, GrantType, LoginFlow};
pub(crate) use metadata::Unique;
pub use redirect_uri::{Callback, LoopbackHost, RedirectUri};
pub use requests::{Jar, Par, Pkce, TokenRequestFormat};
pub use response_mode::ResponseMode;
pub use rules::Rule;
pub use target::Target;

/// The minimum remaining lifetime of tokens of a profile that sets none.
pub const DEFAULT_MIN_TTL: Duration = Duration::from_secs(60);

/// A profile with its preset applied: the whole configuration, validated, with nothing fetched yet.
/// Endpoints are named as in RFC 8414, client metadata as in RFC 7591.
///
/// A manager does not read some of its fields; they are for the code that builds one. `ca_file`, and the
/// certificate of `tls_client_auth`, go into the [`Options`](crate::http::Options) of the transport;
/// `write_back` goes behind [`with_committed`](crate::Ports::with_committed); `store` determines the store
/// in the [`Ports`](crate::Ports); `flow` and `timeout` are for a login.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// Returns the name in the configuration.
    pub name: String,
    /// The preset that it is based on.
    pub provider: Option<String>,
    /// The issuer, for discovery and for validating `iss`.
    pub issuer: Option<String>,
    /// The endpoints from configuration or preset; discovery adds the others.
    pub endpoints: Endpoints,
    /// The client.
    pub client: Client,
    /// The clients of earlier logins. A grant is used with the client with which it was obtained.
    pub former_clients: Vec<FormerClient>,
    /// The grant type.
    pub grant: GrantType,
    /// The inputs of the grant request.
    pub inputs: GrantInputs,
    /// The scopes to request, one per element.
    pub scopes: Vec<String>,
    /// The scopes that the next login requests only if the user names them again. Only a login by URL has such scopes.
    pub chosen_scopes: Vec<String>,
    /// The separator between scopes in a request.
    pub scope_separator: String,
    /// The name of the scope parameter in the authorization request (Slack: `user_scope`).
    pub scope_param: String,
    /// Redirect URIs in order of preference; never empty. A login may use another one: see
    /// [`login_redirect_uris`](Self::login_redirect_uris).
    pub redirect_uris: Vec<RedirectUri>,
    /// The audience parameter.
    pub audience: Option<String>,
    /// Resource indicators (RFC 8707).
    pub resource: Vec<String>,
    /// The URLs below which the token may be sent, if they are not those of `resource`; the first is the
    /// base of relative paths. See [`ApiUrls`](api_url::ApiUrls).
    pub api_url: Vec<String>,
    /// Whether PKCE with S256 is used.
    pub pkce: Pkce,
    /// When pushed authorization requests are used (RFC 9126).
    pub par: Par,
    /// When the authorization request is signed (RFC 9101).
    pub jar: Jar,
    /// How the authorization response is returned; `None` leaves that to the server.
    pub response_mode: Option<ResponseMode>,
    /// Whether tokens are bound to a key (RFC 9449).
    pub dpop: bool,
    /// Additional parameters of the authorization request.
    pub authorization_params: BTreeMap<String, String>,
    /// Additional parameters of every token request.
    pub token_params: BTreeMap<String, String>,
    /// Additional parameters of refresh requests.
    pub refresh_params: BTreeMap<String, String>,
    /// How token requests are encoded.
    pub token_request: TokenRequestFormat,
    /// Where the token set is nested in the response (`authed_user`), dot-separated.
    pub token_path: String,
    /// Values of the token response to store with the grant.
    pub keep: Vec<String>,
    /// Values of the callback's query to store with the grant.
    pub keep_from_callback: Vec<String>,
    /// Authorization details (RFC 9396), an array of objects.
    pub authorization_details: Vec<serde_json::Value>,
    /// Audiences of id_tokens that are accepted in addition to the client.
    pub trusted_audiences: TrustedAudiences,
    /// The only accepted signature algorithm of id_tokens: `RS256`, `ES256` and others; `HS256` uses the
    /// client secret.
    pub id_token_signed_response_alg: Option<String>,
    /// The login flows, in order of preference.
    pub flow: Vec<LoginFlow>,
    /// Minimum remaining lifetime of a token to be handed out.
    pub min_ttl: Duration,
    /// How long a login waits for the user.
    pub timeout: Duration,
    /// The store, if the profile sets one.
    pub store: Option<String>,
    /// Additional trusted certificates, PEM.
    pub ca_file: Option<PathBuf>,
    /// A command that receives the export line on stdin after every rotation.
    pub write_back: Vec<String>,
    /// Hooks, by event: `authorization`, `pre_token`, `post_token`, `login_required`. The manager's
    /// [`Hooks`](crate::flow::Hooks) run them.
    pub hooks: BTreeMap<String, Hook>,
    /// How the other profiles of the configuration affect the redirect URI.
    pub callback: Callback,
    /// Peculiarities of the provider that no other field expresses; set by presets only.
    pub quirks: Quirks,
    /// How the server's metadata is found, and what it must advertise.
    pub discovery_rules: DiscoveryRules,
}

crate::redact::debug::redacted_debug!(Profile {
    name,
    provider,
    issuer,
    endpoints,
    client,
    former_clients,
    grant,
    inputs,
    scopes,
    chosen_scopes,
    scope_separator,
    scope_param,
    redirect_uris,
    audience,
    resource,
    api_url,
    pkce,
    par,
    jar,
    response_mode,
    dpop,
    authorization_params => params,
    token_params => params,
    refresh_params => params,
    token_request,
    token_path,
    keep,
    keep_from_callback,
    authorization_details => count,
    trusted_audiences,
    id_token_signed_response_alg,
    flow,
    min_ttl,
    timeout,
    store,
    ca_file,
    write_back => command,
    hooks,
    callback,
    quirks,
    discovery_rules,
});

impl Profile {
    /// Returns whether the browser posts the response as a form.
    pub fn is_form_post(&self) -> bool {
        match self.response_mode {
            Some(mode) => matches!(mode, ResponseMode::FormPost | ResponseMode::FormPostJwt),
            None => self.quirks.form_post,
        }
    }
}

/// A command that is run at an event of a grant.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hook {
    /// The program and its arguments; no shell is used.
    pub command: Vec<String>,
    /// Whether it receives the access token and the id_token.
    pub give_token: bool,
}

crate::redact::debug::redacted_debug!(Hook {
    command => command,
    give_token,
});

/// How a server's metadata is found, and what it must advertise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryRules {
    /// The rules for a server that the configuration names: OpenID Connect Discovery, then RFC 8414. PKCE is
    /// used unless the metadata excludes it.
    #[default]
    Configured,
    /// The rules of the MCP authorization specification, for a server that a resource names: RFC 8414, then
    /// OpenID Connect Discovery. The metadata must advertise PKCE with S256.
    Mcp,
}

/// Peculiarities of a provider that are not profile keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// `redirect_uri` must be repeated on refresh (GitLab).
    pub redirect_uri_on_refresh: bool,
    /// Granted scopes are separated by commas (GitHub).
    pub scope_separator_in_response: Option<String>,
    /// Scopes must be sent again on refresh (Okta).
    pub scope_on_refresh: bool,
    /// The name of the scope parameter in the requests of the device flow (Twitch).
    pub device_scope_param: Option<String>,
    /// Tokens may also be outside `token_path` (Slack).
    pub token_path_is_optional: bool,
    /// The callback is sent by `form_post`.
    pub form_post: bool,
    /// Other names of the token type `Bearer` (Slack).
    pub bearer_types: Vec<String>,
    /// Error codes that mean at this provider that the refresh token is no longer valid, while other
    /// servers use them for something else (X, Zoom).
    pub dead_token_codes: Vec<String>,
    /// id_tokens do not repeat the nonce (LinkedIn).
    pub id_token_without_nonce: bool,
    /// Scopes that the response never lists, whether they were granted or not (Microsoft).
    pub scopes_not_returned: Vec<String>,
    /// The issuer of id_tokens at a multi-tenant server, with `{tenantid}` in place of the token's `tid`
    /// (Microsoft). Used if no issuer is known.
    pub tenant_issuer: Option<String>,
}

/// Audiences of id_tokens that are accepted in addition to the client (OpenID Connect Core, section
/// 3.1.3.7).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustedAudiences {
    /// The listed audiences.
    Listed(Vec<String>),
    /// Any, if the token says that it was issued to this client (`azp`).
    Any,
}

impl Default for TrustedAudiences {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}
