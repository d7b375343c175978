//! What the members of an authorization server's metadata mean (RFC 8414, section 2; OpenID Connect Discovery).

use serde_json::{Map, Value};

type Members = &'static [(&'static str, &'static str)];

/// The members that are shown, in groups.
pub const GROUPS: [(&str, Members); 2] = [
    (
        "Endpoints",
        &[
            ("authorization_endpoint", "the user logs in here"),
            ("token_endpoint", "codes and refresh tokens are exchanged here"),
            ("device_authorization_endpoint", "starts a login on another device, RFC 8628"),
            (
                "pushed_authorization_request_endpoint",
                "accepts authorization requests in advance, RFC 9126",
            ),
            ("backchannel_authentication_endpoint", "starts a login without a browser, CIBA"),
            ("revocation_endpoint", "revokes tokens, RFC 7009"),
            ("introspection_endpoint", "reports whether a token is active, RFC 7662"),
            ("userinfo_endpoint", "returns claims about the user, OpenID Connect"),
            ("registration_endpoint", "registers clients, RFC 7591"),
            ("end_session_endpoint", "ends the browser session"),
            ("jwks_uri", "the keys for verifying its signatures"),
        ],
    ),
    (
        "Capabilities",
        &[
            ("grant_types_supported", "how tokens can be requested"),
            ("response_modes_supported", "how the authorization response is returned"),
            ("scopes_supported", "scopes that can be requested; there may be more"),
            ("token_endpoint_auth_methods_supported", "how clients authenticate"),
            ("code_challenge_methods_supported", "PKCE, RFC 7636"),
            ("id_token_signing_alg_values_supported", "signatures of id_tokens"),
            ("dpop_signing_alg_values_supported", "signatures of DPoP proofs, RFC 9449"),
            ("request_object_signing_alg_values_supported", "signed requests, RFC 9101"),
            ("claims_supported", "claims about the user"),
            ("service_documentation", "documentation for developers"),
        ],
    ),
];

type Remark = (&'static str, &'static str);

/// Returns what follows from the metadata for a client.
pub fn remarks(metadata: &Map<String, Value>) -> Vec<Remark> {
    let (requests, clients) = (of_requests(metadata), of_clients(metadata));
    requests.into_iter().chain(clients).collect()
}

fn has(metadata: &Map<String, Value>, name: &str) -> bool {
    metadata.get(name).is_some_and(|value| !value.is_null())
}

fn of_requests(metadata: &Map<String, Value>) -> [Remark; 4] {
    let is = |name: &str| metadata.get(name) == Some(&Value::Bool(true));
    let pkce = match lists(metadata, "code_challenge_methods_supported", "S256") {
        Some(true) => "S256 is supported: an intercepted code is useless",
        Some(false) => "S256 is not supported: a login requires `pkce = \"off\"`",
        None => "not announced; oauthctl uses S256 anyway",
    };
    let iss = match is("authorization_response_iss_parameter_supported") {
        true => "responses name their issuer (RFC 9207), which oauthctl then requires",
        false => "responses do not name their issuer",
    };
    let is_required = is("require_pushed_authorization_requests");
    let pushed = match has(metadata, "pushed_authorization_request_endpoint") {
        _ if is_required => "required",
        true => "supported: the key `par` enables them",
        false => "not supported",
    };
    let device = match has(metadata, "device_authorization_endpoint") {
        true => "possible",
        false => "not announced",
    };
    [("PKCE", pkce), ("iss", iss), ("pushed requests", pushed), ("device login", device)]
}

fn of_clients(metadata: &Map<String, Value>) -> [Remark; 4] {
    let offline = lists(metadata, "scopes_supported", "offline_access");
    let refresh = match lists(metadata, "grant_types_supported", "refresh_token") {
        Some(false) => {
            "refresh tokens are not announced: users must log in again when the token expires"
        }
        _ if offline == Some(true) => "request the scope `offline_access` to get a refresh token",
        _ => "refresh tokens are supported",
    };
    let dpop = match has(metadata, "dpop_signing_alg_values_supported") {
        true => "supported: the key `dpop` binds tokens to a key",
        false => "not announced",
    };
    let registration = match has(metadata, "registration_endpoint") {
        true => "clients can register themselves",
        false => "clients must be registered manually",
    };
    let public = match lists(metadata, "token_endpoint_auth_methods_supported", "none") {
        Some(false) => "not announced: a client secret or key may be required",
        _ => "possible: no client secret is needed",
    };
    [
        ("refresh", refresh),
        ("DPoP", dpop),
        ("registration", registration),
        ("public clients", public),
    ]
}

/// Returns whether a list in the metadata has this value; `None` if there is no such list.
fn lists(metadata: &Map<String, Value>, name: &str, value: &str) -> Option<bool> {
    let list = metadata.get(name)?.as_array()?;
    Some(list.iter().any(|item| item == value))
}
