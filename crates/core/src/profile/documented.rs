//! The reference of the configuration names every key that can be set, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use super::{keys, rule_tables, sections};

/// The keys in the first column of the tables of a section, those of a row separated by commas.
fn rows(page: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let keys = cells.flat_map(|cell| cell.split(", ")).map(|key| key.trim_matches('`').to_owned());
    keys.collect()
}

#[test]
fn reference_names_every_key_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/reference/configuration.md")).unwrap();
    let own: Vec<&str> = keys::KEY_NAMES.clone();
    for (table, keys) in [
        ("[profiles.NAME]", &own[..]),
        ("[defaults]", &sections::DEFAULTS),
        ("[serve]", &sections::SERVE),
        ("[[rules]]", &rule_tables::RULE_KEYS),
    ] {
        let known = keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(rows(&page, &format!("`{table}`")), known, "{table}");
    }
}
