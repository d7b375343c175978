//! JSON as it was sent: member order and repeated names are kept, which a map would hide.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// A JSON value.
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(Zeroizing<String>),
    List(Vec<Json>),
    Members(Vec<(String, Json)>),
}

impl Json {
    /// Reads a body that is one JSON object or array, and nothing after it.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body)
            .ok()
            .filter(|json| matches!(json, Self::List(_) | Self::Members(_)))
    }

    /// Writes it in lines. `comment` may add something at the end of the line of a top-level
    /// member; without comments the lines are JSON again.
    pub(super) fn lines(&self, comment: &mut dyn FnMut(&str) -> Option<String>) -> Vec<String> {
        let mut lines = Vec::new();
        self.write(0, "", "", None, comment, &mut lines);
        lines
    }

    fn write(
        &self,
        depth: usize,
        before: &str,
        after: &str,
        member: Option<&str>,
        comment: &mut dyn FnMut(&str) -> Option<String>,
        lines: &mut Vec<String>,
    ) {
        let indent = "  ".repeat(depth);
        let opening = match self {
            Self::List(items) if !items.is_empty() => "[".to_owned(),
            Self::Members(members) if !members.is_empty() => "{".to_owned(),
            scalar => scalar.inline() + after,
        };
        let line = format!("{indent}{before}{opening}");
        lines.push(match member.and_then(&mut *comment) {
            Some(comment) => format!("{line:<46}  {comment}"),
            None => line,
        });
        match self {
            Self::List(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    let comma = if at + 1 < items.len() { "," } else { "" };
                    item.write(depth + 1, "", comma, None, comment, lines);
                }
                lines.push(format!("{indent}]{after}"));
            }
            Self::Members(members) if !members.is_empty() => {
                for (at, (name, value)) in members.iter().enumerate() {
                    let comma = if at + 1 < members.len() { "," } else { "" };
                    let top = (depth == 0).then_some(name.as_str());
                    value.write(
                        depth + 1,
                        &format!("{}: ", quoted(name)),
                        comma,
                        top,
                        comment,
                        lines,
                    );
                }
                lines.push(format!("{indent}}}{after}"));
            }
            _ => {}
        }
    }

    fn inline(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.clone(),
            Self::Text(text) => quoted(text),
            Self::List(_) => "[]".to_owned(),
            Self::Members(_) => "{}".to_owned(),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(serde_json::Value::from(value).to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(Zeroizing::new(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(Zeroizing::new(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Json::Members(members))
    }
}
