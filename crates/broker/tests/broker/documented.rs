//! The command lines that the documentation shows are accepted.

use crate::page::pages;
use crate::shell::{calls, shell_lines};
use crate::support::Home;

#[test]
fn documented_command_lines_are_accepted() {
    let home = Home::new();
    let mut count = 0;
    for page in pages() {
        for line in shell_lines(&page) {
            let is_ours = |words: &Vec<String>| ["serve", "tenant"].contains(&words[1].as_str());
            for words in calls(&line).iter().filter(|words| words.len() > 1 && is_ours(words)) {
                count += 1;
                // Help is the last word: what stands before it is parsed, and nothing is done.
                let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
                let output = home.run(&[&words[..], &["--help"]].concat());
                assert_eq!(output.status, 0, "{}: {line}\n{}", page.path, output.stderr);
            }
        }
    }
    assert!(count > 5, "{count}");
}

#[test]
fn options_in_the_text_are_known() {
    let home = Home::new();
    let commands = [
        "serve",
        "serve rotate-key",
        "serve backup",
        "tenant create",
        "tenant list",
        "tenant disable",
        "tenant enable",
        "tenant key",
        "tenant quota",
    ];
    let mut help = String::new();
    for command in commands {
        let output = home.run(&[&command.split(' ').collect::<Vec<_>>()[..], &["--help"]].concat());
        assert_eq!(output.status, 0, "{command}: {}", output.stderr);
        help += &output.stdout;
    }
    let known: Vec<&str> = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    let page = pages().into_iter().find(|page| page.path == "docs/broker.md").unwrap();
    let prose = page.prose();
    let mut count = 0;
    for option in prose.split('`').skip(1).step_by(2).flat_map(str::split_whitespace) {
        if option.len() > 2 && option.starts_with("--") {
            count += 1;
            let option = option.split('=').next().unwrap_or_default();
            assert!(known.contains(&option), "there is no option `{option}`");
        }
    }
    assert!(count > 5, "{count}");
}
