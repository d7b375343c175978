//! TOML as a tree in which every key and value has its position in the file, so that values of a preset and
//! of the user can be merged and validated by the same rules.

use toml::de::{DeTable, DeValue};

use super::work;

/// A value and its offset.
#[derive(Clone)]
pub(crate) struct Node {
    pub at: usize,
    pub value: Value,
}

/// A value. It does not implement `Debug`, because it may be a secret.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Datetime(toml::value::Datetime),
    List(Vec<Node>),
    Table(Table),
    /// An integer that does not fit into 64 bits.
    HugeInteger,
}

/// A table, in no particular order: problems are sorted when they are shown.
pub(crate) type Table = Vec<Entry>;

/// A key of a table with its value.
#[derive(Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub at: usize,
    pub node: Node,
}

/// Returns the entry of this key.
pub(crate) fn find<'t>(table: &'t Table, key: &str) -> Option<&'t Entry> {
    let found = table.iter().position(|entry| entry.key == key);
    work::count(found.unwrap_or(table.len()));
    found.map(|at| &table[at])
}

impl Value {
    /// Returns the type, with its article, as shown to the user.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) | Self::HugeInteger => "an integer",
            Self::Float(_) => "a float",
            Self::Bool(_) => "a boolean",
            Self::Datetime(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Converts a parsed document.
pub(crate) fn table(table: &DeTable<'_>) -> Table {
    table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: key.span().start,
            node: Node { at: value.span().start, value: value_of(value.get_ref()) },
        })
        .collect()
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::HugeInteger, Value::Integer),
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(date) => Value::Datetime(*date),
        DeValue::Array(list) => Value::List(
            list.iter()
                .map(|item| Node { at: item.span().start, value: value_of(item.get_ref()) })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(inner)),
    }
}

/// Converts a table from outside the file. All of it gets the position of the key that refers to it.
pub(crate) fn foreign_table(table: &toml::Table, at: usize) -> Table {
    table
        .iter()
        .map(|(key, value)| Entry {
            key: key.clone(),
            at,
            node: Node { at, value: foreign_value(value, at) },
        })
        .collect()
}

fn foreign_value(value: &toml::Value, at: usize) -> Value {
    match value {
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Integer(number) => Value::Integer(*number),
        toml::Value::Float(number) => Value::Float(*number),
        toml::Value::Boolean(flag) => Value::Bool(*flag),
        toml::Value::Datetime(date) => Value::Datetime(*date),
        toml::Value::Array(list) => Value::List(
            list.iter().map(|item| Node { at, value: foreign_value(item, at) }).collect(),
        ),
        toml::Value::Table(table) => Value::Table(foreign_table(table, at)),
    }
}

/// Returns the same table without positions.
pub(crate) fn plain_table(table: &Table) -> toml::Table {
    table.iter().map(|entry| (entry.key.clone(), plain_value(&entry.node.value))).collect()
}

fn plain_value(value: &Value) -> toml::Value {
    match value {
        Value::Text(text) => toml::Value::String(text.clone()),
        Value::Integer(number) => toml::Value::Integer(*number),
        Value::Float(number) => toml::Value::Float(*number),
        Value::Bool(flag) => toml::Value::Boolean(*flag),
        Value::Datetime(date) => toml::Value::Datetime(*date),
        Value::List(list) => {
            toml::Value::Array(list.iter().map(|item| plain_value(&item.value)).collect())
        }
        Value::Table(table) => toml::Value::Table(plain_table(table)),
        Value::HugeInteger => toml::Value::Integer(i64::MAX),
    }
}

/// Returns the value as JSON; `None` if JSON has no such value.
pub(crate) fn json(value: &Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => serde_json::Number::from_f64(*number)?.into(),
        Value::Bool(flag) => Json::from(*flag),
        Value::List(list) => {
            Json::Array(list.iter().map(|item| json(&item.value)).collect::<Option<_>>()?)
        }
        Value::Table(table) => Json::Object(
            table
                .iter()
                .map(|entry| Some((entry.key.clone(), json(&entry.node.value)?)))
                .collect::<Option<_>>()?,
        ),
        Value::Datetime(_) | Value::HugeInteger => return None,
    })
}
