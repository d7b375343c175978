//! The state directory is in the clear: it keeps no word of a server, a hook or another command.

use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use crate::scene::Scene;
use crate::support::shapes::{Shape, described, redirected};
use crate::support::{AUTHORIZE, CODE_GRANT, Home, REFRESH_GRANT, Served};

/// What all of them say. It stands nowhere in the configuration.
const WORDS: &str = "CANARY-WORDS";

/// Fails if a file of the state directory, or its name, has the words. Returns how the last failure of `p` is
/// told by `status`.
#[track_caller]
fn last_error_without_words(home: &Home, what: &str) -> String {
    for file in home.files().into_iter().filter(|file| file.starts_with(home.state_dir())) {
        let content = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains(WORDS), "{what}: {} has {text}", file.display());
        let name = String::from_utf8_lossy(file.as_os_str().as_bytes());
        assert!(!name.contains(WORDS), "{what}: {name}");
    }
    let status = home.run(["status", "--json"]).ok().json();
    status[0]["last_error"]["message"].as_str().unwrap_or_default().to_owned()
}

/// Makes `p` the profile of this scenario, with these lines more.
fn profile<S: Served>(scene: &Scene<S>, client: &str, more: &str) {
    let issuer = scene.server.issuer_of(&scene.scenario);
    let more = format!("scopes = [\"api\"]\n{more}");
    scene.home.config("").profile("p", &issuer, client, &more);
}

/// A command that says the words as this script does; `$1` is where they stand.
fn script<S>(scene: &Scene<S>, name: &str, text: &str) -> String {
    let words = scene.home.path("tmp/words");
    scene.home.write(&words, WORDS);
    let place = scene.home.path(&format!("tmp/{name}.sh"));
    scene.home.write(&place, text);
    format!("[\"sh\", {place:?}, {words:?}]")
}

/// An error with the words in its description.
fn with_words(code: &'static str, status: u16) -> Shape {
    described(code, status, json!({ "error_description": WORDS, "error_uri": WORDS }))
}

#[test]
fn refused_refresh_leaves_no_words_of_the_server() {
    const OWN_CODE: &str = "CANARY-WORDS-code";
    for (error, status, code, kept) in [
        (OWN_CODE, 400, 8, "the server refused the request"),
        ("invalid_scope", 400, 8, "the server refused the request: invalid_scope"),
        (
            OWN_CODE,
            503,
            9,
            "the refresh request failed: the server returned 503 (Service Unavailable)",
        ),
    ] {
        let scene = Scene::scripted().log_in(30);
        scene.server.refuse(REFRESH_GRANT, &with_words(error, status), usize::MAX);
        let output = scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(code);
        assert_eq!(last_error_without_words(&scene.home, error), kept);
        if status != 503 {
            assert!(output.stderr.contains(WORDS), "it is shown: {}", output.stderr);
        }
    }
}

#[test]
fn hook_at_a_refresh_leaves_no_words() {
    for (event, text, code, kept) in [
        (
            "pre_token",
            "echo \"{\\\"deny\\\":\\\"$(cat $1)\\\"}\"",
            5,
            "the hook `pre_token` denied the request",
        ),
        (
            "post_token",
            "echo \"{\\\"deny\\\":\\\"$(cat $1)\\\"}\"",
            5,
            "the hook `post_token` denied the request",
        ),
        ("pre_token", "cat $1 >&2; exit 1", 3, "the hook `pre_token` failed"),
        ("post_token", "cat $1 >&2; exit 1", 3, "the hook `post_token` failed"),
        ("pre_token", "cat $1", 3, "the hook `pre_token` failed"),
    ] {
        let scene = Scene::logged_in("honest", 30);
        let hook = script(&scene, "hook", text);
        profile(&scene, "cli", &format!("[profiles.p.hooks]\n{event} = {hook}"));
        let output = scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(code);
        assert!(text == "cat $1" || output.stderr.contains(WORDS), "{}", output.stderr);
        assert_eq!(last_error_without_words(&scene.home, text), kept);
    }
}

#[test]
fn secret_command_leaves_no_words() {
    let mut scene = Scene::new("honest");
    scene.server.set(&json!({ "expires_in": 30 }));
    let secret = scene.server.secrets["cli-secret"].clone().unwrap();
    profile(&scene, "cli-secret", &format!("client_secret = {secret:?}"));
    scene.home.login("p");
    let command = script(&scene, "secret", "cat $1; cat $1 >&2; exit 1");
    profile(&scene, "cli-secret", &format!("client_secret = {{ command = {command} }}"));
    let output = scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(3);
    assert!(output.stderr.contains(WORDS), "it is shown: {}", output.stderr);
    let kept = last_error_without_words(&scene.home, "secret command");
    assert!(kept.ends_with("failed (exit status: 1)"), "{kept}");
}

#[test]
fn failed_login_leaves_no_words() {
    let denied = redirected(|parameters| {
        parameters.retain(|(name, _)| name != "code");
        for (name, value) in [("error", "access_denied"), ("error_description", WORDS)] {
            parameters.push((name.to_owned(), value.to_owned()));
        }
    });
    for (place, shape, more, code) in [
        (CODE_GRANT, Some(with_words("CANARY-WORDS-code", 400)), "", 8),
        (AUTHORIZE, Some(denied), "", 5),
        ("", None, "[profiles.p.hooks]\npre_token = ", 3),
        ("", None, "[profiles.p.hooks]\nauthorization = ", 3),
    ] {
        let mut scene = Scene::scripted();
        if let Some(shape) = shape {
            scene.server.reply(place, &shape);
        }
        if !more.is_empty() {
            let hook = script(&scene, "hook", "cat $1 >&2; exit 1");
            profile(&scene, "cli", &format!("{more}{hook}"));
        }
        scene.home.browser(&json!({ "mode": "honest" }));
        let output = scene.home.run(["login", "p"]).fails(code);
        assert!(output.stderr.contains(WORDS), "it is shown: {}", output.stderr);
        last_error_without_words(&scene.home, place);
        let outcome = scene.home.files().into_iter().any(|file| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("login-") && name.ends_with(".json")
        });
        assert!(outcome, "{place}{more}: the end is kept for those who wait");
    }
}
