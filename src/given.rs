//! Completes the commands in messages so that they work as printed: adds the options of the failing call
//! (the profile, `--account`, `--config`, `--store`).

use std::borrow::Cow;
use std::ffi::OsString;
use std::sync::OnceLock;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use oauthctl_core::text::shell_word;

use crate::credential::links;

/// Options of this call that the next one needs too.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Given {
    profile: Option<String>,
    account: Option<String>,
    config: Option<String>,
    store: Option<String>,
}

/// Commands that act on one profile and its account.
const OF_A_PROFILE: [&str; 13] = [
    "login",
    "token",
    "exec",
    "api",
    "proxy",
    "refresh",
    "logout",
    "start",
    "export",
    "attr",
    "userinfo",
    "introspect",
    "inspect",
];

/// Commands that read neither the configuration nor a store.
const OF_NOTHING: [&str; 10] = [
    "demo",
    "sandbox",
    "serve",
    "tenant",
    "completions",
    "man",
    "help",
    "version",
    "providers",
    "discover",
];

/// Commands that access no store, although they may show which one is used.
const WITHOUT_STORE: [&str; 8] = [
    "status",
    "pending list",
    "pending show",
    "pending cancel",
    "profile list",
    "profile show",
    "profile remove",
    "profile path",
];

/// Defines the command line. The program sets it when it starts.
static PROGRAM: OnceLock<fn() -> Command> = OnceLock::new();

/// Sets the definition of the command line by which messages are completed.
pub fn set_program(program: fn() -> Command) {
    // It is always the same.
    let _ = PROGRAM.set(program);
}

/// Returns the definition of the command line; one without commands before it is set.
fn program() -> Command {
    PROGRAM.get().map_or_else(|| Command::new("oauthctl"), |program| program())
}

impl Given {
    /// Reads the options of this process; none if its command line is invalid.
    pub fn of_this_call() -> &'static Self {
        &this_call().1
    }

    /// Returns the command of this process, such as `profile add`; empty if its command line is
    /// invalid.
    pub fn command() -> &'static str {
        &this_call().0
    }

    /// Returns the options of an incomplete command line; missing and invalid parts are ignored.
    pub fn so_far(line: impl IntoIterator<Item = OsString>) -> Self {
        let matches = program().ignore_errors(true).try_get_matches_from(line);
        matches.map(|matches| Self::read(&matches).1).unwrap_or_default()
    }

    /// Returns the named profile.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Returns the named configuration file.
    pub fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    /// Returns the command of a command line, and its options.
    fn of(line: impl IntoIterator<Item = OsString>) -> Option<(String, Self)> {
        program().try_get_matches_from(line).ok().map(|matches| Self::read(&matches))
    }

    fn read(matches: &ArgMatches) -> (String, Self) {
        let (mut leaf, mut command) = (matches, Vec::new());
        while let Some((name, inner)) = leaf.subcommand() {
            command.push(name);
            leaf = inner;
        }
        let value = |id: &str| value_of(leaf, id);
        // If the last argument is present, the first one is the profile.
        let before = || value("last").and_then(|_| value("first"));
        let given = Self {
            profile: value("profile").or_else(|| value("profile_argument")).or_else(before),
            account: value("account"),
            config: value("config"),
            store: value("store"),
        };
        (command.join(" "), given)
    }

    /// Returns a message in which every command between backquotes has the options of this call that it
    /// accepts and does not set itself.
    pub fn complete<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if *self == Self::default() || !has_command(text) {
            return text.into();
        }
        let parts = text.split('`').enumerate().map(|(number, part)| match number % 2 {
            1 if part.starts_with("oauthctl ") => self.completed(part).into(),
            _ => Cow::Borrowed(part),
        });
        parts.collect::<Vec<_>>().join("`").into()
    }

    fn completed(&self, line: &str) -> String {
        let end = [" -- ", " < ", " | "].iter().filter_map(|mark| line.find(mark)).min();
        let (call, rest) = line.split_at(end.unwrap_or(line.len()));
        let of_exec = rest.strip_prefix(" -- ").map(|_| ["--", "true"].map(str::to_owned));
        let words = words_of(call).into_iter().chain(of_exec.into_iter().flatten());
        let Some((command, named)) = Self::of(words.map(OsString::from)) else {
            return line.to_owned();
        };
        let first = command.split(' ').next().unwrap_or_default();
        let is_of_profile = OF_A_PROFILE.contains(&first);
        let is_same_profile = named.profile.is_none() || named.profile == self.profile;
        let uses_config = !OF_NOTHING.contains(&first) && command != "store keygen";
        // An agent lends what is in a store of its own.
        let is_lent = first == "agent" && self.store.as_deref() == Some("agent");
        let uses_store = uses_config && !is_lent && !WITHOUT_STORE.contains(&&*command);
        let takes_account = is_of_profile && is_same_profile && first != "start";
        let mut completed = call.to_owned();
        for (takes_it, option, of_line, value) in [
            (is_of_profile, "-p", &named.profile, &self.profile),
            (takes_account, "--account", &named.account, &self.account),
            (uses_config, "--config", &named.config, &self.config),
            (uses_store, "--store", &named.store, &self.store),
        ] {
            if let (true, None, Some(value)) = (takes_it, of_line, value) {
                completed.push_str(&format!(" {}", self::option(option, value)));
            }
        }
        completed + rest
    }
}

fn this_call() -> &'static (String, Given) {
    static CALL: OnceLock<(String, Given)> = OnceLock::new();
    CALL.get_or_init(|| Given::of(links::arguments()).unwrap_or_default())
}

/// Returns whether a message contains a command of this program between backquotes.
pub fn has_command(text: &str) -> bool {
    text.contains("\u{60}oauthctl ")
}

fn value_of(matches: &ArgMatches, id: &str) -> Option<String> {
    let raw = matches.try_get_raw(id).ok()??.next()?;
    let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
    is_given.then(|| raw.to_string_lossy().into_owned())
}

/// Returns an option with its value, quoted for a shell. A value that looks like an option is attached.
pub fn option(name: &str, value: &str) -> String {
    let separator = if value.starts_with('-') { "=" } else { " " };
    format!("{name}{separator}{}", shell_word(value))
}

/// Splits a command into words as a shell does, as far as [`shell_word`] quotes them.
fn words_of(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    // The quotes that are open: none, `'…'`, or `$'…'`, in which a backslash escapes.
    let (mut quoted, mut escapes) = (false, true);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '$' if !quoted && chars.next_if_eq(&'\'').is_some() => (quoted, escapes) = (true, true),
            '\'' => (quoted, escapes) = (!quoted, quoted),
            '\\' if escapes => word.extend(chars.next()),
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests;
