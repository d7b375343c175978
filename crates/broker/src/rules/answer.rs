//! The answers of rules.

use std::collections::BTreeMap;
use std::time::Duration;

use oauthctl_core::time::parse_duration;
use oauthctl_core::{Error, ErrorKind, Result, Secret, text};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Maximum length of a reason, in characters.
const LONGEST_REASON: usize = 200;

/// The combined answers of rules.
#[derive(Default)]
pub struct Answer {
    /// Attributes, with how long each is kept.
    pub attributes: BTreeMap<String, (Value, Option<Duration>)>,
    /// Parameters of the token request.
    pub params: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    attributes: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    ttl: Option<Value>,
    #[serde(default)]
    params: Option<Map<String, Value>>,
    #[serde(default)]
    deny: Option<String>,
}

impl Answer {
    /// Adds a later answer, which takes precedence.
    pub(super) fn add(&mut self, later: Self) {
        self.attributes.extend(later.attributes);
        self.params.extend(later.params);
    }

    /// Returns the answer in the format of a hook of the core.
    pub(super) fn of_hook(&self) -> Secret {
        let attributes: Map<String, Value> = self
            .attributes
            .iter()
            .map(|(name, (value, _))| (name.clone(), value.clone()))
            .collect();
        let with_end = |(name, (_, ttl)): (&String, &(Value, Option<Duration>))| {
            ttl.map(|ttl| (name.clone(), Value::from(ttl.as_secs())))
        };
        let ttl: Map<String, Value> = self.attributes.iter().filter_map(with_end).collect();
        Secret::new(
            json!({ "attributes": attributes, "ttl": ttl, "params": self.params }).to_string(),
        )
    }
}

/// Parses an answer: nothing, a boolean, or an object.
///
/// # Errors
///
/// Returns `AccessDenied` with the reason for a denial, and `Config` for anything that is no answer.
pub(super) fn read(answer: &Secret) -> Result<Answer> {
    let failed = |why: &str| Error::config(format!("a rule failed: its answer {why}"));
    let text = answer.expose().trim();
    let form: Form = match text {
        "" | "null" | "true" => return Ok(Answer::default()),
        "false" => return Err(denied("")),
        // A struct could also be deserialized from a list.
        text if !text.starts_with('{') => return Err(failed("is not an object")),
        text => {
            serde_json::from_str(text).map_err(|_| failed("has an unknown or invalid member"))?
        }
    };
    if let Some(reason) = form.deny {
        return Err(denied(&reason));
    }
    let ttl = match form.ttl {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => Some(number.as_u64().map(Duration::from_secs)),
        Some(Value::String(text)) => Some(parse_duration(&text).ok()),
        Some(_) => Some(None),
    };
    let ttl = ttl.map(|ttl| ttl.ok_or_else(|| failed("has an invalid `ttl`"))).transpose()?;
    let attributes = form.attributes.unwrap_or_default();
    let attributes = attributes.into_iter().map(|(name, value)| (name, (value, ttl))).collect();
    Ok(Answer { attributes, params: form.params.unwrap_or_default() })
}

fn denied(reason: &str) -> Error {
    let reason = text::one_line(reason).trim().chars().take(LONGEST_REASON).collect::<String>();
    match reason.is_empty() {
        true => Error::new(ErrorKind::AccessDenied, "a rule denied the request"),
        false => {
            Error::new(ErrorKind::AccessDenied, format!("a rule denied the request: {reason}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<Answer> {
        read(&Secret::new(text))
    }

    #[test]
    fn answer_is_nothing_a_boolean_or_one_known_object() {
        for allowed in ["", " ", "null", "true", "{}", r#"{"deny":null,"params":{}}"#] {
            assert!(answer(allowed).is_ok(), "{allowed}");
        }
        for (denial, reason) in [("false", ""), (r#"{"deny":"no\u001b[31m"}"#, ": no")] {
            let error = answer(denial).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            assert!(error.message().starts_with(&format!("a rule denied the request{reason}")));
            assert!(!error.message().contains('\u{1b}'));
        }
        for wrong in [
            "1",
            "\"x\"",
            "[]",
            "{",
            "{} {}",
            r#"{"x":1}"#,
            r#"{"deny":true}"#,
            r#"{"ttl":-1}"#,
            r#"{"ttl":"soon"}"#,
            r#"{"ttl":{}}"#,
            r#"{"attributes":[]}"#,
            r#"{"params":1}"#,
            r#"{"deny":"a","deny":"b"}"#,
        ] {
            assert_eq!(answer(wrong).err().map(|e| e.kind()), Some(ErrorKind::Config), "{wrong}");
        }
        let kept = answer(r#"{"attributes":{"a":1},"ttl":"1m"}"#).ok().unwrap();
        assert_eq!(kept.attributes["a"], (1.into(), Some(Duration::from_secs(60))));
    }
}
