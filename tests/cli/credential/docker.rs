use serde_json::json;

use super::{logged_in_with, planted_with};
use crate::fixture::TOKEN;
use crate::support::Home;

const SETTINGS: &str = "[credential.docker.\"registry.example\"]\nprofile = \"p\"\n\
    username = \"ada\"\n[credential.docker.\"https://other.example/v1/\"]\nprofile = \"p\"\n";

fn docker(home: &Home, operation: &str, input: &str) -> crate::support::Output {
    home.run_with(["credential", "docker", operation], input)
}

#[test]
fn docker_gets_user_and_token() {
    let home = planted_with(SETTINGS);
    for server in ["registry.example", "https://registry.example", "https://registry.example/v2/"] {
        let expected = json!({ "ServerURL": server, "Username": "ada", "Secret": TOKEN });
        assert_eq!(docker(&home, "get", server).ok().json(), expected);
        assert_eq!(docker(&home, "get", &format!("{server}\n")).ok().json(), expected);
    }
    let listed = json!({ "registry.example": "ada", "https://other.example/v1/": "oauth2" });
    assert_eq!(docker(&home, "list", "").ok().json(), listed);
    assert_eq!(docker(&home, "store", "{\"ServerURL\":\"registry.example\"}").ok().stdout, "");
}

#[test]
fn docker_is_told_when_there_is_no_credential() {
    let home = planted_with(SETTINGS);
    for server in [
        "registry.example.evil.example",
        "registry.example:5000",
        "http://registry.example",
        "https://other.example",
        "https://other.example/v1x/",
    ] {
        let output = docker(&home, "get", server).code(1);
        assert_eq!(output.stdout, "credentials not found in native keychain\n", "{server}");
    }
}

#[test]
fn docker_is_shown_the_error_without_a_secret() {
    let home = planted_with(SETTINGS);
    for server in
        ["", "registry.example\nevil.example", "registry.example\0", "a b", "u:p@registry.example"]
    {
        let output = docker(&home, "get", server).code(2);
        assert!(output.stdout.starts_with("the server must "), "{server:?}: {}", output.stdout);
    }
    docker(&home, "delete", "registry.example").code(2);
    home.run(["logout", "p", "--local"]).ok();
    let output = docker(&home, "get", "registry.example").code(4);
    assert_eq!(output.stdout, "not logged in to `p`\n");
}

#[test]
fn docker_erase_renews_the_token_at_the_next_get() {
    let settings = "[credential.docker.\"registry.example\"]\nprofile = \"s\"\n";
    let (home, _sandbox) = logged_in_with(settings);
    let get = || docker(&home, "get", "registry.example").ok().json()["Secret"].clone();
    let first = get();
    assert_eq!(get(), first);
    docker(&home, "erase", "registry.example").ok();
    assert_ne!(get(), first);
}
