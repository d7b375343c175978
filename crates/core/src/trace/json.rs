//! JSON as it was sent, with member order and duplicate names, which a map would lose.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::explain;

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
    /// Parses a body that is one JSON object or array, and nothing after it.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body)
            .ok()
            .filter(|json| matches!(json, Self::List(_) | Self::Members(_)))
    }

    /// Formats it in lines, in `width` columns if its values fit. `comment` may explain a top-level member;
    /// without comments, the lines are JSON again.
    pub(super) fn lines(
        &self,
        width: usize,
        comment: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Vec<String> {
        let mut writer = Writer { width, comment, lines: Vec::new() };
        writer.write(self, 0, "", "", None);
        writer.lines
    }

    /// Returns a list of scalars in one line, if it is one.
    fn flat(&self) -> Option<String> {
        let Self::List(items) = self else { return None };
        let nested = |item: &Self| matches!(item, Self::List(_) | Self::Members(_));
        if items.iter().any(nested) {
            return None;
        }
        let items: Vec<String> = items.iter().map(Self::inline).collect();
        Some(format!("[{}]", items.join(", ")))
    }

    fn inline(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.clone(),
            Self::Text(text) => as_json(text),
            Self::List(_) => "[]".to_owned(),
            Self::Members(_) => "{}".to_owned(),
        }
    }
}

struct Writer<'a> {
    width: usize,
    comment: &'a mut dyn FnMut(&str) -> Option<String>,
    lines: Vec<String>,
}

impl Writer<'_> {
    fn write(
        &mut self,
        json: &Json,
        depth: usize,
        before: &str,
        after: &str,
        member: Option<&str>,
    ) {
        let indent = "  ".repeat(depth);
        let room = self.width.saturating_sub(indent.len() + before.chars().count() + after.len());
        let flat = json.flat().filter(|flat| flat.chars().count() <= room);
        let is_flat = flat.is_some();
        let opening = match json {
            _ if is_flat => flat.unwrap_or_default() + after,
            Json::List(_) => "[".to_owned(),
            Json::Members(members) if !members.is_empty() => "{".to_owned(),
            scalar => scalar.inline() + after,
        };
        self.line(format!("{indent}{before}{opening}"), member);
        match json {
            Json::List(items) if !is_flat => {
                for (at, item) in items.iter().enumerate() {
                    let comma = if at + 1 < items.len() { "," } else { "" };
                    self.write(item, depth + 1, "", comma, None);
                }
                self.lines.push(format!("{indent}]{after}"));
            }
            Json::Members(members) if !members.is_empty() => {
                for (at, (name, value)) in members.iter().enumerate() {
                    let comma = if at + 1 < members.len() { "," } else { "" };
                    let top = (depth == 0).then_some(name.as_str());
                    self.write(value, depth + 1, &format!("{}: ", as_json(name)), comma, top);
                }
                self.lines.push(format!("{indent}}}{after}"));
            }
            _ => {}
        }
    }

    fn line(&mut self, line: String, member: Option<&str>) {
        match member.and_then(&mut *self.comment) {
            Some(comment) => self.lines.extend(explain::beside(line, &comment, self.width)),
            None => self.lines.push(line),
        }
    }
}

fn as_json(text: &str) -> String {
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
