//! Reads `[credential.TOOL."KEY"]`.

use std::collections::BTreeMap;

use super::credential::{Credential, CredentialToken, CredentialTool, Credentials};
use super::diagnose::{Problems, shown_key};
use super::node::{Entry, Table, Value, find};
use super::reader::{Reader, Surroundings};
use super::target::Target;
use crate::text::one_line;

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
pub(super) struct CredentialTables<'a, 't> {
    pub(super) around: &'a Surroundings,
    pub(super) problems: &'a mut Problems<'t>,
}

impl<'t> CredentialTables<'_, 't> {
    fn reader<'b>(&'b mut self, entry: &'b Entry, place: &'b str) -> Reader<'b, 't> {
        Reader { entry, place, around: self.around, problems: &mut *self.problems }
    }

    fn table<'n>(&mut self, entry: &'n Entry, place: &str) -> Option<&'n Table> {
        match &entry.node.value {
            Value::Table(table) => Some(table),
            _ => self.reader(entry, place).mismatch("a table", &entry.node),
        }
    }

    pub(super) fn read(&mut self, table: &Table) -> Credentials {
        let mut all = Credentials::new();
        for entry in table {
            let tool = CredentialTool::ALL.iter().find(|(name, _)| *name == entry.key);
            let Some((_, tool)) = tool else {
                self.problems.unknown_key(&entry.key, entry.at, "[credential]", &TOOLS);
                continue;
            };
            let Some(of_tool) = self.table(entry, "[credential]") else { continue };
            let keys = self.credentials_of(*tool, of_tool);
            all.insert(*tool, keys);
        }
        all
    }

    fn credentials_of(
        &mut self,
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
                self.problems.add(entry.at, format!("the key of {place} {why}"));
                continue;
            }
            if KEYS.contains(&entry.key.as_str()) && !matches!(entry.node.value, Value::Table(_)) {
                let what =
                    format!("`{}` must be under [credential.{}.\"KEY\"]", entry.key, tool.name());
                self.problems.add(entry.at, what);
                continue;
            }
            let Some(own) = self.table(entry, &format!("[credential.{}]", tool.name())) else {
                continue;
            };
            let credential = self.credential(tool, own, &place, entry.at);
            all.insert(entry.key.clone(), credential);
        }
        all
    }

    fn credential(
        &mut self,
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
                self.problems.add(entry.at, what);
                continue;
            }
            let mut reader = self.reader(entry, place);
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
                key => self.problems.unknown_key(key, entry.at, place, &KEYS),
            }
        }
        if tool == CredentialTool::Aws
            && read.role_arn.is_none()
            && !table.iter().any(|e| e.key == "role_arn")
        {
            self.problems.add(at, format!("{place} needs a `role_arn`"));
        }
        read
    }

    /// Checks that every named profile exists.
    pub(super) fn profiles_exist(&mut self, root: &Table, names: &[&str]) {
        let Some(Value::Table(tools)) = find(root, "credential").map(|e| &e.node.value) else {
            return;
        };
        let tables = |table: &Table| {
            let inner = table.iter().filter_map(|entry| match &entry.node.value {
                Value::Table(inner) => Some((entry.key.clone(), inner.clone())),
                _ => None,
            });
            inner.collect::<Vec<_>>()
        };
        for (tool, keys) in tables(tools) {
            for (key, own) in tables(&keys) {
                let Some(entry) = find(&own, "profile") else { continue };
                let Value::Text(name) = &entry.node.value else { continue };
                if !name.is_empty() && !names.contains(&name.as_str()) {
                    let near = self.problems.suggestion(name, names.iter().copied());
                    let what = format!("names an unknown profile: `{}`{near}", one_line(name));
                    let place = format!("[credential.{tool}.{}]", shown_key(&key));
                    self.reader(entry, &place).fail::<()>(what);
                }
            }
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
