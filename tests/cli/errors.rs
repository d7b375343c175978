//! Every kind of failure by a real cause: its exit code, its message, its JSON.

use std::fs::File;
use std::process::Stdio;

use oauthctl_core::store::portable::LONGEST_LINE;
use rustix::process::Signal;
use serde_json::Value;

use crate::fixture::{PROFILE, Sandbox, TOKEN, grant, plant, planted, settled, with_sandbox};
use crate::snapshot::check;
use crate::support::{Home, Output, assert_not_shown};

/// The same failure in words and in JSON: the words go to a snapshot, the JSON must say the same.
#[track_caller]
fn failure(name: &str, code: i32, word: &str, run: impl Fn(bool) -> Output, home: &Home) {
    let plain = run(false).fails(code);
    let at = plain.stderr.find("error: ").unwrap_or_else(|| panic!("{}", plain.stderr));
    let said = settled(home, &plain.stderr[at..]);
    check(&format!("error-{name}"), &said);
    let json = run(true).fails(code).error_json();
    let object = json.as_object().unwrap();
    assert_eq!(json["error"], word, "{json}");
    assert_eq!(json["exit_code"], code, "{json}");
    let keys: Vec<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(keys[..4], ["error", "message", "hint", "exit_code"], "{json}");
    for key in &keys[4..] {
        assert!(["oauth_error", "oauth_error_description"].contains(key), "{json}");
    }
    let mut words = format!("error: {}\n", json["message"].as_str().unwrap());
    if let Value::String(hint) = &json["hint"] {
        words.push_str(&format!("hint: {hint}\n"));
    }
    assert_eq!(settled(home, &words), said);
}

/// `args`, with `--json` where it is asked for.
fn args(line: &str, json: bool) -> Vec<&str> {
    line.split_whitespace().chain(json.then_some("--json")).collect()
}

#[test]
fn result_that_cannot_be_written_is_internal() {
    let home = planted(TOKEN);
    let run = |json| {
        let mut command = home.command(args("token", json));
        command.stdin(Stdio::null()).stdout(File::options().write(true).open("/dev/full").unwrap());
        let output = command.stderr(Stdio::piped()).output().unwrap();
        Output {
            status: output.status.code().unwrap(),
            stdout: String::new(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    };
    failure("internal", 1, "internal", run, &home);
}

/// Whatever is said before, a program that reads the last line of stderr has the whole error.
#[test]
fn every_command_ends_stderr_with_one_line_of_json() {
    let home = Home::new();
    home.config("[profiles.p]\nclient_id = 1\n");
    let broken = [
        "login p",
        "login",
        "token",
        "token -p p --login",
        "exec -p p -- true",
        "refresh p",
        "logout p",
        "start p",
        "complete https://app.example/cb?code=c&state=s",
        "complete --code c --state s",
        "pending show x",
        "pending cancel x",
        "attr list -p p",
        "attr get -p p k",
        "attr set -p p k v",
        "attr unset -p p k",
        "profile add q --issuer https://q.example --client-id c",
        "profile list",
        "profile show p",
        "profile remove nosuch",
        "store info --store nosuch",
        "store migrate --to nosuch",
        "export",
        "import -",
    ];
    let wrong = [
        "providers nosuch",
        "providers nosuch -v --trace",
        "demo --browser /nowhere/browser%s",
        "sandbox --port x",
        "sandbox --scenario nosuch",
        "completions nosuch",
        "man nosuch",
        "login --timeout x",
        "login http://",
        "nosuch",
        "token --nosuch",
        "token --trace-har /nowhere/x.har",
        "profile",
        "",
    ];
    for line in broken.iter().chain(&wrong) {
        for arguments in [format!("{line} --json"), format!("--json {line}")] {
            if line.contains(" -- ") && !arguments.starts_with("--json") {
                continue;
            }
            let output = home.run(arguments.split_whitespace());
            assert_ne!(output.status, 0, "{arguments}: {output:?}");
            let json = output.error_json();
            assert_eq!(json["exit_code"], output.status, "{arguments}: {json}");
            assert!(json["error"].is_string() && json["message"].is_string(), "{json}");
            let objects = output.stderr.lines().filter(|line| line.starts_with('{')).count();
            assert_eq!(objects, 1, "{arguments}: {}", output.stderr);
            assert!(output.stderr.ends_with("}\n"), "{arguments}: {:?}", output.stderr);
        }
    }
}

#[test]
fn wrong_flag_is_usage() {
    let home = Home::new();
    let json = home.run(["token", "--formt", "json", "--json"]).fails(2).error_json();
    assert_eq!(json["error"], "usage");
    assert_eq!(json["hint"], "a similar argument exists: '--format'");
}

#[test]
fn unknown_profile_and_a_missing_one_are_config() {
    let home = Home::new();
    failure("config-none", 3, "config", |json| home.run(args("token", json)), &home);
    home.config(&format!(
        "{PROFILE}\n[profiles.gitlab]\nprovider = \"gitlab\"\nclient_id = \"c\"\n"
    ));
    failure("config-unknown", 3, "config", |json| home.run(args("token -p gitlap", json)), &home);
    failure("config-several", 3, "config", |json| home.run(args("token", json)), &home);
    failure("config-provider", 3, "config", |json| home.run(args("providers gitlap", json)), &home);
}

#[test]
fn account_not_logged_in_is_login_required() {
    let home = Home::new();
    home.config(PROFILE);
    for (name, line) in [
        ("login-required", "token"),
        ("login-required-cached", "token --cached"),
        ("login-required-no-input", "login p --no-input"),
        ("login-required-export", "export"),
    ] {
        failure(name, 4, "login_required", |json| home.run(args(line, json)), &home);
    }
}

#[test]
fn denial_is_access_denied() {
    let (home, _sandbox) = with_sandbox(Some("deny"));
    failure("access-denied", 5, "access_denied", |json| home.run(args("login s", json)), &home);
    let json = home.run(["login", "s", "--json"]).fails(5).error_json();
    assert_eq!(json["oauth_error"], "access_denied");
}

#[test]
fn unanswered_login_is_a_timeout() {
    let (home, _sandbox) = with_sandbox(None);
    let line = "login s --no-browser --timeout 1s";
    failure("timeout", 6, "timeout", |json| home.run(args(line, json)), &home);
}

#[test]
fn response_of_another_server_is_validation() {
    let (home, _sandbox) = with_sandbox(Some("wrong-iss"));
    failure("validation", 7, "validation", |json| home.run(args("login s", json)), &home);
}

#[test]
fn client_that_the_server_refuses_is_server_refused() {
    let (home, _sandbox) = with_sandbox(Some("refresh-invalid-client"));
    home.run(["login", "s"]).ok();
    let run = |json| home.run(args("refresh s", json));
    failure("server-refused", 8, "server_refused", run, &home);
    let json = run(true).error_json();
    assert_eq!(json["oauth_error"], "invalid_client");
    assert!(json["oauth_error_description"].is_string(), "{json}");
}

#[test]
fn dead_refresh_token_is_login_required() {
    let (home, _sandbox) = with_sandbox(Some("refresh-invalid-grant"));
    home.run(["login", "s"]).ok();
    let run = |json| home.run(args("token --force-refresh", json));
    let refused = run(true).fails(4).error_json();
    assert_eq!(refused["oauth_error"], "invalid_grant", "{refused}");
    failure("login-required-dead", 4, "login_required", run, &home);
}

#[test]
fn no_server_is_unavailable() {
    let (home, sandbox) = with_sandbox(None);
    drop(sandbox);
    failure("unavailable", 9, "unavailable", |json| home.run(args("login s", json)), &home);
}

#[test]
fn broken_server_is_unavailable() {
    let (home, _sandbox) = with_sandbox(Some("token-500"));
    failure("unavailable-500", 9, "unavailable", |json| home.run(args("login s", json)), &home);
}

#[test]
fn store_with_another_key_is_store() {
    let mut home = planted(TOKEN);
    let key = home.run(["store", "keygen"]).ok();
    home.set("OAUTHCTL_STORE_KEY", key.line());
    failure("store-key", 10, "store", |json| home.run(args("token", json)), &home);
    home.set("OAUTHCTL_STORE_KEY", "rubbish");
    failure("store-no-key", 10, "store", |json| home.run(args("token", json)), &home);
}

#[test]
fn signal_during_a_login_is_interrupted() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (home, _sandbox) = with_sandbox(None);
        let run = |json| {
            let mut running = home.spawn(args("login s --no-browser", json));
            running.await_stderr(|text| text.contains("/authorize?").then_some(()));
            running.signal(signal);
            running.wait()
        };
        failure(&format!("interrupted-{code}"), code, "interrupted", run, &home);
        assert_eq!(home.run(["status", "--json"]).ok().json(), serde_json::json!([]));
    }
}

#[test]
fn server_text_cannot_control_the_terminal() {
    // A callback with control characters in it is noise, so that login ends with its time.
    for (scenario, loudness) in [
        ("hostile-error-text", ["", "--json", "--trace", "--verbose"].as_slice()),
        ("hostile-callback-text", &["--trace"]),
    ] {
        let mut home = Home::new();
        let sandbox = Sandbox::start(&home);
        sandbox.profile(&home, "s", Some(scenario));
        home.browser(&serde_json::json!({ "mode": "honest" }));
        for how in loudness {
            let line = &format!("login s --timeout 3s {how}");
            let output = home.run(args(line, false));
            assert_ne!(output.status, 0);
            let output = output.clone().fails(output.status);
            let bad = |c: char| c != '\n' && !oauthctl_core::text::is_harmless(c);
            assert!(!output.stderr.contains(bad), "{line}: {:?}", output.stderr);
            let errors = output.stderr.lines().filter(|line| line.starts_with("error:")).count();
            assert_eq!(errors, usize::from(!line.ends_with("--json")), "{}", output.stderr);
        }
    }
}

/// Whatever is put in the wrong place: what is known as a secret by its looks is not repeated.
#[test]
fn usage_error_repeats_no_key_and_no_exported_line() {
    const KEY: &str = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQ";
    let line = grant("default", TOKEN, |_| ());
    let folded = format!("{}\n{}", &line[..90], &line[90..]);
    let mut home = planted(TOKEN);
    let secrets = |text: &str| {
        let lower = text.to_lowercase();
        assert_not_shown(&lower, ["canaryqqqqqq", &line[40..60].to_lowercase()]);
        assert_not_shown(text, [&line[40..60], &line[100..120]]);
    };
    for args in [
        &["import", &line][..],
        &["import", &folded],
        &["import", "--replace", &line],
        &[&line],
        &["import", "-", &line],
        &["exec", KEY],
        &["--store", KEY, "token"],
        &[&format!("--store={KEY}"), "token"],
        &["--no-such-flag", KEY],
        &[&format!("--color={KEY}"), "token"],
        &[KEY],
        &["store", "info", KEY],
        &["man", KEY],
    ] {
        let output = home.run(args).fails(2);
        secrets(&output.stderr);
        let output = home.run(["--json"].iter().chain(args)).fails(2);
        secrets(&output.stderr);
        assert_eq!(output.error_json()["error"], "usage");
    }
    for args in [
        &["token", "-p", KEY][..],
        &["token", &line],
        &["token", KEY],
        &["token", &KEY.to_lowercase()],
        &["export", KEY],
        &["providers", KEY, "--json"],
        &["login", KEY, "-v"],
    ] {
        secrets(&home.run(args).fails(3).stderr);
    }
    home.set("OAUTHCTL_STORE", KEY);
    secrets(&home.run(["token"]).fails(2).stderr);
}

#[test]
fn line_as_an_argument_is_refused_with_what_to_do() {
    let home = planted(TOKEN);
    let line = grant("default", "other-token", |_| ());
    let output = home.run(["import", "--replace", &line]).fails(2);
    assert!(output.stderr.contains("| oauthctl import -"), "{}", output.stderr);
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
}

#[test]
fn large_account_is_exported_and_imported() {
    let token = "x".repeat(1_100_000);
    let home = planted(&token);
    let line = home.run(["export", "-p", "p"]).ok().stdout;
    assert!(line.len() > 1_400_000, "{}", line.len());
    let other = Home::new();
    other.config(PROFILE);
    plant(&other, &line);
    assert_eq!(other.run(["token"]).ok().line(), token);
    let longer = format!("oauthctl-1-plain.{}", "A".repeat(LONGEST_LINE + 1));
    let refused = other.run_with(["import", "--replace"], &longer).fails(2).stderr;
    assert!(refused.contains("longer than any exported account"), "{refused}");
}

#[test]
fn bad_store_key_is_named_by_its_variable() {
    let mut home = planted(TOKEN);
    let key = home.run(["store", "keygen"]).ok();
    let recipient = key.stderr.split_whitespace().find(|word| word.starts_with("age1")).unwrap();
    let line = home.run(["export", "p", "--recipient", recipient]).ok().line().to_owned();
    home.set("OAUTHCTL_STORE_KEY", "no key");
    let failed = home.run(["token", "p"]).fails(10);
    let named = "error: OAUTHCTL_STORE_KEY contains no age identity";
    assert!(failed.stderr.starts_with(named), "{}", failed.stderr);
    let other = home.run(["store", "keygen"]).ok().line().to_owned();
    // The checksum of the last characters is wrong: to read and to write a record.
    let mistyped = other.replace(&other[70..], "QQQQ");
    home.set("OAUTHCTL_STORE_KEY", &mistyped);
    for args in [&["token", "p"][..], &["login", "p"]] {
        let failed = home.run(args).fails(10);
        assert!(failed.stderr.contains(named), "{}", failed.stderr);
    }
    for wrong in ["no key", &other] {
        home.set("OAUTHCTL_STORE_KEY", wrong);
        let failed = home.run_with(["import", "--replace"], &line).fails(10);
        let hint = "hint: OAUTHCTL_STORE_KEY must provide the age identity for which the line was";
        assert!(failed.stderr.contains(hint), "{}", failed.stderr);
    }
    let file = home.path("other.key");
    home.write(&file, &other);
    home.unset("OAUTHCTL_STORE_KEY").set("OAUTHCTL_STORE_KEY_FILE", &file);
    let failed = home.run_with(["import", "--replace"], &line).fails(10);
    assert!(failed.stderr.contains("OAUTHCTL_STORE_KEY_FILE must provide"), "{}", failed.stderr);
    home.write(&file, "no key");
    let failed = home.run(["token", "p"]).fails(10);
    assert!(failed.stderr.starts_with("error: OAUTHCTL_STORE_KEY_FILE: `"), "{}", failed.stderr);
}

#[test]
fn missing_metadata_is_told_line_by_line() {
    let (home, sandbox) = with_sandbox(None);
    let issuer = format!("{}/nowhere", sandbox.issuer);
    home.profile("n", &issuer, "demo", "");
    let failed = home.run(["login", "n"]).fails(3);
    let lines: Vec<&str> =
        failed.stderr.lines().filter(|line| line.starts_with("  http")).collect();
    assert!(lines.len() > 1 && !failed.stderr.contains("   "), "{}", failed.stderr);
    assert!(lines.iter().all(|line| line.matches("http").count() == 1), "{}", failed.stderr);
}

#[test]
fn failed_import_changes_nothing() {
    let home = planted(TOKEN);
    for line in ["", "rubbish", "oauthctl-1-plain.e30", "oauthctl-1-age.AAAA"] {
        let output = home.run_with(["import"], line);
        assert!([2, 10].contains(&output.status), "{output:?}");
    }
    home.run_with(["import"], &grant("default", "other-token", |_| ())).fails(3);
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    plant(&home, &grant("default", "other-token", |_| ()));
    assert_eq!(home.run(["token"]).ok().line(), "other-token");
}

#[test]
fn option_before_its_command_is_said_to_be_misplaced() {
    let home = Home::new();
    for (call, option, command) in [
        (&["--cached", "token"][..], "--cached", "token"),
        (&["--min-ttl", "5m", "token", "p"], "--min-ttl", "token"),
        (&["pending", "--alg", "HS256", "rotate-key"], "--alg", "pending rotate-key"),
    ] {
        let output = home.run(call).fails(2);
        let hint =
            format!("hint: `{option}` is an option of `{command}`: put it after the command");
        assert!(output.stderr.contains(&hint), "{call:?}: {}", output.stderr);
        assert!(!output.stderr.contains("Usage:"), "{call:?}: {}", output.stderr);
    }
}
