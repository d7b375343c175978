//! A file system without locks: what needs one says so and stops, before anything is sent or changed.

use serde_json::json;

use crate::scene::{Scene, files_like};
use crate::support::{Home, Output, consent, traced};

/// Runs the program where every `flock` fails as on a file system that has none.
fn without_locks(home: &Home, error: &str, args: &[&str]) -> Output {
    let inject = format!("inject=flock:error={error}");
    traced(home, &["-e", "trace=flock", "-e", &inject], args)
}

/// It stops with exit code 10, and says what is refused and where to go.
#[track_caller]
fn stops(output: Output) {
    let output = output.fails(10);
    let Output { stderr, .. } = output;
    assert!(stderr.contains("cannot lock"), "{stderr}");
    assert!(stderr.contains("hint: set OAUTHCTL_STATE_DIR"), "{stderr}");
}

const ERRORS: [&str; 3] = ["ENOLCK", "EOPNOTSUPP", "ENOSYS"];

#[test]
fn file_system_without_locks_gets_no_refresh() {
    let scene = Scene::logged_in("honest", 30);
    let before = std::fs::read(scene.record()).unwrap();
    for error in ERRORS {
        for args in [
            &["token", "-p", "p"][..],
            &["token", "-p", "p", "--force-refresh"],
            &["refresh", "p"],
            &["exec", "-p", "p", "--", "echo", "ran"],
            &["logout", "p"],
        ] {
            stops(without_locks(&scene.home, error, args));
        }
    }
    assert_eq!(scene.refreshes(), 0);
    assert!(scene.server.requests(&scene.scenario, "revoke").is_empty());
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
    // What asks for nothing needs no lock.
    let cached = ["token", "-p", "p", "--min-ttl", "1s"];
    let stored = scene.stored()["tokens"]["access_token"].as_str().unwrap().to_owned();
    assert_eq!(without_locks(&scene.home, "ENOLCK", &cached).ok().line(), stored);
    without_locks(&scene.home, "ENOLCK", &["status"]).ok();
    scene.works();
    assert_eq!(scene.refreshes(), 1);
}

#[test]
fn login_opens_no_browser() {
    let mut scene = Scene::logged_in("honest", 3600);
    let before = std::fs::read(scene.record()).unwrap();
    let browser = scene.home.browser(&json!({ "mode": "honest" }));
    for error in ERRORS {
        stops(without_locks(&scene.home, error, &["login", "p"]));
    }
    assert!(browser.openings().is_empty());
    assert_eq!(scene.redemptions(), 1);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
}

/// A client that logs in by itself takes turns too.
#[test]
fn client_of_its_own_asks_for_nothing() {
    let scene = Scene::new("honest");
    let secret = scene.server.secrets["service"].as_deref().unwrap();
    let more = format!("client_secret = {secret:?}\ngrant = \"client_credentials\"\n");
    scene.home.profile("s", &scene.server.issuer("honest"), "service", &more);
    stops(without_locks(&scene.home, "ENOLCK", &["token", "-p", "s"]));
    assert!(scene.server.requests("honest", "token").is_empty());
    scene.home.run(["token", "-p", "s"]).ok();
}

#[test]
fn flow_is_neither_started_nor_completed() {
    let redirect = "http://127.0.0.1:4711/callback";
    for (flags, name) in [(&[][..], "kept"), (&["--sealed"], "sealed")] {
        let scene = Scene::new("honest");
        let more = format!("scopes = [\"api\"]\nredirect_uri = {redirect:?}\n");
        scene.home.config("").profile("p", &scene.server.issuer("honest"), "cli", &more);
        let start = [&["start", "p"], flags].concat();
        if name == "kept" {
            stops(without_locks(&scene.home, "ENOLCK", &start));
            assert!(files_like(&scene.home, ".flow").is_empty());
        }
        let begun = scene.home.run(&start).ok().json();
        let callback = consent(begun["authorization_url"].as_str().unwrap());
        let complete = ["complete", &callback];
        stops(without_locks(&scene.home, "ENOLCK", &complete));
        assert_eq!(scene.redemptions(), 0, "{name}");
        assert!(files_like(&scene.home, ".age").is_empty(), "{name}");
        // Nothing of it is lost.
        scene.home.run(complete).ok();
        assert_eq!(scene.redemptions(), 1, "{name}");
    }
}
