//! What a hook may answer, and how the answer is applied.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::port::MAX_HOOK_ANSWER;
use crate::error::{Error, Result};
use crate::flow::attributes::{check, drop_expired};
use crate::grant::{Attribute, Grant};
use crate::parameters;
use crate::protocol::json;
use crate::text::one_line;
use crate::time::{Timestamp, parse_duration};

/// The members that an answer may have.
const FORM: [&str; 4] = ["attributes", "ttl", "params", "deny"];

/// What a hook requests; empty if there is no hook.
#[derive(Default)]
pub(in crate::flow) struct Answer {
    pub(in crate::flow) attributes: BTreeMap<String, Attribute>,
    pub(in crate::flow) params: BTreeMap<String, String>,
}

crate::redact::debug::redacted_debug!(Answer {
    attributes,
    params => params,
});

/// Reads an answer. The inner error is a denial, the outer one a fault of the hook.
pub(super) fn read(text: &str, now: Timestamp) -> Result<Result<Answer, String>, String> {
    if text.len() > MAX_HOOK_ANSWER {
        return Err(format!("its answer exceeds {MAX_HOOK_ANSWER} bytes"));
    }
    if text.trim().is_empty() {
        return Ok(Ok(Answer::default()));
    }
    let mut object = json::object(text.trim().as_bytes())
        .map_err(|what| format!("its answer is not a single JSON object: {what}"))?;
    if let Some(name) = object.keys().find(|name| !FORM.contains(&name.as_str())) {
        return Err(format!("its answer has an unknown member `{}`", one_line(name)));
    }
    match object.remove("deny") {
        None | Some(Value::Null) => {}
        Some(Value::String(reason)) => return Ok(Err(reason)),
        Some(_) => return Err("its `deny` is not a string".to_owned()),
    }
    let mut answer = Answer::default();
    let ttl = object.remove("ttl").unwrap_or_default();
    for (name, value) in table(&mut object, "attributes")? {
        let ttl = match &ttl {
            Value::Object(each) => lifetime(each.get(&name).unwrap_or(&Value::Null))?,
            all => lifetime(all)?,
        };
        let expires_at = ttl.map(|ttl| now.plus(ttl));
        answer.attributes.insert(name, Attribute { value, expires_at });
    }
    check(&answer.attributes).map_err(|error| error.message().to_owned())?;
    for (name, value) in table(&mut object, "params")? {
        if let Some(why) = parameters::reserved(&name) {
            return Err(format!("a hook cannot set the parameter `{}`: {why}", one_line(&name)));
        }
        let value = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(format!("the parameter `{}` is not a string", one_line(&name))),
        };
        answer.params.insert(name, value);
    }
    Ok(Ok(answer))
}

/// Reads how long an attribute is kept.
fn lifetime(value: &Value) -> Result<Option<Duration>, String> {
    let ttl = match value {
        Value::Null => return Ok(None),
        Value::Number(seconds) => seconds.as_u64().map(Duration::from_secs),
        Value::String(text) => parse_duration(text).ok(),
        _ => None,
    };
    ttl.map(Some).ok_or_else(|| "its `ttl` is not a duration".to_owned())
}

fn table(object: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, String> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(table)) => Ok(table),
        Some(_) => Err(format!("its `{name}` is not an object")),
    }
}

/// Stores a hook's attributes with the grant.
pub(in crate::flow) fn keep(grant: &mut Grant, answer: Answer, now: Timestamp) -> Result<()> {
    drop_expired(&mut grant.attributes, now);
    merge(&mut grant.attributes, answer.attributes)
}

/// Adds a hook's attributes to the existing ones.
pub(in crate::flow) fn merge(
    all: &mut BTreeMap<String, Attribute>,
    more: BTreeMap<String, Attribute>,
) -> Result<()> {
    if more.is_empty() {
        return Ok(());
    }
    all.extend(more);
    check(all).map_err(|error| {
        let what = format!("the attributes of a hook cannot be stored: {}", error.message());
        Error::config(what).hint("the operation was aborted: correct the hook")
    })
}

/// Adds a hook's parameters to a token request; they replace parameters of the same name.
pub(in crate::flow) fn add(form: &mut Vec<(String, String)>, params: BTreeMap<String, String>) {
    form.retain(|(name, _)| !params.contains_key(name));
    form.extend(params);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix(1_000)
    }

    #[test]
    fn attributes_of_an_answer_end_with_its_ttl() {
        let ends = |text: &str| {
            let answer = read(text, now()).unwrap().unwrap();
            ["a", "b"].map(|name| answer.attributes[name].expires_at.map(Timestamp::unix))
        };
        let with = |ttl: &str| format!(r#"{{"attributes":{{"a":1,"b":2}},"ttl":{ttl}}}"#);
        assert_eq!(ends(&with("null")), [None, None]);
        assert_eq!(ends(&with("60")), [Some(1_060), Some(1_060)]);
        assert_eq!(ends(&with("\"1h\"")), [Some(4_600), Some(4_600)]);
        assert_eq!(ends(&with("{\"b\":5}")), [None, Some(1_005)]);
        for wrong in ["-1", "\"soon\"", "[]", "true", "{\"a\":{}}"] {
            assert!(read(&with(wrong), now()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hook_answer_is_empty_or_one_known_object() {
        for nothing in ["", " \n", "{}", "{\"attributes\":null,\"params\":{},\"deny\":null}"] {
            let answer = read(nothing, now()).unwrap().unwrap();
            assert!(answer.attributes.is_empty() && answer.params.is_empty(), "{nothing}");
        }
        let answer =
            read(r#"{"attributes":{"a":[1]},"params":{"x":"1","y":2}}"#, now()).unwrap().unwrap();
        assert_eq!(answer.attributes["a"].value, json!([1]));
        assert_eq!(answer.params["y"], "2");
        assert_eq!(read(r#"{"deny":"no","params":{}}"#, now()).unwrap().unwrap_err(), "no");
        for nonsense in [
            "x",
            "[]",
            "null",
            "{} {}",
            "{\"deny\":true}",
            "{\"attributes\":[]}",
            "{\"params\":{\"a\":{}}}",
            "{\"atributes\":{}}",
            "{\"params\":{},\"params\":{}}",
            "{\"attributes\":{\"\":1}}",
        ] {
            assert!(read(nonsense, now()).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn no_hook_sets_what_the_protocol_sets() {
        for name in [
            "grant_type",
            "code",
            "code_verifier",
            "refresh_token",
            "client_id",
            "client_secret",
            "redirect_uri",
            "client_assertion",
            "scope",
            "",
            "a b",
        ] {
            let text = json!({"params": {name: "x"}}).to_string();
            assert!(read(&text, now()).is_err(), "{name}");
        }
        for name in ["assertion", "subject_token", "audience", "custom"] {
            let text = json!({"params": {name: "x"}}).to_string();
            assert!(read(&text, now()).is_ok(), "{name}");
        }
    }

    #[test]
    fn hooks_parameter_replaces_the_one_of_its_name() {
        let mut form = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        add(&mut form, BTreeMap::from([("a".to_owned(), "3".to_owned())]));
        assert_eq!(form, [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "3".to_owned())]);
    }
}
