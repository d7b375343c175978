//! Keys and values for a later version. They are refused rather than ignored.

use std::collections::BTreeSet;

use super::diagnose::{Problems, shown_key};
use super::node::{Entry, Table, Value};

/// A table of the file, a key in it, and the one value of it that is not supported (empty: no value is).
/// `client_assertion.gitlab` is the key `gitlab` of the table `client_assertion`.
type Row = (&'static str, &'static str, &'static str);

const FILE: &str = "";
const DEFAULTS: &str = "[defaults]";
const PROFILE: &str = "[profiles.NAME]";

/// All keys and values that are refused. To implement a feature, remove its rows here and in
/// `docs/reference/configuration.md`, and add its key to the readers in `keys.rs` or `sections.rs`.
#[rustfmt::skip]
pub(crate) const UNSUPPORTED: &[Row] = &[
    (PROFILE, "registration_endpoint", ""),
    (PROFILE, "end_session_endpoint", ""),
];

/// Takes what is not supported out of a file and reports it. Returns the profiles that lost something: what
/// they seem to lack is no error of its own.
pub(crate) fn take(root: &mut Table, problems: &mut Problems<'_>) -> BTreeSet<String> {
    take_from(root, FILE, "", problems);
    let mut profiles = BTreeSet::new();
    for section in root {
        let Value::Table(table) = &mut section.node.value else { continue };
        match section.key.as_str() {
            "defaults" => {
                take_from(table, DEFAULTS, "[defaults]: ", problems);
            }
            "profiles" => {
                for entry in table {
                    let Value::Table(table) = &mut entry.node.value else { continue };
                    let place = format!("[profiles.{}]: ", shown_key(&entry.key));
                    if take_from(table, PROFILE, &place, problems) {
                        profiles.insert(entry.key.clone());
                    }
                }
            }
            _ => {}
        }
    }
    profiles
}

/// Returns whether anything was taken.
fn take_from(table: &mut Table, name: &str, place: &str, problems: &mut Problems<'_>) -> bool {
    let before = table.len();
    table.retain(|entry| {
        let mut rows = UNSUPPORTED.iter().filter(|(of, ..)| *of == name);
        let Some((at, what)) = rows.find_map(|row| refused(entry, row)) else { return true };
        problems.add(at, format!("{place}`{what}` is not supported in this version"));
        false
    });
    table.len() < before
}

/// Returns where in an entry there is what a row names, and how it is shown.
fn refused(entry: &Entry, row: &Row) -> Option<(usize, String)> {
    let (table, key, value) = *row;
    let (first, inner) = key.split_once('.').unwrap_or((key, ""));
    if entry.key != first {
        return None;
    }
    let at = match (&entry.node.value, inner, value) {
        (_, "", "") => Some(entry.at),
        (Value::Table(members), _, "") => {
            members.iter().find(|member| member.key == inner).map(|member| member.at)
        }
        (Value::Text(text), "", _) => (text == value).then_some(entry.node.at),
        (Value::List(items), "", _) => {
            let is_it = |v: &Value| matches!(v, Value::Text(text) if text == value);
            items.iter().find(|item| is_it(&item.value)).map(|item| item.at)
        }
        _ => None,
    }?;
    let is_list = matches!(entry.node.value, Value::List(_));
    Some((at, shown(table, key, value, is_list)))
}

/// Returns what a row names as it is written in the file.
fn shown(table: &str, key: &str, value: &str, is_list: bool) -> String {
    match (table, value, is_list) {
        (FILE, _, true) => format!("[[{key}]]"),
        (FILE, _, false) => format!("[{key}]"),
        (_, "", _) => key.to_owned(),
        (_, _, true) => format!("{key} = [\"{value}\"]"),
        (_, _, false) => format!("{key} = \"{value}\""),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::profile::config_file::ConfigFile;

    fn error_of(text: &str) -> String {
        let error = ConfigFile::of_text(Path::new("c.toml"), text).parse().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        error.message().to_owned()
    }

    const MINIMAL: &str = "[profiles.x]\nclient_id = \"c\"\n";

    /// A file with what a row names, and its place in it.
    fn file_with(row: &Row) -> (String, &'static str) {
        let (table, key, value) = *row;
        let value = if value.is_empty() { "x" } else { value };
        match table {
            FILE => (format!("[{key}]\nx = 1\n"), "c.toml:1:"),
            DEFAULTS => (format!("[defaults]\n{key} = \"{value}\"\n"), "c.toml:2:"),
            _ => (format!("{MINIMAL}{key} = \"{value}\"\n"), "c.toml:3:"),
        }
    }

    #[test]
    fn unsupported_settings_are_the_only_error() {
        for row in UNSUPPORTED {
            let (text, place) = file_with(row);
            let message = error_of(&text);
            assert!(message.starts_with(place), "{row:?}: {message}");
            assert!(message.ends_with("` is not supported in this version"), "{row:?}: {message}");
            assert_eq!(message.lines().count(), 1, "{row:?}: {message}");
        }
    }

    #[test]
    fn unsupported_setting_is_shown_as_it_is_written() {
        let message = error_of(&format!("{MINIMAL}end_session_endpoint = \"x\"\n"));
        let expected = "c.toml:3:1: [profiles.x]: `end_session_endpoint` is";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn other_errors_are_reported_beside_unsupported_keys() {
        let message =
            error_of(&format!("{MINIMAL}end_session_endpoint = \"x\"\nscops = []\n[profiles.y]\n"));
        let lines: Vec<&str> = message.lines().collect();
        assert!(lines[0].contains("`end_session_endpoint` is not supported"), "{message}");
        assert!(lines[1].contains("unknown key `scops`"), "{message}");
        assert!(lines[2].contains("[profiles.y] needs a `client_id`"), "{message}");
    }

    #[test]
    fn preset_may_set_what_a_profile_may_not_yet() {
        let text =
            "[profiles.x]\nprovider = \"google\"\nclient_id = \"c\"\nclient_secret = \"s\"\n";
        let config = ConfigFile::of_text(Path::new("c.toml"), text).parse().unwrap();
        assert!(config.profiles["x"].endpoints.device_authorization.is_some());
    }

    #[test]
    fn reference_lists_what_is_not_supported() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = std::fs::read_to_string(root.join("docs/reference/configuration.md")).unwrap();
        let heading = "\n## Not supported in this version\n";
        let section = page.split_once(heading).map_or("", |(_, section)| section);
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let listed: Vec<String> = rows.map(str::to_owned).collect();
        let row = |(table, key, value): &Row| match *table {
            FILE => format!("| `{}` |", shown(table, key, value, *key == "rules")),
            _ => format!("| `{}` in `{table}` |", shown(table, key, value, *key == "flow")),
        };
        assert_eq!(listed, UNSUPPORTED.iter().map(row).collect::<Vec<_>>());
    }
}
