//! Command lines, configuration and JSON in blocks of code.

use clap::CommandFactory;
use oauthctl_core::profile::Config;

use crate::app::Cli;
use crate::docs::shell::{calls, shell_lines};
use crate::docs::{pages, report, root};

/// Options of other programs that the text names.
const FOREIGN: &[&str] =
    &["--fail", "--kubeconfig", "--locked", "--open", "--package", "--path", "--userns"];

#[test]
fn command_lines_in_blocks_are_accepted() {
    let mut faults = Vec::new();
    let mut count = 0;
    for page in pages() {
        for line in shell_lines(&page) {
            for words in calls(&line) {
                count += 1;
                let Err(error) = Cli::command().try_get_matches_from(&words) else { continue };
                if error.exit_code() != 0 {
                    let why = error.to_string().lines().next().unwrap_or_default().to_owned();
                    faults.push(format!("{}: {line}: {why}", page.path));
                }
            }
        }
    }
    assert!(count > 100, "{count}");
    report(&faults);
}

#[test]
fn options_in_the_text_are_known() {
    let mut known: Vec<String> = FOREIGN.iter().map(|option| (*option).to_owned()).collect();
    known.push("--help".to_owned());
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        let options = command.get_arguments().filter_map(|option| option.get_long());
        known.extend(options.map(|long| format!("--{long}")));
        commands.extend(command.get_subcommands().cloned());
    }
    let mut faults = Vec::new();
    // The tests of the broker look at its page.
    let others = ["CONTRIBUTING.md", "docs/broker.md"];
    for page in pages().iter().filter(|page| !others.contains(&page.path.as_str())) {
        let prose = page.prose();
        let code = prose.split('`').skip(1).step_by(2);
        for option in code.flat_map(str::split_whitespace).filter(|word| word.starts_with("--")) {
            let option = option.split('=').next().unwrap_or_default();
            if option.len() > 2 && !known.iter().any(|known| known == option) {
                faults.push(format!("{}: there is no option `{option}`", page.path));
            }
        }
    }
    report(&faults);
}

#[test]
fn configuration_in_blocks_is_valid() {
    let mut faults = Vec::new();
    let mut count = 0;
    for page in pages() {
        for block in page.blocks() {
            let is_manifest = block.text.starts_with("[dependencies]");
            if block.language != "toml" || is_manifest {
                continue;
            }
            count += 1;
            match whole(&block.text).parse::<Config>() {
                Ok(config) if config.warnings.is_empty() => {}
                Ok(config) => faults.push(format!("{}: {:?}", page.path, config.warnings)),
                Err(error) => faults.push(format!("{}: {}", page.path, error.message())),
            }
        }
    }
    assert!(count > 3, "{count}");
    report(&faults);
}

/// A configuration with the profiles that an example names and another one has.
fn whole(text: &str) -> String {
    let profile =
        |name| format!("[profiles.{name}]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n");
    let names = ["gitlab", "cluster", "registry", "api", "deploy", "mail"];
    let missing: String = match text.contains("[profiles") {
        false => names.into_iter().map(profile).collect(),
        true => String::new(),
    };
    format!("{text}\n{missing}")
}

#[test]
fn json_in_blocks_is_valid() {
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "json") {
            let parsed = serde_json::from_str::<serde_json::Value>(&block.text);
            assert!(parsed.is_ok(), "{}: {}", page.path, block.text);
        }
    }
}

/// The first example of the library is compiled, so what it names exists.
#[test]
fn rust_in_blocks_names_what_the_library_has() {
    let library = std::fs::read_to_string(root().join("crates/core/src/lib.rs")).unwrap();
    let known: Vec<&str> = library.split(|c| !is_word(c)).collect();
    let mut faults = Vec::new();
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "rust") {
            let names = called(&block.text);
            assert!(names.len() > 5, "{}: {names:?}", page.path);
            let unknown = names.iter().filter(|name| !known.contains(name));
            faults.extend(unknown.map(|name| format!("{}: `{name}`", page.path)));
        }
    }
    report(&faults);
}

/// The names of functions, types and fields in this code.
fn called(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, word) in words(code) {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        let is_field = before.ends_with('.') && !before.ends_with("..");
        if is_field || after.starts_with('(') || after.starts_with("::") {
            names.push(word);
        }
    }
    // What the language has.
    names.retain(|name| !matches!(*name, "await" | "println" | "into_values" | "default"));
    names
}

fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let begins = |at: usize| !code[..at].ends_with(is_word);
    let starts = code.char_indices().filter(move |(at, c)| is_word(*c) && begins(*at));
    starts.map(|(at, _)| {
        let end = code[at..].find(|c| !is_word(c)).map_or(code.len(), |length| at + length);
        (at, &code[at..end])
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
