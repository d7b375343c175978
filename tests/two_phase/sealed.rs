//! States that contain the whole flow, encrypted.

use serde_json::json;

use crate::scene::{REDIRECT, Scene, complete, profile, visit};
use crate::support::{DEADLINE, Home, Output, Running, assert_not_shown, jwt_part, shift_clock};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn scene() -> Scene {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STATE_KEY", KEY);
    scene
}

/// Another machine with the same profile.
fn machine(scene: &Scene, key: &str) -> Home {
    let mut home = Home::new();
    profile(&home, &scene.server, "p", &scene.scenario, "");
    home.set("OAUTHCTL_STATE_KEY", key);
    home
}

#[test]
fn any_machine_with_the_key_completes_it_once() {
    let scene = scene();
    let user = "Zoë\u{0}\u{1F980}".replace('\0', "\t");
    let (begun, callback) =
        scene.come_back(&["--sealed", "--user", &user, "--attr", "note=a-private-note"]);
    let state = begun["state"].as_str().unwrap();
    assert_eq!(
        (jwt_part(state, 0)["alg"].clone(), jwt_part(state, 0)["enc"].clone()),
        (json!("dir"), json!("A256GCM"))
    );
    assert_not_shown(begun["authorization_url"].as_str().unwrap(), ["a-private-note"]);
    assert!(!scene.home.state_dir().join("pending").exists(), "nothing waits here");
    let other = machine(&scene, KEY);
    complete(&other, &callback, &["--expect-state", "x"]).fails(7);
    let done = complete(&other, &callback, &[]).ok().json();
    assert_eq!(
        (&done["user"], &done["attributes"]),
        (&json!(user), &json!({ "note": "a-private-note" }))
    );
    assert_eq!(done["grant_id"], begun["grant_id"]);
    assert_eq!(done.get("access_token"), None, "nobody has asked for it");
    complete(&other, &callback, &[]).fails(7);
    assert_eq!(scene.redemptions(), 1);
}

#[test]
fn one_of_many_completions_redeems() {
    let scene = scene();
    let (_, callback) = scene.come_back(&["--sealed"]);
    let all: Vec<Running> = (0..16)
        .map(|_| {
            let mut running = scene.home.spawn(["complete", "-"]);
            running.write(&callback);
            running
        })
        .collect();
    let codes: Vec<i32> = all.into_iter().map(|running| running.wait().status).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(scene.redemptions(), 1);
}

#[test]
fn sealed_state_altered_expired_or_foreign_is_refused() {
    let scene = scene();
    let (begun, callback) = scene.come_back(&["--sealed", "--user", "alice"]);
    let state = begun["state"].as_str().unwrap();
    let needs_key = "if the flow was started on another machine, set the same OAUTHCTL_STATE_KEY on both machines";
    let mut stranger = machine(&scene, &KEY.replace('E', "F"));
    let refused = complete(&stranger, &callback, &[]).fails(7).stderr;
    assert!(refused.contains(needs_key), "{refused}");
    stranger.unset("OAUTHCTL_STATE_KEY");
    let refused = complete(&stranger, &callback, &[]).fails(7).stderr;
    assert!(refused.contains(needs_key), "{refused}");
    let (_, signed) = scene.come_back(&[]);
    let refused = complete(&stranger, &signed, &[]).fails(7).stderr;
    assert!(!refused.contains(needs_key), "{refused}");
    complete(&machine(&scene, KEY), &callback.replace(":4711", ":4712"), &[]).fails(7);
    let other = machine(&scene, KEY);
    other.config("");
    profile(&other, &scene.server, "p", "tag.other", "");
    complete(&other, &callback, &[]).fails(7);
    other.config("");
    complete(&other, &callback, &[]).fails(3);
    for at in (0..state.len()).step_by(state.len() / 20) {
        let byte = if state.as_bytes()[at] == b'A' { "B" } else { "A" };
        let altered = format!("{}{byte}{}", &state[..at], &state[at + 1..]);
        scene.refuses(&callback.replace(state, &altered), &[]);
    }
    let begun = scene.start(&["--sealed", "--ttl", "1s"]);
    let late = visit(begun["authorization_url"].as_str().unwrap());
    let now = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let since = now();
    while now() < since + 2 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    scene.refuses(&late, &[]);
    scene.complete(&callback, &[]).ok();
}

/// The redirect URI was chosen because of the `iss`: without it, the code may be another server's.
#[test]
fn server_features_at_start_are_required_at_the_end() {
    let scene = scene();
    let (begun, callback) = scene.come_back(&["--sealed"]);
    let mut other = Home::new();
    other.set("OAUTHCTL_STATE_KEY", KEY);
    let issuer = scene.server.issuer(&scene.scenario);
    let endpoints = format!(
        "redirect_uri = {REDIRECT:?}\nscopes = [\"api\"]\n\
         authorization_endpoint = \"{issuer}/authorize\"\ntoken_endpoint = \"{issuer}/token\""
    );
    other.profile("p", &issuer, "cli", &endpoints);
    let (before, iss) = callback.split_once("&iss=").unwrap();
    assert!(!iss.contains('&'), "{callback}");
    for args in [&[][..], &["--expect-state", begun["state"].as_str().unwrap()]] {
        let output = complete(&other, before, args).fails(7);
        assert!(output.stderr.contains("has no `iss`"), "{}", output.stderr);
    }
    assert_eq!(scene.redemptions(), 0);
    complete(&other, &callback, &[]).ok();
}

/// Without an issuer, a server is identified by the authorization endpoint.
#[test]
fn server_without_issuer_is_the_one_of_the_start() {
    let scene = scene();
    let issuer = scene.server.issuer(&scene.scenario);
    let other = scene.server.issuer("tag.other");
    let sent_to = |place: &str| {
        scene.home.config(&format!(
            "[profiles.p]\nclient_id = \"cli\"\nredirect_uri = {REDIRECT:?}\nscopes = [\"api\"]\n\
             authorization_endpoint = \"{place}/authorize\"\ntoken_endpoint = \"{issuer}/token\"\n"
        ));
    };
    sent_to(&issuer);
    let (_, callback) = scene.come_back(&["--sealed"]);
    let callback = callback.split("&iss=").next().unwrap();
    sent_to(&other);
    let output = scene.refuses(callback, &[]);
    assert!(output.stderr.contains("the server has changed"), "{}", output.stderr);
    sent_to(&issuer);
    scene.complete(callback, &[]).ok();
}

#[test]
fn longest_user_fits_and_longer_is_refused() {
    let scene = scene();
    let user = "\u{1}".repeat(1024);
    let (_, callback) = scene.come_back(&["--sealed", "--user", &user]);
    assert_eq!(scene.complete(&callback, &[]).ok().json()["user"], json!(user));
    let large = format!("a={}", "x".repeat(6_000));
    scene.home.run(["start", "p", "--sealed", "--attr", &large]).fails(2);
    scene.home.run(["start", "p", "--attr", &large]).ok();
}

/// Runs the program as if the clock were so far ahead.
fn ahead(home: &Home, offset: &str, args: &[&str], stdin: &str) -> Output {
    let mut command = home.command(args);
    let mut running = Running::start(shift_clock(&mut command, offset), DEADLINE);
    running.write(stdin);
    running.close_stdin();
    running.wait()
}

#[test]
fn used_state_stays_used_after_a_clock_jump() {
    let scene = scene();
    let (_, callback) = scene.come_back(&["--sealed", "--user", "ada"]);
    scene.complete(&callback, &[]).ok();
    scene.home.run(["logout", "p", "--account", "ada"]).ok();
    // A day later, another flow ends, and what has expired is removed.
    let begun = ahead(&scene.home, "+1d", &["start", "p", "--sealed", "--user", "bob"], "").ok();
    let other = visit(begun.json()["authorization_url"].as_str().unwrap());
    ahead(&scene.home, "+1d", &["complete", "-"], &other).ok();
    let used = scene.home.state_dir().join("pending.used");
    let slots = std::fs::read_dir(used).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir());
    assert_eq!(slots.count(), 1, "the mark of the first is gone");
    let redeemed = scene.redemptions();
    let refused = scene.refuses(&callback, &[]);
    assert!(refused.stderr.contains("the clock was set back"), "{}", refused.stderr);
    assert_eq!(scene.redemptions(), redeemed);
}
