//! What the commands print, and what happens if nobody reads it.

use std::fs::File;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::Home;

#[test]
fn usage_error_is_json_with_json() {
    let home = Home::new();
    for wrong in [&["serve", "--nonsense"][..], &["tenant"], &["tenant", "create"], &["serve", "x"]]
    {
        let output = home.run(&[wrong, &["--json"]].concat()).fails(2);
        let error: Value = serde_json::from_str(&output.stderr).unwrap();
        assert_eq!((&error["error"], &error["exit_code"]), (&json!("usage"), &json!(2)), "{error}");
        assert!(error["message"].is_string() && error["hint"].is_string(), "{error}");
    }
    let plain = home.run(&["serve", "--nonsense"]).fails(2).stderr;
    assert!(plain.starts_with("error: unexpected argument '--nonsense' found"), "{plain}");
    let help = home.run(&["serve", "--help", "--json"]).ok().stdout;
    for store in ["sqlite:PATH", "postgres://", "redis://"] {
        assert!(help.contains(store), "{help}");
    }
}

#[test]
fn invalid_value_of_a_flag_is_a_usage_error() {
    for (key, value, hint) in [
        ("listen", "nonsense", "127.0.0.1:8700"),
        ("public-url", "ftp://broker.example", ""),
        ("store", "drawer:x", "sqlite:PATH"),
        ("smtp", "http://mail.example", "smtp://HOST:PORT"),
        ("mail-from", "nobody", "no-reply@example.com"),
    ] {
        let home = Home::new();
        let flag = home.run(&["serve", &format!("--{key}"), value]).fails(2).stderr;
        assert!(flag.starts_with("error: ") && flag.contains(hint), "{flag}");
        home.config(&format!("[serve]\nsignup = true\n{} = {value:?}\n", key.replace('-', "_")));
        home.run(&["serve", "--listen", "127.0.0.1:0"][..if key == "listen" { 1 } else { 3 }])
            .fails(3);
    }
    Home::new().run(&["tenant", "list", "--store", "drawer:x"]).fails(2);
}

#[test]
fn empty_list_prints_no_line() {
    let home = Home::new();
    assert_eq!(home.run(&["tenant", "list"]).ok().stdout, "");
    assert_eq!(home.json(&["tenant", "list"]), json!([]));
}

#[test]
fn result_that_is_lost_is_a_failure() {
    let home = Home::new();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let run = |line: &str, stdout: Stdio| {
        let mut command = home.command(&line.split(' ').collect::<Vec<_>>());
        command.env("OAUTHCTL_NEW_MASTER_KEY", "A".repeat(43));
        let output = command.stdin(Stdio::null()).stdout(stdout).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let another = |arguments: &str| {
        format!(
            "the new API key has been revoked; run `oauthctl tenant key {arguments}` to issue another one"
        )
    };
    let keys = || home.json(&["tenant", "key", "acme", "--list"]).as_array().unwrap().clone();
    let (code, stderr) = run("tenant create acme", full().into());
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.starts_with("error: cannot write the result to stdout: "), "{stderr}");
    assert!(stderr.contains(&another("acme")) && !stderr.contains("not shown again"), "{stderr}");
    assert_eq!(keys(), [Value::Null; 0]);
    let id = home.json(&["tenant", "key", "acme"])["key_id"].as_str().unwrap().to_owned();
    let (_, stderr) = run("tenant key acme --json", full().into());
    let error: Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!(error["hint"], another("acme"), "{error}");
    assert_eq!(keys().len(), 1);
    let rotate = format!("tenant key acme --rotate {id}");
    for line in [
        "--help",
        "--version",
        "tenant --help",
        "tenant create shop",
        "tenant list",
        "tenant list --json",
        "tenant disable acme",
        "tenant enable acme",
        "tenant key acme",
        "tenant key acme --list",
        &rotate,
        &format!("tenant key acme --revoke {id}"),
        "tenant quota acme",
        "serve rotate-key",
    ] {
        let (code, stderr) = run(line, full().into());
        assert_eq!(code, Some(1), "{line}: {stderr}");
        assert!(stderr.contains("cannot write the result to stdout: "), "{line}: {stderr}");
    }
    // The old key stays until its successor is shown.
    let old = home.json(&["tenant", "key", "acme"])["key_id"].as_str().unwrap().to_owned();
    let rotate = format!("tenant key acme --rotate {old} --grace 0s");
    let (_, stderr) = run(&rotate, full().into());
    assert!(stderr.contains(&another(&format!("acme --rotate {old}"))), "{stderr}");
    let [kept] = &keys()[..] else { panic!("{:?}", keys()) };
    assert_eq!((&kept["key_id"], &kept["expires_at"]), (&json!(old), &Value::Null));
    for line in ["tenant list", "tenant key acme", "tenant create other", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, stderr) = run(line, writer.into());
        assert_eq!(code, Some(1), "{line}: {stderr}");
        assert!(stderr.contains("cannot write the result to stdout: "), "{line}: {stderr}");
    }
}

#[test]
fn usage_error_hides_the_password_of_a_store() {
    let home = Home::new();
    let urls = ["postgres://u:hunter2@h/db", "redis://:hunter2@h", "postgres://u:p@hunter2@h"];
    for url in urls {
        for line in [&["serve", "backup", "a", url][..], &["serve", "backup", "a", url, "--json"]] {
            let output = home.run(line).fails(2);
            assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
            assert!(output.stderr.contains("://h"), "{}", output.stderr);
        }
    }
}
