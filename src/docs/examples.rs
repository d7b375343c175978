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
                Ok(config) if config.warnings.iter().all(|it| is_expected(it, &block.text)) => {}
                Ok(config) => faults.push(format!("{}: {:?}", page.path, config.warnings)),
                Err(error) => faults.push(format!("{}: {}", page.path, error.message())),
            }
        }
    }
    assert!(count > 3, "{count}");
    report(&faults);
}

/// Every use of this grant is warned of.
fn is_expected(warning: &str, block: &str) -> bool {
    warning.contains("uses the grant `password`") && block.contains("grant = \"password\"")
}

/// Each row of the table in the README is a profile that is valid, or a command.
#[test]
fn settings_in_the_readme_are_valid() {
    let pages = pages();
    let readme = pages.iter().find(|page| page.path == "README.md").unwrap();
    let (_, section) = readme.text.split_once("\n## Other ways to get a token\n").unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let (mut faults, mut settings, mut commands) = (Vec::new(), 0, 0);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let spans: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let is_setting = |span: &&&str| span.contains(" = ");
        let lines: Vec<&str> = spans.iter().filter(is_setting).copied().collect();
        settings += lines.len();
        let calls = spans.iter().flat_map(|span| calls(span));
        for words in calls {
            commands += 1;
            if let Err(error) = Cli::command().try_get_matches_from(&words) {
                faults.push(format!("{row}: {error}"));
            }
        }
        let profile = |name: &str, more: &str| {
            format!(
                "[profiles.{name}]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n\
                 scopes = [\"openid\"]\n{more}\n"
            )
        };
        let own = profile("x", &lines.join("\n"));
        // What these are signed with.
        let is_signed = ["HS256", "jar = "].iter().any(|word| own.contains(word));
        let secret = if is_signed { "client_secret = { env = \"S\" }\n" } else { "" };
        match format!("{own}{secret}{}", profile("corp", "")).parse::<Config>() {
            Ok(config) if config.warnings.iter().all(|it| is_expected(it, row)) => {}
            Ok(config) => faults.push(format!("{row}: {:?}", config.warnings)),
            Err(error) => faults.push(format!("{row}: {}", error.message())),
        }
    }
    assert!(settings > 20 && commands > 3, "{settings} {commands}");
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
