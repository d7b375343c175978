//! Commands in messages can be run as printed.

use crate::fixture::{PROFILE, TOKEN, grant, plant};
use crate::support::Home;

#[test]
fn name_in_a_command_is_one_word_of_a_shell() {
    let home = Home::new();
    home.config(PROFILE);
    for (account, word) in [
        ("a; touch /tmp/x", "'a; touch /tmp/x'"),
        ("$(id)", "'$(id)'"),
        ("it's", r"'it'\''s'"),
        ("ada@example.org", "ada@example.org"),
    ] {
        let output = home.run(["token", "-p", "p", "--account", account]).fails(4);
        let hint = format!("hint: run `oauthctl login p --account {word}`\n");
        assert!(output.stderr.contains(&hint), "{}", output.stderr);
    }
}

#[test]
fn logout_that_could_mean_several_accounts_says_so() {
    let home = Home::new();
    home.config(PROFILE);
    plant(&home, &grant("one", TOKEN, |_| ()));
    let output = home.run(["logout", "p"]).fails(3);
    assert!(output.stderr.contains("not logged in to"), "{}", output.stderr);
    plant(&home, &grant("two", TOKEN, |_| ()));
    let output = home.run(["logout", "p"]).fails(3);
    assert!(output.stderr.contains("profile `p` has several accounts"), "{}", output.stderr);
    let told = "select one with `--account` or OAUTHCTL_ACCOUNT, or use `--all`: one, two";
    assert!(output.stderr.contains(told), "{}", output.stderr);
    let output = home.run(["token", "p"]).fails(3);
    let told = "select one with `--account` or OAUTHCTL_ACCOUNT: one, two";
    assert!(output.stderr.contains(told), "{}", output.stderr);
    let output = home.run(["logout", "p", "--account", "three"]).fails(3);
    assert!(output.stderr.contains("not logged in to"), "{}", output.stderr);
    assert!(
        output.stderr.contains("hint: the accounts of this profile are one, two\n"),
        "{}",
        output.stderr
    );
}

#[test]
fn missing_named_configuration_is_reported() {
    let home = Home::new();
    let path = home.path("nowhere.toml").display().to_string();
    for args in [&["token"][..], &["login", "p"], &["profile", "show", "p"]] {
        let output = home.run(["--config", &path].iter().chain(args)).fails(3);
        let what = format!("error: the configuration file {path} does not exist");
        assert!(output.stderr.contains(&what), "{args:?}: {}", output.stderr);
    }
    let add = ["profile", "add", "p", "--client-id", "c", "--issuer", "https://as.example"];
    home.run(["--config", &path].iter().chain(&add)).ok();
    home.run(["--config", &path, "profile", "show", "p"]).ok();
}
