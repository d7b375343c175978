//! Texts that were reviewed once and must not change unnoticed.

use std::fs;

use crate::support::{Output, tests_dir};

/// Compares with `snapshots/NAME.txt`, and shows what differs.
#[track_caller]
pub fn check(name: &str, actual: &str) {
    let path = tests_dir("cli/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("OAUTHCTL_UPDATE_SNAPSHOTS").is_some_and(|v| v == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{name} is not as it was:\n{}", difference(&expected, actual));
}

/// A command and what it said, as a transcript.
pub fn transcript(command: &str, output: &Output) -> String {
    let mut text = format!("$ oauthctl {command}\n");
    for (stream, said) in [("", &output.stdout), ("2> ", &output.stderr)] {
        for line in said.lines() {
            text.push_str(format!("{stream}{line}").trim_end());
            text.push('\n');
        }
    }
    text.push_str(&format!("exit {}\n", output.status));
    text
}

/// The part between the common prefix and the common suffix.
fn difference(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail =
        old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let mut text = format!("(line {})\n", head + 1);
    for (mark, lines) in [("-", &old[head..old.len() - tail]), ("+", &new[head..new.len() - tail])]
    {
        lines.iter().for_each(|line| text.push_str(&format!("{mark} {line}\n")));
    }
    text
}

#[test]
fn difference_shows_what_changed_and_nothing_else() {
    assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "(line 2)\n- b\n+ x\n+ y\n");
    assert_eq!(difference("a\na\n", "a\n"), "(line 2)\n- a\n");
}
