use serde_json::{Value, json};

use super::planted_with;
use crate::fixture::{FAR, TOKEN, grant, plant};
use crate::formats::id_token;
use crate::support::Home;

const SETTINGS: &str = "[credential.kubernetes.\"https://k8s.example:6443\"]\nprofile = \"p\"\n";

fn info(version: &str, server: Option<&str>) -> String {
    let cluster = server.map(|server| json!({ "server": server }));
    let spec = json!({ "interactive": true, "cluster": cluster });
    let version = format!("client.authentication.k8s.io/{version}");
    json!({ "kind": "ExecCredential", "apiVersion": version, "spec": spec }).to_string()
}

fn run(home: &mut Home, info: &str) -> crate::support::Output {
    home.set("KUBERNETES_EXEC_INFO", info);
    home.run(["credential", "kubernetes"])
}

fn with_id_token(home: &Home) {
    let jwt = id_token(FAR);
    plant(home, &grant("default", TOKEN, |g| g["tokens"]["id_token"] = json!(jwt)));
}

#[test]
fn kubernetes_gets_the_version_it_asks_for() {
    let mut home = planted_with(SETTINGS);
    for version in ["v1", "v1beta1"] {
        let expected = json!({
            "kind": "ExecCredential",
            "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "status": { "token": TOKEN, "expirationTimestamp": "2100-01-01T00:00:00Z" },
        });
        assert_eq!(run(&mut home, &info(version, None)).ok().json(), expected);
    }
    home.unset("KUBERNETES_EXEC_INFO");
    let default: Value = home.run(["credential", "kubernetes"]).ok().json();
    assert_eq!(default["apiVersion"], "client.authentication.k8s.io/v1");
}

#[test]
fn kubernetes_gets_the_id_token_where_there_is_one() {
    let mut home = planted_with(SETTINGS);
    with_id_token(&home);
    assert_eq!(run(&mut home, &info("v1", None)).ok().json()["status"]["token"], id_token(FAR));
    let access = format!("{}{SETTINGS}token = \"access_token\"\n", crate::fixture::PROFILE);
    home.config(&access);
    assert_eq!(run(&mut home, &info("v1", None)).ok().json()["status"]["token"], TOKEN);
}

#[test]
fn kubernetes_cluster_must_be_the_configured_one() {
    let mut home = planted_with(SETTINGS);
    let of = |server| info("v1", Some(server));
    run(&mut home, &of("https://k8s.example:6443")).ok();
    for server in [
        "https://k8s.example",
        "https://k8s.example.evil.example:6443",
        "https://evil.example:6443",
    ] {
        assert_eq!(run(&mut home, &of(server)).fails(3).stdout, "", "{server}");
    }
    run(&mut home, &of("http://k8s.example:6443")).fails(2);
}

#[test]
fn kubernetes_key_may_be_a_name() {
    let home = planted_with(
        "[credential.kubernetes.dev]\nprofile = \"p\"\n[credential.kubernetes.prod]\nprofile = \"p\"\n",
    );
    home.run(["credential", "kubernetes", "dev"]).ok();
    let stderr = home.run(["credential", "kubernetes"]).fails(3).stderr;
    assert!(stderr.contains("dev") && stderr.contains("prod"), "{stderr}");
    home.run(["credential", "kubernetes", "test"]).fails(3);
}

#[test]
fn kubernetes_hostile_requests_are_refused() {
    let mut home = planted_with(SETTINGS);
    let deep = "[".repeat(100_000);
    for info in [
        "{",
        "[]",
        "null",
        "{\"kind\":\"ExecCredential\"}",
        "{\"kind\":\"Other\",\"apiVersion\":\"client.authentication.k8s.io/v1\"}",
        "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1alpha1\"}",
        "{\"kind\":\"ExecCredential\",\"apiVersion\":\"\\u001b[31m\"}",
        &info("v1", Some("https://k8s.example\n:6443")),
        &deep,
    ] {
        let output = run(&mut home, info).fails(2);
        assert_eq!(output.stdout, "");
        assert!(!output.stderr.contains('\u{1b}'));
    }
}
