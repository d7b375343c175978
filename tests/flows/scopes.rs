//! Scopes as users write them: several in one argument are several scopes.

use std::fs;

use serde_json::json;

use crate::support::*;
use crate::user::*;

/// What was asked for in an authorization URL.
fn asked_scope(url: &str) -> (String, bool) {
    let parameters = parameters(url);
    (parameters["scope"].clone(), parameters.contains_key("nonce"))
}

#[test]
fn scopes_in_one_argument_are_several() {
    let mut home = home("tag.scopes");
    for given in [&["--scope", "openid  api"][..], &["--scope", "openid", "--scope", "api openid"]]
    {
        let browser = home.browser(&json!({ "mode": "honest" }));
        let output = home.run([&["login", "p", "--json"], given].concat()).ok();
        assert_eq!(asked_scope(&browser.openings()[0].url), ("openid api".to_owned(), true));
        assert_eq!(output.json()["scopes"], json!(["openid", "api"]));
        assert!(!output.stderr.contains("warning"), "{}", output.stderr);
    }
    // Whether a narrowed token is stored does not depend on how its scopes are written.
    let token = |given: &[&str]| home.run([&["token"], given].concat()).ok().line().to_owned();
    let narrowed = token(&["--scope", "openid api"]);
    assert_eq!(token(&["--scope", "api", "--scope", "openid", "--cached"]), narrowed);

    home.config("");
    home.profile("p", &hostile().issuer("tag.scopes"), "cli", "scopes = [\"openid api\"]\n");
    let started = home.run(["start", "p"]).ok().json();
    let url = started["authorization_url"].as_str().unwrap();
    assert_eq!(asked_scope(url), ("openid api".to_owned(), true));
    let started = home.run(["start", "p", "--scope", "api email"]).ok().json();
    let url = started["authorization_url"].as_str().unwrap();
    assert_eq!(asked_scope(url), ("api email".to_owned(), false));
    for command in ["login", "start"] {
        home.run([command, "p", "--scope", " "]).fails(2);
    }
}

#[test]
fn comma_in_a_scope_is_warned_of() {
    let mut home = home("tag.commas");
    home.browser(&json!({ "mode": "honest" }));
    let output = home.run(["login", "p", "--scope", "openid,api"]).ok();
    assert!(output.stderr.contains("`openid,api` contains a comma"), "{}", output.stderr);
    assert!(output.stderr.contains("--scope 'openid api'"), "{}", output.stderr);
    profile(&home, "tag.commas", "scopes = [\"openid,api\"]\n");
    let output = home.run(["start", "p"]).ok();
    assert!(output.stderr.contains("`openid,api` contains a comma"), "{}", output.stderr);
    // Where commas separate them, they are several.
    profile(&home, "tag.commas", "scope_separator = \",\"\nscopes = [\"a,b c\"]\n");
    let output = home.run(["start", "p"]).ok();
    assert!(!output.stderr.contains("comma"), "{}", output.stderr);
    let started = output.json();
    let url = started["authorization_url"].as_str().unwrap();
    assert_eq!(asked_scope(url), ("a,b,c".to_owned(), false));
}

#[test]
fn profile_add_writes_each_scope_on_its_own() {
    let home = Home::new();
    let add = ["profile", "add", "a", "--issuer", "https://a.example", "--client-id", "x"];
    let output = home.run([&add[..], &["--scope", "openid  email", "--scope", "api,x"]].concat());
    assert!(output.ok().stderr.contains("`api,x` contains a comma"));
    let written = fs::read_to_string(home.config_path()).unwrap();
    assert!(written.contains("scopes = [\"openid\", \"email\", \"api,x\"]"), "{written}");
    home.run(["profile", "remove", "a"]).ok();
    home.run([&add[..], &["--scope", ""]].concat()).fails(2);
}
