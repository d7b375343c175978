//! Commands that people are told to run can be run as they stand.

use crate::fixture::PROFILE;
use crate::support::Home;

#[test]
fn a_name_in_a_command_is_one_word_of_a_shell() {
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
