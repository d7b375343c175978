//! Logins that the server takes to the user by itself (OpenID Connect CIBA, poll mode).

use serde_json::json;

use crate::support::{Home, OidcProvider, Servers, assert_no_secret};

fn scene(more: &str) -> (OidcProvider, Home) {
    let (server, home) = (Servers::oidc_provider(), Home::new());
    let lines = format!("grant = \"ciba\"\nscopes = [\"openid\"]\n{more}");
    home.profile("p", &server.issuer, "cli-ciba", &lines);
    (server, home)
}

const ADA: &str = "login_hint = \"ada\"\nbinding_message = \"W4SCT\"\n";

#[test]
fn user_approves_on_a_phone_and_is_logged_in() {
    let (server, home) = scene(ADA);
    let login = home.run(["login", "p", "--json"]).ok();
    assert!(login.stderr.contains("Approve the login on your device"), "{}", login.stderr);
    assert_eq!(login.json()["identity"]["sub"], "ada");
    let asked = server.control.get("/journal")["requests"][0].clone();
    assert_eq!((&asked["hint"], &asked["binding"]), (&json!("ada"), &json!("W4SCT")));
    let first = home.run(["token"]).ok().line().to_owned();
    home.run(["refresh", "p"]).ok();
    assert_ne!(home.run(["token"]).ok().line(), first);
    // Another user, named on the command line.
    let other = home.run(["login", "p", "--login-hint", "bob", "--account", "bob", "--json"]).ok();
    assert_eq!(other.json()["identity"]["sub"], "bob");
    assert_no_secret(&home, [first]);
}

#[test]
fn denied_unanswered_and_refused_have_their_codes() {
    let (server, home) = scene(ADA);
    server.control.post("/deny", &json!({ "deny": true }));
    home.run(["login", "p"]).fails(5);
    server.control.post("/ignore", &json!({ "ignore": true }));
    home.run(["login", "p", "--timeout", "2s"]).fails(6);
    home.run(["login", "p", "--login-hint", "nobody"]).fails(8);
    home.run(["login", "p", "--flow", "browser"]).fails(2);
    home.run(["--no-input", "login", "p"]).fails(4);
    home.run(["token"]).fails(4);
}

#[test]
fn missing_user_fails_before_anything_is_sent() {
    let (server, home) = scene("");
    let refused = home.run(["login", "p"]).fails(3);
    assert!(refused.stderr.contains("`login_hint`"), "{}", refused.stderr);
    assert_eq!(server.count("backchannel"), 0);
}
