//! Reads `[credential.TOOL."KEY"]`.

use std::collections::BTreeMap;

use super::credential::{Credential, CredentialToken, CredentialTool, Credentials};
use super::diagnose::shown_key;
use super::node::{Table, Value, find};
use super::tables::Tables;
use super::target::Target;

/// The keys of every tool.
pub(crate) const KEYS: [&str; 8] = [
    "profile",
    "account",
    "username",
    "token",
    "role_arn",
    "role_session_name",
    "duration",
    "endpoint",
];

const OF_AWS: [&str; 4] = ["role_arn", "role_session_name", "duration", "endpoint"];

const TOOLS: [&str; 7] = ["git", "docker", "kubernetes", "cargo", "aws", "netrc", "npm"];

const TOKENS: [(&str, CredentialToken); 2] =
    [("access_token", CredentialToken::AccessToken), ("id_token", CredentialToken::IdToken)];

/// The limits of AWS STS for `DurationSeconds`.
const DURATIONS: std::ops::RangeInclusive<u64> = 900..=43_200;

/// Reads the tables of `[credential]`.
pub(super) fn read(tables: &mut Tables<'_, '_>, table: &Table) -> Credentials {
    let mut all = Credentials::new();
    for entry in table {
        let tool = CredentialTool::ALL.iter().find(|(name, _)| *name == entry.key);
        let Some((_, tool)) = tool else {
            tables.problems.unknown_key(&entry.key, entry.at, "[credential]", &TOOLS);
            continue;
        };
        let Some(of_tool) = tables.table(entry, "[credential]") else { continue };
        let keys = credentials_of(tables, *tool, of_tool);
        all.insert(*tool, keys);
    }
    all
}

fn credentials_of(
    tables: &mut Tables<'_, '_>,
    tool: CredentialTool,
    table: &Table,
) -> BTreeMap<String, Credential> {
    let mut all = BTreeMap::new();
    for entry in table {
        let place = format!("[credential.{}.{}]", tool.name(), shown_key(&entry.key));
        let validated = match tool.is_by_host() {
            true => place_of(&entry.key),
            false => named(&entry.key),
        };
        if let Err(why) = validated {
            tables.problems.add(entry.at, format!("the key of {place} {why}"));
            continue;
        }
        if KEYS.contains(&entry.key.as_str()) && !matches!(entry.node.value, Value::Table(_)) {
            let what =
                format!("`{}` must be under [credential.{}.\"KEY\"]", entry.key, tool.name());
            tables.problems.add(entry.at, what);
            continue;
        }
        let Some(own) = tables.table(entry, &format!("[credential.{}]", tool.name())) else {
            continue;
        };
        let credential = credential(tables, tool, own, &place, entry.at);
        all.insert(entry.key.clone(), credential);
    }
    all
}

fn credential(
    tables: &mut Tables<'_, '_>,
    tool: CredentialTool,
    table: &Table,
    place: &str,
    at: usize,
) -> Credential {
    let mut read = Credential::default();
    for entry in table {
        let key = entry.key.as_str();
        if tool != CredentialTool::Aws && OF_AWS.contains(&key) {
            let what = format!("`{key}` in {place} is for [credential.aws] only");
            tables.problems.add(entry.at, what);
            continue;
        }
        let mut reader = tables.reader(entry, place);
        match key {
            "profile" => read.profile = reader.text(),
            "account" => read.account = reader.text(),
            "username" => read.username = reader.text(),
            "token" => read.token = reader.choice(&TOKENS),
            "role_arn" => read.role_arn = reader.text(),
            "role_session_name" => read.role_session_name = reader.validated(session_name),
            "duration" => {
                let duration = reader.duration();
                let fits = duration.filter(|d| DURATIONS.contains(&d.as_secs()));
                if duration.is_some() && fits.is_none() {
                    reader.fail::<()>("must be between 15m and 12h");
                }
                read.duration = fits;
            }
            "endpoint" => read.endpoint = reader.url(),
            key => tables.problems.unknown_key(key, entry.at, place, &KEYS),
        }
    }
    if tool == CredentialTool::Aws
        && read.role_arn.is_none()
        && !table.iter().any(|e| e.key == "role_arn")
    {
        tables.problems.add(at, format!("{place} needs a `role_arn`"));
    }
    read
}

/// Checks that every named profile exists.
pub(super) fn profiles_exist(tables: &mut Tables<'_, '_>, root: &Table, names: &[&str]) {
    let Some(Value::Table(tools)) = find(root, "credential").map(|e| &e.node.value) else {
        return;
    };
    let inner_tables = |table: &Table| {
        let inner = table.iter().filter_map(|entry| match &entry.node.value {
            Value::Table(inner) => Some((entry.key.clone(), inner.clone())),
            _ => None,
        });
        inner.collect::<Vec<_>>()
    };
    for (tool, keys) in inner_tables(tools) {
        for (key, own) in inner_tables(&keys) {
            let Some(entry) = find(&own, "profile") else { continue };
            let Value::Text(name) = &entry.node.value else { continue };
            let place = format!("[credential.{tool}.{}]", shown_key(&key));
            tables.profile_exists(entry, &place, name, names);
        }
    }
}

fn place_of(key: &str) -> Result<(), String> {
    match Target::parse(key)? {
        target if target.is_plain() && !target.is_loopback() => {
            Err("must use https: plain http is allowed only for loopback hosts".to_owned())
        }
        _ => Ok(()),
    }
}

fn named(key: &str) -> Result<(), String> {
    if key.is_empty() || key.starts_with('-') || !key.chars().all(crate::text::is_harmless) {
        return Err("must be a name without control characters".to_owned());
    }
    Ok(())
}

/// Checks the name of an AWS session: 2 to 64 characters of a restricted set.
fn session_name(name: &str) -> Result<(), String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c);
    if (2..=64).contains(&name.len()) && name.chars().all(is_part) {
        return Ok(());
    }
    Err("must have 2 to 64 letters, digits or characters of `+=,.@-_`".to_owned())
}
