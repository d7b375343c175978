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
