//! Reads `[[rules]]`.

use super::node::{Entry, Table, Value, find};
use super::rules::Rule;
use super::tables::Tables;

/// The table as shown to the user.
pub(crate) const RULE: &str = "[[rules]]";
pub(crate) const RULE_KEYS: [&str; 3] = ["directory", "profile", "account"];

/// Reads the rules of a file.
pub(crate) fn read(tables: &mut Tables<'_, '_>, section: &Entry) -> Vec<Rule> {
    let Value::List(items) = &section.node.value else {
        let mut reader = tables.reader(section, "the file");
        reader.mismatch::<()>("tables, each under [[rules]]", &section.node);
        return Vec::new();
    };
    let mut rules = Vec::new();
    for item in items {
        match &item.value {
            Value::Table(table) => rules.extend(rule(tables, table, item.at)),
            _ => tables.problems.add(item.at, "`rules` must contain tables only"),
        }
    }
    rules
}

fn rule(tables: &mut Tables<'_, '_>, table: &Table, at: usize) -> Option<Rule> {
    let (mut directory, mut profile, mut account) = (None, None, None);
    for entry in table {
        let mut reader = tables.reader(entry, RULE);
        match entry.key.as_str() {
            "directory" => directory = reader.directory(),
            "profile" => profile = reader.text(),
            "account" => account = reader.text(),
            key => tables.problems.unknown_key(key, entry.at, RULE, &RULE_KEYS),
        }
    }
    if !tables.problems.has_syntax_errors() {
        if find(table, "directory").is_none() {
            tables.problems.add(at, format!("{RULE} needs `directory`"));
        }
        if find(table, "profile").or(find(table, "account")).is_none() {
            tables.problems.add(at, format!("{RULE} needs `profile` or `account`"));
        }
    }
    Some(Rule { directory: directory?, profile, account })
}
