//! The library says as data what a program words, and nobody reads the words of an error.

use std::fs;

use super::source::{joined, report, root, sources, word};
use super::{COMMAND_LINES, LIBRARY};

/// Strings of the library that are no command of the program, although they look like one, each with its reason.
const NO_COMMANDS: &[(&str, &str)] = &[
    ("oauthctl pending flow 10{id}0{}", "the context of a signature"),
    ("oauthctl sandbox", "the name of a resource"),
];

/// How code asks what the text of an error says.
const MATCHES_ON_TEXT: &[&str] = &[
    ".message().contains(",
    ".message().starts_with(",
    ".message().ends_with(",
    ".message().find(",
    ".message().strip_prefix(",
    ".message()==",
    "error.to_string().contains(",
    "error.to_string().starts_with(",
    "error.to_string()==",
    "e.to_string().contains(",
    "e.to_string().starts_with(",
    ".advice_text()==",
    ".advice_text().is_some_and(",
    "message.contains(",
    "message.starts_with(",
    "message.strip_prefix(",
    "message==",
    "hint.contains(",
    "hint.starts_with(",
    "rendered.contains(",
];

/// The commands of the program, as its reference lists them.
fn commands() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/reference/commands.md")).unwrap();
    let headings = page.lines().filter_map(|line| line.strip_prefix("## oauthctl "));
    let commands: Vec<String> = headings.map(|rest| word(rest).to_owned()).collect();
    assert!(commands.len() > 10, "found only {commands:?}");
    commands
}

/// A command or a flag of the program that this text names.
pub fn names_program(text: &str, commands: &[String]) -> Option<String> {
    let command = text.match_indices("oauthctl ").find_map(|(at, name)| {
        let next = word(&text[at + name.len()..]);
        commands.iter().any(|command| command == next).then(|| format!("oauthctl {next}"))
    });
    let flag = text.match_indices("--").find_map(|(at, dashes)| {
        let begins = at == 0 || text[..at].ends_with([' ', '`', '\'', '"']);
        let next = word(&text[at + dashes.len()..]);
        let is_flag = begins && next.starts_with(|c: char| c.is_ascii_lowercase());
        is_flag.then(|| format!("--{next}"))
    });
    command.or(flag)
}

/// A variable of the program that this text names.
pub fn names_variable(text: &str) -> Option<String> {
    let at = text.find(VARIABLES)?;
    Some(format!("{VARIABLES}{}", word(&text[at + VARIABLES.len()..])))
}

/// How the variables of the program begin.
const VARIABLES: &str = "OAUTHCTL_";

/// Files of the library that name variables of the program, each with its reason.
const OF_PROGRAM: &[(&str, &str)] = &[
    ("crates/core/src/process.rs", "what no child inherits, whichever program starts it"),
    ("crates/core/src/hook.rs", "the nesting of hooks, across processes"),
];

/// A caller passes in the name of a variable that the library reports, or `Advice` stands for it.
#[test]
fn library_names_no_variable_of_the_program() {
    let mut faults = Vec::new();
    for source in sources() {
        let is_of_program = OF_PROGRAM.iter().any(|(path, _)| *path == source.path);
        if !source.path.starts_with(LIBRARY) || is_of_program {
            continue;
        }
        for (number, text) in source.strings() {
            let Some(named) = names_variable(&text) else { continue };
            faults.push(format!("{}:{number}: `{named}`: use `Advice`", source.path));
        }
    }
    report(&faults);
}

/// The library does not know which program uses it, and how its user may go on: `Advice` says that as data, and the
/// program words it.
#[test]
fn library_names_no_command_and_no_flag() {
    let (commands, mut faults) = (commands(), Vec::new());
    for source in sources() {
        // A program names its own commands.
        if COMMAND_LINES.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        for (number, text) in source.strings() {
            let Some(named) = names_program(&text, &commands) else { continue };
            if !NO_COMMANDS.iter().any(|(no_command, _)| *no_command == text) {
                faults.push(format!("{}:{number}: `{named}`: use `Advice`", source.path));
            }
        }
    }
    report(&faults);
}

/// Whether code asks what the text of an error says.
pub fn matches_on_text(code: &str) -> Option<&'static str> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    MATCHES_ON_TEXT.iter().copied().find(|what| code.contains(what))
}

#[test]
fn nobody_matches_on_the_text_of_an_error() {
    let mut faults = Vec::new();
    for source in sources() {
        // Calls in a chain stand in lines of their own.
        for statement in joined(&source).split([';', '{', '}']) {
            let Some(what) = matches_on_text(statement) else { continue };
            let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
            faults.push(format!("{}: `{what}` in `{statement}`", source.path));
        }
    }
    report(&faults);
}
