//! Strict JSON from servers: one object, no duplicate names at any depth, nothing after it.

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Parses exactly one JSON object. Duplicate names, a byte order mark, text after the object and nesting
/// deeper than 128 levels are errors; the error text does not quote the input.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    match value(bytes)? {
        Value::Object(map) => Ok(map),
        Value::Array(_) => Err("an array instead of an object".to_owned()),
        _ => Err("a bare value instead of an object".to_owned()),
    }
}

/// Parses exactly one JSON value under the same rules.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, String> {
    if bytes.is_empty() {
        return Err("an empty body".to_owned());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer).map_err(|e| describe(&e))?;
    deserializer.end().map_err(|e| describe(&e))?;
    Ok(value)
}

/// Maximum nesting of a value that is stored in a record: the surrounding record is nested as well, and
/// must stay readable.
pub(crate) const DEEPEST_KEPT: usize = 32;

/// Returns whether a value is nested no deeper than [`DEEPEST_KEPT`].
pub(crate) fn is_flat(value: &Value) -> bool {
    fn within(value: &Value, deepest: usize) -> bool {
        match (value, deepest.checked_sub(1)) {
            (Value::Array(items), Some(left)) => items.iter().all(|item| within(item, left)),
            (Value::Object(members), Some(left)) => members.values().all(|item| within(item, left)),
            (Value::Array(_) | Value::Object(_), None) => false,
            _ => true,
        }
    }
    within(value, DEEPEST_KEPT)
}

fn describe(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "truncated JSON",
        serde_json::error::Category::Data => "JSON with a duplicate name",
        _ => "invalid JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON without duplicate names")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(de::Error::custom("duplicate name"));
            }
            map.insert(name, access.next_value_seed(Strict)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_clean_object_is_read() {
        assert!(object(br#"{"a":{"b":[1,2.5,"x",null,true]}}"#).is_ok());
        let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for bad in [
            "",
            "[]",
            "1",
            "null",
            "\u{feff}{}",
            "{} x",
            "{\"a\":1,\"a\":2}",
            "{\"a\":{\"b\":1,\"b\":1}}",
            "{\"a\":NaN}",
            "{\"a\":",
            "{",
            "<html>",
            &nested,
        ] {
            assert!(object(bad.as_bytes()).is_err(), "{}", &bad[..bad.len().min(40)]);
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }
}
