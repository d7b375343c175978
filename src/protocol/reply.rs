//! Token responses (RFC 6749, sections 5.1 and 5.2): what counts as success, what as refusal, and
//! where the known providers deviate.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::Secret;
use crate::error::{Error, OAuthError, Result};
use crate::port::HttpResponse;
use crate::profile::Profile;
use crate::protocol::json::{self, is_flat};
use crate::text::{is_token_type, one_line};

/// The longest lifetime that is believed: ten years.
const LONGEST: u64 = 10 * 365 * 86_400;

/// A token response that was accepted. Lifetimes are relative; the caller's clock makes them
/// points in time.
#[derive(Debug)]
pub(crate) struct TokenReply {
    /// The access token.
    pub access_token: Secret,
    /// `Bearer` or `DPoP`.
    pub token_type: &'static str,
    /// `expires_in`; `None` where it is missing or makes no sense.
    pub expires_in: Option<Duration>,
    /// The refresh token.
    pub refresh_token: Option<Secret>,
    /// The refresh token's lifetime, where the server gives one.
    pub refresh_expires_in: Option<Duration>,
    /// The id_token, not yet validated.
    pub id_token: Option<Secret>,
    /// The granted scopes; `None` where the response does not say.
    pub scopes: Option<Vec<String>>,
    /// The values that the profile asks to keep.
    pub kept: BTreeMap<String, Value>,
}

/// Judges the answer of a token endpoint.
///
/// # Errors
///
/// `ServerRefused` or `AccessDenied` for an OAuth error; `Unavailable` for 429 and 5xx; `Validation`
/// for an answer that is no token response. None of them quotes a token.
pub(crate) fn judge(response: &HttpResponse, profile: &Profile, asked: &str) -> Result<TokenReply> {
    let lenient = profile.quirks.lenient_reply;
    let body = match response.status {
        200 => read_body(response),
        201 if lenient => read_body(response),
        201..=299 if response.body.is_empty() => Err("an empty body".to_owned()),
        201..=299 => Err("where 200 is expected".to_owned()),
        _ => return Err(refusal(response, asked)),
    };
    let body = body.map_err(|what| not_a_token_response(response, asked, &what))?;
    if body.get("error").is_some_and(|e| !e.is_null()) {
        return Err(refusal(response, asked));
    }
    let tokens = descend(&body, &profile.token_path).ok_or_else(|| {
        not_a_token_response(response, asked, "no object at the profile's `token_path`")
    })?;
    read_tokens(&body, tokens, profile, lenient)
        .map_err(|what| not_a_token_response(response, asked, &what))
}

fn read_tokens(
    body: &Map<String, Value>,
    tokens: &Map<String, Value>,
    profile: &Profile,
    lenient: bool,
) -> Result<TokenReply, String> {
    let access_token = token(tokens, "access_token")?.ok_or("no `access_token` in it")?;
    let token_type = match tokens.get("token_type").or_else(|| body.get("token_type")) {
        None | Some(Value::Null) if lenient => "Bearer",
        None | Some(Value::Null) => return Err("no `token_type` in it".to_owned()),
        Some(Value::String(t)) if t.eq_ignore_ascii_case("bearer") => "Bearer",
        Some(Value::String(t)) if t.eq_ignore_ascii_case("dpop") => "DPoP",
        Some(Value::String(_)) if lenient => "Bearer",
        Some(Value::String(t)) if is_token_type(t) => {
            return Err(format!("a token of the unusable type `{t}`"));
        }
        Some(Value::String(_)) => return Err("a `token_type` that is none".to_owned()),
        Some(_) => return Err("a `token_type` that is no string".to_owned()),
    };
    if profile.dpop && token_type != "DPoP" {
        return Err("a Bearer token although the profile asks for DPoP".to_owned());
    }
    if !profile.dpop && token_type == "DPoP" {
        return Err("a DPoP token that nobody asked for".to_owned());
    }
    let keep = profile.keep.iter().filter_map(|name| {
        // One that is nested without an end would make the whole record unreadable.
        let value = tokens.get(name).or_else(|| body.get(name)).filter(|value| is_flat(value))?;
        Some((name.clone(), value.clone()))
    });
    let refresh_lifetime =
        ["refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"];
    let refresh_token = token(tokens, "refresh_token")?;
    let id_token = match token(tokens, "id_token")? {
        None => token(body, "id_token")?,
        some => some,
    };
    let scopes = scopes(tokens.get("scope"), profile)?;
    // Scopes are shown and kept where no token is.
    let secrets = [Some(&access_token), refresh_token.as_ref(), id_token.as_ref()];
    let is_token = |word: &String| secrets.iter().flatten().any(|token| token.expose() == word);
    if scopes.iter().flatten().any(is_token) {
        return Err("a token in place of a `scope`".to_owned());
    }
    Ok(TokenReply {
        access_token,
        token_type,
        expires_in: lifetime(tokens.get("expires_in")),
        refresh_token,
        refresh_expires_in: refresh_lifetime.iter().find_map(|name| lifetime(tokens.get(*name))),
        id_token,
        scopes,
        kept: keep.collect(),
    })
}

/// A token is printable ASCII without a space (RFC 6749, appendix A): anything else could break out
/// of a header, a line or a terminal.
fn token(from: &Map<String, Value>, name: &str) -> Result<Option<Secret>, String> {
    match from.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => match name {
            "access_token" => Err("an empty `access_token`".to_owned()),
            _ => Ok(None),
        },
        Some(Value::String(text)) if text.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(Some(Secret::new(text.as_str())))
        }
        Some(Value::String(_)) => Err(format!("a `{name}` with characters that no token may have")),
        Some(_) => Err(format!("a `{name}` that is no string")),
    }
}

/// `expires_in` is a number, or, at some providers, a string of one. Zero, negative and senseless
/// values count as unknown: taking them for "expired" would refresh at every call.
fn lifetime(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
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

fn scopes(value: Option<&Value>, profile: &Profile) -> Result<Option<Vec<String>>, String> {
    let words: Vec<String> = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => {
            let given = profile.quirks.scope_separator_in_response.as_deref();
            let separator = given.unwrap_or(&profile.scope_separator).to_owned();
            text.split(|c: char| c == ' ' || separator.contains(c)).map(str::to_owned).collect()
        }
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(_) => return Err("a `scope` that is no string".to_owned()),
    };
    if words.iter().any(|w| !w.bytes().all(|b| b.is_ascii_graphic())) {
        return Err("a `scope` with characters that no scope may have".to_owned());
    }
    Ok(Some(words.into_iter().filter(|w| !w.is_empty()).collect()))
}

fn descend<'a>(body: &'a Map<String, Value>, path: &str) -> Option<&'a Map<String, Value>> {
    path.split('.')
        .filter(|step| !step.is_empty())
        .try_fold(body, |map, step| map.get(step)?.as_object())
}

/// A body is JSON, or the form that some servers still answer with; the media type decides which.
fn read_body(response: &HttpResponse) -> Result<Map<String, Value>, String> {
    let media_type = response.header("content-type").unwrap_or("application/json");
    let essence = media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence == "application/x-www-form-urlencoded" {
        return read_form(&response.body);
    }
    if essence == "application/json" || essence.ends_with("+json") || essence == "text/javascript" {
        return json::object(&response.body);
    }
    Err(format!("a body of type `{}`", one_line(&essence)))
}

fn read_form(body: &[u8]) -> Result<Map<String, Value>, String> {
    let mut map = Map::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if map.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return Err("a form with a duplicate name".to_owned());
        }
    }
    Ok(map)
}

fn not_a_token_response(response: &HttpResponse, asked: &str, what: &str) -> Error {
    let error = Error::validation(format!(
        "the {asked} got an answer that is no token response: status {}, {what}",
        response.status
    ));
    let html = response.header("content-type").is_some_and(|t| t.contains("html"));
    if html {
        return error.hint(
            "a web page answered: check `token_endpoint`, or log in to the network's own page first",
        );
    }
    error.hint("run the same command with `--trace` to see the exchange")
}

/// What a refusal says: the standard's members where they are, else what providers put in their
/// place, else the status alone.
fn refusal(response: &HttpResponse, asked: &str) -> Error {
    let body = json::object(&response.body).or_else(|_| read_refusal_form(response)).ok();
    let oauth = body.as_ref().and_then(oauth_error);
    let what = format!("the {asked} was refused");
    match (response.status, oauth) {
        (429 | 500..=599, oauth) => {
            let error = Error::unavailable(format!(
                "the {asked} failed: the server answered {}",
                describe_status(response.status)
            ))
            .hint("try again later");
            match oauth {
                Some(oauth) => error.with_oauth(oauth),
                None => error,
            }
        }
        (_, Some(oauth)) => advise(Error::refused(&what, oauth)),
        (status, None) => {
            let body = if response.body.is_empty() {
                "an empty body"
            } else {
                "no OAuth error in its body"
            };
            Error::new(
                crate::ErrorKind::ServerRefused,
                format!("{what}: {} and {body}", describe_status(status)),
            )
            .hint(status_hint(status))
        }
    }
}

fn read_refusal_form(response: &HttpResponse) -> Result<Map<String, Value>, String> {
    let is_form = response
        .header("content-type")
        .is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
    if is_form { read_form(&response.body) } else { Err(String::new()) }
}

/// Finds the error in the standard's place, or in those of Facebook, Slack, Atlassian and others.
fn oauth_error(body: &Map<String, Value>) -> Option<OAuthError> {
    let text = |v: Option<&Value>| v.and_then(Value::as_str).map(str::to_owned);
    let description = text(body.get("error_description"))
        .or_else(|| text(body.get("message")))
        .or_else(|| text(body.get("errorSummary")))
        .or_else(|| text(body.get("detail")));
    match body.get("error").or_else(|| body.get("errorCode")).or_else(|| body.get("code")) {
        Some(Value::String(code)) if !code.is_empty() => {
            Some(OAuthError::new(code, description.as_deref()))
        }
        Some(Value::Object(nested)) => {
            let code = text(nested.get("type"))
                .or_else(|| text(nested.get("code")))
                .or_else(|| nested.get("code").map(ToString::to_string))
                .unwrap_or_else(|| "error".to_owned());
            Some(OAuthError::new(&code, text(nested.get("message")).as_deref()))
        }
        _ => description.map(|d| OAuthError::new("error", Some(&d))),
    }
}

fn advise(error: Error) -> Error {
    let hint = match error.oauth_error().map(|o| o.code.as_str()) {
        Some("invalid_client") => {
            "check `client_id`, `client_secret` and `client_auth` against the client's registration"
        }
        Some("invalid_grant") => {
            "the code or token may have expired or been used already: start again, with `--trace` to see the exchange"
        }
        Some("unauthorized_client") => "allow this grant type where the client is registered",
        Some("unsupported_grant_type") => "the server does not know this grant type: check `grant`",
        Some("invalid_scope") => "correct `scopes` in the profile",
        Some("invalid_target") => "correct `resource` or `audience` in the profile",
        Some("redirect_uri_mismatch") => "register the profile's `redirect_uri` with the client",
        _ => return error,
    };
    error.hint(hint)
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

fn status_hint(status: u16) -> &'static str {
    match status {
        300..=399 => "configure the endpoint that it redirects to, if you trust it",
        401 => {
            "check `client_id`, `client_secret` and `client_auth` against the client's registration"
        }
        404 | 405 => "check `token_endpoint`",
        _ => "run the same command with `--trace` to see the exchange",
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3) in seconds or as a date.
pub(crate) fn retry_after(response: &HttpResponse, now: crate::Timestamp) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = httpdate::parse_http_date(value).ok()?;
            let at = at.duration_since(std::time::UNIX_EPOCH).ok()?;
            crate::Timestamp::from_unix(at.as_secs()).remaining(now)
        }
    };
    Some(wait)
}

#[cfg(test)]
mod tests;
