//! References between tables of the configuration: the profiles and the store that they name must exist.

use std::collections::{BTreeMap, BTreeSet};

use super::Sections;
use crate::profile::Profile;
use crate::profile::credential_tables;
use crate::profile::diagnose::shown_key;
use crate::profile::node::{Entry, Table, Value, find};
use crate::profile::rule_tables::RULE;
use crate::profile::{endpoint, url_login};
use crate::text::one_line;

impl Sections<'_, '_> {
    pub(super) fn named_profiles_exist(&mut self, root: &Table) {
        let names: Vec<&str> = match find(root, "profiles").map(|entry| &entry.node.value) {
            Some(Value::Table(table)) => table.iter().map(|entry| entry.key.as_str()).collect(),
            _ => Vec::new(),
        };
        credential_tables::profiles_exist(&mut self.tables, root, &names);
        if let Some(Value::List(rules)) = find(root, "rules").map(|entry| &entry.node.value) {
            for rule in rules {
                let Value::Table(table) = &rule.value else { continue };
                let Some(entry) = find(table, "profile") else { continue };
                self.names_one_of(entry, RULE, &names);
            }
        }
        let Some(entry) = inner_entry(root, "defaults", "profile") else { return };
        self.names_one_of(entry, "[defaults]", &names);
    }

    fn names_one_of(&mut self, entry: &Entry, place: &str, names: &[&str]) {
        let Value::Text(name) = &entry.node.value else { return };
        if url_login::is_url(name) {
            // A login by URL is in no file.
            if let Err(why) = endpoint::check(name) {
                self.tables.reader(entry, place).fail::<()>(why);
            }
            return;
        }
        self.tables.profile_exists(entry, place, name, names);
    }

    /// Checks the profiles whose tokens other profiles are obtained with: each exists, and none requires a
    /// token of itself.
    pub(super) fn sources_exist(&mut self, root: &Table, profiles: &BTreeMap<String, Profile>) {
        let Some(Value::Table(all)) = find(root, "profiles").map(|entry| &entry.node.value) else {
            return;
        };
        for (name, profile) in profiles {
            for (key, source) in profile.sources() {
                let Some(entry) = inner_entry(all, name, key) else { continue };
                let what = if all.iter().all(|known| known.key != source) {
                    let names = all.iter().map(|entry| entry.key.as_str());
                    let near = self.tables.problems.meant(source, names);
                    format!("names an unknown profile: `{}`{near}", one_line(source))
                } else if requires(profiles, source, name) {
                    "refers to this profile itself".to_owned()
                } else {
                    continue;
                };
                let place = format!("[profiles.{}]", shown_key(name));
                self.tables.problems.add(entry.at, format!("`{key}` in {place} {what}"));
            }
        }
    }

    pub(super) fn command_store_is_defined(&mut self, root: &Table) {
        if inner_entry(root, "store", "command").is_some() {
            return;
        }
        let mut users: Vec<(&Entry, String)> = Vec::new();
        users.extend(inner_entry(root, "defaults", "store").map(|e| (e, "[defaults]".to_owned())));
        if let Some(Value::Table(profiles)) = find(root, "profiles").map(|e| &e.node.value) {
            for profile in profiles {
                if let Value::Table(table) = &profile.node.value {
                    let place = format!("[profiles.{}]", shown_key(&profile.key));
                    users.extend(find(table, "store").map(|entry| (entry, place)));
                }
            }
        }
        for (entry, place) in users {
            if matches!(&entry.node.value, Value::Text(store) if store == "command") {
                let what = "is `command`, which needs [store.command] with get, set and delete";
                self.tables.reader(entry, &place).fail::<()>(what);
            }
        }
    }
}

/// Returns whether a token of one profile requires, directly or through others, one of the other.
fn requires(profiles: &BTreeMap<String, Profile>, one: &str, other: &str) -> bool {
    let (mut open, mut seen) = (vec![one], BTreeSet::new());
    while let Some(name) = open.pop() {
        if name == other {
            return true;
        }
        if seen.insert(name) {
            open.extend(profiles.get(name).into_iter().flat_map(Profile::sources).map(|(_, n)| n));
        }
    }
    false
}

fn inner_entry<'t>(root: &'t Table, section: &str, key: &str) -> Option<&'t Entry> {
    match &find(root, section)?.node.value {
        Value::Table(table) => find(table, key),
        _ => None,
    }
}
