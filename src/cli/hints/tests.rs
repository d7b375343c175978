use std::path::{Path, PathBuf};

use clap::error::ErrorKind;

use super::*;

fn given(line: &str) -> Given {
    Given::of(words_of(line).into_iter().map(OsString::from)).unwrap().1
}

#[test]
fn a_command_gets_what_the_call_was_given() {
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

/// Every Rust file of the program and the library, the users' documentation and the pages of `man`.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places = vec![root.join("src"), root.join("docs"), root.join("README.md")];
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

/// The commands between backquotes in what users read.
fn commands() -> Vec<(PathBuf, String)> {
    let mut commands = Vec::new();
    for (path, text) in texts() {
        let is_code = path.extension().is_some_and(|e| e == "rs");
        let is_read = |line: &&str| !is_code || !line.trim_start().starts_with("//");
        let text: String =
            text.lines().filter(is_read).map(|line| line.to_owned() + "\n").collect();
        let text = text.replace("\\\n", " ").replace("\n", " ");
        for (number, span) in text.split('`').enumerate() {
            if number % 2 == 1 && span.starts_with("oauthctl ") {
                let span = span.split_whitespace().collect::<Vec<_>>().join(" ");
                commands.push((path.clone(), span));
            }
        }
    }
    assert!(commands.len() > 40, "{}", commands.len());
    commands
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
