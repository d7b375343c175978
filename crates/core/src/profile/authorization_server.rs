//! The authorization server, as it is known for one attempt.

use serde::{Deserialize, Serialize};

use super::endpoints::Endpoints;

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
