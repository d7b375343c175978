//! The values of arguments and options, which the scripts of all shells offer.

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;
use oauthctl_core::profile::presets;
use oauthctl_core::{Error, Result};
use oauthctl_sandbox::scenarios;

use crate::commands::completions::names::NameKind;
use crate::commands::help::topics;

/// Returns the script that clap generates.
///
/// # Errors
///
/// Returns `Internal` if it is not text.
pub fn generated(shell: Shell, mut command: Command) -> Result<String> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "oauthctl", &mut script);
    String::from_utf8(script).map_err(|e| Error::internal(e.to_string()))
}

/// The possible values of an argument or option.
pub enum Values {
    /// Values that cannot be known.
    Unknown,
    /// One of these words.
    Words(Vec<String>),
    /// Names that only the program knows.
    Names(NameKind),
    /// Paths of files.
    Files,
    /// Paths of directories.
    Directories,
    /// A command with its arguments.
    Programs,
}

impl Values {
    /// Returns the possible values of an argument of this program.
    pub fn of(arg: &Arg, program: &Command) -> Self {
        let value_name = arg.get_value_names().and_then(|names| names.first());
        let owned = |names: Vec<&str>| Self::Words(names.into_iter().map(str::to_owned).collect());
        match (arg.get_id().as_str(), value_name.map_or("", |name| name.as_str())) {
            // `attr` reads its first argument as the profile where another one follows, and the last one as what
            // its name does not say.
            ("last", _) => return Self::Unknown,
            (_, "PROFILE") | ("first", _) => return Self::Names(NameKind::Profiles),
            (_, "ACCOUNT") => return Self::Names(NameKind::Accounts),
            (_, "STORE") => return owned(vec!["keyring", "file", "command", "agent"]),
            (_, "PROVIDER") => return owned(presets::names()),
            ("scenarios", _) => return owned(scenarios().iter().map(|s| s.name).collect()),
            (id @ ("words" | "command"), "COMMAND") if arg.get_value_hint() == ValueHint::Other => {
                let topics = if id == "words" { topics::names() } else { Vec::new() };
                let commands = program.get_subcommands().map(Command::get_name);
                return owned(commands.chain(topics).collect());
            }
            _ => {}
        }
        let possible = arg.get_possible_values();
        if arg.get_action().takes_values() && !possible.is_empty() {
            let shown = possible.iter().filter(|value| !value.is_hide_set());
            return owned(shown.map(|value| value.get_name()).collect());
        }
        match arg.get_value_hint() {
            ValueHint::FilePath | ValueHint::AnyPath => Self::Files,
            ValueHint::DirPath => Self::Directories,
            ValueHint::CommandString | ValueHint::CommandWithArguments => Self::Programs,
            _ => Self::Unknown,
        }
    }
}

/// Returns the positional arguments of a command.
pub fn positionals(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_positionals().filter(|arg| !arg.is_last_set())
}

/// Returns a program for clap's generators whose name values are placeholders, to be replaced in the
/// script.
pub fn with_placeholders(program: &Command) -> Command {
    marked(program.clone(), program)
}

fn marked(command: Command, program: &Command) -> Command {
    let command = command.mut_args(|arg| match Values::of(&arg, program) {
        Values::Names(kind) => arg.value_parser([placeholder(kind)]),
        Values::Words(words) => arg.value_parser(words),
        _ => arg,
    });
    command.mut_subcommands(|inner| marked(inner, program))
}

/// Returns a word that no script contains.
pub fn placeholder(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Profiles => "OAUTHCTL_NAMES_OF_PROFILES",
        NameKind::Accounts => "OAUTHCTL_NAMES_OF_ACCOUNTS",
    }
}
