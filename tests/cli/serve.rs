//! `oauthctl serve` and `oauthctl tenant`, which run another program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::Home;

/// Puts the program into a directory of its own, and runs it there with nothing else on PATH.
fn run_alone(directory: &Path, arguments: &[&str]) -> Output {
    let own = directory.join("oauthctl");
    if !own.exists() {
        fs::create_dir_all(directory).unwrap();
        let program = env!("CARGO_BIN_EXE_oauthctl");
        fs::hard_link(program, &own).or_else(|_| fs::copy(program, &own).map(drop)).unwrap();
    }
    let mut command = Command::new(own);
    command.args(arguments).env_clear().env("PATH", directory).env("HOME", directory);
    command.output().unwrap()
}

#[test]
fn serve_without_the_broker_says_how_to_install_it() {
    let home = Home::new();
    for command in ["serve", "tenant"] {
        let output = run_alone(&home.path("alone"), &[command]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("cargo install oauthctl-broker"), "{stderr}");
    }
}

#[test]
fn serve_passes_its_arguments_on_as_they_are() {
    let home = Home::new();
    let alone = home.path("alone");
    run_alone(&alone, &["version"]);
    let broker = alone.join("oauthctl-broker");
    fs::write(&broker, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 7\n").unwrap();
    fs::set_permissions(&broker, fs::Permissions::from_mode(0o700)).unwrap();
    let line =
        ["--json", "serve", "--listen", "a b", "--store", "sqlite:x", "--signup", "--", "-q"];
    let output = run_alone(&alone, &line);
    let passed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(passed.lines().collect::<Vec<_>>(), line);
    assert_eq!(output.status.code(), Some(7));
}
