//! The commands in hints are run as printed: afterwards the failed call works, or the command reports what
//! was promised.

use std::process::Command;

use serde_json::json;

use crate::fixture::{PROFILE, TOKEN, grant, plant, planted, with_sandbox};
use crate::support::{DEADLINE, Home, Output, Running};

/// The commands of this program that a message puts between backquotes.
pub fn commands(output: &Output) -> Vec<String> {
    let spans = output.stderr.split('`').skip(1).step_by(2);
    spans.filter(|span| span.contains("oauthctl ")).map(str::to_owned).collect()
}

/// Runs a line in a shell that finds the program, with the home's environment.
pub fn shell(home: &Home, line: &str, stdin: &str) -> Output {
    let program = home.command(["x"]);
    let bin = home.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let link = bin.join("oauthctl");
    if !link.exists() {
        std::os::unix::fs::symlink(program.get_program(), &link).unwrap();
    }
    let mut shell = Command::new("bash");
    shell.args(["-c", line]).env_clear().current_dir(home.path("home"));
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = std::env::var_os("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{}", bin.display(), path.display()));
    let mut running = Running::start(&mut shell, DEADLINE);
    // A line that reads nothing can end first.
    running.feed(stdin);
    running.wait()
}

/// Follows the only command of a hint.
#[track_caller]
fn follow(home: &Home, output: &Output) -> Output {
    let commands = commands(output);
    assert_eq!(commands.len(), 1, "{}", output.stderr);
    shell(home, &commands[0], "").ok()
}

#[test]
fn login_hint_has_store_config_and_account() {
    let (mut home, _sandbox) = with_sandbox(None);
    let moved = home.path("home/else where.toml");
    std::fs::rename(home.config_path(), &moved).unwrap();
    let (config, store) =
        (moved.display().to_string(), format!("file:{}", home.path("x y").display()));
    let given = ["--config", &config, "--store", &store, "--account", "it's me"];
    for call in [
        &["token", "-p", "s"][..],
        &["export", "s"],
        &["refresh", "s"],
        &["attr", "list", "-p", "s"],
        &["exec", "-p", "s"],
    ] {
        let behind: &[&str] = if call[0] == "exec" { &["--", "true"] } else { &[] };
        let call: Vec<&str> = call.iter().chain(&given).chain(behind).copied().collect();
        let failed = home.run(&call).fails(4);
        home.browser(&json!({ "mode": "honest" }));
        follow(&home, &failed);
        let again = home.run(&call);
        assert_eq!(again.status, 0, "{call:?}: {}", again.stderr);
        home.run(["logout", "s", "--local"].iter().chain(&given)).ok();
    }
}

#[test]
fn store_hint_is_a_flag_or_a_key_of_the_profile() {
    let (mut home, _sandbox) = with_sandbox(None);
    home.unset("OAUTHCTL_STORE");
    home.run(["login", "s", "--store", "file:there"]).ok();
    let failed = home.run(["token", "-p", "s", "--store", "file"]).fails(4);
    let spans: Vec<&str> = failed.stderr.split('`').skip(1).step_by(2).collect();
    let flag = spans.iter().find(|span| span.starts_with("--store ")).expect("a flag");
    shell(&home, &format!("oauthctl token -p s {flag}"), "").ok();
    let key = spans.iter().find(|span| span.starts_with("store = ")).expect("a key");
    assert!(failed.stderr.contains("in the profile `s`"), "{}", failed.stderr);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{config}\n{key}\n"));
    home.run(["token", "-p", "s"]).ok();
}

#[test]
fn store_hint_names_the_variable_that_selects_it() {
    let (mut home, _sandbox) = with_sandbox(None);
    home.set("OAUTHCTL_STORE", "file");
    let there = format!("file:{}", home.path("home/there").display());
    home.run(["login", "s", "--store", &there]).ok();
    let failed = home.run(["token", "-p", "s"]).fails(4).stderr;
    let told =
        format!("add `--store {there}` to the command, or set OAUTHCTL_STORE to `{there}`\n");
    assert!(failed.contains(&told), "{failed}");
    let status = home.run(["status"]).ok().stdout;
    assert!(status.contains(&told), "{status}");
    let here = format!("file:{}", home.path("home/here").display());
    let moved = home.run(["store", "migrate", "--to", &here]).ok().stderr;
    assert!(moved.contains(&format!("hint: set it to `{here}`, or unset it\n")), "{moved}");
    home.run(["token", "-p", "s"]).fails(4);
    home.set("OAUTHCTL_STORE", &here).run(["token", "-p", "s"]).ok();
    home.set("OAUTHCTL_STORE", "file");
    let moved = home.run(["store", "migrate", "--to", "file"]).ok().stderr;
    assert!(!moved.contains("OAUTHCTL_STORE"), "{moved}");
}

#[test]
fn migrate_names_the_table_that_sets_the_store() {
    for (own, table) in [("", "[defaults]"), ("store = \"file:here\"\n", "[profiles.p]")] {
        let mut home = Home::new();
        home.unset("OAUTHCTL_STORE");
        home.config(&format!("[defaults]\nstore = \"file:here\"\n{PROFILE}{own}"));
        plant(&home, &grant("default", TOKEN, |_| ()));
        let moved = home.run(["store", "migrate", "--to", "file"]).ok();
        assert!(
            moved.stderr.contains(&format!("Set `store = \"file\"` in {table}")),
            "{}",
            moved.stderr
        );
        home.run(["token"]).fails(4);
        let config = std::fs::read_to_string(home.config_path()).unwrap();
        let (before, behind) = config.split_once(table).unwrap();
        home.config(&format!("{before}{table}{}", behind.replacen("\"file:here\"", "\"file\"", 1)));
        home.run(["token"]).ok();
    }
}

#[test]
fn store_at_the_top_of_the_file_is_moved_where_told() {
    let mut home = planted(TOKEN);
    home.unset("OAUTHCTL_STORE");
    home.config(&format!("store = \"file\"\n{PROFILE}"));
    let failed = home.run(["token"]).fails(3);
    assert!(failed.stderr.contains(":1:1: `store` must be under [defaults]"), "{}", failed.stderr);
    home.config(&format!("[defaults]\nstore = \"file\"\n{PROFILE}"));
    home.run(["token"]).ok();
}

#[test]
fn profile_keeps_the_store_it_was_added_with() {
    let (mut home, sandbox) = with_sandbox(None);
    home.unset("OAUTHCTL_STORE");
    let issuer = sandbox.issuer.clone();
    for (name, store) in [("usual", "file"), ("own", "file:my tokens")] {
        let add =
            ["profile", "add", name, "--issuer", &issuer, "--client-id", "demo", "--store", store];
        let added = home.run(add).ok();
        home.browser(&json!({ "mode": "honest" }));
        follow(&home, &added);
        home.run(["token", "-p", name]).ok();
    }
    assert!(home.path("home/my tokens").is_dir());
    let set = ["--store", "file", "--set", "store=file:other"];
    home.run(["profile", "add", "z", "--issuer", &issuer, "--client-id", "c"].iter().chain(&set))
        .ok();
    let shown = home.run(["profile", "show", "z", "--json"]).ok().json();
    assert!(shown["store"].as_str().unwrap().ends_with("/other"), "{shown}");
}

#[test]
fn missing_client_secret_is_stored_as_told() {
    let (home, sandbox) = with_sandbox(None);
    let more = "grant = \"client_credentials\"\nclient_auth = \"client_secret_basic\"\n\
                client_secret = { keyring = \"m/client_secret\" }";
    home.profile("m", &sandbox.issuer, "confidential", more);
    let failed = home.run(["token", "-p", "m"]).fails(3);
    let commands = commands(&failed);
    assert_eq!(commands.len(), 1, "{}", failed.stderr);
    shell(&home, &commands[0], "the-secret\n").ok();
    let next = home.run(["token", "-p", "m"]);
    assert!(!next.stderr.contains("has no secret"), "{}", next.stderr);
    home.profile("pub", &sandbox.issuer, "demo", "client_secret = { env = \"X\" }");
    home.run_with(["profile", "set-secret", "pub"], "x\n").fails(3);
}

#[test]
fn topic_without_a_page_is_shown_as_told() {
    let home = Home::new();
    for topic in ["environment", "exit-codes", "options", "topics"] {
        for name in [topic.to_owned(), format!("oauthctl-{topic}"), format!("{topic}.1")] {
            let failed = home.run(["man", &name]).fails(2);
            let commands = commands(&failed);
            assert_eq!(commands, [format!("oauthctl help {topic}")], "{}", failed.stderr);
            assert!(!shell(&home, &commands[0], "").ok().stdout.is_empty());
        }
    }
}

#[test]
fn commands_in_hints_of_configuration_run() {
    let home = Home::new();
    // There is no profile: the first command adds one.
    let failed = home.run(["token"]).fails(3);
    shell(&home, &commands(&failed)[0], "").ok();
    let add = ["profile", "add", "gitlab", "--provider", "gitlab", "--client-id", "ID"];
    let failed = home.run(add).fails(3);
    follow(&home, &failed);
    home.run(add).ok();
    let filled = |command: &str| command.replace("URL", "https://as.example").replace("NAME", "n");
    let path = home.path("new.toml").display().to_string();
    for call in [&["token", "-p", "it's"][..], &["login", "a b"], &["token", "--config", &path]] {
        let failed = home.run(call).fails(3);
        let commands = commands(&failed);
        assert!(!commands.is_empty(), "{}", failed.stderr);
        for command in commands {
            shell(&home, &filled(&command), "").ok();
        }
    }
    home.run(["profile", "show", "it's"]).ok();
    home.run(["profile", "show", "n", "--config", &path]).ok();
    let failed = home.run(["logout", "bogus"]).fails(3);
    follow(&home, &failed);
    assert!(!failed.stderr.contains("profile add"), "{}", failed.stderr);
    // What a profile lacks can be given as the hint says.
    let slack = ["profile", "add", "slack", "--provider", "slack", "--client-id", "c"];
    let failed = home.run(slack).fails(3);
    assert!(failed.stderr.contains("with `--client-secret-stdin`"), "{}", failed.stderr);
    let more = ["--client-secret-stdin", "--set", "redirect_uri=https://app.example/cb"];
    home.run_with(slack.iter().chain(&more), "secret\n").ok();
    let failed = home.run(["profile", "add", "x", "--client-id", "c"]).fails(3);
    follow(&home, &failed);
}

#[test]
fn commands_in_other_hints_run() {
    let home = planted(TOKEN);
    for (call, code) in [
        (&["attr", "get", "-p", "p", "nothing"][..], 3),
        (&["providers", "zzz"], 3),
        (&["pending", "show", "zzz"], 3),
        (&["sandbox", "--scenario", "zzz"], 2),
        (&["man", "zzz"], 2),
        (&["token", "--min-ttl", "soon"], 2),
        (&["profile", "remove", "zzz"], 3),
        (&["logout", "p", "--account", "zzz", "--store", "file"], 3),
        (&["zzz"], 2),
    ] {
        let failed = home.run(call).fails(code);
        for command in commands(&failed) {
            shell(&home, &command, "").ok();
        }
        assert!(failed.stderr.contains("hint: "), "{call:?}: {}", failed.stderr);
    }
    let line = home.run(["export", "p"]).ok().stdout;
    let failed = home.run(["import", "FILE"]).fails(2);
    let all = commands(&failed);
    let pipe = all.iter().find(|command| command.contains('|')).expect("a pipe");
    let imported =
        shell(&home, &format!("export OAUTHCTL_IMPORT='{}'; {pipe} --replace", line.trim()), "");
    assert!(imported.ok().stderr.contains("Imported"));
    let unknown = grant("default", TOKEN, |grant| grant["key"]["profile"] = json!("q"));
    let warned = home.run_with(["import"], &unknown).ok();
    for command in commands(&warned) {
        shell(&home, &command.replace("URL", "https://as.example"), "").ok();
    }
    let removed = home.run(["profile", "remove", "q"]).ok();
    follow(&home, &removed);
}
