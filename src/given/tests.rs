use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;
use crate::app::Cli;

fn given(line: &str) -> Given {
    set_program(Cli::command);
    Given::of(words_of(line).into_iter().map(OsString::from)).unwrap().1
}

#[test]
fn command_gets_what_the_call_was_given() {
    for (call, said, completed) in [
        ("token p", "run `oauthctl login p`", "run `oauthctl login p`"),
        ("token p --store file", "run `oauthctl login p`", "run `oauthctl login p --store file`"),
        (
            "--config '/a b/c.toml' token -p p --account x",
            "run `oauthctl refresh` or `oauthctl login p`",
            "run `oauthctl refresh -p p --account x --config '/a b/c.toml'` or \
             `oauthctl login p --account x --config '/a b/c.toml'`",
        ),
        (
            "attr get p plan --account x",
            "`oauthctl attr list`",
            "`oauthctl attr list -p p --account x`",
        ),
        ("attr get plan -p p", "`oauthctl attr list`", "`oauthctl attr list -p p`"),
        ("logout p --account x", "`oauthctl status`", "`oauthctl status`"),
        // The agent has a store of its own.
        ("--store agent token p", "what `oauthctl agent` prints", "what `oauthctl agent` prints"),
        (
            "--store file token p",
            "what `oauthctl agent` prints",
            "what `oauthctl agent --store file` prints",
        ),
        // Another profile's account is another one.
        ("token p --account x", "`oauthctl login q`", "`oauthctl login q`"),
        ("token p --store file", "`oauthctl providers`", "`oauthctl providers`"),
        ("token p --store file", "`oauthctl store keygen`", "`oauthctl store keygen`"),
        (
            "--config c.toml --store file:x login p",
            "`oauthctl profile list`, `oauthctl export | ssh host`, `--store keyring`",
            "`oauthctl profile list --config c.toml`, \
             `oauthctl export -p p --config c.toml --store file:x | ssh host`, `--store keyring`",
        ),
        (
            "--store file token p",
            "`oauthctl exec -- env`, `oauthctl token --store keyring`, `oauthctl bogus x`",
            "`oauthctl exec -p p --store file -- env`, `oauthctl token --store keyring -p p`, \
             `oauthctl bogus x`",
        ),
    ] {
        assert_eq!(given(&format!("oauthctl {call}")).complete(said), completed, "{call}");
    }
}

#[test]
fn line_is_split_as_a_shell_does() {
    for (line, words) in [
        ("a  b 'c d' e", &["a", "b", "c d", "e"][..]),
        (r"--account 'it'\''s me' x", &["--account", "it's me", "x"]),
        (r"$'a\'b \\ c' 'd\' e", &[r"a'b \ c", r"d\", "e"]),
    ] {
        assert_eq!(words_of(line), words, "{line}");
    }
}

/// Every Rust file of the program and the library, the users' documentation and the pages of `man`.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places =
        vec![root.join("src"), root.join("crates"), root.join("docs"), root.join("README.md")];
    let mut texts = Vec::new();
    while let Some(place) = places.pop() {
        if let Ok(entries) = std::fs::read_dir(&place) {
            places.extend(entries.map(|entry| entry.unwrap().path()));
        } else if place.extension().is_some_and(|e| e == "rs" || e == "md")
            && !place.components().any(|part| part.as_os_str().to_string_lossy().contains("tests"))
        {
            texts.push((place.clone(), std::fs::read_to_string(&place).unwrap()));
        }
    }
    assert!(texts.len() > 100);
    texts
}

/// What stands between backquotes in what users read.
fn spans() -> Vec<(PathBuf, String)> {
    let mut spans = Vec::new();
    for (path, text) in texts() {
        let is_code = path.extension().is_some_and(|e| e == "rs");
        let is_read = |line: &&str| !is_code || !line.trim_start().starts_with("//");
        let text: String =
            text.lines().filter(is_read).map(|line| line.to_owned() + "\n").collect();
        let text = text.replace("\\\n", " ").replace("\n", " ");
        for (number, span) in text.split('`').enumerate() {
            if number % 2 == 1 {
                spans.push((path.clone(), span.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
        }
    }
    spans
}

/// The commands among them.
fn commands() -> Vec<(PathBuf, String)> {
    let mut commands = spans();
    commands.retain(|(_, span)| span.starts_with("oauthctl "));
    assert!(commands.len() > 40, "{}", commands.len());
    commands
}

#[test]
fn every_option_in_a_message_is_one_that_there_is() {
    let mut known = std::collections::BTreeSet::from([
        // Of other programs.
        "--unlock".to_owned(),
        "--help".to_owned(),
    ]);
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        let options = command.get_arguments().filter_map(|option| option.get_long());
        known.extend(options.map(|long| format!("--{long}")));
        commands.extend(command.get_subcommands().cloned());
    }
    for (path, span) in spans() {
        let option = span.split([' ', '=']).next().unwrap_or_default();
        // Documentation names what there will be, and the options of other programs.
        if path.extension().is_some_and(|e| e == "rs") && option.len() > 2 {
            let is_known = !option.starts_with("--") || known.contains(option);
            assert!(is_known, "{}: `{span}`", path.display());
        }
    }
}

/// A value that an option has only for a later version is refused.
#[test]
fn values_of_options_in_messages_are_in_the_help() {
    let mut values = std::collections::BTreeMap::new();
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        for option in command.get_arguments().filter(|option| option.get_action().takes_values()) {
            let possible = option.get_possible_values();
            let shown = possible.iter().filter(|value| !value.is_hide_set());
            let shown: Vec<String> = shown.map(|value| value.get_name().to_owned()).collect();
            if let (Some(long), false) = (option.get_long(), possible.is_empty()) {
                values.insert(format!("--{long}"), shown);
            }
        }
        commands.extend(command.get_subcommands().cloned());
    }
    let mut count = 0;
    for (path, span) in spans() {
        let Some((option, value)) = span.split_once(' ') else { continue };
        let is_message = path.extension().is_some_and(|e| e == "rs");
        if let (Some(values), true) = (values.get(option), is_message) {
            let is_shown = values.iter().any(|shown| shown == value);
            assert!(is_shown, "{}: `{span}`: one of {values:?}", path.display());
            count += 1;
        }
    }
    assert!(count > 2, "{count}");
}

#[test]
fn every_key_in_a_message_is_one_that_can_be_set() {
    let mut count = 0;
    for (path, span) in spans() {
        let Some((key, value)) = span.split_once(" = ") else { continue };
        let is_key = |c: char| c.is_ascii_lowercase() || c == '_';
        let is_message = path.extension().is_some_and(|e| e == "rs");
        if value.is_empty() || !key.chars().all(is_key) || !is_message {
            continue;
        }
        let text = "[profiles.x]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n";
        let config = format!("{text}{key} = 1\n").parse::<oauthctl_core::profile::Config>();
        let error = config.err().map(|error| error.message().to_owned()).unwrap_or_default();
        assert!(!error.contains("unknown key"), "{}: `{span}`: {error}", path.display());
        count += 1;
    }
    assert!(count > 10, "{count}");
}

#[test]
fn every_command_in_a_message_is_one_that_can_be_run() {
    let mut wrong = Vec::new();
    for (path, span) in commands() {
        // What is filled in at run time is one word.
        let line = span.replace("{}", "x").replace("{word}", "x").replace("{name}", "x");
        let end = [" < ", " | ", " > "].iter().filter_map(|mark| line.find(mark)).min();
        let words = words_of(&line[..end.unwrap_or(line.len())]);
        let Err(error) = Cli::command().try_get_matches_from(&words) else { continue };
        // Documentation names commands without telling to run them.
        let is_named = path.extension().is_some_and(|e| e == "md") || path.ends_with("man/text.rs");
        let is_fit = match error.kind() {
            ErrorKind::DisplayHelp => true,
            ErrorKind::MissingRequiredArgument => is_named,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => is_named,
            _ => false,
        };
        if !is_fit {
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            wrong.push(format!("{}: `{span}`: {why}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn values_are_attached_where_they_look_like_options() {
    assert_eq!(option("--account", "ada"), "--account ada");
    assert_eq!(option("--account", "-rf"), "--account=-rf");
    assert_eq!(option("--account", "=ls"), "--account '=ls'");
    for value in [r"x\' ; echo no; #", r"a\\b", "it's", r"\"] {
        assert_eq!(words_of(&option("-p", value)), ["-p", value]);
    }
}
