//! The reference of the configuration names every key that can be set, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use super::{keys, sections};

/// The keys in the first column of the tables of a section, those of a row separated by commas.
fn rows(page: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let keys = cells.flat_map(|cell| cell.split(", ")).map(|key| key.trim_matches('`').to_owned());
    keys.collect()
}

/// The keys that are accepted and have no effect yet, of one table.
fn reserved(page: &str, table: &str) -> BTreeSet<String> {
    let row = format!("\n| `{table}` | ");
    let (_, row) = page.split_once(&row).unwrap();
    let cell = row.split(" |").next().unwrap();
    cell.split(", ").map(|key| key.trim_matches('`').to_owned()).collect()
}

#[test]
fn the_reference_names_every_key_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/reference/configuration.md")).unwrap();
    let own: Vec<&str> = keys::KEY_NAMES.clone();
    for (table, keys) in [("[profiles.NAME]", &own[..]), ("[defaults]", &sections::DEFAULTS)] {
        let known: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let (described, reserved) = (rows(&page, &format!("`{table}`")), reserved(&page, table));
        assert_eq!(described.intersection(&reserved).next(), None, "{table}");
        assert_eq!(described.union(&reserved).cloned().collect::<BTreeSet<_>>(), known, "{table}");
    }
}
