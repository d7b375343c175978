//! The server's metadata (RFC 8414, OpenID Connect Discovery, RFC 9728), and its keys.

use serde_json::json;

use super::issuer::Issuer;
use super::reply::{Reply, object};
use super::token::GRANTS;

/// Returns the metadata of the authorization server.
pub(super) fn server(issuer: &Issuer) -> Reply {
    let methods = [
        "none",
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
    ];
    let signing = ["HS256", "ES256", "RS256"];
    let grant_types: Vec<_> = GRANTS.iter().map(|grant| grant.name).collect();
    Reply::json(object(json!({
        "issuer": issuer.identifier,
        "authorization_endpoint": issuer.url("/authorize"),
        "token_endpoint": issuer.url("/token"),
        "jwks_uri": issuer.url("/jwks"),
        "userinfo_endpoint": issuer.url("/userinfo"),
        "device_authorization_endpoint": issuer.url("/device_authorization"),
        "pushed_authorization_request_endpoint": issuer.url("/par"),
        "revocation_endpoint": issuer.url("/revoke"),
        "introspection_endpoint": issuer.url("/introspect"),
        "registration_endpoint": issuer.url("/register"),
        "end_session_endpoint": issuer.url("/end_session"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grant_types,
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "azp",
            "name", "preferred_username", "email", "email_verified",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": signing,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "dpop_signing_alg_values_supported": ["ES256", "RS256", "EdDSA"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": false,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "protected_resources": [issuer.url("/resource")],
    })))
}

/// Returns the metadata of the protected resource that every issuer has.
pub(super) fn resource(issuer: &Issuer) -> Reply {
    Reply::json(object(json!({
        "resource": issuer.url("/resource"),
        "authorization_servers": [issuer.identifier],
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["profile"],
        "resource_name": "oauthctl sandbox",
    })))
}

/// Returns the public keys (RFC 7517).
pub(super) fn jwks(issuer: &Issuer) -> Reply {
    let mut keys = issuer.shared.keys.public();
    issuer.effects.keys(&mut keys, &issuer.cue());
    Reply::json(object(json!({ "keys": keys })))
}
