//! Reports what clap returns: help and version are results, everything else is a usage error.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;
use clap::error::{ContextKind, ContextValue};
use oauthctl_core::Error;
use oauthctl_core::profile::similar;

use crate::commands::help::{self, topics};
use crate::credential::links;
use crate::ui::{self, ColorChoice, Ui};

/// Prints help and version as results, and reports everything else that clap returns as a usage error.
pub fn report(error: &clap::Error, program: &Command) -> ExitCode {
    use clap::error::ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion,
    };
    let rendered = error.render();
    let arguments =
        || links::arguments().into_iter().skip(1).take_while(|argument| argument != "--");
    let plain = Ui::new(false, false, false, ColorChoice::Never, true);
    if matches!(error.kind(), DisplayHelp | DisplayVersion) {
        let printed = match error.kind() {
            DisplayHelp => help::print(&command_words(program, arguments()), program.clone()),
            _ => ui::print(&rendered.to_string()).map(|()| ExitCode::SUCCESS),
        };
        return printed.unwrap_or_else(|error| plain.fail(&error));
    }
    let ui = Ui { json: arguments().any(|a| a == "--json"), ..plain };
    let text = rendered.to_string();
    if error.kind() == DisplayHelpOnMissingArgumentOrSubcommand && !ui.json {
        let help = help::of(&command_words(program, arguments()), program.clone()).unwrap_or(text);
        ui.insist(help.trim_end());
        return ExitCode::from(2);
    }
    let code = ui.fail(&usage_error(error, program, &text));
    // clap's line would be about the option that it suggests.
    let is_silent =
        ui.json || misplaced(error, program, &command_words(program, arguments())).is_some();
    if let (Some(ContextValue::StyledStr(usage)), false) =
        (error.get(ContextKind::Usage), is_silent)
    {
        let usage = usage.to_string();
        let usage = usage.split("\n\n").next().unwrap_or_default();
        ui.insist(format!("\n{}", usage.trim_end()));
    }
    code
}

/// Converts an error of clap to an error of this program: the first paragraph of its text is the message, what it
/// suggests is the hint.
fn usage_error(error: &clap::Error, program: &Command, text: &str) -> Error {
    use clap::error::ErrorKind::{
        DisplayHelpOnMissingArgumentOrSubcommand, MissingSubcommand, UnknownArgument,
    };
    let kind = error.kind();
    if matches!(kind, DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand) {
        return Error::usage("no command specified")
            .hint("run `oauthctl --help` for a list of commands");
    }
    let unknown = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) if kind == UnknownArgument => Some(argument.as_str()),
        _ => None,
    };
    let words = command_words(program, links::arguments().into_iter().skip(1));
    let command = words.join(" ");
    let hint = match (command.as_str(), unknown) {
        ("status", Some("--account")) => {
            "run `oauthctl status PROFILE` to show all accounts of a profile".to_owned()
        }
        ("exec" | "proxy", Some(argument)) if !argument.starts_with('-') => {
            "put `--` before the command to run; select the profile with `-p PROFILE`".to_owned()
        }
        _ => match (misplaced(error, program, &words), suggestion(error, &command)) {
            (Some(option), _) => {
                format!("`{option}` is an option of `{command}`: put it after the command")
            }
            (None, Some(suggestion)) => without_queries(&suggestion),
            (None, None) if command.is_empty() => "run `oauthctl --help`".to_owned(),
            (None, None) => format!("run `{name} {command} --help`", name = "oauthctl"),
        },
    };
    let message = match error.get(ContextKind::InvalidSubcommand) {
        // What clap calls a subcommand is a command to users of this program.
        Some(ContextValue::String(word)) => format!("unrecognized command '{word}'"),
        _ => text.split("\n\n").next().unwrap_or_default().to_owned(),
    };
    Error::usage(without_queries(&message).trim_start_matches("error: ")).hint(hint)
}

/// Returns a suggestion: that of clap, except for an unknown command.
fn suggestion(error: &clap::Error, command: &str) -> Option<String> {
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) {
        return similar_command(error, word, command.is_empty());
    }
    let kinds = [(ContextKind::SuggestedArg, "argument"), (ContextKind::SuggestedValue, "value")];
    kinds.into_iter().find_map(|(kind, what)| match error.get(kind)? {
        ContextValue::String(one) => Some(format!("a similar {what} exists: '{one}'")),
        ContextValue::Strings(some) => match some.as_slice() {
            [] => None,
            [one] => Some(format!("a similar {what} exists: '{one}'")),
            some => Some(format!("some similar {what}s exist: '{}'", some.join("', '"))),
        },
        _ => None,
    })
}

/// Returns the command that is most similar to an unknown one, else the help topic: clap also suggests commands with
/// few letters in common.
fn similar_command(error: &clap::Error, word: &str, has_topics: bool) -> Option<String> {
    let topics = if has_topics { topics::names() } else { Vec::new() };
    let suggested = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::String(one)) => vec![one.as_str()],
        Some(ContextValue::Strings(some)) => some.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    if let Some(name) = similar(word, suggested) {
        return Some(format!("a similar command exists: '{name}'"));
    }
    similar(word, topics).map(|name| format!("run `oauthctl help {name}`"))
}

/// A text of clap's on one line, as it may be shown.
fn without_queries(text: &str) -> String {
    text.split_whitespace().map(without_query).collect::<Vec<_>>().join(" ")
}

/// Returns a word of the command line as it may be shown: the query of a callback URL holds its code.
fn without_query(word: &str) -> std::borrow::Cow<'_, str> {
    match word.split_once('?') {
        Some((place, _)) if place.contains("://") => {
            let end = if word.ends_with('\'') { "'" } else { "" };
            format!("{place}?…{end}").into()
        }
        _ => word.into(),
    }
}

/// Returns the words of an argument list that name the command, such as `profile add`.
fn command_words(program: &Command, arguments: impl Iterator<Item = OsString>) -> Vec<String> {
    let (mut at, mut words) = (program, Vec::new());
    let mut arguments = arguments.filter_map(|argument| argument.into_string().ok());
    while let Some(argument) = arguments.next() {
        if program.get_arguments().any(|option| takes_next(option, &argument)) {
            arguments.next();
        } else if let Some(inner) = at.find_subcommand(&argument) {
            words.push(inner.get_name().to_owned());
            at = inner;
        }
    }
    words
}

/// Returns the unknown option, if the command that follows it has that option.
fn misplaced<'e>(error: &'e clap::Error, program: &Command, words: &[String]) -> Option<&'e str> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let long = option.strip_prefix("--")?;
    let command = words.iter().try_fold(program, |at, word| at.find_subcommand(word))?;
    let is_its = command.get_arguments().any(|known| known.get_long() == Some(long));
    (is_its && error.kind() == clap::error::ErrorKind::UnknownArgument).then_some(option)
}

/// Returns whether this argument is an option whose value is the next argument.
fn takes_next(option: &clap::Arg, argument: &str) -> bool {
    let is_it = argument.strip_prefix("--").is_some_and(|long| option.get_long() == Some(long));
    is_it && option.get_action().takes_values()
}
