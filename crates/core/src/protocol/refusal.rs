//! Refusals of a token endpoint (RFC 6749, section 5.2): what the server returned, and what it means.

use serde_json::Value;

use super::answer::Answer;
use super::members::Members;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind};
use crate::profile::{Endpoint, GrantType, Profile};

/// What was requested from a token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// A first token: for a code, or on behalf of the client itself.
    Token,
    /// A refresh (RFC 6749, section 6).
    Refresh,
    /// Codes for a device (RFC 8628, section 3.1).
    Device,
    /// An authentication on a device that the server knows (OpenID Connect CIBA, section 7.1).
    Backchannel,
}

impl RequestKind {
    /// Returns the name of the request in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => Endpoint::Token.purpose(),
            Self::Refresh => Endpoint::Refresh.purpose(),
            Self::Device => Endpoint::DeviceAuthorization.purpose(),
            Self::Backchannel => Endpoint::BackchannelAuthentication.purpose(),
        }
    }
}

/// What a refused refresh says about the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginAgain {
    /// The refresh token is no longer valid: the server is not asked again.
    Dead,
    /// The user must log in now, but the same refresh token may be accepted later, or the refusal is
    /// unclear: the server is asked again after a while.
    ForNow,
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: Error,
    /// Set if a refresh was refused because the user must log in again.
    pub(crate) login_again: Option<LoginAgain>,
}

/// The server's refusal, as received.
struct Said {
    /// The error code; `None` if there is none.
    code: Option<String>,
    description: Option<String>,
}

/// The codes with which a server refuses a refresh until the user logs in again. RFC 6749 defines only
/// `invalid_grant`; other servers use these instead. They mean this only at a refresh.
#[rustfmt::skip]
const LOGIN_AGAIN: [(&str, LoginAgain); 13] = [
    ("invalid_grant", LoginAgain::Dead),
    // GitHub, with status 200.
    ("bad_refresh_token", LoginAgain::Dead),
    // Slack, with status 200.
    ("invalid_refresh_token", LoginAgain::Dead),
    ("token_expired", LoginAgain::Dead),
    ("token_revoked", LoginAgain::Dead),
    // OpenID Connect Core, section 3.1.2.6; Entra if a policy requires the user. The policy may depend on
    // the network or the device, so the same token may work again later.
    ("interaction_required", LoginAgain::ForNow),
    ("login_required", LoginAgain::ForNow),
    ("consent_required", LoginAgain::ForNow),
    ("account_selection_required", LoginAgain::ForNow),
    // Auth0.
    ("mfa_required", LoginAgain::ForNow),
    // A refresh request contains only one token, so it must be that one.
    ("invalid_token", LoginAgain::ForNow),
    ("expired_token", LoginAgain::ForNow),
    // Zoho, with status 200.
    ("invalid_code", LoginAgain::ForNow),
];

/// Phrases with which servers say that a refresh token cannot be used.
const DEAD_TOKEN: [&str; 10] = [
    "refresh token is invalid",
    "refresh token is expired",
    "refresh token is not valid",
    "refresh token has expired",
    "refresh token has been revoked",
    "refresh token expired",
    "refresh token not found",
    "invalid refresh token",
    "expired refresh token",
    "unknown refresh token",
];

/// Interprets a response that is not a success.
pub(crate) fn refusal(
    answer: &Answer,
    body: &Members,
    profile: &Profile,
    asked: RequestKind,
) -> Refusal {
    let said = said(body);
    let oauth = said.as_ref().map(|said| {
        answer.oauth_error(said.code.as_deref().unwrap_or("error"), said.description.as_deref())
    });
    if let 429 | 500..=599 = answer.status() {
        let what = format!(
            "the {} failed: the server returned {}",
            asked.name(),
            describe_status(answer.status())
        );
        let error = Error::unavailable(&what).kept_as(what).hint(Advice::RetryLater);
        let error = match oauth {
            Some(oauth) => error.with_oauth(oauth),
            None => error,
        };
        return Refusal { error, login_again: None };
    }
    let login_again = match asked {
        RequestKind::Refresh => login_again(answer, said.as_ref(), profile),
        RequestKind::Token | RequestKind::Device | RequestKind::Backchannel => None,
    };
    let what = format!("the {} was refused", asked.name());
    let error = match oauth {
        Some(oauth) => {
            let code = said.and_then(|said| said.code);
            advise(Error::refused(&what, oauth), code.as_deref(), profile)
        }
        None => {
            let body = match answer.is_empty() {
                true => "an empty body",
                false => "no OAuth error in its body",
            };
            let what = format!("{what}: {} and {body}", describe_status(answer.status()));
            let error = Error::new(ErrorKind::ServerRefused, &what).kept_as(what);
            error.hint(status_hint(answer.status(), asked))
        }
    };
    let error = match login_again {
        Some(_) => error.with_kind(ErrorKind::LoginRequired),
        None => error,
    };
    Refusal { error, login_again }
}

/// Returns whether a refused refresh means that the user must log in again.
fn login_again(answer: &Answer, said: Option<&Said>, profile: &Profile) -> Option<LoginAgain> {
    let code = said.and_then(|said| said.code.as_deref());
    let Some(code) = code else {
        // Without a code (glewlwyd sends an empty body), nothing says what was wrong; of the request, only
        // the refresh token can have changed since the login. A challenge for Basic authentication concerns
        // the client's own credentials (RFC 6749, section 5.2).
        let is_client = answer
            .header("www-authenticate")
            .and_then(|value| value.get(..5))
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"));
        return (matches!(answer.status(), 400 | 401) && !is_client).then_some(LoginAgain::ForNow);
    };
    if let Some((_, meaning)) = LOGIN_AGAIN.iter().find(|(known, _)| *known == code) {
        return Some(*meaning);
    }
    if profile.quirks.dead_token_codes.iter().any(|known| known == code) {
        return Some(LoginAgain::ForNow);
    }
    // The code decides, never its description, with one exception. Atlassian returns `unauthorized_client`
    // for an invalid refresh token, which elsewhere means that the client may not refresh at all; others
    // return `invalid_request`. Only the description distinguishes them: it must call the refresh token
    // itself unusable ("grant type refresh_token not allowed" does not). A wrong guess costs a login, not
    // the stored token.
    let description = said?.description.as_deref()?.to_ascii_lowercase().replace('_', " ");
    let is_token = DEAD_TOKEN.iter().any(|words| description.contains(words));
    (matches!(code, "unauthorized_client" | "invalid_request") && is_token)
        .then_some(LoginAgain::ForNow)
}

/// Returns whether a body contains an error: a member `error` with any content, even one that cannot be
/// represented.
pub(crate) fn has_error(body: &Members) -> bool {
    body.raw("error").any(|raw| match serde_json::from_str(raw) {
        Ok(Value::Null) => false,
        Ok(Value::Bool(is_error)) => is_error,
        Ok(Value::Number(code)) => code.as_f64() != Some(0.0),
        Ok(Value::String(code)) => !code.is_empty(),
        Ok(Value::Array(items)) => !items.is_empty(),
        Ok(Value::Object(members)) => !members.is_empty(),
        Err(_) => true,
    })
}

/// Finds the error in the standard member, or in those of Facebook, Slack, Atlassian and others.
fn said(body: &Members) -> Option<Said> {
    let description = ["error_description", "message", "errorSummary", "detail"]
        .into_iter()
        .find_map(|name| body.text(name));
    let is_code = |value: &Value| match value {
        Value::String(code) => !code.is_empty(),
        Value::Object(_) => true,
        _ => false,
    };
    let code = ["error", "errorCode", "code"]
        .into_iter()
        .find_map(|name| body.all(name).find(|value| is_code(value)));
    match code {
        Some(Value::String(code)) => Some(Said { code: Some(code), description }),
        Some(Value::Object(nested)) => {
            let text = |name: &str| nested.get(name).and_then(Value::as_str).map(str::to_owned);
            let code = text("type")
                .or_else(|| text("code"))
                .or_else(|| nested.get("code").map(ToString::to_string));
            Some(Said { code, description: text("message").or(description) })
        }
        _ => description.map(|text| Said { code: None, description: Some(text) }),
    }
}

fn advise(error: Error, code: Option<&str>, profile: &Profile) -> Error {
    let advice = match code {
        Some("invalid_client") => check_client(),
        Some("invalid_grant") if profile.grant == GrantType::Password => Advice::configure(
            &["username", "password"],
            "check `username` and `password` in the profile",
        ),
        Some("invalid_grant") if !profile.grant.needs_user() => {
            "check the assertion or its key in the profile, and the clock of this machine".into()
        }
        Some("invalid_grant" | "bad_verification_code") => {
            return error
                .hint("the code or token may have expired or already been used")
                .and_hint(Advice::StartAgainTraced);
        }
        // GitHub.
        Some("device_flow_disabled") => {
            "enable the device flow in the settings of the app at the provider".into()
        }
        Some("unauthorized_client") => "enable this grant type in the client's registration".into(),
        Some("unsupported_grant_type") => Advice::configure(
            &["grant"],
            "check `grant`: the server does not support this grant type",
        ),
        Some("invalid_scope") => Advice::configure(&["scopes"], "correct `scopes` in the profile"),
        Some("invalid_dpop_proof" | "use_dpop_nonce") if !profile.dpop => Advice::configure(
            &["dpop"],
            "the server binds tokens to a key: set `dpop = true` in the profile",
        ),
        Some("invalid_target") => Advice::configure(
            &["resource", "audience"],
            "correct `resource` or `audience` in the profile",
        ),
        Some("redirect_uri_mismatch") => {
            "add the profile's `redirect_uri` to the client's registration".into()
        }
        _ => return error,
    };
    error.hint(advice)
}

fn describe_status(status: u16) -> String {
    let word = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        300..=399 => "a redirect, which is not followed",
        _ => return status.to_string(),
    };
    format!("{status} ({word})")
}

fn status_hint(status: u16, asked: RequestKind) -> Advice {
    match status {
        300..=399 => "configure the endpoint that it redirects to, if you trust it".into(),
        401 => check_client(),
        404 | 405 => {
            let key = match asked {
                RequestKind::Device => Endpoint::DeviceAuthorization.key(),
                RequestKind::Backchannel => Endpoint::BackchannelAuthentication.key(),
                RequestKind::Token | RequestKind::Refresh => Endpoint::Token.key(),
            };
            Advice::configure(&[key], format!("check `{key}`"))
        }
        _ => Advice::Trace,
    }
}

fn check_client() -> Advice {
    Advice::configure(
        &["client_id", "client_secret", "client_auth"],
        "check `client_id`, `client_secret` and `client_auth` against the client's registration",
    )
}

#[cfg(test)]
mod tests {
    use super::LOGIN_AGAIN;
    use crate::redact::names::is_error_code;

    #[test]
    fn every_code_that_decides_is_a_known_one() {
        for (code, _) in LOGIN_AGAIN {
            assert!(is_error_code(code), "{code} is not kept for those who wait");
        }
    }
}
