//! The script for bash: a table of the commands, and one function that reads it.

use clap::{ArgAction, Command};

use crate::commands::completions::values::{Values, positionals};

/// Reads the table. Works with bash 3.2 and later, which macOS has.
const FUNCTIONS: &str = include_str!("completions.bash");

/// Returns the script.
pub fn script(program: &Command) -> String {
    let mut table = String::new();
    describe(&mut table, program, program.get_name(), program);
    FUNCTIONS.replace("    # TABLE\n", &table)
}

/// Adds the entries of a command and of its subcommands.
fn describe(table: &mut String, command: &Command, way: &str, program: &Command) {
    let (mut flags, mut options) = (Vec::new(), Vec::new());
    for arg in command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set()) {
        let short = arg.get_short().map(|short| format!("-{short}"));
        let names = short.into_iter().chain(arg.get_long().map(|long| format!("--{long}")));
        match arg.get_action() {
            ArgAction::Set | ArgAction::Append => {
                let values = source(&Values::of(arg, program));
                options.extend(names.map(|name| format!("{name}={values}")));
            }
            _ => flags.extend(names),
        }
    }
    let commands: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let arguments: Vec<String> = positionals(command)
        .map(|arg| {
            let repeats = arg.get_num_args().is_some_and(|count| count.max_values() > 1);
            source(&Values::of(arg, program)) + if repeats { "+" } else { "" }
        })
        .collect();
    table.push_str(&format!("    '{way}')\n"));
    for (name, words) in [
        ("commands", commands.join(" ")),
        ("flags", flags.join(" ")),
        ("options", options.join(" ")),
        ("arguments", arguments.join(" ")),
    ] {
        if !words.is_empty() {
            table.push_str(&format!("        {name}='{words}'\n"));
        }
    }
    table.push_str("        ;;\n");
    for inner in command.get_subcommands() {
        describe(table, inner, &format!("{way} {}", inner.get_name()), program);
    }
}

/// Returns the source of the values, as one word.
fn source(values: &Values) -> String {
    match values {
        Values::Unknown => "@nothing".to_owned(),
        Values::Words(words) => words.join(","),
        Values::Names(kind) => format!("@{}", kind.word()),
        Values::Files => "@files".to_owned(),
        Values::Directories => "@directories".to_owned(),
        Values::Programs => "@programs".to_owned(),
    }
}
