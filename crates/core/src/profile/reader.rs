//! Reads one value of the configuration as the expected type, and reports what is wrong with it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::diagnose::Problems;
use super::node::{Entry, Node, Value, json};
use super::redirect_uri::{self, RedirectUri};
use super::{Pkce, api_url, endpoint};
use crate::parameters;
use crate::text::one_line;

const PKCE: [(&str, Pkce); 2] = [("S256", Pkce::S256), ("off", Pkce::Off)];

/// What reading depends on, in addition to the text.
pub(crate) struct Surroundings {
    /// The directory of the configuration file, against which relative paths are resolved.
    pub base: PathBuf,
    /// The replacement of `~/`.
    pub home: Option<PathBuf>,
    /// Whether other users can read the file, so that it must not contain secrets.
    pub others_can_read: bool,
}

impl Surroundings {
    pub(crate) fn of(config: &Path, others_can_read: bool) -> Self {
        let absolute = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        let base = absolute.parent().map(Path::to_owned).unwrap_or_default();
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        Self { base, home, others_can_read }
    }

    /// A path as written in the file.
    fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.base.join(text),
        }
    }
}

/// The kinds of store in `store` and `--store`.
pub(crate) const STORES: [&str; 4] = ["keyring", "file", "command", "agent"];

/// A key and its value, about to be read.
pub(crate) struct Reader<'a, 't> {
    pub entry: &'a Entry,
    /// The table as shown to the user: `[profiles.x]`.
    pub place: &'a str,
    pub around: &'a Surroundings,
    pub problems: &'a mut Problems<'t>,
}

impl<'t> Reader<'_, 't> {
    /// Reads a key inside this value.
    pub(super) fn inner<'b>(&'b mut self, entry: &'b Entry, place: &'b str) -> Reader<'b, 't> {
        Reader { entry, place, around: self.around, problems: &mut *self.problems }
    }

    /// Reports that the value is invalid: "must be …".
    pub(crate) fn fail<T>(&mut self, what: impl std::fmt::Display) -> Option<T> {
        self.fail_at(self.entry.node.at, what)
    }

    pub(super) fn fail_at<T>(&mut self, at: usize, what: impl std::fmt::Display) -> Option<T> {
        self.problems.add(at, format!("`{}` in {} {what}", one_line(&self.entry.key), self.place));
        None
    }

    /// Reports a value of the wrong type.
    pub(crate) fn mismatch<T>(&mut self, must_be: &str, node: &Node) -> Option<T> {
        self.fail_at(node.at, format!("must be {must_be}, not {}", node.value.kind()))
    }

    /// Reads a string, possibly empty.
    pub(crate) fn any_text(&mut self) -> Option<String> {
        match &self.entry.node.value {
            Value::Text(text) => self.plain(text, self.entry.node.at),
            _ => self.mismatch("a string", &self.entry.node),
        }
    }

    /// Reads a string that is not empty.
    pub(crate) fn text(&mut self) -> Option<String> {
        let text = self.any_text()?;
        if text.is_empty() { self.fail("must not be empty") } else { Some(text) }
    }

    fn plain(&mut self, text: &str, at: usize) -> Option<String> {
        if text.chars().any(char::is_control) {
            return self.fail_at(at, "must not contain control characters");
        }
        Some(text.to_owned())
    }

    /// Reads `true` or `false`.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        match &self.entry.node.value {
            Value::Bool(flag) => Some(*flag),
            _ => self.mismatch("true or false", &self.entry.node),
        }
    }

    /// Reads a limit: a whole number that is not zero.
    pub(crate) fn limit(&mut self) -> Option<u32> {
        match &self.entry.node.value {
            Value::Integer(limit) => match u32::try_from(*limit) {
                Ok(limit) if limit > 0 => Some(limit),
                _ => self.fail("must be between 1 and 4294967295"),
            },
            _ => self.mismatch("a whole number", &self.entry.node),
        }
    }

    /// Reads a duration: a string with a unit, or a number of seconds.
    pub(crate) fn duration(&mut self) -> Option<Duration> {
        let text = match &self.entry.node.value {
            Value::Text(text) => text.clone(),
            Value::Integer(seconds) => seconds.to_string(),
            _ => return self.mismatch("a duration like \"5m\"", &self.entry.node),
        };
        match crate::time::parse_duration(&text) {
            Ok(duration) => Some(duration),
            Err(why) => self.fail(format!("has an {}", one_line(&why))),
        }
    }

    /// Reads a duration longer than zero.
    pub(crate) fn positive_duration(&mut self) -> Option<Duration> {
        let duration = self.duration()?;
        if duration.is_zero() { self.fail("must be longer than 0s") } else { Some(duration) }
    }

    /// Reads a list of strings, none of them empty.
    pub(crate) fn list(&mut self) -> Option<Vec<String>> {
        let Value::List(items) = &self.entry.node.value else {
            return self.mismatch("a list of strings, like [\"a\", \"b\"]", &self.entry.node);
        };
        let read: Vec<Option<String>> = items.iter().map(|item| self.item(item)).collect();
        read.into_iter().collect()
    }

    fn item(&mut self, item: &Node) -> Option<String> {
        match &item.value {
            Value::Text(text) if text.is_empty() => {
                self.fail_at(item.at, "must not contain an empty string")
            }
            Value::Text(text) => self.plain(text, item.at),
            _ => self.mismatch("a list of strings", item),
        }
    }

    /// Reads a string or a list of strings.
    pub(crate) fn one_or_more(&mut self) -> Option<Vec<String>> {
        match &self.entry.node.value {
            Value::Text(_) => self.text().map(|text| vec![text]),
            _ => self.list(),
        }
    }

    /// Reads a command: the program and its arguments. No shell is involved.
    pub(crate) fn command(&mut self) -> Option<Vec<String>> {
        if matches!(self.entry.node.value, Value::Text(_)) {
            return self.fail("must be a list, like [\"program\", \"argument\"]: no shell is used");
        }
        let argv = self.list()?;
        let Some((program, arguments)) = argv.split_first() else {
            return self.fail("must name a program");
        };
        let mut resolved = vec![self.program(program)];
        resolved.extend_from_slice(arguments);
        Some(resolved)
    }

    /// Reads whether the user is notified, or the command for that.
    pub(crate) fn notification(&mut self) -> Option<Vec<String>> {
        match &self.entry.node.value {
            Value::Bool(is_wanted) => is_wanted.then(Vec::new),
            Value::List(_) => self.command(),
            _ => self.mismatch("true, false, or a list, like [\"program\"]", &self.entry.node),
        }
    }

    /// Resolves a program: a bare name is looked up in `PATH`, and anything else is a path relative to the
    /// file's directory, so that it does not depend on the current directory.
    fn program(&self, program: &str) -> String {
        if !program.contains(['/', std::path::MAIN_SEPARATOR]) {
            return program.to_owned();
        }
        let path = self.around.path(program);
        path.to_str().map_or_else(|| program.to_owned(), str::to_owned)
    }

    /// Reads the path of a file.
    pub(crate) fn path(&mut self) -> Option<PathBuf> {
        self.text().map(|text| self.around.path(&text))
    }

    /// Reads the path of a directory, which does not depend on where the file is.
    pub(crate) fn directory(&mut self) -> Option<PathBuf> {
        let text = self.text()?;
        let path = self.around.path(if text == "~" { "~/" } else { &text });
        let is_whole = text == "~" || text.starts_with("~/") || Path::new(&text).is_absolute();
        if is_whole && path.is_absolute() {
            return Some(path);
        }
        self.fail("must be an absolute path, or begin with `~/`")
    }

    /// Reads a URL that requests may be sent to.
    pub(crate) fn url(&mut self) -> Option<String> {
        self.validated(|text| endpoint::check(text).map(|_| ()))
    }

    /// Reads an issuer.
    pub(crate) fn issuer(&mut self) -> Option<String> {
        self.validated(|text| endpoint::check_issuer(text).map(|_| ()))
    }

    /// Reads a string that passes this check.
    pub(crate) fn validated(&mut self, validate: fn(&str) -> Result<(), String>) -> Option<String> {
        let Value::Text(text) = &self.entry.node.value else {
            return self.mismatch("a string", &self.entry.node);
        };
        match validate(text) {
            Ok(()) => Some(text.clone()),
            Err(why) => self.fail(why),
        }
    }

    /// Reads resource indicators: absolute URIs without a fragment (RFC 8707, section 2).
    pub(crate) fn resources(&mut self) -> Option<Vec<String>> {
        let uris = self.one_or_more()?;
        match uris.iter().find(|uri| !endpoint::is_resource(uri)) {
            Some(bad) => self.fail(format!(
                "must name absolute URIs without a fragment, not `{}`",
                one_line(bad)
            )),
            None => Some(uris),
        }
    }

    /// Reads the URLs below which the token may be sent.
    pub(crate) fn api_urls(&mut self) -> Option<Vec<String>> {
        let urls = self.one_or_more()?;
        match urls.iter().find_map(|url| api_url::check(url).err()) {
            Some(why) => self.fail(why),
            None => Some(urls),
        }
    }

    /// Reads redirect URIs in order of preference.
    pub(crate) fn redirect_uris(&mut self) -> Option<Vec<RedirectUri>> {
        let texts = self.one_or_more()?;
        if texts.is_empty() {
            return self.fail("must not be an empty list");
        }
        let mut uris: Vec<RedirectUri> = Vec::new();
        let mut known = HashSet::new();
        for text in &texts {
            if !known.insert(text) {
                return self.fail(format!("names `{}` twice", one_line(text)));
            }
            match redirect_uri::redirect_uri(text) {
                Ok(uri) => uris.push(uri),
                Err(why) => return self.fail(why),
            }
        }
        Some(uris)
    }

    /// Reads one of several words.
    pub(crate) fn choice<T: Copy>(&mut self, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        self.chosen(&text, words)
    }

    /// Reads the PKCE method. `plain` is not accepted: it does not protect the code (RFC 7636, section
    /// 7.2).
    pub(crate) fn pkce(&mut self) -> Option<Pkce> {
        let text = self.text()?;
        match text.as_str() {
            "plain" => self.fail("must be `S256`: `plain` does not protect the code"),
            _ => self.chosen(&text, &PKCE),
        }
    }

    /// Reads some of several words, each once, in order.
    pub(crate) fn choices<T: Copy>(&mut self, words: &[(&'static str, T)]) -> Option<Vec<T>> {
        let list = self.list()?;
        if list.is_empty() {
            return self.fail("must not be an empty list");
        }
        let mut known = HashSet::new();
        if let Some(twice) = list.iter().find(|text| !known.insert(*text)) {
            return self.fail(format!("names `{}` twice", one_line(twice)));
        }
        list.iter().map(|text| self.chosen(text, words)).collect()
    }

    fn chosen<T: Copy>(&mut self, text: &str, words: &[(&'static str, T)]) -> Option<T> {
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let near = self.problems.meant(text, words.iter().map(|(word, _)| *word));
        self.fail(format!("must be {}, not `{}`{near}", all.join(" or "), one_line(text)))
    }

    /// Reads a token store.
    pub(crate) fn store(&mut self) -> Option<String> {
        let text = self.text()?;
        match text.strip_prefix("file:") {
            Some("") => self.fail("must name a directory after `file:`"),
            Some(directory) => {
                Some(format!("file:{}", self.around.path(directory).to_string_lossy()))
            }
            None if STORES.contains(&text.as_str()) => Some(text),
            None => {
                let near = self.problems.meant(&text, STORES);
                self.fail(format!(
                    "must be `keyring`, `file`, `file:DIR`, `command` or `agent`, not `{}`{near}",
                    one_line(&text)
                ))
            }
        }
    }

    /// Reads names of response values, none of which may be a secret or part of the protocol.
    pub(crate) fn names_except(&mut self, refused: &[&str]) -> Option<Vec<String>> {
        let names = self.list()?;
        match names.iter().find(|name| refused.contains(&name.as_str())) {
            Some(name) => {
                self.fail(format!("must not name `{name}`: it is already stored separately"))
            }
            None => Some(names),
        }
    }

    /// Reads objects with a `type` (RFC 9396, section 2).
    pub(crate) fn authorization_details(&mut self) -> Option<Vec<serde_json::Value>> {
        let details = match json(&self.entry.node.value) {
            Some(serde_json::Value::Array(details)) => details,
            _ => return self.fail("must be a list of tables"),
        };
        if details.iter().any(|detail| !detail.get("type").is_some_and(|t| t.is_string())) {
            return self.fail("must be a list of tables that each have a `type`");
        }
        Some(details)
    }

    /// Reads additional parameters of a request, none of which the program sets itself.
    pub(crate) fn params(&mut self) -> Option<BTreeMap<String, String>> {
        let Value::Table(table) = &self.entry.node.value else {
            return self.mismatch("a table, like { prompt = \"consent\" }", &self.entry.node);
        };
        let mut params = BTreeMap::new();
        for entry in table {
            if let Some(value) = self.param(entry) {
                params.insert(entry.key.clone(), value);
            }
        }
        Some(params)
    }

    fn param(&mut self, entry: &Entry) -> Option<String> {
        let name = entry.key.as_str();
        if let Some(why) = parameters::reserved(name) {
            return self.fail_at(entry.at, format!("must not set `{}`: {why}", one_line(name)));
        }
        if self.around.others_can_read && parameters::is_secret_setting(name) {
            return self.fail_at(entry.at, readable_secret(&format!("`{name}`")));
        }
        let value = match &entry.node.value {
            Value::Text(text) => self.plain(text, entry.node.at)?,
            Value::Integer(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            other => {
                let what =
                    format!("must set `{}` to a string, not {}", one_line(name), other.kind());
                return self.fail_at(entry.node.at, what);
            }
        };
        if name == "response_mode" && !["query", "form_post"].contains(&value.as_str()) {
            let what = "must set `response_mode` to `query` or `form_post`: others do not reach the listener";
            return self.fail_at(entry.node.at, what);
        }
        Some(value)
    }
}

pub(super) fn readable_secret(what: &str) -> String {
    format!(
        "contains {what}, but other users can read this file: run `chmod 600` on it, or use a \
         reference like {{ env = \"VAR\" }} or {{ keyring = \"NAME\" }}"
    )
}
