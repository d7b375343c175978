//! Failures that pass take nothing away; those that do not are told apart.

use oauthctl_sandbox::Transport;
use serde_json::json;

use crate::scene::{Scene, record};
use crate::support::shapes::{Shape, bytes, lifetimes, oauth_error, sent, set, status};
use crate::support::{CODE_GRANT, Home, REFRESH_GRANT, Scripted, assert_not_shown};

/// With life left the stored token is printed with a warning; without, the command fails with 9; the record stays
/// as it is, and the grant works when the server does.
fn passes(name: &str, shape: &Shape) {
    let scene = Scene::scripted().log_in(50);
    scene.server.refuse(REFRESH_GRANT, shape, 3);
    let before = std::fs::read(scene.record()).unwrap();
    let old = scene.stored()["tokens"]["access_token"].as_str().unwrap().to_owned();
    let output = scene.home.run(["token", "-p", "p"]).ok();
    assert_eq!(output.line(), old, "{name}");
    assert!(output.stderr.contains("warning:"), "{name}: {}", output.stderr);
    assert_not_shown(&output.stderr, scene.server.secrets());
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(9);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before, "{name}");
    scene.expire();
    let before = std::fs::read(scene.record()).unwrap();
    let output = scene.home.run(["token", "-p", "p"]).fails(9);
    assert!(output.stderr.contains("hint:"), "{name}: {}", output.stderr);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before, "{name}");
    scene.works();
}

#[test]
fn failing_server_leaves_the_stored_token_usable() {
    passes("status 500", &status(500));
    passes("status 502", &status(502));
    passes("server_error", &oauth_error("server_error", 500));
}

#[test]
fn busy_server_leaves_the_stored_token_usable() {
    passes("status 429", &status(429));
    passes("status 503", &status(503));
    passes("temporarily_unavailable", &oauth_error("temporarily_unavailable", 503));
}

#[test]
fn broken_connection_leaves_stored_token_usable() {
    passes("reset", &sent(Transport::Reset));
    passes("half", &sent(Transport::Half));
    passes("empty", &bytes(""));
}

#[test]
fn long_outage_is_over_when_the_server_says_so() {
    let scene = Scene::scripted().log_in(30);
    scene.server.refuse(REFRESH_GRANT, &status(500), 8);
    scene.expire();
    for _ in 0..8 {
        scene.home.run(["token", "-p", "p"]).fails(9);
    }
    scene.works();
    assert_eq!(scene.refreshes(), 9);
}

#[test]
fn refused_connection_is_transient() {
    let scene = Scene::logged_in("honest", 50);
    let old = scene.stored()["tokens"]["access_token"].as_str().unwrap().to_owned();
    // The metadata is known, and still names the port of a server that is gone.
    let Scene { server, home, .. } = scene;
    drop(server);
    let output = home.run(["token", "-p", "p"]).ok();
    assert_eq!(output.line(), old);
    assert!(output.stderr.contains("warning:"), "{}", output.stderr);
    crate::scene::rewrite(&home, |record| record["tokens"]["expires_at"] = json!(1_000_000_000));
    let before = std::fs::read(record(&home)).unwrap();
    for _ in 0..3 {
        home.run(["token", "-p", "p"]).fails(9);
    }
    assert_eq!(std::fs::read(record(&home)).unwrap(), before);
}

#[test]
fn refusals_are_not_transient() {
    for (error, status, code) in [
        (json!("invalid_client"), 401, 8),
        (json!("unauthorized_client"), 400, 8),
        (json!("invalid_scope"), 400, 8),
        (json!(7), 400, 4),
        (json!("invalid_grant"), 400, 4),
    ] {
        let scene = Scene::scripted().log_in(30);
        scene.server.refuse(REFRESH_GRANT, &oauth_error(error.clone(), status), 1);
        let token = scene.newest("refresh_token");
        scene.home.run(["token", "-p", "p"]).fails(code);
        assert_eq!(scene.stored()["tokens"]["refresh_token"], token, "{error}");
        if code == 8 {
            scene.works();
        }
    }
}

#[test]
fn stdout_has_only_the_token() {
    let scene = Scene::logged_in("honest", 3600);
    let output = scene.home.run(["token", "-p", "p"]).ok();
    assert_eq!(output.stdout, format!("{}\n", scene.newest("access_token")));
    assert_eq!(output.stderr, "");
    let before = std::fs::read(scene.record()).unwrap();
    // A full disk behind stdout, or a closed pipe, is a failure, and loses nothing.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    for sink in [std::process::Stdio::from(full), closed.into()] {
        let mut command = scene.home.command(["token", "-p", "p", "--force-refresh"]);
        let output = command.stdout(sink).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code != 0), "{stderr}");
        assert!(stderr.contains("error:") && !stderr.contains("panicked"), "{stderr}");
        scene.works();
    }
    assert_ne!(std::fs::read(scene.record()).unwrap(), before);
}

#[test]
fn refresh_tokens_that_stay_go_or_change() {
    for scenario in ["no-rotation", "same-refresh-token", "rotate"] {
        let scene = Scene::scripted_as(scenario).log_in(30);
        for _ in 0..3 {
            scene.home.run(["refresh", "p"]).ok();
            scene.works();
        }
        scene.server.assert_all_accepted(3);
    }
}

#[test]
fn strange_lifetimes_make_no_loop() {
    const CALLS: usize = 20;
    let mut all: Vec<_> = lifetimes().into_iter().map(|(name, shape, _)| (name, shape)).collect();
    for (name, seconds) in [("1", 1_u64), ("4102444800", 4_102_444_800)] {
        all.push((name, set("expires_in", seconds.into())));
    }
    for (name, shape) in all.into_iter().filter(|(name, _)| *name != "300") {
        let (server, mut home) = (Scripted::start(), Home::new());
        server.profile(&home, "scopes = [\"api\"]");
        for grant_type in [CODE_GRANT, REFRESH_GRANT] {
            server.reply(grant_type, &shape);
        }
        home.login("p");
        for _ in 0..CALLS {
            home.run(["token", "-p", "p"]).ok();
        }
        let refreshes = server.requests(REFRESH_GRANT).len();
        let bound = if name == "1" { CALLS } else { 0 };
        assert!(refreshes <= bound, "{name}: {refreshes} refreshes in {CALLS} calls");
    }
}

#[test]
fn profile_that_is_satisfied_needs_no_network() {
    let scene = Scene::logged_in("honest", 20);
    let Scene { server, home, .. } = scene;
    drop(server);
    let output = home.run(["token", "-p", "p", "--min-ttl", "1s"]).ok();
    assert_eq!(output.stderr, "");
}

#[test]
fn secret_that_is_a_word_changes_no_refusal() {
    let mut scene = Scene::scripted();
    scene.server.reply(CODE_GRANT, &set("expires_in", json!(30)));
    scene.server.refuse(REFRESH_GRANT, &oauth_error("invalid_grant", 400), usize::MAX);
    let more =
        "scopes = [\"api\"]\nclient_secret = \"invalid\"\nclient_auth = \"client_secret_post\"";
    scene.home.config("").profile("p", scene.server.issuer(), "cli-word", more);
    scene.home.login("p");
    for _ in 0..2 {
        let output = scene.home.run(["token", "-p", "p", "--trace", "--min-ttl", "5m"]).fails(4);
        assert!(output.stderr.contains("invalid_grant"), "{}", output.stderr);
    }
    assert_eq!(scene.refreshes(), 1, "a grant that is dead is not asked for again");
}
