//! The client of a profile: how it identifies itself and authenticates.

use std::path::PathBuf;

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

/// A client with which grants of a profile may have been obtained before, and the issuer that knows it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FormerClient {
    /// The issuer.
    pub issuer: String,
    /// The client.
    pub client: Client,
}

impl FormerClient {
    /// Creates the record of a former client of this issuer.
    pub fn new(issuer: &str, client: Client) -> Self {
        Self { issuer: issuer.to_owned(), client }
    }
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
    /// A SPIFFE JWT-SVID, in a file that another program renews.
    Spiffe(PathBuf),
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
            Self::Spiffe(path) => write!(f, "Spiffe({})", path.display()),
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
    /// The endpoint that receives the assertion, whichever it is (Okta).
    Endpoint,
}
