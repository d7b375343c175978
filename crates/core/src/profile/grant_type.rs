//! The grant types, what they are requested with, and the login flows.

use super::client::SecretSource;

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
    /// The server contacts the user on a device that it knows (OpenID Connect CIBA).
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
    pub fn needs_user(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::DeviceCode | Self::Ciba)
    }
}

/// The tokens, passwords and hints of a grant request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantInputs {
    /// The key file of a Google service account, unchanged, for the grant `jwt_bearer`.
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
    /// The user who logs in, for the grant `ciba`.
    pub login_hint: Option<String>,
    /// A message that the user sees where the login is approved, for the grant `ciba`.
    pub binding_message: Option<String>,
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
