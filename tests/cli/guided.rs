//! Profiles made and changed by a user at a terminal: `profile add` without a client, `profile edit`, `profile default`.

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::json;

use crate::fixture::{PROFILE, Sandbox};
use crate::support::{AtTerminal, Home, assert_not_shown};

const SECRET: &str = "CANARY-client-secret";

/// Answers questions in their order: what is on the screen, and what is typed then.
#[track_caller]
fn answer(terminal: &mut AtTerminal, answers: &[(&str, &str)]) {
    for (question, answer) in answers {
        terminal.await_text(question, 1);
        terminal.press(format!("{answer}\r"));
    }
}

#[track_caller]
fn at_terminal(home: &Home, args: &[&str]) -> AtTerminal {
    AtTerminal::start(&home.command(args))
}

#[test]
fn profile_add_asks_for_everything() {
    let home = Home::new();
    let mut terminal = at_terminal(&home, &["profile", "add", "gl"]);
    answer(&mut terminal, &[("or ? for a list", "asanna")]);
    terminal.await_text("Did you mean asana?", 1);
    terminal.await_text("or ? for a list", 2);
    terminal.press("asana\r");
    terminal.await_text("Register a client at https://app.asana.com/", 1);
    terminal
        .await_text("Redirect URI to register at the service: http://localhost:17865/callback", 1);
    // A secret that every request needs is asked for until it is there.
    answer(&mut terminal, &[("Client ID:", "the-id"), ("Client secret (not shown):", "")]);
    terminal.await_text("Client secret (not shown):", 2);
    terminal.press(format!("{SECRET}\r"));
    let last = [("(- for none) [default]:", ""), ("Log in now to test the profile?", "n")];
    answer(&mut terminal, &last);
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    assert_not_shown(&screen, [SECRET]);
    assert!(screen.contains("Log in with `oauthctl login gl`"), "{screen}");
    let shown = home.run(["profile", "show", "gl", "--json"]).ok().json();
    assert_eq!((&shown["client_id"], &shown["provider"]), (&json!("the-id"), &json!("asana")));
    assert_eq!(shown["scopes"], json!(["default"]));
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    assert!(config.contains("client_secret = { keyring = \"gl/client_secret\" }"), "{config}");
    assert_not_shown(&config, [SECRET]);
}

#[test]
fn profile_add_by_issuer_ends_with_a_login() {
    let mut home = Home::new();
    let sandbox = Sandbox::start(&home);
    home.browser(&json!({ "mode": "honest" }));
    let mut terminal = at_terminal(&home, &["profile", "add", "s"]);
    answer(
        &mut terminal,
        &[
            ("or ? for a list", &sandbox.issuer),
            ("Client ID:", "demo"),
            ("Client secret", ""),
            ("The server supports:", "openid email"),
            ("Log in now to test the profile?", ""),
        ],
    );
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    assert!(screen.contains("Logged in to `s`"), "{screen}");
    assert!(home.run(["userinfo", "s", "--json"]).ok().json()["sub"].is_string());
}

#[test]
fn profile_add_that_is_cancelled_writes_nothing() {
    for (keys, code) in [("\u{3}", 130), ("\u{4}", 130)] {
        let home = Home::new();
        let mut terminal = at_terminal(&home, &["profile", "add", "x", "--provider", "asana"]);
        answer(&mut terminal, &[("Client ID:", "id")]);
        terminal.await_text("Client secret", 1);
        terminal.press(keys);
        let (status, screen) = terminal.wait();
        assert_eq!(status, code, "{screen}");
        assert!(!home.config_path().exists(), "{screen}");
    }
}

/// Whether it announces `iss` decides, and cannot be known.
#[test]
fn profile_add_names_both_uris_of_an_unknown_server() {
    let home = Home::new();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let issuer = format!("http://{gone}");
    home.profile("first", "https://first.example", "c", "");
    let mut terminal = at_terminal(&home, &["profile", "add", "second", "--issuer", &issuer]);
    terminal.await_text("Register two redirect URIs at the service:", 1);
    answer(&mut terminal, &[("Client ID:", "c"), ("Client secret", ""), ("(Enter for none)", "")]);
    terminal.await_text("Log in now to test the profile?", 1);
    terminal.press("n\r");
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    let own = "  http://127.0.0.1/second/callback\r\n  http://127.0.0.1/callback\r\n";
    assert_eq!(screen.matches(own).count(), 1, "{screen}");
    assert!(!screen.contains("Redirect URI to register"), "{screen}");
    assert_eq!(screen.matches("cannot fetch").count(), 1, "{screen}");
    let because = format!("The metadata of {issuer} determines which of them a login uses");
    assert!(screen.replace("\r\n", " ").contains(&because), "{screen}");
}

/// The program catches signals while it asks the server. A prompt after that still ends with Ctrl-C.
#[test]
fn profile_add_can_be_cancelled_after_a_request() {
    let home = Home::new();
    let sandbox = Sandbox::start(&home);
    let mut terminal = at_terminal(&home, &["profile", "add", "s", "--issuer", &sandbox.issuer]);
    answer(&mut terminal, &[("Client ID:", "demo"), ("Client secret", "")]);
    terminal.await_text("Scopes, separated by spaces", 1);
    terminal.press("\u{3}");
    let (status, screen) = terminal.wait();
    assert_eq!(status, 130, "{screen}");
    assert!(!home.config_path().exists(), "{screen}");
}

#[test]
fn profile_add_asks_nobody_without_a_terminal() {
    let home = Home::new();
    let output = home.run(["profile", "add", "x", "--provider", "gitlab"]).fails(2);
    assert!(output.stderr.contains("--client-id ID"), "{}", output.stderr);
    home.run(["profile", "add", "y", "--provider", "gitlab", "--client-id", "ID"]).ok();
    let args = ["profile", "add", "x", "--provider", "gitlab", "--no-input"];
    let (status, screen) = at_terminal(&home, &args).wait();
    assert_eq!(status, 2, "{screen}");
}

#[test]
fn profile_add_tells_mistakes_before_it_asks() {
    let home = Home::new();
    home.config(PROFILE);
    for args in [
        &["profile", "add", "p", "--provider", "gitlab"][..],
        &["profile", "add", "x", "--issuer", "ftp://as.invalid"],
        &["profile", "add", "x", "--provider", "gitlap"],
    ] {
        let (status, screen) = at_terminal(&home, args).wait();
        assert!([2, 3].contains(&status), "{args:?} {status}: {screen}");
        assert!(!screen.contains("Client ID"), "{args:?}: {screen}");
    }
    assert_eq!(std::fs::read_to_string(home.config_path()).unwrap(), PROFILE);
}

/// An editor: a script that gets the file as `$1`.
fn editor(home: &mut Home, script: &str) {
    let path = home.path("home/an editor");
    home.write(&path, &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    home.set("EDITOR", format!("'{}' --wait", path.display()));
}

fn config(home: &Home) -> String {
    std::fs::read_to_string(home.config_path()).unwrap()
}

/// The drafts beside the configuration.
fn drafts(home: &Home) -> usize {
    home.files().iter().filter(|path| path.to_string_lossy().contains("/edit-")).count()
}

#[test]
fn profile_edit_saves_what_is_valid() {
    let mut home = Home::new();
    home.config(PROFILE);
    home.set("OAUTHCTL_STORE_KEY", "CANARY").set("VISUAL", "");
    editor(&mut home, "[ -z \"$OAUTHCTL_STORE_KEY\" ] && echo '# a comment' >> \"$2\"");
    let output = home.run(["profile", "edit"]).ok();
    assert!(output.stderr.contains("Saved "), "{}", output.stderr);
    assert_eq!(config(&home), format!("{PROFILE}# a comment\n"));
    let mode = std::fs::metadata(home.config_path()).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, drafts(&home)), (0o600, 0));
    editor(&mut home, "true");
    assert!(home.run(["profile", "edit"]).ok().stderr.contains("No changes"));
}

#[test]
fn profile_edit_refuses_what_is_invalid_and_keeps_it() {
    let mut home = Home::new();
    home.config(PROFILE);
    editor(&mut home, "echo 'clinet_id = 1' >> \"$2\"");
    let output = home.run(["profile", "edit"]).fails(3);
    assert!(
        output.stderr.contains("clinet_id") && output.stderr.contains(":5"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("your changes are kept in "), "{}", output.stderr);
    assert_eq!((config(&home), drafts(&home)), (PROFILE.to_owned(), 1));
    editor(&mut home, "exit 3");
    let output = home.run(["profile", "edit"]).fails(3);
    assert!(output.stderr.contains("an editor' --wait` failed"), "{}", output.stderr);
    assert_eq!(drafts(&home), 1);
    let output = home.run(["profile", "edit", "--no-input"]).fails(4);
    let command = output.stderr.split('`').nth(3).unwrap();
    let path = home.run(command.split(' ').skip(1)).ok();
    assert_eq!(path.line(), home.config_path().to_str().unwrap());
}

#[test]
fn profile_edit_offers_to_edit_again() {
    let mut home = Home::new();
    home.config(PROFILE);
    editor(
        &mut home,
        "if grep -q bad \"$2\"; then sed -i 's/^bad.*/# good/' \"$2\"; else echo 'bad = 1' >> \"$2\"; fi",
    );
    let mut terminal = at_terminal(&home, &["profile", "edit"]);
    terminal.await_text("Edit again? [Y/n]", 1);
    terminal.press("\r");
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    assert_eq!((config(&home), drafts(&home)), (format!("{PROFILE}# good\n"), 0));
}

#[test]
fn profile_edit_names_an_editor_that_is_missing() {
    let mut home = Home::new();
    home.config(PROFILE);
    home.set("VISUAL", "no-such-editor --wait");
    let output = home.run(["profile", "edit"]).fails(3);
    let what = "cannot start the editor `no-such-editor --wait`: the command was not found";
    assert!(output.stderr.contains(what), "{}", output.stderr);
    assert!(output.stderr.contains("set VISUAL to an installed editor"), "{}", output.stderr);
    home.unset("VISUAL");
    editor(&mut home, "true");
    let output = home.run(["profile", "edit"]).ok();
    let hint = "set EDITOR to a command that does";
    assert!(output.stderr.contains(hint), "it ended at once: {}", output.stderr);
    assert_eq!(drafts(&home), 0);
}

#[test]
fn profile_edit_that_is_interrupted_leaves_no_draft() {
    let mut home = Home::new();
    home.config(PROFILE);
    editor(&mut home, "echo started; exec sleep 60 >&- 2>&-");
    let mut terminal = at_terminal(&home, &["profile", "edit"]);
    terminal.await_text("started", 1);
    terminal.press("\u{3}");
    let (status, screen) = terminal.wait();
    assert_eq!((status, drafts(&home)), (130, 0), "{screen}");
    let mut running = home.spawn(["profile", "edit"]);
    running.await_stdout(|text| text.contains("started").then_some(()));
    running.signal(Signal::TERM);
    let output = running.wait().code(143);
    assert!(output.stderr.contains("interrupted by SIGTERM"), "{}", output.stderr);
    assert_eq!((config(&home), drafts(&home)), (PROFILE.to_owned(), 0));
}

#[test]
fn profile_edit_tells_of_changes_that_were_kept() {
    let mut home = Home::new();
    home.config(PROFILE);
    editor(&mut home, "echo 'clinet_id = 1' >> \"$2\"");
    let kept = home.run(["profile", "edit"]).fails(3).stderr;
    let path = kept.split("kept in ").nth(1).unwrap().trim().to_owned();
    editor(&mut home, "echo '# a comment' >> \"$2\"");
    let output = home.run(["profile", "edit"]).ok();
    assert!(output.stderr.contains(&format!("still in {path}")), "{}", output.stderr);
    std::fs::remove_file(path).unwrap();
    assert!(!home.run(["profile", "edit"]).ok().stderr.contains("still in"));
}

#[test]
fn profile_edit_never_overwrites_another_change() {
    let mut home = Home::new();
    home.config(PROFILE);
    let path = home.config_path();
    editor(&mut home, &format!("echo '# mine' >> \"$2\"; echo '# theirs' >> '{}'", path.display()));
    let output = home.run(["profile", "edit"]).fails(3);
    assert!(output.stderr.contains("another program has changed it"), "{}", output.stderr);
    assert_eq!((config(&home), drafts(&home)), (format!("{PROFILE}# theirs\n"), 1));
}

#[test]
fn profile_default_is_shown_and_set() {
    let home = Home::new();
    let two =
        format!("# mine\n{PROFILE}\n{}", PROFILE.replace("[profiles.p]", "[profiles.q] # other"));
    home.config(&two);
    assert_eq!(home.run(["profile", "default", "--json"]).ok().json(), json!({ "profile": null }));
    home.run(["token"]).fails(3);
    home.run(["profile", "default", "q"]).ok();
    assert_eq!(home.run(["profile", "default"]).ok().line(), "q");
    assert!(config(&home).starts_with(&two), "{}", config(&home));
    assert!(home.run(["token"]).fails(4).stderr.contains("not logged in to `q`"));
    home.run(["profile", "default", "p"]).ok();
    assert_eq!(config(&home).matches("[defaults]").count(), 1);
    home.run(["profile", "default", "bogus"]).fails(3);
    assert_eq!(home.run(["profile", "default", "--json"]).ok().json(), json!({ "profile": "p" }));
}
