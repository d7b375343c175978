//! The claims of an id_token as received, and how they are read.

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::text;
use crate::time::Timestamp;

/// The claims as received. A duplicate claim makes the whole token invalid.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: Option<Value>,
    pub(super) sub: Option<Value>,
    pub(super) tid: Option<Value>,
    pub(super) aud: Option<Value>,
    pub(super) exp: Option<Value>,
    pub(super) iat: Option<Value>,
    pub(super) nbf: Option<Value>,
    pub(super) auth_time: Option<Value>,
    pub(super) azp: Option<Value>,
    pub(super) nonce: Option<Value>,
    pub(super) at_hash: Option<Value>,
    pub(super) email: Option<Value>,
    pub(super) email_verified: Option<Value>,
    pub(super) preferred_username: Option<Value>,
    pub(super) name: Option<Value>,
}

pub(super) fn numeric(value: &Option<Value>, claim: &str) -> Result<Option<Timestamp>> {
    let Some(value) = value else { return Ok(None) };
    match value.as_f64() {
        Some(seconds) if seconds >= 0.0 => {
            // A fraction is allowed (RFC 7519, section 2); `as` saturates at the bounds.
            Ok(Some(Timestamp::from_unix(seconds as u64)))
        }
        _ => Err(wrong(claim, "seconds since 1970", &shown(value))),
    }
}

pub(super) fn string<'a>(value: &'a Option<Value>, claim: &str) -> Result<&'a str> {
    match value {
        None => Err(missing(claim)),
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_)) => Err(wrong(claim, "a string that is not empty", "empty")),
        Some(other) => Err(wrong(claim, "a string", kind(other))),
    }
}

pub(super) fn missing(claim: &str) -> Error {
    Error::validation(format!("the id_token has no `{claim}`"))
}

pub(super) fn wrong(claim: &str, expected: &str, got: &str) -> Error {
    Error::validation(format!("the id_token's `{claim}` is {got}, expected {expected}"))
}

pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", text::one_line(text))
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) => number.to_string(),
        other => kind(other).to_owned(),
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Returns a claim that is only shown; anything but a string is omitted.
pub(super) fn printable(value: &Option<Value>) -> Option<String> {
    let text = text::one_line(value.as_ref()?.as_str()?);
    (!text.is_empty()).then_some(text)
}
