//! Reads where a secret or a token comes from.

use super::SecretSource;
use super::inputs;
use super::node::{Entry, Table, Value, find};
use super::reader::{Reader, readable_secret};
use crate::secret::Secret;
use crate::text::one_line;

/// The sources of every secret.
const SECRET: [&str; 4] = ["env", "file", "command", "keyring"];
/// The sources of an assertion: also a token of the CI system or the cluster, or a SPIFFE JWT-SVID.
const ASSERTION: [&str; 8] =
    ["env", "file", "command", "keyring", "github_actions", "gitlab", "kubernetes", "spiffe"];
/// The sources of a token to exchange: also another profile.
const TOKEN: [&str; 8] =
    ["profile", "env", "file", "command", "keyring", "github_actions", "gitlab", "kubernetes"];
/// The tokens of another profile: whether it is the id_token.
const TOKENS: [(&str, bool); 2] = [("access_token", false), ("id_token", true)];

impl Reader<'_, '_> {
    /// Reads the source of a secret.
    pub(crate) fn secret(&mut self) -> Option<SecretSource> {
        self.source(&SECRET)
    }

    /// Reads a value that may stand in the file, or its source.
    pub(crate) fn public_or_secret(&mut self) -> Option<SecretSource> {
        match &self.entry.node.value {
            Value::Text(_) => self.text().map(|text| SecretSource::Inline(Secret::new(text))),
            _ => self.secret(),
        }
    }

    /// Reads the source of an assertion.
    pub(crate) fn assertion(&mut self) -> Option<SecretSource> {
        self.source(&ASSERTION)
    }

    /// Reads the source of a token to exchange.
    pub(crate) fn token_source(&mut self) -> Option<SecretSource> {
        match &self.entry.node.value {
            Value::Table(table) if find(table, "profile").is_some() => self.of_profile(table),
            _ => self.source(&TOKEN),
        }
    }

    /// Reads the type of a token: a short name or a URI.
    pub(crate) fn token_type(&mut self) -> Option<String> {
        let text = self.text()?;
        inputs::token_type(&text).map_err(|why| self.fail::<()>(why)).ok()
    }

    /// Reads `{ profile = "x" }` or `{ profile = "x", token = "id_token" }`.
    fn of_profile(&mut self, table: &Table) -> Option<SecretSource> {
        let place = format!("`{}` of {}", self.entry.key, self.place);
        let (mut name, mut id_token) = (None, Some(false));
        for entry in table {
            let mut inner = self.inner(entry, &place);
            match entry.key.as_str() {
                "profile" => name = inner.text(),
                "token" => id_token = inner.choice(&TOKENS),
                unknown => {
                    self.problems.unknown_key(unknown, entry.at, &place, &["profile", "token"]);
                    return None;
                }
            }
        }
        Some(SecretSource::Profile { name: name?, id_token: id_token? })
    }

    fn source(&mut self, kinds: &[&'static str]) -> Option<SecretSource> {
        let entry = self.entry;
        match &entry.node.value {
            Value::Text(text) if text.is_empty() => self.fail("must not be empty"),
            Value::Text(_) if self.around.others_can_read => self.fail(readable_secret("a secret")),
            Value::Text(text) => Some(SecretSource::Inline(Secret::new(text.as_str()))),
            Value::Table(table) => match table.as_slice() {
                [inner] => self.reference(inner, kinds),
                _ => self.fail(format!("must have exactly one of {}", kinds.join(", "))),
            },
            _ => self.mismatch("a string or a table like { env = \"VAR\" }", &entry.node),
        }
    }

    fn reference(&mut self, inner: &Entry, kinds: &[&'static str]) -> Option<SecretSource> {
        let place = format!("`{}` of {}", self.entry.key, self.place);
        let mut reader = self.inner(inner, &place);
        match inner.key.as_str() {
            "env" => reader.validated(variable_name).map(SecretSource::Env),
            "file" => reader.path().map(SecretSource::File),
            "command" => reader.command().map(SecretSource::Command),
            "keyring" => reader.text().map(SecretSource::Keyring),
            "github_actions" if kinds.contains(&"github_actions") => reader.github_actions(),
            "gitlab" if kinds.contains(&"gitlab") => {
                reader.validated(variable_name).map(SecretSource::Gitlab)
            }
            "kubernetes" if kinds.contains(&"kubernetes") => {
                reader.path().map(SecretSource::Kubernetes)
            }
            "spiffe" if kinds.contains(&"spiffe") => reader.path().map(SecretSource::Spiffe),
            unknown => {
                let near = self.problems.suggestion(unknown, kinds.iter().copied());
                let message = format!("unknown key `{}` in {place}{near}", one_line(unknown));
                self.problems.add(inner.at, message);
                None
            }
        }
    }

    fn github_actions(&mut self) -> Option<SecretSource> {
        let entry = self.entry;
        let wanted = "must be { audience = \"…\" }";
        match &entry.node.value {
            Value::Table(table) => match table.as_slice() {
                [only] if only.key == "audience" => match &only.node.value {
                    Value::Text(audience) if !audience.is_empty() => {
                        Some(SecretSource::GithubActions { audience: audience.clone() })
                    }
                    _ => self.fail_at(only.node.at, wanted),
                },
                _ => self.fail(wanted),
            },
            _ => self.fail(wanted),
        }
    }
}

fn variable_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) || name.chars().any(char::is_whitespace) {
        return Err("must name an environment variable".to_owned());
    }
    Ok(())
}
