//! `oauthctl exec`: a command with a token in its environment, and nothing else of this program.

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::fixture::{TOKEN, grant, planted};

#[test]
fn exec_sets_the_named_variable() {
    let home = planted(TOKEN);
    let print = home.run(["exec", "--", "printenv", "OAUTH_ACCESS_TOKEN"]).ok();
    assert_eq!(print.line(), TOKEN);
    let print = home.run(["exec", "-p", "p", "--env", "MY_TOKEN", "--", "env"]).ok();
    assert!(print.stdout.lines().any(|line| line == format!("MY_TOKEN={TOKEN}")));
    assert!(!print.stdout.contains("OAUTH_ACCESS_TOKEN="));
    assert_eq!(print.stderr, "");
}

#[test]
fn command_gets_no_key_of_the_store() {
    let mut home = planted(TOKEN);
    let hidden =
        ["OAUTHCTL_STORE_KEY", "OAUTHCTL_IMPORT", "OAUTHCTL_STATE_KEY", "OAUTHCTL_MASTER_KEY"];
    let key = std::fs::read_to_string(home.path("config/oauthctl/store.key")).unwrap();
    let key = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap().to_owned();
    for name in hidden {
        if name == "OAUTHCTL_IMPORT" {
            home.set(name, grant("default", "other-token", |_| ()));
            continue;
        }
        home.set(name, if name == "OAUTHCTL_STORE_KEY" { &key } else { "CANARY-hidden" });
    }
    home.set("PASSED_ON", "yes");
    let print = home.run(["exec", "--", "env"]).ok();
    assert!(print.stdout.contains("PASSED_ON=yes"));
    for name in hidden {
        assert!(!print.stdout.contains(&format!("{name}=")), "{name} is passed on");
    }
}

#[test]
fn exit_code_of_the_command_is_passed_on() {
    let home = planted(TOKEN);
    for code in [0, 1, 42, 255] {
        assert_eq!(home.run(["exec", "--", "sh", "-c", &format!("exit {code}")]).status, code);
    }
}

#[test]
fn command_that_cannot_run_is_126_or_127() {
    let home = planted(TOKEN);
    let output = home.run(["exec", "--", "no-such-command-anywhere"]).fails(127);
    assert!(output.stderr.contains("cannot start `no-such-command-anywhere`"));
    assert_eq!(
        home.run(["exec", "--json", "--", "no-such"]).fails(127).error_json()["exit_code"],
        127
    );
    let file = home.path("home/plain");
    home.write(&file, "no program");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    home.run(["exec", "--", file.to_str().unwrap()]).fails(126);
}

#[test]
fn signals_reach_the_command() {
    let home = planted(TOKEN);
    let script =
        "trap 'echo caught; exit 7' TERM; echo ready; while :; do read x || sleep 0.01; done";
    let mut running = home.spawn(["exec", "--", "bash", "-c", script]);
    running.await_stdout(|text| text.contains("ready").then_some(()));
    running.signal(Signal::TERM);
    let output = running.wait().code(7);
    assert_eq!(output.stdout, "ready\ncaught\n");
    let mut running = home.spawn(["exec", "--", "sh", "-c", "echo ready; read x"]);
    running.await_stdout(|text| text.contains("ready").then_some(()));
    running.signal(Signal::INT);
    running.wait().code(130);
}

#[test]
fn stdin_is_the_commands() {
    let home = planted(TOKEN);
    let output = home.run_with(["exec", "--", "cat"], "through\n").ok();
    assert_eq!(output.stdout, "through\n");
}

#[test]
fn command_without_a_token_is_not_run() {
    let home = planted(TOKEN);
    home.run(["logout", "--local"]).ok();
    let marker = home.path("home/ran");
    home.run(["exec", "--", "touch", marker.to_str().unwrap()]).fails(4);
    assert!(!marker.exists());
}

#[test]
fn token_is_in_no_argument_list() {
    let home = planted(TOKEN);
    let output = home.run(["exec", "--", "cat", "/proc/self/cmdline"]).ok();
    assert_eq!(output.stdout, "cat\0/proc/self/cmdline\0");
    home.run(["exec", "--env", "A=B", "--", "true"]).fails(2);
    home.run(["exec", "--env", "", "--", "true"]).fails(2);
}
