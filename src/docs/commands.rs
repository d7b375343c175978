//! The reference of all commands, from the definitions of the command line.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use crate::app::Cli;
use crate::commands::man::{self, page::Help, text};
use crate::docs::cell;

/// All commands: a section each, with usage, options, and examples.
pub fn render() -> String {
    let mut program = Cli::command();
    program.build();
    man::all(&program).iter().map(|way| section(&program, way)).collect::<Vec<_>>().join("\n")
}

fn section(program: &Command, way: &[&Command]) -> String {
    let command = way.last().copied().unwrap_or(program);
    let path = text::path(way);
    let name = if path.is_empty() { "oauthctl".to_owned() } else { format!("oauthctl {path}") };
    let mut text = format!("{} {name}\n\n", if way.len() > 1 { "###" } else { "##" });
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let stop = if about.ends_with('.') { "" } else { "." };
    writeln!(text, "{about}{stop}\n").unwrap();
    let usage = command.clone().render_usage().to_string();
    writeln!(text, "```text\n{}\n```", usage.trim_start_matches("Usage: ").trim_end()).unwrap();
    let help = Help::of(command);
    text.push_str(&notes(&help));
    text.push_str(&arguments(command, way.is_empty()));
    text.push_str(&inner(command, &path));
    text.push_str(&examples(&help));
    text
}

/// The commands below this one.
fn inner(command: &Command, path: &str) -> String {
    let mut text = String::new();
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        if text.is_empty() {
            text.push_str("\n| command | |\n| --- | --- |\n");
        }
        let name = format!("{path} {}", inner.get_name());
        let (name, anchor) = (name.trim(), name.trim().replace(' ', "-"));
        let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(text, "| [`{name}`](#oauthctl-{anchor}) | {} |", cell(&about)).unwrap();
    }
    text
}

fn notes(help: &Help) -> String {
    let mut text = String::new();
    for note in &help.notes {
        text.push('\n');
        let mut is_shown = false;
        for line in note {
            let (shown, line) = match line.strip_prefix("  ") {
                Some(line) => (true, line),
                None => (false, line.as_str()),
            };
            if shown != is_shown {
                text.push_str(if shown { "\n```text\n" } else { "```\n\n" });
            }
            is_shown = shown;
            writeln!(text, "{line}").unwrap();
        }
        if is_shown {
            text.push_str("```\n");
        }
    }
    if !help.formats.is_empty() {
        text.push_str("\n| format | |\n| --- | --- |\n");
    }
    for (name, what) in &help.formats {
        writeln!(text, "| `{name}` | {} |", cell(what)).unwrap();
    }
    text
}

/// The table of a command's own arguments; the options that every command has are the program's.
fn arguments(command: &Command, is_program: bool) -> String {
    let is_own = |arg: &&Arg| {
        !arg.is_hide_set()
            && arg.is_global_set() == is_program
            && !matches!(arg.get_id().as_str(), "help" | "version")
    };
    let mut text = String::new();
    for arg in command.get_arguments().filter(is_own) {
        if text.is_empty() {
            let heading = if is_program { "option of every command" } else { "argument" };
            write!(text, "\n| {heading} | meaning |\n| --- | --- |\n").unwrap();
        }
        writeln!(text, "| `{}` | {} |", cell(&spelled(arg)), cell(&meaning(arg))).unwrap();
    }
    text
}

/// `-p, --profile <NAME>`, or `[PROFILE]`.
fn spelled(arg: &Arg) -> String {
    if arg.is_positional() {
        return arg.to_string();
    }
    match arg.get_short() {
        Some(short) => format!("-{short}, {arg}"),
        None => arg.to_string(),
    }
}

/// The help, with default and possible values where they are listed.
fn meaning(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if !arg.get_action().takes_values() {
        return text;
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    if !defaults.is_empty() && !arg.is_hide_default_value_set() {
        write!(text, " [default: {}]", defaults.join(" ")).unwrap();
    }
    let possible = arg.get_possible_values();
    let possible: Vec<_> =
        possible.iter().filter(|v| !v.is_hide_set()).map(|v| v.get_name()).collect();
    if !possible.is_empty() && !arg.is_hide_possible_values_set() {
        write!(text, " [possible values: {}]", possible.join(", ")).unwrap();
    }
    text
}

fn examples(help: &Help) -> String {
    match help.examples.is_empty() {
        true => String::new(),
        false => format!("\n```sh\n{}\n```\n", help.examples.join("\n")),
    }
}
