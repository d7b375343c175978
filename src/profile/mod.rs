//! Profiles: an authorization server, a client of it, a grant type, scopes and parameters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) mod atomic_file;
#[cfg(test)]
mod bad_files;
mod check;
pub mod describe;
pub(crate) mod diagnose;
pub mod discovery;
pub mod edit;
pub(crate) mod endpoint;
mod keys;
mod metadata;
mod node;
pub mod presets;
pub(crate) mod reader;
pub mod schema;
pub mod secret_source;
mod sections;
pub mod snapshot;

pub use schema::{Config, ConfigFile, Defaults, StoreCommand};

/// A profile with its preset applied: everything that configuration says, validated, nothing yet
/// fetched. Names are those of RFC 8414 and RFC 7591.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The name in the configuration.
    pub name: String,
    /// The preset that it builds on.
    pub provider: Option<String>,
    /// The issuer, for discovery and for checking `iss`.
    pub issuer: Option<String>,
    /// The endpoints that configuration or preset name; discovery fills the others.
    pub endpoints: Endpoints,
    /// The client.
    pub client: Client,
    /// The grant type.
    pub grant: GrantType,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// What stands between scopes in a request.
    pub scope_separator: String,
    /// The name of the scope parameter in the authorization request (Slack: `user_scope`).
    pub scope_param: String,
    /// Redirect URIs in order of preference. Never empty.
    pub redirect_uris: Vec<RedirectUri>,
    /// The audience parameter.
    pub audience: Option<String>,
    /// Resource indicators (RFC 8707).
    pub resource: Vec<String>,
    /// Whether PKCE with S256 is used.
    pub pkce: Pkce,
    /// When pushed authorization requests are used (RFC 9126).
    pub par: Par,
    /// Whether tokens are bound to a key (RFC 9449).
    pub dpop: bool,
    /// Further parameters of the authorization request.
    pub authorization_params: BTreeMap<String, String>,
    /// Further parameters of every token request.
    pub token_params: BTreeMap<String, String>,
    /// Further parameters of refresh requests.
    pub refresh_params: BTreeMap<String, String>,
    /// How token requests are encoded.
    pub token_request: TokenRequestFormat,
    /// Where the token set is nested in the response (`authed_user`), dot-separated.
    pub token_path: String,
    /// Values of the token response to keep with the grant.
    pub keep: Vec<String>,
    /// Values of the callback's query to keep with the grant.
    pub keep_from_callback: Vec<String>,
    /// Authorization details (RFC 9396), an array of objects.
    pub authorization_details: Vec<serde_json::Value>,
    /// The ways to log in, in order of preference.
    pub flow: Vec<LoginFlow>,
    /// How much life a token must have left to be handed out.
    pub min_ttl: Duration,
    /// How long a login waits for the person.
    pub timeout: Duration,
    /// The store, where the profile names one.
    pub store: Option<String>,
    /// Additional trusted certificates, PEM.
    pub ca_file: Option<PathBuf>,
    /// A command that gets the export line on stdin after every rotation.
    pub write_back: Vec<String>,
    /// Hooks, by event: `authorization`, `pre_token`, `post_token`, `login_required`. The manager's
    /// [`Hooks`](crate::flow::Hooks) run them.
    pub hooks: BTreeMap<String, Hook>,
    /// What differs at this provider and is not in any of the above; from the preset only.
    pub quirks: Quirks,
}

/// A command that is run at one of the turning points of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The program and its arguments; no shell is used.
    pub command: Vec<String>,
    /// Whether it is given the access token and the id_token.
    pub give_token: bool,
}

/// Endpoints, by their names in RFC 8414 without the suffix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each is the metadata field of the same name")]
pub struct Endpoints {
    pub authorization: Option<String>,
    pub token: Option<String>,
    pub refresh: Option<String>,
    pub device_authorization: Option<String>,
    pub pushed_authorization_request: Option<String>,
    pub revocation: Option<String>,
    pub introspection: Option<String>,
    pub userinfo: Option<String>,
    pub registration: Option<String>,
    pub end_session: Option<String>,
    pub jwks_uri: Option<String>,
}

/// The client, as it is registered with the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// Where the client secret comes from.
    pub secret: Option<SecretSource>,
    /// How the client authenticates; `None` chooses: `none` without a secret, else
    /// `client_secret_basic`, or what the metadata offers.
    pub auth: Option<ClientAuth>,
    /// The private key of `private_key_jwt`, `tls_client_auth` and DPoP, PEM or JWK.
    pub private_key: Option<SecretSource>,
    /// A federated assertion (RFC 7523, section 2.2) instead of a key of our own.
    pub assertion: Option<SecretSource>,
}

/// Where a secret comes from. Its `Debug` shows the place, never the value.
#[derive(Clone, PartialEq, Eq)]
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
        /// The audience to ask for.
        audience: String,
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
        }
    }
}

/// How a client authenticates at the token endpoint (RFC 7591, section 2; RFC 8705).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the registered method of the same name")]
pub enum ClientAuth {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    ClientSecretJwt,
    PrivateKeyJwt,
    TlsClientAuth,
}

impl ClientAuth {
    /// All methods with their registered names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("none", Self::None),
        ("client_secret_basic", Self::ClientSecretBasic),
        ("client_secret_post", Self::ClientSecretPost),
        ("client_secret_jwt", Self::ClientSecretJwt),
        ("private_key_jwt", Self::PrivateKeyJwt),
        ("tls_client_auth", Self::TlsClientAuth),
    ];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("none", |(name, _)| name)
    }
}

/// The grant types that a profile can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the grant type of the same name")]
pub enum GrantType {
    AuthorizationCode,
    DeviceCode,
    ClientCredentials,
    JwtBearer,
    TokenExchange,
    Password,
}

impl GrantType {
    /// All grant types with their names in the configuration.
    pub const ALL: [(&'static str, Self); 6] = [
        ("authorization_code", Self::AuthorizationCode),
        ("device_code", Self::DeviceCode),
        ("client_credentials", Self::ClientCredentials),
        ("jwt_bearer", Self::JwtBearer),
        ("token_exchange", Self::TokenExchange),
        ("password", Self::Password),
    ];

    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, grant)| *grant == self).map_or("", |(name, _)| name)
    }

    /// The `grant_type` on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::ClientCredentials => "client_credentials",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::Password => "password",
        }
    }

    /// Whether a person takes part, so that a new grant cannot be had without one.
    pub fn needs_person(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::DeviceCode | Self::Password)
    }
}

/// A redirect URI, on the loopback interface unless its host says otherwise. The text is kept as written: servers compare it byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    /// The URI as configured.
    pub text: String,
    /// Its host: `127.0.0.1`, `[::1]`, `localhost`, or elsewhere.
    pub host: LoopbackHost,
    /// Its port; `None` takes an ephemeral one, which is then written into the URI.
    pub port: Option<u16>,
    /// Its path, with the leading slash; empty where the URI has none.
    pub path: String,
}

/// The hosts that a loopback redirect can name (RFC 8252, sections 7.3 and 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoopbackHost {
    /// `127.0.0.1`.
    V4,
    /// `[::1]`.
    V6,
    /// `localhost`: both families.
    Name,
    /// Not this machine: an https page from which the callback URL is pasted, or a web application
    /// that completes the flow. Nothing is listened on.
    Elsewhere,
}

/// Proof key for code exchange (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    /// With the S256 method.
    S256,
    /// Without, for servers that reject it.
    Off,
}

/// Pushed authorization requests (RFC 9126).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Par {
    /// Where the server requires it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The encoding of token requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRequestFormat {
    /// `application/x-www-form-urlencoded`, the standard's.
    Form,
    /// `application/json`.
    Json,
}

/// The ways to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoginFlow {
    /// A browser on this machine, and the loopback listener.
    Browser,
    /// A code on another device (RFC 8628).
    Device,
    /// The callback URL pasted by hand.
    Paste,
}

/// What differs at a provider and is not a profile key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quirks {
    /// `redirect_uri` must be repeated on refresh (GitLab).
    pub redirect_uri_on_refresh: bool,
    /// Granted scopes come separated by commas (GitHub).
    pub scope_separator_in_response: Option<String>,
    /// Scopes must be sent again on refresh (Okta).
    pub scope_on_refresh: bool,
    /// The callback comes by `form_post` (Apple).
    pub form_post: bool,
    /// Token responses lack `token_type`, name a type of their own, or come with status 201
    /// (Shopify, LinkedIn, Slack).
    pub lenient_reply: bool,
    /// `error_description` in a callback may hold line breaks, which the standard excludes
    /// (Microsoft).
    pub fold_error_description: bool,
}

/// An authorization server as it is known for one attempt: what configuration says, completed by
/// discovery (RFC 8414, OpenID Connect Discovery). Frozen when the attempt starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationServer {
    /// The issuer.
    pub issuer: Option<String>,
    /// The endpoints.
    pub endpoints: Endpoints,
    /// `code_challenge_methods_supported`; `None` where the metadata does not say.
    pub code_challenge_methods: Option<Vec<String>>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207).
    pub iss_parameter_supported: bool,
    /// `require_pushed_authorization_requests` (RFC 9126).
    pub require_par: bool,
    /// `id_token_signing_alg_values_supported`; empty where the metadata does not say.
    pub id_token_algs: Vec<String>,
    /// `token_endpoint_auth_methods_supported`; empty where the metadata does not say.
    pub token_auth_methods: Vec<String>,
}
