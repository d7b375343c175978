//! Profiles: an authorization server, a client of it, a grant type, scopes and parameters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub mod api_url;
#[cfg(test)]
mod bad_files;
mod builder;
mod by_hand;
mod callbacks;
mod catalog;
mod check;
mod config;
mod config_file;
mod credential;
mod credential_tables;
pub mod describe;
pub(crate) mod diagnose;
pub mod discovery;
#[cfg(test)]
mod documented;
pub mod draft;
pub mod edit;
pub(crate) mod endpoint;
mod endpoints;
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
mod response_mode;
mod rule_tables;
mod rules;
pub mod scopes;
pub mod secret_source;
mod sections;
mod server;
pub mod snapshot;
mod source;
mod target;
mod unsupported;
pub mod url_login;
mod work;

pub use builder::ProfileBuilder;
pub(crate) use callbacks::of_other_servers;
pub use catalog::Catalog;
pub use config::{Config, Defaults, StoreCommand};
pub use config_file::ConfigFile;
pub use credential::{Credential, CredentialToken, CredentialTool, Credentials};
pub use discovery::announces_iss;
pub(crate) use endpoints::Endpoint;
pub use endpoints::Endpoints;
pub(crate) use metadata::Unique;
pub use redirect_uri::{Callback, LoopbackHost, RedirectUri};
pub use rules::Rule;
pub use target::Target;

/// The minimum remaining lifetime of tokens of a profile that sets none.
pub const USUAL_MIN_TTL: Duration = Duration::from_secs(60);

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
    /// The grant type.
    pub grant: GrantType,
    /// What the grant is requested with.
    pub inputs: GrantInputs,
    /// The scopes to request, one per element.
    pub scopes: Vec<String>,
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
    /// What the other profiles of the configuration mean for the redirect URI.
    pub callback: Callback,
    /// Peculiarities of the provider that no other field expresses; set by presets only.
    pub quirks: Quirks,
    /// How the server's metadata is found, and what it must promise.
    pub discovery_rules: DiscoveryRules,
}

crate::redact::debug::redacted_debug!(Profile {
    name,
    provider,
    issuer,
    endpoints,
    client,
    grant,
    inputs,
    scopes,
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

/// The client, as registered at the server.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Client {
    /// The client id.
    pub id: String,
    /// Whether the client id is the URL of a client-ID metadata document, which the server must accept.
    pub is_metadata_document: bool,
    /// The source of the client secret.
    pub secret: Option<SecretSource>,
    /// How the client authenticates. `None` selects automatically: `none` without a secret, else
    /// `client_secret_basic` or a method from the metadata.
    pub auth: Option<ClientAuth>,
    /// The private key of `private_key_jwt`, DPoP and of the client certificate, PEM or JWK.
    pub private_key: Option<SecretSource>,
    /// The client certificate, PEM (RFC 8705). Without one, `private_key` contains it.
    pub certificate: Option<SecretSource>,
    /// A federated assertion (RFC 7523, section 2.2) instead of a private key.
    pub assertion: Option<SecretSource>,
    /// The `aud` of assertions that the client signs to authenticate.
    pub assertion_audience: AssertionAudience,
}

/// The tokens, passwords and hints that a grant is requested with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantInputs {
    /// Google's service-account file, as it is downloaded, for the grant `jwt_bearer`.
    pub service_account: Option<SecretSource>,
    /// The token to exchange (RFC 8693).
    pub subject_token: Option<SecretSource>,
    /// Its type, a URI. `None` derives it from the token.
    pub subject_token_type: Option<String>,
    /// The token of the acting party (RFC 8693).
    pub actor_token: Option<SecretSource>,
    /// Its type, a URI. `None` derives it from the token.
    pub actor_token_type: Option<String>,
    /// The type of the token to issue, a URI.
    pub requested_token_type: Option<String>,
    /// The profile of the identity provider, for the grant `id_jag`.
    pub idp: Option<String>,
    /// The user name of the grant `password`.
    pub username: Option<SecretSource>,
    /// The password of the grant `password`.
    pub password: Option<SecretSource>,
    /// Who is asked to log in, for the grant `ciba`.
    pub login_hint: Option<String>,
    /// A message that the user sees where the login is approved, for the grant `ciba`.
    pub binding_message: Option<String>,
}

/// The source of a secret. `Debug` shows the source, never an inline value.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSource {
    /// Written in the configuration.
    Inline(crate::Secret),
    /// An environment variable.
    Env(String),
    /// A file.
    File(PathBuf),
    /// The standard output of a command.
    Command(Vec<String>),
    /// An item of the token store.
    Keyring(String),
    /// An id token of GitHub Actions for this audience.
    GithubActions {
        /// The audience to request.
        audience: String,
    },
    /// An id token of a GitLab job, in the variable that `id_tokens` of the job names.
    Gitlab(String),
    /// The token of a Kubernetes service account, in a mounted file.
    Kubernetes(PathBuf),
    /// A token of another profile.
    Profile {
        /// The profile.
        name: String,
        /// Whether it is the id_token instead of the access token.
        id_token: bool,
    },
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(…)"),
            Self::Env(name) => write!(f, "Env({name})"),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Command(argv) => write!(f, "Command({})", argv.first().map_or("", |a| a)),
            Self::Keyring(name) => write!(f, "Keyring({name})"),
            Self::GithubActions { audience } => write!(f, "GithubActions({audience})"),
            Self::Gitlab(name) => write!(f, "Gitlab({name})"),
            Self::Kubernetes(path) => write!(f, "Kubernetes({})", path.display()),
            Self::Profile { name, .. } => write!(f, "Profile({name})"),
        }
    }
}

/// How a client authenticates at the token endpoint (RFC 7591, section 2; RFC 8705).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientAuth {
    /// `none`: a public client that only sends its id.
    None,
    /// `client_secret_basic`: HTTP Basic (RFC 6749, section 2.3.1).
    ClientSecretBasic,
    /// `client_secret_post`: the secret in the body.
    ClientSecretPost,
    /// `client_secret_jwt`: an assertion signed with the secret (RFC 7523, section 2.2).
    ClientSecretJwt,
    /// `private_key_jwt`: an assertion signed with a key (RFC 7523, section 2.2).
    PrivateKeyJwt,
    /// `tls_client_auth`: a client certificate of an authority (RFC 8705, section 2.1).
    TlsClientAuth,
    /// `self_signed_tls_client_auth`: a registered client certificate (RFC 8705, section 2.2).
    SelfSignedTlsClientAuth,
}

impl ClientAuth {
    /// All methods with their registered names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("none", Self::None),
        ("client_secret_basic", Self::ClientSecretBasic),
        ("client_secret_post", Self::ClientSecretPost),
        ("client_secret_jwt", Self::ClientSecretJwt),
        ("private_key_jwt", Self::PrivateKeyJwt),
        ("tls_client_auth", Self::TlsClientAuth),
        ("self_signed_tls_client_auth", Self::SelfSignedTlsClientAuth),
    ];

    /// Returns the registered name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("none", |(name, _)| name)
    }

    /// Returns whether the client authenticates with a certificate (RFC 8705).
    pub fn is_mutual_tls(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }
}

/// The `aud` of an assertion with which a client authenticates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer, or the token endpoint if the issuer is unknown.
    #[default]
    Issuer,
    /// The token endpoint, for servers that accept nothing else.
    TokenEndpoint,
}

/// The grant types that a profile can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrantType {
    /// The user logs in with a browser (RFC 6749, section 4.1).
    AuthorizationCode,
    /// The user logs in on another device (RFC 8628).
    DeviceCode,
    /// The client acts on its own behalf (RFC 6749, section 4.4).
    ClientCredentials,
    /// The client presents an assertion (RFC 7523, section 2.1).
    JwtBearer,
    /// The client exchanges another token (RFC 8693).
    TokenExchange,
    /// The client exchanges an id_token of another profile for an identity assertion, and presents that.
    IdJag,
    /// The client presents the user's password (RFC 6749, section 4.3).
    Password,
    /// The server asks the user on a device that it knows (OpenID Connect CIBA).
    Ciba,
}

impl GrantType {
    /// All grant types with their names in the configuration.
    pub const ALL: [(&'static str, Self); 8] = [
        ("authorization_code", Self::AuthorizationCode),
        ("device_code", Self::DeviceCode),
        ("client_credentials", Self::ClientCredentials),
        ("jwt_bearer", Self::JwtBearer),
        ("token_exchange", Self::TokenExchange),
        ("id_jag", Self::IdJag),
        ("password", Self::Password),
        ("ciba", Self::Ciba),
    ];

    /// Returns the name in the configuration.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, grant)| *grant == self).map_or("", |(name, _)| name)
    }

    /// Returns the `grant_type` parameter of requests.
    pub fn wire(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::ClientCredentials => "client_credentials",
            Self::JwtBearer | Self::IdJag => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::Password => "password",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
        }
    }

    /// Returns whether a new grant requires user interaction.
    pub fn needs_person(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::DeviceCode | Self::Ciba)
    }
}

/// Proof key for code exchange (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    /// With the S256 method.
    S256,
    /// Disabled, for servers that reject it.
    Off,
}

/// Pushed authorization requests (RFC 9126).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Par {
    /// If the server requires it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Signed authorization requests (RFC 9101).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jar {
    /// If the server requires them.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How an authorization response is returned (OAuth 2.0 Multiple Response Type Encoding Practices; OAuth 2.0
/// Form Post Response Mode; JARM).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// As a form that the browser posts.
    FormPost,
    /// As a signed JWT in the query, the default of JARM for codes.
    Jwt,
    /// As a signed JWT in the query.
    QueryJwt,
    /// As a signed JWT in a form that the browser posts.
    FormPostJwt,
}

/// The encoding of token requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRequestFormat {
    /// `application/x-www-form-urlencoded`, the standard format.
    Form,
    /// `application/json`.
    Json,
}

/// The login flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginFlow {
    /// A browser on this machine, and the loopback listener.
    Browser,
    /// A code on another device (RFC 8628).
    Device,
    /// The user pastes the callback URL.
    Paste,
}

impl LoginFlow {
    /// Returns its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Device => "device",
            Self::Paste => "paste",
        }
    }
}

/// How a server's metadata is found, and what it must promise.
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

/// An authorization server as it is known for one attempt: the configuration, completed by discovery (RFC
/// 8414, OpenID Connect Discovery). It does not change after the attempt has started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuthorizationServer {
    /// The issuer.
    pub issuer: Option<String>,
    /// The endpoints.
    pub endpoints: Endpoints,
    /// `code_challenge_methods_supported`; `None` if the metadata omits it.
    pub code_challenge_methods: Option<Vec<String>>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207).
    pub iss_parameter_supported: bool,
    /// `require_pushed_authorization_requests` (RFC 9126).
    pub require_par: bool,
    /// `require_signed_request_object` (RFC 9101).
    #[serde(default)]
    pub require_signed_request: bool,
    /// `request_object_signing_alg_values_supported`; empty if the metadata omits it.
    #[serde(default)]
    pub request_algs: Vec<String>,
    /// `id_token_signing_alg_values_supported`; empty if the metadata omits it.
    pub id_token_algs: Vec<String>,
    /// `token_endpoint_auth_methods_supported`; empty if the metadata omits it.
    pub token_auth_methods: Vec<String>,
    /// `token_endpoint_auth_signing_alg_values_supported`; empty if the metadata omits it.
    #[serde(default)]
    pub token_auth_algs: Vec<String>,
    /// `mtls_endpoint_aliases`: the endpoints for clients with a certificate (RFC 8705, section 5).
    #[serde(default)]
    pub mtls_endpoints: Endpoints,
    /// `scopes_supported`; empty if the metadata omits it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// `client_id_metadata_document_supported`: whether the URL of a client's metadata can be its id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_id_metadata_documents: bool,
    /// Members of the metadata that are not usable endpoints and are not needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored_endpoints: Vec<String>,
}
