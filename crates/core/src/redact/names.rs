//! Which parameters may be shown.

use crate::parameters;
use crate::text::is_token_type;

pub(crate) use crate::parameters::Class;

/// Members of documents whose values are public. Those of requests and responses are [parameters].
#[rustfmt::skip]
const SHOWN: &[&str] = &[
    // Metadata of a server (RFC 8414, RFC 9728, OpenID Connect Discovery).
    "acr_values_supported", "authorization_details_types_supported", "authorization_endpoint",
    "authorization_response_iss_parameter_supported", "authorization_servers",
    "backchannel_authentication_endpoint", "backchannel_token_delivery_modes_supported",
    "bearer_methods_supported", "check_session_iframe", "claim_types_supported",
    "claims_parameter_supported", "claims_supported", "client_id_metadata_document_supported",
    "code_challenge_methods_supported", "device_authorization_endpoint", "display_values_supported",
    "dpop_bound_access_tokens_required", "dpop_signing_alg_values_supported",
    "end_session_endpoint", "grant_types_supported", "id_token_encryption_alg_values_supported",
    "id_token_encryption_enc_values_supported", "id_token_signing_alg_values_supported",
    "introspection_endpoint", "introspection_endpoint_auth_methods_supported", "issuer",
    "jwks_uri", "op_policy_uri", "op_tos_uri",
    "prompt_values_supported", "protected_resources",
    "pushed_authorization_request_endpoint", "registration_endpoint",
    "request_object_signing_alg_values_supported", "request_parameter_supported",
    "request_uri_parameter_supported", "require_pushed_authorization_requests",
    "require_request_uri_registration", "require_signed_request_object", "resource_documentation", "resource_metadata",
    "resource_name", "response_modes_supported", "response_types_supported",
    "revocation_endpoint", "revocation_endpoint_auth_methods_supported", "scopes_supported",
    "service_documentation", "subject_types_supported",
    "tls_client_certificate_bound_access_tokens", "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported", "ui_locales_supported",
    "userinfo_endpoint", "userinfo_signing_alg_values_supported",
    // Registration of a client (RFC 7591).
    "application_type", "client_id_issued_at", "client_name", "client_secret_expires_at",
    "client_uri", "dpop_bound_access_tokens", "grant_types", "id_token_signed_response_alg",
    "logo_uri", "policy_uri", "redirect_uris", "response_types", "software_id",
    "software_version", "subject_type", "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg", "tos_uri",
    // Public keys (RFC 7517); the keys themselves are long and say nothing to a reader.
    "alg", "crv", "key_ops", "kid", "kty", "use",
    // Challenges (RFC 9110, RFC 6750, RFC 9449).
    "algs", "realm",
];

/// Error codes of specifications, and those of large providers that are relevant to this program. They
/// reveal nothing, even if a secret is a part of them.
#[rustfmt::skip]
const ERROR_CODES: &[&str] = &[
    // RFC 6749, 6750, 7009, 7591, 8628, 8707, 9101, 9126, 9396, 9449, 9470.
    "access_denied", "authorization_pending", "expired_token", "insufficient_scope",
    "insufficient_user_authentication", "invalid_authorization_details", "invalid_client",
    "invalid_client_metadata", "invalid_dpop_proof", "invalid_grant", "invalid_redirect_uri",
    "invalid_request", "invalid_request_object", "invalid_request_uri", "invalid_scope",
    "invalid_software_statement", "invalid_target", "invalid_token", "request_not_supported",
    "request_uri_not_supported", "server_error", "slow_down", "temporarily_unavailable",
    "unapproved_software_statement", "unauthorized_client", "unsupported_grant_type",
    "unsupported_response_type", "unsupported_token_type", "use_dpop_nonce",
    // OpenID Connect Core, section 3.1.2.6, Registration and CIBA.
    "account_selection_required", "consent_required", "interaction_required", "login_required",
    "expired_login_hint_token", "invalid_binding_message", "invalid_user_code",
    "missing_user_code", "registration_not_supported", "transaction_failed",
    "unknown_user_id", "unmet_authentication_requirements",
    // Providers.
    "application_suspended", "authorization_declined", "bad_refresh_token",
    "bad_verification_code", "incorrect_client_credentials", "incorrect_device_code",
    "invalid_auth", "invalid_code", "invalid_refresh_token", "mfa_required",
    "redirect_uri_mismatch", "token_expired",
    "token_revoked", "unsupported_grant", "user_cancelled_authorize", "user_cancelled_login",
];

/// Headers whose values are public.
#[rustfmt::skip]
const SHOWN_HEADERS: &[&str] = &[
    "accept", "accept-encoding", "allow", "cache-control", "connection", "content-encoding",
    "content-language", "content-length", "content-type", "date", "expires", "keep-alive",
    "pragma", "referrer-policy", "retry-after", "server", "strict-transport-security",
    "transfer-encoding", "user-agent", "vary", "x-content-type-options", "x-frame-options",
];

/// Headers with which the provider's support can find a request. They identify it and grant nothing.
#[rustfmt::skip]
const REQUEST_IDS: &[&str] = &[
    "cf-ray", "request-id", "x-amzn-requestid", "x-correlation-id", "x-github-request-id",
    "x-ms-request-id", "x-okta-request-id", "x-request-id",
];

/// Returns the class of a parameter or member. Names are compared exactly, as the protocols do.
pub(crate) fn class(name: &str) -> Class {
    match parameters::find(name) {
        Some(parameter) => parameter.class,
        None if SHOWN.contains(&name) => Class::Shown,
        None => Class::Unknown,
    }
}

/// Returns whether this is a known error code.
pub(crate) fn is_error_code(code: &str) -> bool {
    ERROR_CODES.contains(&code)
}

/// Minimum length, in characters, of a value under an unknown name that counts as a secret.
pub(crate) const LEAST_UNKNOWN: usize = 20;

/// Returns whether a sent parameter is hidden if a server repeats its value.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    match class(name) {
        Class::Secret => true,
        Class::Unknown => value.len() >= LEAST_UNKNOWN,
        Class::Shown | Class::Prose => false,
    }
}

/// Returns the class of a parameter or member with this value: what a server puts in place of a token type
/// may be a token.
pub(crate) fn class_with(name: &str, value: &str) -> Class {
    match class(name) {
        Class::Shown if name == "token_type" && !is_token_type(value) => Class::Secret,
        class => class,
    }
}

/// Returns whether a header's value is public; the name is in lower case.
pub(crate) fn is_shown_header(name: &str) -> bool {
    SHOWN_HEADERS.contains(&name) || REQUEST_IDS.contains(&name)
}

/// Returns whether a name, or another part of a message that should be one, looks like a word rather than a
/// misplaced value.
pub(crate) fn is_wordlike(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() <= 64
        && digits <= 4
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:/#~+[]".contains(&b))
        && !(text.len() > 24 && changes_case_often(text))
}

/// Returns whether a text changes case often: random letters do so about every second time, words rarely.
fn changes_case_often(text: &str) -> bool {
    let letters: Vec<bool> =
        text.bytes().filter(u8::is_ascii_alphabetic).map(|b| b.is_ascii_uppercase()).collect();
    let changes = letters.windows(2).filter(|pair| pair[0] != pair[1]).count();
    changes * 4 > letters.len()
}

/// Returns whether this is a UUID: tenants and trace ids are, tokens rarely.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_in_both_tables() {
        for name in SHOWN {
            assert!(parameters::find(name).is_none(), "{name}");
        }
        assert_eq!(class("Client_Id"), Class::Unknown);
    }

    #[test]
    fn words_are_distinguished_from_secret_values() {
        for word in ["", "authed_user", "x5t#S256", "urn:ietf:params:oauth", "backchannelLogout"] {
            assert!(is_wordlike(word), "{word}");
        }
        for value in ["dGhpcyBpcyBhIHRva2Vu0a1b2c3d", "AbCdEfGhIjKlMnOpQrStUvWxYzAbCd", "a b", "é"]
        {
            assert!(!is_wordlike(value), "{value}");
        }
        assert!(is_uuid("9188040d-6c67-4c5b-b112-36a304b66dad"));
        assert!(!is_uuid("9188040d-6c67-4c5b-b112-36a304b66dad0"));
    }
}
