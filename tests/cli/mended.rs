//! Hints about servers, profiles, stores and calls, followed to the letter: then the call that failed works.

mod calls;
mod servers;
mod stores;

use crate::followed::{commands, shell};
use crate::support::{Home, Output};

/// What stands between backquotes in what a call said.
fn spans(output: &Output) -> Vec<String> {
    output.stderr.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The only one of them that begins so.
#[track_caller]
fn span(output: &Output, beginning: &str) -> String {
    let mut found = spans(output);
    found.retain(|span| span.starts_with(beginning));
    assert_eq!(found.len(), 1, "{beginning}: {}", output.stderr);
    found.remove(0)
}

/// Sets a key of a profile, as a line of a hint has it; the line that was there is replaced.
fn set(home: &Home, profile: &str, line: &str) {
    let (key, _) = line.split_once(" = ").unwrap();
    remove(home, profile, key);
    let text = std::fs::read_to_string(home.config_path()).unwrap();
    let head = format!("[profiles.{profile}]\n");
    assert!(text.contains(&head), "{text}");
    home.config(&text.replacen(&head, &format!("{head}{line}\n"), 1));
}

/// Removes a key of a profile, if it is there.
fn remove(home: &Home, profile: &str, key: &str) {
    let text = std::fs::read_to_string(home.config_path()).unwrap();
    let head = format!("[profiles.{profile}]\n");
    let (before, rest) = text.split_once(&head).unwrap();
    let end = rest.find("\n[").unwrap_or(rest.len());
    let (own, behind) = rest.split_at(end);
    let is_other = |line: &&str| !line.starts_with(&format!("{key} ="));
    let own: Vec<&str> = own.lines().filter(is_other).collect();
    home.config(&format!("{before}{head}{}\n{behind}", own.join("\n")));
}

/// The words of a call with an option of a hint behind them, run by a shell.
fn with_option(home: &Home, call: &[&str], option: &str) -> Output {
    shell(home, &format!("oauthctl {} {option}", call.join(" ")), "")
}
