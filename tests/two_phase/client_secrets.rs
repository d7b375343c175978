//! A missing client secret is noticed before any request, and before anything is spent.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::scene::{REDIRECT, Scene, visit};
use crate::support::{Home, Servers, await_some, make_pipe};

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
fn flow_does_not_start_without_its_secret() {
    let mut scene = scene(FROM_VARIABLE);
    let output = scene.home.run(["start", "p"]).fails(3);
    names_key_and_variable(&output.stderr);
    assert_eq!(scene.home.run(["pending", "list", "--json"]).ok().json(), json!([]));
    scene.home.set("OF_CLIENT", SECRET);
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
}

#[test]
fn login_opens_no_browser_without_its_secret() {
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
fn missing_client_secret_does_not_use_up_the_flow() {
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
fn command_is_not_run_before_its_secret_is_needed() {
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

/// A profile whose secret is in a pipe, and that pipe.
fn with_pipe(name: &str, more: &str) -> (Scene, std::path::PathBuf) {
    let scene = scene("");
    let pipe = scene.home.path("tmp/pipe");
    make_pipe(&pipe);
    scene.home.config("");
    let more = format!("{name} = {{ file = {pipe:?} }}\n{more}redirect_uri = {REDIRECT:?}");
    scene.home.profile("p", &scene.server.issuer("honest"), "cli-post", &more);
    (scene, pipe)
}

/// The writing end of a pipe, once it has a reader.
fn open_once_read(pipe: &std::path::Path) -> std::fs::File {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    await_some("a reader of the pipe", || {
        OpenOptions::new().write(true).custom_flags(flags).open(pipe).ok()
    })
}

#[test]
fn pipe_for_a_secret_keeps_no_signal_waiting() {
    for (name, more) in [
        ("client_secret", "client_auth = \"client_secret_post\"\n"),
        ("private_key", "client_auth = \"private_key_jwt\"\n"),
    ] {
        for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
            let (mut scene, pipe) = with_pipe(name, more);
            scene.home.deadline(Duration::from_secs(20));
            let start = scene.home.spawn(["start", "p"]);
            let _writer = open_once_read(&pipe);
            start.signal(signal);
            let output = start.wait().fails(code);
            assert!(output.stderr.contains("interrupted"), "{name}: {}", output.stderr);
        }
    }
}

#[test]
fn secret_from_a_named_pipe_is_accepted() {
    let (scene, pipe) = with_pipe("client_secret", "client_auth = \"client_secret_post\"\n");
    let start = scene.home.spawn(["start", "p"]);
    let mut writer = open_once_read(&pipe);
    writer.write_all(SECRET.as_bytes()).unwrap();
    drop(writer);
    start.wait().ok();
}

#[test]
fn secret_from_a_pipe_suffices_to_complete() {
    let (scene, pipe) = with_pipe("client_secret", "client_auth = \"client_secret_post\"\n");
    let start = scene.home.spawn(["start", "p"]);
    open_once_read(&pipe).write_all(SECRET.as_bytes()).unwrap();
    let begun = start.wait().ok().json();
    let callback = visit(begun["authorization_url"].as_str().unwrap());
    let mut complete = scene.home.spawn(["complete", "-"]);
    complete.write(&callback);
    complete.close_stdin();
    open_once_read(&pipe).write_all(SECRET.as_bytes()).unwrap();
    complete.wait().ok();
    assert_eq!(scene.redemptions(), 1);
}

/// While a command gets the secret, nothing has been sent: not even that it is about to be.
#[test]
fn kill_before_the_secret_is_read_sends_nothing() {
    let mut scene = scene(FROM_VARIABLE);
    scene.home.set("OF_CLIENT", SECRET);
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let good = std::fs::read_to_string(scene.home.config_path()).unwrap();
    let deadly = "{ command = [\"sh\", \"-c\", \"kill -9 $PPID\"] }";
    scene.home.config(&good.replace("{ env = \"OF_CLIENT\" }", deadly));
    for _ in 0..3 {
        scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(137);
    }
    assert_eq!(scene.grants("refresh_token").len(), 0);
    scene.home.config(&good);
    assert_eq!(scene.home.run(["token", "-p", "p", "--force-refresh"]).ok().stderr, "");
    assert_eq!(scene.grants("refresh_token").len(), 1);
}
