//! Device authorization responses, and what the answer to a poll means (RFC 8628, sections 3.2 and 3.5).

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::answer::Answer;
use super::members::Members;
use super::refusal::{RequestKind, has_error, refusal};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, OAuthError, Result};
use crate::profile::{Profile, endpoint};
use crate::text::is_harmless;

/// Maximum length of a user code, in characters. The user has to type it.
const LONGEST_CODE: usize = 64;

/// An accepted device authorization response.
pub(crate) struct DeviceReply {
    pub(crate) device_code: Secret,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    /// The URI that contains the user code, if it belongs to the same server.
    pub(crate) verification_uri_complete: Option<String>,
    /// The lifetime of the codes; `None` if it is missing or meaningless.
    pub(crate) expires_in: Option<Duration>,
    /// The minimum time between two polls; `None` if it is missing or meaningless.
    pub(crate) interval: Option<Duration>,
}

/// Validates the response of a device authorization endpoint.
///
/// # Errors
///
/// Returns the server's refusal, `Unavailable` for 429 and 5xx, and `Validation` if a code or the URI is missing
/// or cannot be shown to a user.
pub(crate) fn read(answer: &Answer, profile: &Profile) -> Result<DeviceReply> {
    let body = answer.members();
    if !matches!(answer.status(), 200..=299) || has_error(&body) {
        return Err(refusal(answer, &body, profile, RequestKind::Device).error);
    }
    parts(&body).map_err(|what| {
        let what = body.defect().map_or(what, str::to_owned);
        let what = format!("the device authorization response has {what}");
        Error::validation(what).hint(Advice::Trace)
    })
}

/// Validates the response of a backchannel authentication endpoint (OpenID Connect CIBA, section 7.3): the
/// id of the request takes the place of the device code, and there is nothing to show.
///
/// # Errors
///
/// See [`read`].
pub(crate) fn read_backchannel(answer: &Answer, profile: &Profile) -> Result<DeviceReply> {
    let body = answer.members();
    if !matches!(answer.status(), 200..=299) || has_error(&body) {
        return Err(refusal(answer, &body, profile, RequestKind::Backchannel).error);
    }
    let id = text(&body, "auth_req_id").and_then(|id| match id {
        Some(id) if id.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Secret::new(id)),
        Some(_) => Err("an `auth_req_id` with invalid characters".to_owned()),
        None => Err("no `auth_req_id`".to_owned()),
    });
    let device_code = id.map_err(|what| {
        let what = body.defect().map_or(what, str::to_owned);
        let what = format!("the backchannel authentication response has {what}");
        Error::validation(what).hint(Advice::Trace)
    })?;
    Ok(DeviceReply {
        device_code,
        user_code: String::new(),
        verification_uri: String::new(),
        verification_uri_complete: None,
        expires_in: seconds(&body, "expires_in"),
        interval: seconds(&body, "interval"),
    })
}

fn parts(body: &Members) -> Result<DeviceReply, String> {
    let device_code = text(body, "device_code")?.ok_or("no `device_code`")?;
    if !device_code.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err("a `device_code` with invalid characters".to_owned());
    }
    let user_code = text(body, "user_code")?.ok_or("no `user_code`")?.trim().to_owned();
    if user_code.is_empty() || !user_code.chars().all(is_harmless) {
        return Err("a `user_code` with invalid characters".to_owned());
    }
    if user_code.chars().count() > LONGEST_CODE {
        return Err(format!("a `user_code` of more than {LONGEST_CODE} characters"));
    }
    // Google used this name before the standard.
    let uri = match text(body, "verification_uri")? {
        None => text(body, "verification_url")?,
        found => found,
    };
    let verification_uri = uri.ok_or("no `verification_uri`")?;
    let url = page(&verification_uri)
        .map_err(|why| format!("a `verification_uri` that cannot be used: it {why}"))?;
    // A URI that is opened without being read must not lead elsewhere.
    let complete = text(body, "verification_uri_complete").ok().flatten();
    let is_same_server = |uri: &String| page(uri).is_ok_and(|page| page.origin() == url.origin());
    Ok(DeviceReply {
        device_code: Secret::new(device_code),
        user_code,
        verification_uri,
        verification_uri_complete: complete.filter(is_same_server),
        expires_in: seconds(body, "expires_in"),
        interval: seconds(body, "interval"),
    })
}

fn text(body: &Members, name: &str) -> Result<Option<String>, String> {
    match body.get(name)? {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("a `{name}` that is not a string")),
    }
}

/// Validates the URL of a page that the user is asked to open. Unlike an endpoint, it may have a fragment.
fn page(uri: &str) -> Result<Url, String> {
    let (before, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    let url = endpoint::check(before)?;
    match fragment.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c)) {
        true => Ok(url),
        false => Err("has a fragment with invalid characters".to_owned()),
    }
}

/// Returns a number of seconds, which some servers send as a string. Anything that is not a positive number
/// counts as missing.
fn seconds(body: &Members, name: &str) -> Option<Duration> {
    let seconds = match body.get(name).ok()?? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    let longest = Duration::from_secs(10 * 365 * 86_400);
    (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest))
}

/// What the answer to a poll means.
pub(crate) enum Poll {
    /// The user has not decided yet.
    Pending,
    /// The same, but the client must poll less often; the server may set the new interval (GitHub).
    SlowDown(Option<Duration>),
    /// The codes have expired.
    Expired(OAuthError),
    /// The server could not respond: 429 or 5xx.
    Unanswered(String),
    /// Tokens, or a refusal.
    Decided,
}

/// Interprets the answer to a poll. The error code decides, not the status: GitHub answers 200, Google 428, and
/// Auth0 429 to `slow_down`.
pub(crate) fn validate_poll(answer: &Answer) -> Poll {
    let body = answer.members();
    // Twitch has the code in `message`.
    let code = ["error", "message"].into_iter().find_map(|name| body.text(name));
    match code.as_deref() {
        Some("authorization_pending") => return Poll::Pending,
        Some("slow_down") => return Poll::SlowDown(seconds(&body, "interval")),
        Some(code @ ("expired_token" | "code_expired")) => {
            let description = body.text("error_description");
            return Poll::Expired(answer.oauth_error(code, description.as_deref()));
        }
        _ => {}
    }
    match answer.status() {
        status @ (429 | 500..=599) => Poll::Unanswered(format!("the server returned {status}")),
        _ => Poll::Decided,
    }
}

#[cfg(test)]
mod tests;
