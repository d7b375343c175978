//! The endpoints of an authorization server, and one table of what is known about each of them.

use serde::{Deserialize, Serialize};

/// Endpoints, by their names in RFC 8414 without the suffix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Endpoints {
    /// The authorization endpoint (RFC 6749, section 3.1).
    pub authorization: Option<String>,
    /// The token endpoint, for codes and refresh tokens (RFC 6749, section 3.2).
    pub token: Option<String>,
    /// The endpoint for refresh tokens, if it is a different one; not part of metadata.
    pub refresh: Option<String>,
    /// The device authorization endpoint (RFC 8628, section 3.1).
    pub device_authorization: Option<String>,
    /// The backchannel authentication endpoint (OpenID Connect CIBA).
    pub backchannel_authentication: Option<String>,
    /// The pushed authorization request endpoint (RFC 9126).
    pub pushed_authorization_request: Option<String>,
    /// The revocation endpoint (RFC 7009).
    pub revocation: Option<String>,
    /// The introspection endpoint (RFC 7662).
    pub introspection: Option<String>,
    /// The userinfo endpoint (OpenID Connect Core, section 5.3).
    pub userinfo: Option<String>,
    /// The client registration endpoint (RFC 7591).
    pub registration: Option<String>,
    /// The end session endpoint (OpenID Connect RP-Initiated Logout).
    pub end_session: Option<String>,
    /// The server's public keys (RFC 7517, section 5).
    pub jwks_uri: Option<String>,
}

/// An endpoint of an authorization server, or the address of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Authorization,
    Token,
    Refresh,
    DeviceAuthorization,
    BackchannelAuthentication,
    PushedAuthorizationRequest,
    Revocation,
    Introspection,
    Userinfo,
    Registration,
    EndSession,
    Jwks,
}

/// What is known about an endpoint.
struct Row {
    endpoint: Endpoint,
    /// Its key in the configuration, which is its member of the metadata.
    key: &'static str,
    /// Its short names in the paths of a preset.
    names: &'static [&'static str],
    /// Its name in messages.
    title: &'static str,
    /// A request to it in messages.
    purpose: &'static str,
    /// Whether metadata names it.
    is_announced: bool,
    /// Whether this program sends requests to it.
    is_used: bool,
    get: fn(&Endpoints) -> &Option<String>,
    get_mut: fn(&mut Endpoints) -> &mut Option<String>,
}

/// A row of an endpoint that metadata names and this program uses.
macro_rules! row {
    ($endpoint:ident, $field:ident, $key:literal, $names:expr, $title:literal, $purpose:literal) => {
        Row {
            endpoint: Endpoint::$endpoint,
            key: $key,
            names: &$names,
            title: $title,
            purpose: $purpose,
            is_announced: true,
            is_used: true,
            get: |endpoints| &endpoints.$field,
            get_mut: |endpoints| &mut endpoints.$field,
        }
    };
}

/// All endpoints, in the order of [`Endpoint`].
#[rustfmt::skip]
const ROWS: [Row; 12] = [
    row!(Authorization, authorization, "authorization_endpoint", ["authorization", "authorize"],
        "authorization", "authorization request"),
    row!(Token, token, "token_endpoint", ["token"],
        "token", "token request"),
    Row { is_announced: false, ..row!(Refresh, refresh, "refresh_endpoint", ["refresh"],
        "refresh", "refresh request") },
    row!(DeviceAuthorization, device_authorization, "device_authorization_endpoint", ["device_authorization", "device"],
        "device authorization", "device authorization request"),
    row!(BackchannelAuthentication, backchannel_authentication, "backchannel_authentication_endpoint",
        ["backchannel_authentication"],
        "backchannel authentication", "backchannel authentication request"),
    row!(PushedAuthorizationRequest, pushed_authorization_request, "pushed_authorization_request_endpoint",
        ["pushed_authorization_request", "par"],
        "pushed authorization request", "pushed authorization request"),
    row!(Revocation, revocation, "revocation_endpoint", ["revocation", "revoke"],
        "revocation", "revocation request"),
    row!(Introspection, introspection, "introspection_endpoint", ["introspection", "introspect"],
        "introspection", "introspection request"),
    row!(Userinfo, userinfo, "userinfo_endpoint", ["userinfo"],
        "userinfo", "userinfo request"),
    Row { is_used: false, ..row!(Registration, registration, "registration_endpoint", ["registration", "register"],
        "registration", "registration request") },
    Row { is_used: false, ..row!(EndSession, end_session, "end_session_endpoint", ["end_session"],
        "end session", "end session request") },
    row!(Jwks, jwks_uri, "jwks_uri", ["jwks_uri", "jwks"],
        "JWK Set", "JWKS request"),
];

impl Endpoint {
    /// Returns all endpoints.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.endpoint)
    }

    /// Returns the endpoints that metadata names.
    pub(crate) fn announced() -> impl Iterator<Item = Self> {
        ROWS.iter().filter(|row| row.is_announced).map(|row| row.endpoint)
    }

    /// Returns the endpoint of this configuration key.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Self::all().find(|endpoint| endpoint.key() == key)
    }

    /// Returns the endpoint of a name in a preset's paths: its key, or a short name with or without
    /// `_endpoint`.
    pub(crate) fn of_path(name: &str) -> Option<Self> {
        let short = name.strip_suffix("_endpoint").unwrap_or(name);
        Self::all().find(|endpoint| endpoint.row().names.contains(&short))
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Returns its key in the configuration.
    pub(crate) fn key(self) -> &'static str {
        self.row().key
    }

    /// Returns its name in messages, without the word endpoint.
    pub(crate) fn title(self) -> &'static str {
        self.row().title
    }

    /// Returns the name of a request to it.
    pub(crate) fn purpose(self) -> &'static str {
        self.row().purpose
    }

    /// Returns whether this program sends requests to it.
    pub(crate) fn is_used(self) -> bool {
        self.row().is_used
    }
}

/// Returns the configuration keys that belong to one server: its issuer and its endpoints.
pub(crate) fn server_keys() -> impl Iterator<Item = &'static str> {
    std::iter::once("issuer").chain(Endpoint::all().map(Endpoint::key))
}

/// Returns whether a configuration key belongs to one server.
pub(crate) fn is_server_key(key: &str) -> bool {
    server_keys().any(|known| known == key)
}

impl Endpoints {
    /// Returns the URLs of all endpoints that are set.
    pub fn urls(&self) -> impl Iterator<Item = &String> {
        Endpoint::all().filter_map(|endpoint| self.get(endpoint))
    }

    /// Returns the URL of an endpoint.
    pub(crate) fn get(&self, endpoint: Endpoint) -> Option<&String> {
        (endpoint.row().get)(self).as_ref()
    }

    /// Returns the place of an endpoint's URL.
    pub(crate) fn get_mut(&mut self, endpoint: Endpoint) -> &mut Option<String> {
        (endpoint.row().get_mut)(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::names::{Class, class};

    #[test]
    fn rows_are_in_the_order_of_the_endpoints() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(row.endpoint as usize, at, "{}", row.key);
            assert_eq!(Endpoint::of_key(row.key), Some(row.endpoint));
            let short = row.key.trim_end_matches("_endpoint");
            assert!(row.names.contains(&short), "{}", row.key);
        }
    }

    #[test]
    fn each_field_has_one_row() {
        let mut endpoints = Endpoints::default();
        for endpoint in Endpoint::all() {
            assert_eq!(endpoints.get(endpoint), None, "{endpoint:?}");
            *endpoints.get_mut(endpoint) = Some(endpoint.key().to_owned());
            assert_eq!(endpoints.get(endpoint).map(String::as_str), Some(endpoint.key()));
        }
        let serde_json::Value::Object(fields) = serde_json::to_value(&endpoints).unwrap() else {
            panic!("no object");
        };
        assert_eq!(fields.len(), ROWS.len());
        for (field, key) in &fields {
            assert_eq!(
                Endpoint::of_path(field),
                Endpoint::of_key(key.as_str().unwrap()),
                "{field}"
            );
        }
    }

    #[test]
    fn announced_endpoints_are_shown_in_traces() {
        for endpoint in Endpoint::announced() {
            assert_eq!(class(endpoint.key()), Class::Shown, "{endpoint:?}");
        }
    }
}
