//! Failures that pass take nothing away; those that do not are told apart.

use serde_json::json;

use crate::scene::{Scene, record};
use crate::support::shapes::{lifetimes, set};
use crate::support::{CODE_GRANT, Home, REFRESH_GRANT, Scripted, assert_not_shown};

/// With life left the stored token is printed with a warning; without, the command fails with `code`; the record stays
/// as it is, and the grant works when the server does.
fn passes(scenario: &str, code: i32) {
    let scene = Scene::logged_in(scenario, 50);
    let before = std::fs::read(scene.record()).unwrap();
    let old = scene.stored()["tokens"]["access_token"].as_str().unwrap().to_owned();
    let output = scene.home.run(["token", "-p", "p"]).ok();
    assert_eq!(output.line(), old, "{scenario}");
    assert!(output.stderr.contains("warning:"), "{scenario}: {}", output.stderr);
    assert_not_shown(&output.stderr, scene.server.secrets_minted());
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(code);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before, "{scenario}");
    scene.expire();
    let before = std::fs::read(scene.record()).unwrap();
    let output = scene.home.run(["token", "-p", "p"]).fails(code);
    assert!(output.stderr.contains("hint:"), "{scenario}: {}", output.stderr);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before, "{scenario}");
    scene.works();
}

#[test]
fn server_that_fails() {
    passes("refresh.status-500.3", 9);
    passes("refresh.status-502.3", 9);
    passes("refresh.server-error.3", 9);
}

#[test]
fn server_that_is_busy() {
    passes("refresh.limit.3", 9);
    passes("refresh.status-503.3", 9);
    passes("refresh.temporarily-unavailable.3", 9);
}

#[test]
fn server_that_hangs_up() {
    passes("refresh.reset-before.3", 9);
    passes("refresh.half-body.3", 9);
    passes("refresh.empty-answer.3", 9);
}

#[test]
fn long_outage_is_over_when_the_server_says_so() {
    let scene = Scene::logged_in("refresh.status-500.8", 30);
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
    for (scenario, code) in [
        ("refresh.invalid-client.1", 8),
        ("refresh.unauthorized-client.1", 8),
        ("refresh.invalid-scope.1", 8),
        ("refresh.error-number.1", 4),
        ("refresh.invalid-grant.1", 4),
    ] {
        let scene = Scene::logged_in(scenario, 30);
        let token = scene.newest("refresh_token");
        scene.home.run(["token", "-p", "p"]).fails(code);
        assert_eq!(scene.stored()["tokens"]["refresh_token"], token, "{scenario}");
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
    for scenario in ["rotation.omit", "rotation.same", "honest"] {
        let scene = Scene::logged_in(scenario, 30);
        for _ in 0..3 {
            scene.home.run(["refresh", "p"]).ok();
            scene.works();
        }
        assert_eq!(scene.refreshes(), 3, "{scenario}");
        let accepted = scene.server.requests(scenario, "token");
        assert!(accepted.iter().all(|entry| entry["verdict"] == "ok"), "{scenario}: {accepted:?}");
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
    let mut scene = Scene::new("refresh.invalid-grant");
    scene.server.set(&json!({ "expires_in": 30 }));
    let issuer = scene.server.issuer(&scene.scenario);
    let more =
        "scopes = [\"api\"]\nclient_secret = \"invalid\"\nclient_auth = \"client_secret_post\"";
    scene.home.config("").profile("p", &issuer, "cli-word", more);
    scene.home.login("p");
    for _ in 0..2 {
        let output = scene.home.run(["token", "-p", "p", "--trace", "--min-ttl", "5m"]).fails(4);
        assert!(output.stderr.contains("invalid_grant"), "{}", output.stderr);
    }
    assert_eq!(scene.refreshes(), 1, "a grant that is dead is not asked for again");
}
