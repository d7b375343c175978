//! What `--help`, `--version` and no arguments say.

use crate::snapshot::{check, transcript};
use crate::support::{Home, Output};

pub const COMMANDS: &[&str] = &[
    "",
    "login",
    "token",
    "exec",
    "refresh",
    "status",
    "logout",
    "start",
    "complete",
    "pending",
    "pending list",
    "pending show",
    "pending cancel",
    "pending rotate-key",
    "attr",
    "attr get",
    "attr set",
    "attr unset",
    "attr list",
    "profile",
    "profile add",
    "profile list",
    "profile show",
    "profile remove",
    "profile path",
    "providers",
    "store",
    "store keygen",
    "store info",
    "store migrate",
    "export",
    "import",
    "demo",
    "sandbox",
    "completions",
    "man",
];

fn run(line: &str) -> Output {
    let mut home = Home::new();
    home.set("COLUMNS", "80");
    home.run(line.split_whitespace())
}

/// The part of a help before the options that every command has.
fn own_part(help: &str) -> String {
    let (own, global) = help.split_once("Global options:\n").unwrap();
    let after = global.split_once("\n\n").map_or("", |(_, after)| after);
    format!("{}\n{after}", own.trim_end()).trim_end().to_owned() + "\n"
}

#[test]
fn every_command_explains_itself_in_80_columns() {
    for command in COMMANDS {
        let help = run(&format!("{command} --help")).ok();
        assert_eq!(help.stderr, "");
        for line in help.stdout.lines() {
            assert!(line.chars().count() <= 80, "{command}: {line:?}");
            assert_eq!(line, line.trim_end(), "{command}");
        }
        assert_eq!(help.stdout, run(&format!("{command} -h")).ok().stdout, "{command}");
        let name = command.replace(' ', "-");
        match name.as_str() {
            "" => check("help", &help.stdout),
            name => check(&format!("help-{name}"), &own_part(&help.stdout)),
        }
    }
}

#[test]
fn the_list_of_commands_is_whole() {
    let help = run("--help").ok().stdout;
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let listed: Vec<&str> = list
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    let mut known: Vec<&str> = COMMANDS.iter().filter(|c| !c.contains(' ')).copied().collect();
    known.retain(|command| !command.is_empty());
    assert_eq!(listed, known);
}

#[test]
fn the_version_is_one_line() {
    for flag in ["--version", "-V"] {
        let version = run(flag).ok();
        assert_eq!(version.line(), format!("oauthctl {}", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn without_a_command_there_is_help_and_exit_code_2() {
    for line in ["", "profile", "store"] {
        let output = run(line).fails(2);
        assert_eq!(output.stderr, run(&format!("{line} --help")).ok().stdout, "{line}");
    }
}

#[test]
fn usage_errors_say_what_is_wrong_and_what_to_do() {
    let mut all = String::new();
    for line in [
        "frobnicate",
        "logn",
        "--bogus",
        "token --formt json",
        "token --format yaml",
        "token --min-ttl soon",
        "token --cached --login",
        "token --format xoauth2",
        "login --flow device",
        "login --flow carrier-pigeon",
        "login --port 0",
        "login --param novalue",
        "login --browser x --no-browser",
        "login https://issuer.example",
        "profile add x",
        "profile show",
        "exec",
        "exec --env A=B -- true",
        "import FILE",
        "sandbox --scenario rotat",
        "sandbox --scenario nix",
        "status --account x",
        "complete - --require-identity ada",
        "--store /tmp/x store info",
        "store migrate --to drawer",
        "--store drawer store info",
        "completions tcsh",
        "--color purple status",
        "--json",
        "token --bogus --json",
        "login --flow device --json",
    ] {
        let output = run(line).fails(2);
        all.push_str(&transcript(line, &output));
        all.push('\n');
    }
    check("usage-errors", &all);
}
