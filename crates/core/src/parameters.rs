//! One table of the parameters of requests and responses: whose values may be shown, and who sets them.

/// How much of a parameter's value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The value, which is public by definition.
    Shown,
    /// Human-readable text from a server, which may quote what it received.
    Prose,
    /// Nothing, and nowhere else either.
    Secret,
    /// Nothing, because its meaning is unknown.
    Unknown,
}

/// Who may set a parameter of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SetBy {
    /// This program alone, in every request.
    Program,
    /// This program alone, in requests to the token endpoint.
    TokenRequest,
    /// A key of the configuration.
    Key,
    /// Configuration, flags and hooks.
    Anyone,
    /// The same, and its value is a secret, which does not belong on a command line.
    Secretly,
}

/// A parameter of a request or a member of a response.
#[derive(Debug)]
pub(crate) struct Parameter {
    name: &'static str,
    /// How much of its value may be shown.
    pub(crate) class: Class,
    set_by: SetBy,
}

const fn row(name: &'static str, class: Class, set_by: SetBy) -> Parameter {
    Parameter { name, class, set_by }
}

/// The parameters, sorted by name.
const PARAMETERS: &[Parameter] = &[
    row("access_token", Class::Secret, SetBy::Anyone),
    row("access_type", Class::Shown, SetBy::Anyone),
    row("acr_values", Class::Shown, SetBy::Anyone),
    row("active", Class::Shown, SetBy::Anyone),
    row("actor_token", Class::Secret, SetBy::Secretly),
    row("actor_token_type", Class::Shown, SetBy::Anyone),
    row("allow_signup", Class::Shown, SetBy::Anyone),
    row("api_version", Class::Shown, SetBy::Anyone),
    row("assertion", Class::Secret, SetBy::Secretly),
    row("audience", Class::Shown, SetBy::Anyone),
    row("auth_req_id", Class::Secret, SetBy::Anyone),
    row("client_assertion", Class::Secret, SetBy::TokenRequest),
    row("client_assertion_type", Class::Shown, SetBy::TokenRequest),
    row("client_id", Class::Shown, SetBy::Program),
    row("client_secret", Class::Secret, SetBy::Program),
    row("code", Class::Secret, SetBy::Program),
    row("code_challenge", Class::Shown, SetBy::Program),
    row("code_challenge_method", Class::Shown, SetBy::Program),
    row("code_verifier", Class::Secret, SetBy::Program),
    row("device_code", Class::Secret, SetBy::Anyone),
    row("display", Class::Shown, SetBy::Anyone),
    row("dpop_jkt", Class::Shown, SetBy::Anyone),
    row("error", Class::Shown, SetBy::Anyone),
    row("error_description", Class::Prose, SetBy::Anyone),
    row("error_uri", Class::Prose, SetBy::Anyone),
    row("expires_in", Class::Shown, SetBy::Anyone),
    row("ext_expires_in", Class::Shown, SetBy::Anyone),
    row("grant_type", Class::Shown, SetBy::TokenRequest),
    row("id_token", Class::Secret, SetBy::Anyone),
    row("id_token_hint", Class::Secret, SetBy::Anyone),
    row("include_granted_scopes", Class::Shown, SetBy::Anyone),
    row("instance_url", Class::Shown, SetBy::Anyone),
    row("interval", Class::Shown, SetBy::Anyone),
    row("iss", Class::Shown, SetBy::Anyone),
    row("issued_token_type", Class::Shown, SetBy::Anyone),
    row("login_hint", Class::Shown, SetBy::Anyone),
    row("max_age", Class::Shown, SetBy::Anyone),
    row("message", Class::Prose, SetBy::Anyone),
    row("msg", Class::Prose, SetBy::Anyone),
    row("nonce", Class::Secret, SetBy::Program),
    row("not_before_policy", Class::Shown, SetBy::Anyone),
    row("password", Class::Secret, SetBy::Secretly),
    row("prompt", Class::Shown, SetBy::Anyone),
    row("redirect_uri", Class::Shown, SetBy::Program),
    row("refresh_expires_in", Class::Shown, SetBy::Anyone),
    row("refresh_token", Class::Secret, SetBy::TokenRequest),
    row("refresh_token_expires_in", Class::Shown, SetBy::Anyone),
    row("registration_access_token", Class::Secret, SetBy::Anyone),
    row("request", Class::Secret, SetBy::Program),
    row("request_uri", Class::Secret, SetBy::Program),
    row("requested_token_type", Class::Shown, SetBy::Anyone),
    row("require_auth_time", Class::Shown, SetBy::Anyone),
    row("resource", Class::Shown, SetBy::Anyone),
    row("response", Class::Secret, SetBy::Anyone),
    row("response_mode", Class::Shown, SetBy::Anyone),
    row("response_type", Class::Shown, SetBy::Program),
    row("scope", Class::Shown, SetBy::Key),
    row("session_state", Class::Secret, SetBy::Anyone),
    row("state", Class::Secret, SetBy::Program),
    row("subject_token", Class::Secret, SetBy::Secretly),
    row("subject_token_type", Class::Shown, SetBy::Anyone),
    row("token", Class::Secret, SetBy::Anyone),
    row("token_type", Class::Shown, SetBy::Anyone),
    row("token_type_hint", Class::Shown, SetBy::Anyone),
    row("ui_locales", Class::Shown, SetBy::Anyone),
    row("user_code", Class::Shown, SetBy::Anyone),
    row("user_scope", Class::Shown, SetBy::Anyone),
    row("verification_uri", Class::Shown, SetBy::Anyone),
    row("verification_uri_complete", Class::Shown, SetBy::Anyone),
    row("verification_url", Class::Shown, SetBy::Anyone),
];

/// Names that begin like this are parameters that the program sets, those of later specifications too.
const FAMILIES: [&str; 2] = ["code_challenge", "client_assertion"];

/// Returns the parameter of this name. Names are compared exactly, as the protocols do.
pub(crate) fn find(name: &str) -> Option<&'static Parameter> {
    let at = PARAMETERS.binary_search_by(|parameter| parameter.name.cmp(name)).ok()?;
    PARAMETERS.get(at)
}

/// Returns why a parameter cannot be set by configuration, flags or hooks, if it cannot.
pub(crate) fn reserved(name: &str) -> Option<&'static str> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("a parameter's name must be plain ASCII without spaces");
    }
    let is_of_family = FAMILIES.iter().any(|start| name.starts_with(start));
    match find(name).map(|parameter| parameter.set_by) {
        _ if name == "response_type" => Some("it is always `code`"),
        Some(SetBy::Key) => Some("use the key `scopes`"),
        Some(SetBy::Program | SetBy::TokenRequest) => Some("oauthctl sets it"),
        _ if is_of_family => Some("oauthctl sets it"),
        _ => None,
    }
}

/// Returns whether a parameter of an authorization request is set by the program alone, or by a key.
pub(crate) fn is_reserved_for_authorization(name: &str) -> bool {
    find(name).is_some_and(|known| matches!(known.set_by, SetBy::Program | SetBy::Key))
}

/// Returns whether a parameter that configuration may set has a secret value.
pub(crate) fn is_secret_setting(name: &str) -> bool {
    find(name).is_some_and(|known| known.set_by == SetBy::Secretly)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_sorted_by_name() {
        assert!(PARAMETERS.is_sorted_by(|one, other| one.name < other.name));
    }

    #[test]
    fn secret_settings_are_secret_everywhere() {
        let settings = PARAMETERS.iter().filter(|parameter| is_secret_setting(parameter.name));
        assert_eq!(settings.clone().count(), 4);
        assert!(settings.into_iter().all(|parameter| parameter.class == Class::Secret));
    }

    #[test]
    fn names_of_a_reserved_family_are_reserved() {
        assert!(
            reserved("client_assertion_new").is_some() && reserved("code_challenge_x").is_some()
        );
        assert!(reserved("audience").is_none() && reserved("assertion").is_none());
        assert!(is_reserved_for_authorization("scope") && is_reserved_for_authorization("state"));
        assert!(!is_reserved_for_authorization("grant_type"));
    }
}
