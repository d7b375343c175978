use serde_json::{Value, json};

use super::{logged_in_with, planted_with};
use crate::fixture::{FAR, TOKEN};
use crate::support::Home;

const SETTINGS: &str =
    "[credential.cargo.\"sparse+https://cargo.example/index/\"]\nprofile = \"p\"\n";

fn request(kind: &str, index: &str) -> Value {
    json!({
        "v": 1, "kind": kind, "operation": "read", "args": [],
        "registry": { "index-url": index, "name": "ours" },
    })
}

/// The responses to these requests, after the hello.
fn responses(home: &Home, requests: &[Value]) -> Vec<Value> {
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let output = home.run_with(["credential", "cargo", "--cargo-plugin"], &lines).ok();
    let mut all = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(all.next(), Some(json!({ "v": [1] })));
    all.collect()
}

#[test]
fn cargo_gets_the_header_and_its_expiry() {
    let home = planted_with(SETTINGS);
    let get = request("get", "sparse+https://cargo.example/index/");
    let expected = json!({ "Ok": {
        "kind": "get", "token": format!("Bearer {TOKEN}"), "cache": "expires",
        "operation_independent": true, "expiration": FAR,
    } });
    assert_eq!(responses(&home, &[get.clone(), get]), [expected.clone(), expected]);
}

#[test]
fn cargo_gets_nothing_for_another_registry() {
    let home = planted_with(SETTINGS);
    for index in [
        "sparse+https://cargo.example.evil.example/index/",
        "sparse+https://cargo.example/other/",
        "sparse+http://cargo.example/index/",
        "https://github.com/rust-lang/crates.io-index",
        "sparse+https://cargo.example\n/index/",
        "cargo.example/index",
        "",
    ] {
        let answer = responses(&home, &[request("get", index)]);
        assert_eq!(answer, [json!({ "Err": { "kind": "url-not-supported" } })], "{index}");
    }
}

#[test]
fn cargo_is_told_what_is_not_done() {
    let home = planted_with(SETTINGS);
    let index = "sparse+https://cargo.example/index/";
    let kind = |answer: &Value| answer["Err"]["kind"].as_str().unwrap_or_default().to_owned();
    let mut newer = request("get", index);
    newer["v"] = json!(2);
    let answers = responses(&home, &[request("login", index), request("later", index), newer]);
    let kinds: Vec<String> = answers.iter().map(kind).collect();
    assert_eq!(kinds, ["operation-not-supported", "operation-not-supported", "other"]);
    home.run(["logout", "p", "--local"]).ok();
    assert_eq!(kind(&responses(&home, &[request("get", index)])[0]), "not-found");
    let lines = format!("{}\n\u{1}\n[\n", "{".repeat(1000));
    let output = home.run_with(["credential", "cargo"], &lines).ok();
    assert_eq!(output.stdout.matches("\"other\"").count(), 3, "{}", output.stdout);
    home.run_with(["credential", "cargo"], &"x".repeat(70_000)).code(2);
}

#[test]
fn cargo_logout_renews_the_token_at_the_next_get() {
    let index = "sparse+https://cargo.example/index/";
    let settings = SETTINGS.replace("\"p\"", "\"s\"");
    let (home, _sandbox) = logged_in_with(&settings);
    let all = [request("get", index), request("logout", index), request("get", index)];
    let answers = responses(&home, &all);
    assert_eq!(answers[1], json!({ "Ok": { "kind": "logout" } }));
    assert_ne!(answers[0]["Ok"]["token"], answers[2]["Ok"]["token"]);
}
