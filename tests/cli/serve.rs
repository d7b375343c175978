//! `oauthctl serve` and `oauthctl tenant`, which run another program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::fixture::alone;
use crate::support::Home;

/// Puts the program into a directory of its own, and runs it there with nothing else on PATH.
fn run_alone(directory: &Path, arguments: &[&str]) -> Output {
    let own = directory.join("oauthctl");
    if !own.exists() {
        fs::create_dir_all(directory).unwrap();
        fs::hard_link(alone(), &own).or_else(|_| fs::copy(alone(), &own).map(drop)).unwrap();
    }
    let mut command = Command::new(own);
    command.args(arguments).env_clear().env("PATH", directory).env("HOME", directory);
    command.output().unwrap()
}

/// How the broker is installed, which `docs/install.md` says too.
const INSTALLED: &str = "run `cargo install --locked --path crates/broker` in the source directory";

#[test]
fn serve_without_the_broker_says_how_to_install_it() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/install.md");
    let command = INSTALLED.split('`').nth(1).unwrap();
    assert!(fs::read_to_string(page).unwrap().lines().any(|line| line == command));
    let home = Home::new();
    for command in ["serve", "tenant"] {
        let output = run_alone(&home.path("alone"), &[command]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains(INSTALLED), "{stderr}");
    }
}

/// A directory with the program and a broker that prints its arguments.
fn with_broker(home: &Home) -> PathBuf {
    let directory = home.path("alone");
    fs::create_dir_all(&directory).unwrap();
    let broker = directory.join("oauthctl-broker");
    fs::write(&broker, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 7\n").unwrap();
    fs::set_permissions(&broker, fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

#[test]
fn serve_help_is_that_of_the_broker() {
    let home = Home::new();
    let alone = with_broker(&home);
    for (line, passed) in [
        ("serve --help", "serve --help"),
        ("serve -h", "serve --help"),
        ("--json serve --help", "serve --help"),
        ("help serve", "serve --help"),
        ("tenant --help", "tenant --help"),
        ("help tenant create", "tenant create --help"),
        ("tenant create --help", "tenant create --help"),
        ("serve --listen x --help", "serve --listen x --help"),
    ] {
        let output = run_alone(&alone, &line.split(' ').collect::<Vec<_>>());
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(shown.lines().collect::<Vec<_>>().join(" "), passed, "{line}");
        assert_eq!(output.status.code(), Some(7), "{line}");
    }
}

#[test]
fn serve_help_alone_says_how_to_install_the_broker() {
    let home = Home::new();
    for line in ["serve --help", "help serve", "tenant -h", "help tenant"] {
        let output = run_alone(&home.path("alone"), &line.split(' ').collect::<Vec<_>>());
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}");
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(INSTALLED), "{shown}");
    }
}

#[test]
fn serve_passes_its_arguments_on_as_they_are() {
    let home = Home::new();
    let alone = with_broker(&home);
    let line =
        ["--json", "serve", "--listen", "a b", "--store", "sqlite:x", "--signup", "--", "-q"];
    let output = run_alone(&alone, &line);
    let passed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(passed.lines().collect::<Vec<_>>(), line);
    assert_eq!(output.status.code(), Some(7));
}
