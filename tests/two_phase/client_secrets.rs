//! A client secret that is missing is noticed before anybody is asked and anything is spent.

use serde_json::json;

use crate::scene::{REDIRECT, Scene};
use crate::support::{Home, Servers};

const FROM_VARIABLE: &str =
    "client_secret = { env = \"OF_CLIENT\" }\nclient_auth = \"client_secret_post\"";

/// What the server knows of the client `cli-post`.
const SECRET: &str = "CANARY-secret-:+%& \u{e9}\"";

/// A scene whose profile is that client's.
fn scene(more: &str) -> Scene {
    let scene = Scene::new("honest");
    scene.home.config("");
    let more = format!("redirect_uri = {REDIRECT:?}\n{more}");
    scene.home.profile("p", &scene.server.issuer("honest"), "cli-post", &more);
    scene
}

#[track_caller]
fn names_key_and_variable(stderr: &str) {
    let what =
        "error: `client_secret` of profile `p`: cannot get the secret: the variable OF_CLIENT";
    assert!(stderr.contains(what), "{stderr}");
    assert!(stderr.contains("hint: set the variable OF_CLIENT"), "{stderr}");
}

#[test]
fn a_flow_does_not_start_without_its_secret() {
    let mut scene = scene(FROM_VARIABLE);
    let output = scene.home.run(["start", "p"]).fails(3);
    names_key_and_variable(&output.stderr);
    assert_eq!(scene.home.run(["pending", "list", "--json"]).ok().json(), json!([]));
    scene.home.set("OF_CLIENT", SECRET);
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
}

#[test]
fn a_login_opens_no_browser_without_its_secret() {
    let server = Servers::hostile();
    let mut home = Home::new();
    home.profile("p", &server.issuer("honest"), "cli", FROM_VARIABLE);
    let browser = home.browser(&json!({ "mode": "honest" }));
    let output = home.run(["login", "p"]).fails(3);
    names_key_and_variable(&output.stderr);
    assert!(!output.stderr.contains("Opening the browser"), "{}", output.stderr);
    assert!(browser.openings().is_empty());
}

#[test]
fn a_flow_outlives_a_secret_that_is_missing_when_it_is_completed() {
    let mut scene = scene(FROM_VARIABLE);
    scene.home.set("OF_CLIENT", SECRET);
    for more in [&[][..], &["--sealed"]] {
        let (_, callback) = scene.come_back(more);
        scene.home.unset("OF_CLIENT");
        let before = scene.redemptions();
        let output = scene.complete(&callback, &[]).fails(3);
        names_key_and_variable(&output.stderr);
        assert_eq!(scene.redemptions(), before);
        scene.home.set("OF_CLIENT", SECRET);
        scene.complete(&callback, &[]).ok();
    }
}

#[test]
fn a_command_is_not_run_before_its_secret_is_needed() {
    let scene = scene(
        "client_secret = { command = [\"sh\", \"-c\", \"touch asked; cat secret\"] }\n\
         client_auth = \"client_secret_post\"",
    );
    scene.home.write(&scene.home.path("home/secret"), SECRET);
    let asked = scene.home.path("home/asked");
    let (_, callback) = scene.come_back(&[]);
    assert!(!asked.exists());
    scene.complete(&callback, &[]).ok();
    assert!(asked.exists());
}
