//! A profile whose redirect URI is a web application's own.

use serde_json::json;

use crate::scene::{complete, visit};
use crate::support::{Home, Servers};

const REDIRECT: &str = "https://app.example/callback";

#[test]
fn application_redirect_uri_allows_start_not_login() {
    let server = Servers::hostile();
    let mut home = Home::new();
    home.profile("p", &server.issuer("honest"), "cli", &format!("redirect_uri = {REDIRECT:?}"));
    let shown = home.run(["profile", "show", "p", "--json"]).ok().json();
    assert_eq!(shown["redirect_uri"], json!([REDIRECT]));

    let begun = home.run(["start", "p"]).ok().json();
    let callback = visit(begun["authorization_url"].as_str().unwrap());
    assert!(callback.starts_with(&format!("{REDIRECT}?")), "{callback}");
    complete(&home, &callback, &[]).ok();
    home.run(["token", "-p", "p"]).ok();

    let browser = home.browser(&json!({ "mode": "honest" }));
    let output = home.run(["login", "p"]).fails(3);
    assert!(output.stderr.contains("--flow paste"), "{}", output.stderr);
    assert!(!output.stderr.contains("Opening the browser"), "{}", output.stderr);
    assert!(browser.openings().is_empty());
}

#[test]
fn new_profile_of_an_application_suggests_start() {
    let home = Home::new();
    let add =
        ["profile", "add", "p", "--client-id", "c", "--issuer", "https://as.example", "--set"];
    let output = home.run(add.iter().chain(&["redirect_uri=https://app.example/callback"])).ok();
    assert!(output.stderr.contains("`oauthctl start p`"), "{}", output.stderr);
}
