//! Reads `[[rules]]`.

use super::diagnose::Problems;
use super::node::{Entry, Table, Value, find};
use super::reader::{Reader, Surroundings};
use super::rules::Rule;

/// The table as shown to the user.
pub(crate) const RULE: &str = "[[rules]]";
pub(crate) const RULE_KEYS: [&str; 3] = ["directory", "profile", "account"];

/// Reads the rules of a file.
pub(crate) struct RuleTables<'a, 't> {
    pub around: &'a Surroundings,
    pub problems: &'a mut Problems<'t>,
}

impl<'t> RuleTables<'_, 't> {
    pub(crate) fn read(&mut self, section: &Entry) -> Vec<Rule> {
        let Value::List(items) = &section.node.value else {
            self.reader(section, "the file")
                .mismatch::<()>("tables, each under [[rules]]", &section.node);
            return Vec::new();
        };
        let mut rules = Vec::new();
        for item in items {
            match &item.value {
                Value::Table(table) => rules.extend(self.rule(table, item.at)),
                _ => self.problems.add(item.at, "`rules` must contain tables only"),
            }
        }
        rules
    }

    fn rule(&mut self, table: &Table, at: usize) -> Option<Rule> {
        let (mut directory, mut profile, mut account) = (None, None, None);
        for entry in table {
            let mut reader = self.reader(entry, RULE);
            match entry.key.as_str() {
                "directory" => directory = reader.directory(),
                "profile" => profile = reader.text(),
                "account" => account = reader.text(),
                key => self.problems.unknown_key(key, entry.at, RULE, &RULE_KEYS),
            }
        }
        if !self.problems.has_syntax_errors() {
            if find(table, "directory").is_none() {
                self.problems.add(at, format!("{RULE} needs `directory`"));
            }
            if find(table, "profile").or(find(table, "account")).is_none() {
                self.problems.add(at, format!("{RULE} needs `profile` or `account`"));
            }
        }
        Some(Rule { directory: directory?, profile, account })
    }

    fn reader<'b>(&'b mut self, entry: &'b Entry, place: &'b str) -> Reader<'b, 't> {
        Reader { entry, place, around: self.around, problems: &mut *self.problems }
    }
}
