//! Token responses (RFC 6749, section 5.1): what counts as a success, and how servers deviate.
//!
//! Only the needed parts of a response are validated. Its status may be any 2xx, its media type anything,
//! and unused members may contain anything; the access token, its type, its scopes and the refresh token
//! are parsed strictly.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::Secret;
use crate::advice::Advice;
use crate::error::Error;
use crate::profile::{GrantType, Profile};
use crate::protocol::answer::Answer;
use crate::protocol::json::is_flat;
use crate::protocol::members::Members;
use crate::protocol::refusal::{Refusal, RequestKind, has_error, refusal};
use crate::redact;
use crate::text::is_token_type;
use crate::time::Timestamp;

/// Maximum lifetime that is accepted: ten years.
const LONGEST: u64 = 10 * 365 * 86_400;

/// An accepted token response.
#[derive(Debug)]
pub(crate) struct TokenReply {
    /// The access token.
    pub access_token: Secret,
    /// `Bearer` or `DPoP`.
    pub token_type: &'static str,
    /// When the request was sent: the lifetimes count from here.
    pub sent_at: Timestamp,
    /// `expires_in`; `None` if it is missing or meaningless.
    pub expires_in: Option<Duration>,
    /// The refresh token.
    pub refresh_token: Option<Secret>,
    /// The refresh token's lifetime, if the server sets one.
    pub refresh_expires_in: Option<Duration>,
    /// The id_token, not yet validated.
    pub id_token: IdToken,
    /// The granted scopes; `None` where the response does not say, or not in a readable way.
    pub scopes: Option<Vec<String>>,
    /// The values that the profile stores with the grant.
    pub kept: BTreeMap<String, Value>,
    /// A part of the response that was ignored, if that changes what is known about the tokens.
    pub warning: Option<Error>,
    /// Deviations that change nothing.
    pub notes: Vec<String>,
}

/// The id_token of a token response. The access token does not depend on it, so an unreadable id_token is
/// no reason to refuse the response.
#[derive(Debug)]
pub(crate) enum IdToken {
    /// There is none.
    Absent,
    /// There is one, not yet validated.
    Present(Secret),
    /// There is something else, for this reason, such as several values that contradict each other.
    Unreadable(String, Vec<Secret>),
}

/// A refused token response.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The refusal and its meaning.
    pub refusal: Refusal,
    /// The access token that was received anyway.
    pub access_token: Option<Secret>,
    /// The refresh token that was received anyway: whatever is wrong with the rest of the response, it may
    /// have replaced the old one.
    pub refresh_token: Option<Secret>,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.refusal.error
    }
}

/// Validates the response of a token endpoint.
///
/// # Errors
///
/// Returns `ServerRefused`, `AccessDenied` or `LoginRequired` for a refusal, `Unavailable` for 429 and 5xx,
/// and `Validation` for anything that is not a token response. None of them quotes a token.
pub(crate) fn validate(
    answer: &Answer,
    profile: &Profile,
    asked: RequestKind,
) -> Result<TokenReply, Box<Refused>> {
    let body = answer.members();
    // Slack nests a user's token at the login, but not at a refresh.
    let is_optional = profile.quirks.token_path_is_optional || asked == RequestKind::Refresh;
    let has_token = |found: &Members| !is_optional || found.any("access_token").is_some();
    let nested = (!profile.token_path.is_empty())
        .then(|| descend(&body, &profile.token_path).filter(has_token));
    let tokens = match &nested {
        Some(Some(found)) => Some(found),
        Some(None) if !is_optional => None,
        _ => Some(&body),
    };
    let refusal = if !matches!(answer.status(), 200..=299) || has_error(&body) {
        refusal(answer, &body, profile, asked)
    } else {
        match read_tokens(answer, &body, tokens, profile) {
            Ok(reply) => return Ok(reply),
            Err(what) => {
                Refusal { error: not_a_token_response(answer, asked, &what), login_again: None }
            }
        }
    };
    let readable = |name: &str| tokens.and_then(|tokens| token(tokens, name).ok().flatten());
    let (access_token, refresh_token) = (readable("access_token"), readable("refresh_token"));
    Err(Box::new(Refused { refusal, access_token, refresh_token }))
}

/// Validates the response to a request for an assertion (RFC 8693, section 2.2.1), and returns the
/// assertion. Its token type says nothing: `N_A` is right, because it is no access token.
///
/// # Errors
///
/// See [`validate`]. Another issued token than the requested one is refused: it might be an access token,
/// which must not be sent to a third party.
pub(crate) fn validate_assertion(
    answer: &Answer,
    profile: &Profile,
    requested: &str,
) -> Result<Secret, Error> {
    let body = answer.members();
    if !matches!(answer.status(), 200..=299) || has_error(&body) {
        return Err(refusal(answer, &body, profile, RequestKind::Token).error);
    }
    let read = || {
        if let Some(defect) = body.defect() {
            return Err(defect.to_owned());
        }
        match body.get("issued_token_type")? {
            Some(Value::String(issued)) if issued == requested => {}
            Some(Value::String(_)) => return Err("another `issued_token_type`".to_owned()),
            _ => return Err("no `issued_token_type`".to_owned()),
        }
        token(&body, "access_token")?.ok_or_else(|| "no `access_token`".to_owned())
    };
    read().map_err(|what| not_a_token_response(answer, RequestKind::Token, &what))
}

fn descend(body: &Members, path: &str) -> Option<Members> {
    let mut steps = path.split('.').filter(|step| !step.is_empty());
    let first = body.object(steps.next()?);
    steps.fold(first, |members, step| members?.object(step))
}

fn read_tokens(
    answer: &Answer,
    body: &Members,
    tokens: Option<&Members>,
    profile: &Profile,
) -> Result<TokenReply, String> {
    if let Some(defect) = body.defect() {
        let media_type = answer.media_type();
        let is_json = media_type.ends_with("json") || media_type == "text/javascript";
        return Err(match is_json || answer.is_empty() {
            true => defect.to_owned(),
            false => format!("a body of type `{media_type}`, {defect}"),
        });
    }
    let tokens = tokens.ok_or("no object at the profile's `token_path`")?;
    let access_token = token(tokens, "access_token")?.ok_or("no `access_token`")?;
    let mut notes = Vec::new();
    let secrets = body.tokens();
    let token_type = token_type(body, tokens, profile, &secrets, &mut notes)?;
    let refresh_token = token(tokens, "refresh_token")?;
    let id_token = match id_token(tokens) {
        IdToken::Absent => id_token(body),
        found => found,
    };
    let (scopes, warning) = scopes(tokens, profile, &secrets)?;
    let refresh_lifetime =
        ["refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"];
    Ok(TokenReply {
        access_token,
        token_type,
        sent_at: answer.sent_at(),
        // If both are present, the other one is in milliseconds (Zoho).
        expires_in: lifetime(tokens, "expires_in_sec").or_else(|| lifetime(tokens, "expires_in")),
        refresh_token,
        refresh_expires_in: refresh_lifetime.iter().find_map(|name| lifetime(tokens, name)),
        id_token,
        scopes,
        kept: kept(body, tokens, profile),
        warning,
        notes,
    })
}

/// Returns `Bearer` or `DPoP`. Many servers omit the type, and common clients accept that.
fn token_type(
    body: &Members,
    tokens: &Members,
    profile: &Profile,
    secrets: &[Secret],
    notes: &mut Vec<String>,
) -> Result<&'static str, String> {
    let given = match tokens.get("token_type")? {
        None => body.get("token_type")?,
        some => some,
    };
    let token_type = match &given {
        None => {
            let note =
                "the token response has no `token_type`; the token is used as a Bearer token";
            notes.push(note.to_owned());
            "Bearer"
        }
        Some(Value::String(name)) if is_bearer(name, profile) => "Bearer",
        Some(Value::String(name)) if name.eq_ignore_ascii_case("dpop") => "DPoP",
        // RFC 8693, section 2.2.1: the issued token is no access token.
        Some(Value::String(name))
            if profile.grant == GrantType::TokenExchange && name.eq_ignore_ascii_case("n_a") =>
        {
            "N_A"
        }
        Some(Value::String(name))
            if is_token_type(name) && redact::without(name, secrets) == *name =>
        {
            return Err(format!("an unsupported token type `{name}`"));
        }
        Some(Value::String(_)) => return Err("an invalid `token_type`".to_owned()),
        Some(_) => return Err("a `token_type` that is not a string".to_owned()),
    };
    match (profile.dpop, token_type) {
        (true, "Bearer") => Err("a Bearer token although the profile requires DPoP".to_owned()),
        (false, "DPoP") => Err("a DPoP token although the profile does not enable DPoP".to_owned()),
        _ => Ok(token_type),
    }
}

fn is_bearer(name: &str, profile: &Profile) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    is("bearer") || is("bearertoken") || profile.quirks.bearer_types.iter().any(|known| is(known))
}

/// Returns the values that the profile stores with the grant. A value that is nested too deeply would make
/// the whole record unreadable.
fn kept(body: &Members, tokens: &Members, profile: &Profile) -> BTreeMap<String, Value> {
    let value = |name: &String| {
        let value = tokens.any(name).or_else(|| body.any(name)).filter(is_flat)?;
        Some((name.clone(), value))
    };
    let mut kept: BTreeMap<_, _> = profile.keep.iter().filter_map(value).collect();
    if !profile.authorization_details.is_empty() {
        // What was granted of what was requested (RFC 9396, section 7).
        kept.extend(value(&"authorization_details".to_owned()));
    }
    kept
}

/// Returns a token, which must be printable ASCII without a space (RFC 6749, appendix A): anything else
/// could break out of a header, a line or a terminal.
fn token(from: &Members, name: &str) -> Result<Option<Secret>, String> {
    match from.get(name)? {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => match name {
            "access_token" => Err("an empty `access_token`".to_owned()),
            _ => Ok(None),
        },
        Some(Value::String(text)) if text.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(Some(Secret::new(text)))
        }
        Some(Value::String(_)) => Err(format!("a `{name}` with invalid characters")),
        Some(_) => Err(format!("a `{name}` that is not a string")),
    }
}

fn id_token(from: &Members) -> IdToken {
    match token(from, "id_token") {
        Ok(None) => IdToken::Absent,
        Ok(Some(token)) => IdToken::Present(token),
        Err(what) => {
            let texts = from.all("id_token").filter_map(|value| value.as_str().map(Secret::new));
            IdToken::Unreadable(what, texts.collect())
        }
    }
}

/// Returns a lifetime: a number, or a numeric string at some providers. Zero, negative and meaningless
/// values count as unknown: treating them as expired would refresh at every call.
fn lifetime(from: &Members, name: &str) -> Option<Duration> {
    let seconds = match from.get(name).ok()?? {
        Value::Number(n) => n.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    if !(seconds.is_finite() && seconds >= 1.0) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limited just before"
    )]
    let whole = seconds.min(LONGEST as f64) as u64;
    Some(Duration::from_secs(whole))
}

/// Returns the granted scopes. Unreadable scopes are treated as absent, with a warning: they are not required
/// to use the tokens.
///
/// # Errors
///
/// Returns an error for characters that could break out of a header, a line or a terminal: only an attacker
/// sends them.
fn scopes(
    tokens: &Members,
    profile: &Profile,
    secrets: &[Secret],
) -> Result<(Option<Vec<String>>, Option<Error>), String> {
    if tokens.all("scope").any(|value| breaks_out(&value)) {
        return Err("a `scope` with invalid characters".to_owned());
    }
    let read = tokens.get("scope").and_then(|value| scope_words(value, profile));
    // Scopes are shown and stored where tokens are not.
    let is_token = |word: &String| redact::without(word, secrets) != *word;
    let read = match read {
        Ok(Some(words)) if words.iter().any(is_token) => {
            Err("a token in place of a `scope`".to_owned())
        }
        read => read,
    };
    Ok(match read {
        Ok(words) => (words, None),
        Err(what) => {
            let what = format!(
                "the token response has {what}: assuming that the requested scopes were granted"
            );
            (None, Some(Error::validation(what)))
        }
    })
}

fn breaks_out(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_ascii() || text.contains(['\r', '\n', '\0', '\u{1b}']),
        Value::Array(items) => items.iter().any(breaks_out),
        _ => false,
    }
}

fn scope_words(value: Option<Value>, profile: &Profile) -> Result<Option<Vec<String>>, String> {
    let words: Vec<String> = match value {
        None => return Ok(None),
        Some(Value::String(text)) => {
            let given = profile.quirks.scope_separator_in_response.as_deref();
            let separator = given.unwrap_or(&profile.scope_separator).to_owned();
            text.split(|c: char| c == ' ' || separator.contains(c)).map(str::to_owned).collect()
        }
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(_) => return Err("a `scope` that is not a string".to_owned()),
    };
    if words.iter().any(|w| !w.bytes().all(|b| b.is_ascii_graphic())) {
        return Err("a `scope` with invalid characters".to_owned());
    }
    Ok(Some(words.into_iter().filter(|w| !w.is_empty()).collect()))
}

fn not_a_token_response(answer: &Answer, asked: RequestKind, what: &str) -> Error {
    let error = Error::validation(format!(
        "the response to the {} is not a token response: status {}, {what}",
        asked.name(),
        answer.status()
    ));
    if answer.media_type().contains("html") {
        return error.hint(
            "a web page was returned: check `token_endpoint`, or log in to the network's captive \
             portal first",
        );
    }
    error.hint(Advice::Trace)
}

#[cfg(test)]
mod tests;
