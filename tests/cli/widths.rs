//! What is shown at a terminal fits its width: lines break between words, and programs get one line a row.

use serde_json::json;

use crate::fixture::{TOKEN, grant, plant, with_sandbox};
use crate::help::COMMANDS;
use crate::support::{AtTerminal, Home};

/// What a call shows at a terminal of so many columns.
#[track_caller]
fn shown(home: &Home, call: &[&str], columns: u16) -> String {
    let mut command = home.command(call);
    let (_, screen) = AtTerminal::start_wide(command.env("NO_COLOR", "1"), columns).wait();
    // A line that is written over has the text that was written last.
    let lines = screen.split("\r\n").map(|line| {
        let parts: Vec<&str> = line.split('\r').collect();
        parts.iter().rev().find(|part| !part.trim().is_empty()).copied().unwrap_or_default()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The parts of a line between which it can break: what stands between backquotes is one.
fn parts(line: &str) -> Vec<String> {
    let mut quoted = false;
    let marked = line.chars().map(|c| {
        quoted ^= c == '`';
        if c == ' ' && quoted { '_' } else { c }
    });
    marked.collect::<String>().split_whitespace().map(str::to_owned).collect()
}

/// Whether the lines fit, but for what cannot be broken, and no line of prose ends before it has to.
#[track_caller]
fn check(call: &str, text: &str, columns: usize) {
    let lines: Vec<&str> = text.lines().collect();
    let wide = |text: &str| text.chars().count();
    for (number, line) in lines.iter().enumerate() {
        // A command to copy is not broken.
        let is_whole = parts(line).len() == 1 || line.starts_with("  oauthctl ");
        let fits = wide(line) <= columns || is_whole;
        assert!(fits, "{call}: wider than {columns}: {line:?}\n{text}");
        let next = lines.get(number + 1).copied().unwrap_or_default();
        // A sentence, not a row, nor a line of its own by the word before it.
        let is_prose = |line: &str| {
            let word = line.split(' ').next().unwrap_or_default();
            let begins = word.starts_with(|c: char| c.is_alphabetic() || c == '`');
            begins && !line.contains("  ") && !["error:", "hint:", "warning:"].contains(&word)
        };
        if is_prose(line) && is_prose(next) && !line.ends_with(['.', ':', '?']) {
            let first = parts(next).remove(0);
            assert!(
                wide(line) + 1 + wide(&first) > columns,
                "{call}: ends too early: {line:?}\n{text}"
            );
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn help_breaks_between_words_at_80_columns() {
    let home = Home::new();
    for command in COMMANDS.iter().chain(&["options"]) {
        let call: Vec<&str> = ["help"].into_iter().chain(command.split_whitespace()).collect();
        let screen = shown(&home, &call, 80);
        check(command, &screen, 80);
        let mut wide = Home::new();
        wide.set("COLUMNS", "100");
        assert_eq!(words(&screen), words(&wide.run(&call).ok().stdout), "{command}");
    }
}

const LONG: &str = "a-rather-long-profile-name-for-the-production-cluster";

/// A home with an account whose names and scopes are long.
fn long_names() -> Home {
    let home = Home::new();
    let scopes = [
        "openid",
        "https://www.example.com/auth/calendar.readonly",
        "https://www.example.com/auth/drive",
    ];
    home.profile(
        LONG,
        "https://auth.production.example.com/realms/main",
        "the-client",
        &format!("scopes = {scopes:?}"),
    );
    for account in ["default", "somebody.with.a.long.name@subsidiary.example.com"] {
        plant(
            &home,
            &grant(account, TOKEN, |grant| {
                grant["key"]["profile"] = LONG.into();
                grant["tokens"]["scopes"] = json!(scopes);
                // Another login is needed, and the command is named.
                grant["tokens"]["expires_at"] = 1_700_000_000.into();
                grant["tokens"]["refresh_token"] = json!(null);
            }),
        );
    }
    home
}

#[test]
fn rows_are_folded_at_a_terminal_and_nowhere_else() {
    let home = long_names();
    for call in [
        &["status"][..],
        &["status", LONG],
        &["profile", "list"],
        &["profile", "show", LONG],
        &["providers"],
        &["sandbox", "--scenario", "help"],
        &["store", "info"],
    ] {
        let piped = home.run(call).ok();
        let piped = piped.stdout + &piped.stderr;
        for columns in [80, 60] {
            let screen = shown(&home, call, columns);
            check(&call.join(" "), &screen, columns.into());
            assert_eq!(words(&screen), words(&piped), "{call:?}");
        }
        assert_eq!(shown(&home, call, 500), piped, "{call:?}");
    }
    let status = home.run(["status"]).ok().stdout;
    let is_row = |row: &str| row.starts_with("  ") || row.contains(" / ") || row.is_empty();
    assert!(status.lines().all(is_row), "{status}");
    for provider in ["gitlab", "slack"] {
        for columns in [80, 60] {
            check(provider, &shown(&home, &["providers", provider], columns), columns.into());
        }
    }
}

#[test]
fn errors_and_hints_fit_the_terminal() {
    let home = long_names();
    for call in [
        &["token", "-p", LONG][..],
        &["token", "-p", "nosuch"],
        &["logout", LONG, "--account", "nobody"],
        &["token", "--min-ttl", "soon"],
        &["zzz"],
        &["login", LONG, "--prompt", "none", "--no-input"],
        &["store", "migrate", "--to", "bogus"],
        &["--config", "/no/such/file", "token"],
    ] {
        for columns in [80, 60] {
            check(&call.join(" "), &shown(&home, call, columns), columns.into());
        }
    }
}

#[test]
fn messages_of_a_login_fit_the_terminal() {
    let (mut home, _sandbox) = with_sandbox(None);
    for columns in [80, 60] {
        home.browser(&json!({ "mode": "honest" }));
        for call in
            [&["login", "s"][..], &["login", "s", "--flow", "paste", "--timeout", "1s"], &["demo"]]
        {
            check(&call.join(" "), &shown(&home, call, columns), columns.into());
        }
    }
}
