//! The output of `--help`, `--version` and no arguments.

use std::time::Duration;

use crate::fixture::alone;
use crate::snapshot::{check, transcript};
use crate::support::{Home, Output, Running};

pub const COMMANDS: &[&str] = &[
    "",
    "login",
    "token",
    "exec",
    "api",
    "proxy",
    "agent",
    "refresh",
    "status",
    "doctor",
    "logout",
    "userinfo",
    "introspect",
    "inspect",
    "discover",
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
    "credential",
    "credential git",
    "credential docker",
    "credential kubernetes",
    "credential cargo",
    "credential aws",
    "credential netrc",
    "credential npm",
    "credential setup",
    "profile",
    "profile add",
    "profile list",
    "profile show",
    "profile edit",
    "profile default",
    "profile remove",
    "profile set-secret",
    "profile path",
    "providers",
    "store",
    "store keygen",
    "store info",
    "store migrate",
    "export",
    "import",
    "demo",
    "uninstall",
    "sandbox",
    "serve",
    "tenant",
    "completions",
    "man",
    "help",
    "version",
];

/// Runs the program alone: an `oauthctl-broker` beside it would print the help of its commands.
pub fn run(line: &str) -> Output {
    let mut home = Home::new();
    home.set("COLUMNS", "80");
    let mut command = home.tool(alone());
    command.args(line.split_whitespace()).env("PATH", "/usr/bin:/bin");
    Running::start(&mut command, Duration::from_secs(60)).wait()
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
        assert_eq!(help.stdout, run(&format!("help {command}")).ok().stdout, "{command}");
        let name = command.replace(' ', "-");
        match name.as_str() {
            "" => check("help", &help.stdout),
            name => check(&format!("help-{name}"), &help.stdout),
        }
    }
}

#[test]
fn options_of_every_command_stand_in_one_place() {
    let options = run("help options").ok().stdout;
    check("help-options", &options);
    let (_, own) = options.split_once("Global options:\n").unwrap();
    assert!(run("--help").ok().stdout.contains(own.trim_end()));
    let names: Vec<&str> = own.split_whitespace().filter(|word| word.starts_with("--")).collect();
    assert_eq!(names.len(), 9, "{names:?}");
    for command in &COMMANDS[1..] {
        let help = run(&format!("{command} --help")).ok().stdout;
        let last = "See `oauthctl help options` for the global options.";
        assert_eq!(help.lines().last(), Some(last), "{command}");
        // Only examples use them.
        let described = help.split("\nExample").next().unwrap();
        let is_used = |name: &&&str| described.contains(&format!("{name} "));
        assert_eq!(names.iter().find(is_used), None, "{command}: {help}");
    }
    run("help frobnicate").fails(2);
    run("help profile frobnicate").fails(2);
}

#[test]
fn misspelled_commands_and_topics_are_suggested() {
    for (line, hint) in [
        ("help enviroment", "did you mean `environment`?"),
        ("man enviroment", "did you mean `environment`?"),
        ("help logn", "did you mean `login`?"),
        ("man exitcodes", "did you mean `exit-codes`?"),
        ("help profile ad", "did you mean `add`?"),
        ("help frobnicate", "run `oauthctl --help` for the list of commands and help topics"),
        ("man frobnicate", "run `oauthctl --help` for the list of commands and help topics"),
        ("help profile frobnicate", "run `oauthctl profile --help` for the list of commands"),
    ] {
        let failed = run(line).fails(2);
        assert!(failed.stderr.ends_with(&format!("hint: {hint}\n")), "{line}: {}", failed.stderr);
    }
}

#[test]
fn unknown_command_suggests_a_similar_one_or_a_topic() {
    for (line, hint) in [
        ("environment", "run `oauthctl help environment`"),
        ("enviroment", "run `oauthctl help environment`"),
        ("stors", "a similar command exists: 'store'"),
        ("exit-code", "run `oauthctl help exit-codes`"),
        ("logn", "a similar command exists: 'login'"),
        ("profile ad", "a similar command exists: 'add'"),
        ("profile environment", "run `oauthctl profile --help`"),
        ("frobnicate", "run `oauthctl --help`"),
    ] {
        let failed = run(line).fails(2);
        let hint = format!("\nhint: {hint}\n");
        assert!(failed.stderr.contains(&hint), "{line}: {}", failed.stderr);
    }
}

#[test]
fn list_of_commands_is_whole() {
    let help = run("--help").ok().stdout;
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let listed: Vec<&str> = list
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    let mut known: Vec<&str> = COMMANDS.iter().filter(|c| !c.contains(' ')).copied().collect();
    known.retain(|command| !command.is_empty());
    assert_eq!(listed, known);
}

#[test]
fn profile_is_an_argument_or_an_option_everywhere() {
    let mut home = Home::new();
    home.config(crate::fixture::PROFILE);
    let other = crate::fixture::PROFILE.replace("[profiles.p]", "[profiles.q]");
    home.config(&format!("{}{other}", crate::fixture::PROFILE));
    crate::fixture::plant(&home, &crate::fixture::grant("default", crate::fixture::TOKEN, |_| ()));
    home.set("OAUTHCTL_PROFILE", "q");
    for command in [
        "token",
        "export",
        "attr list",
        "attr set a b",
        "attr get a",
        "attr unset a",
        "status",
        "pending list",
        "start",
        "profile show",
        "store migrate --to file",
        "refresh",
        "login",
        "logout --local",
        "userinfo",
        "introspect",
        "profile remove",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        // An argument comes before the arguments of the command's own.
        let (verbs, own) = words.split_at(if words[0] == "attr" { 2 } else { words.len() });
        let as_argument = [verbs, &["p"], own].concat();
        let twice = [as_argument.as_slice(), &["-p", "p"]].concat();
        let differing = [as_argument.as_slice(), &["-p", "q"]].concat();
        let refused = home.run(&differing).fails(2);
        assert!(
            refused.stderr.contains("two different profiles are specified"),
            "{}",
            refused.stderr
        );
        if ["start", "refresh", "login", "profile", "userinfo", "introspect"].contains(&words[0]) {
            continue;
        }
        let as_option = [words.as_slice(), &["-p", "p"]].concat();
        for args in [&as_option, &as_argument, &twice] {
            if words == ["attr", "unset", "a"] {
                home.run(["attr", "set", "p", "a", "b"]).ok();
            }
            home.run(args).ok();
        }
    }
    // What cannot reach its server says of which profile.
    for command in ["start", "refresh", "login"] {
        for args in [vec![command, "bogus"], vec![command, "-p", "bogus"]] {
            let output = home.run(args).fails(3);
            assert!(output.stderr.contains("no profile `bogus`"), "{}", output.stderr);
        }
    }
    let p = crate::fixture::PROFILE;
    home.config(p);
    home.run(["profile", "show", "-p", "p"]).ok();
    home.run(["profile", "remove", "-p", "p"]).ok();
}

#[test]
fn version_is_one_line() {
    for flag in ["--version", "-V", "version"] {
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
        "login --flow carrier-pigeon",
        "login --port 0",
        "login --param novalue",
        "login --browser x --no-browser",
        "login ftp://issuer.example",
        "login http://issuer.example",
        "login p --client-id c",
        "login p --challenge Bearer",
        "token p --challenge Bearer",
        "token -p https://r.example --challenge Basic",
        "profile add x",
        "profile remove",
        "profile set-secret",
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
        "login --flow carrier-pigeon --json",
    ] {
        let output = run(line).fails(2);
        all.push_str(&transcript(line, &output));
        all.push('\n');
    }
    check("usage-errors", &all);
}

#[test]
fn help_topics_are_plain_text() {
    for (topic, words) in [
        ("environment", "OAUTHCTL_STATE_DIR"),
        ("exit-codes", "login_required: "),
        ("configuration", "client_secret"),
        ("logging-in", "--add-scope"),
        ("headless", "--qr"),
        ("login-by-url", "--challenge"),
        ("machines", "service_account"),
        ("client-authentication", "github_actions"),
        ("fapi", "dpop = true"),
        ("credential-helpers", "oauthctl credential setup git"),
        ("api-requests", "api_url"),
        ("token-proxy", "--allow"),
        ("token-agent", "--allow-uid"),
        ("ci", "resource_group: "),
        ("stores", "[store.command]"),
    ] {
        let text = run(&format!("help {topic}")).ok().stdout;
        let wide = text.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{topic}");
        assert!(text.contains(words), "{topic}: {text}");
        assert!(!["](", "<!--", "| ---"].iter().any(|mark| text.contains(mark)), "{topic}: {text}");
        for list in ["help --help", "help help", "help topics", "--help"] {
            assert!(run(list).ok().stdout.contains(&format!("  {topic} ")), "{list}: {topic}");
        }
    }
    let environment = run("help environment").ok().stdout;
    for kept in ["*.example.com only", "* every host"] {
        let text = environment.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(kept), "{environment}");
    }
    assert!(!environment.contains("is generated"), "{environment}");
    // The further lines of a row begin in its second column.
    let is_text = |line: &&str| !line.starts_with("  ") || line.starts_with(&" ".repeat(26));
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let odd: Vec<&str> = environment.lines().filter(|l| !is_text(l) && !is_name(l)).collect();
    assert_eq!(odd, [""; 0]);
}
