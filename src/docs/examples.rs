//! Command lines, configuration and JSON in blocks of code.

use clap::CommandFactory;
use oauthctl_core::profile::Config;

use crate::app::Cli;
use crate::docs::{Page, pages, report, root};

/// Options of other programs that the text names.
const FOREIGN: &[&str] = &["--fail", "--open", "--package", "--userns"];

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
    for page in pages().iter().filter(|page| page.path != "CONTRIBUTING.md") {
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

/// The lines that a reader would type, those that are continued joined.
fn shell_lines(page: &Page) -> Vec<String> {
    let mut lines = Vec::new();
    for block in page.blocks() {
        let text = block.text.replace("\\\n", " ");
        let typed: Vec<&str> = match block.language.as_str() {
            "sh" | "" => text.lines().filter(|line| !line.starts_with('#')).collect(),
            "console" => text.lines().filter_map(|line| line.strip_prefix("$ ")).collect(),
            _ => Vec::new(),
        };
        lines.extend(typed.into_iter().map(str::to_owned));
    }
    lines
}

/// The calls of the program in a line, each as its words.
fn calls(line: &str) -> Vec<Vec<String>> {
    let name = "oauthctl ";
    let begins = line.match_indices(name).map(|(at, _)| at);
    let is_call = |at: &usize| {
        let before = &line[..*at];
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '-')
            && !before.ends_with("--package ")
    };
    begins
        .filter(is_call)
        .map(|at| {
            let mut words = vec!["oauthctl".to_owned()];
            words.extend(words_until_the_end(&line[at + name.len()..]));
            words
        })
        .collect()
}

/// The words of a simple command, up to what ends it in a shell.
fn words_until_the_end(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut before = ' ';
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if before == ' ' => break,
            (None, '|' | ';' | '&' | ')' | '<') => break,
            (None, '>') => {
                // The number of a stream is no argument.
                word = word.filter(|word| word.parse::<u8>().is_err());
                break;
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
        before = c;
    }
    words.extend(word);
    words
}

#[test]
fn calls_end_where_the_shell_ends_them() {
    for (line, expected) in [
        ("oauthctl token -p 'a b' | curl", vec!["oauthctl token -p a b"]),
        ("eval \"$(oauthctl token -p a)\"", vec!["oauthctl token -p a"]),
        ("oauthctl store keygen > k 2> p", vec!["oauthctl store keygen"]),
        ("oauthctl store keygen 2>/dev/null", vec!["oauthctl store keygen"]),
        ("/bin/oauthctl status # oauthctl token", vec!["oauthctl status", "oauthctl token"]),
        ("man oauthctl-login; cat oauthctl.toml", vec![]),
        ("cargo bench --package oauthctl -- cached", vec![]),
    ] {
        let found: Vec<String> = calls(line).iter().map(|words| words.join(" ")).collect();
        assert_eq!(found, expected, "{line}");
    }
}
