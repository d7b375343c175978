//! `open` and `notify` of `[defaults]`: what the user is asked and told.

use serde_json::json;

use crate::fixture::{PROFILE, with_sandbox};
use crate::support::{AtTerminal, Home, await_some};

#[test]
fn browser_waits_for_enter_where_that_is_set() {
    let (mut home, _sandbox) = with_sandbox(None);
    let browser = home.browser(&json!({ "mode": "honest" }));
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("[defaults]\nopen = \"ask\"\n{config}"));
    let mut terminal = AtTerminal::start(&home.command(["login", "s"]));
    terminal.await_text("Press Enter to open this URL in the browser:", 1);
    terminal.await_text("paste the URL from the browser", 1);
    // What is no callback opens nothing either.
    terminal.press("x\r");
    terminal.await_text("not the callback", 1);
    assert_eq!(browser.openings().len(), 0);
    terminal.press("\r\r\r");
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    assert_eq!(browser.openings().len(), 1, "{screen}");
    // Nobody is asked where nobody can answer.
    home.run(["login", "s"]).ok();
    assert_eq!(browser.openings().len(), 2);
}

/// A home whose notifications are lines of a file.
fn notified() -> Home {
    let home = Home::new();
    home.config(&format!(
        "[defaults]\nnotify = [\"sh\", \"-c\", 'echo \"$OAUTHCTL_STORE_KEY$1\" >> told', \"sh\"]\n{PROFILE}"
    ));
    home
}

fn told(home: &Home) -> Vec<String> {
    let text = std::fs::read_to_string(home.path("home/told")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn await_lines(home: &Home, count: usize) -> Vec<String> {
    await_some("the notifications", || Some(told(home)).filter(|told| told.len() == count))
}

#[test]
fn notification_comes_once_per_account() {
    let mut home = notified();
    home.set("OAUTHCTL_STORE_KEY", "CANARY-key");
    home.run(["token", "-p", "p", "--store", "file"]).fails(4);
    assert_eq!(await_lines(&home, 1), ["A login is required. Run: oauthctl login p"]);
    home.run(["token", "-p", "p"]).fails(4);
    home.run(["token", "-p", "p", "--account", "a; b"]).fails(4);
    let last = await_lines(&home, 2).pop().unwrap();
    assert_eq!(last, "A login is required. Run: oauthctl login p --account 'a; b'");
    // Another error is none of its business.
    home.run(["token", "-p", "other"]).fails(3);
    let kinds = home.run(["uninstall", "--dry-run"]).ok();
    assert!(!kinds.stderr.contains("Keeping"), "{kinds:?}");
}

#[test]
fn no_notification_where_a_terminal_shows_the_error() {
    let home = notified();
    let terminal = AtTerminal::start(&home.command(["token", "-p", "p"]));
    assert_eq!(terminal.wait().0, 4);
    // The account would be noted before the command runs.
    assert!(!home.state_dir().join("notified").exists());
    home.config(&format!("[defaults]\nnotify = false\n{PROFILE}"));
    home.run(["token", "-p", "p"]).fails(4);
    assert!(!home.state_dir().join("notified").exists());
}
