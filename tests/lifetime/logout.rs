//! Ending a grant: revoked at its server, forgotten here, and not coming back.

use serde_json::json;

use crate::scene::{Scene, await_turn, files_like};
use crate::support::assert_no_secret;

#[track_caller]
fn forgotten(scene: &Scene) {
    assert!(files_like(&scene.home, ".age").is_empty());
    assert_no_secret(&scene.home, scene.server.secrets_minted());
    let status = scene.home.run(["status", "--json"]).ok().json();
    assert_eq!(status, json!([]));
    scene.home.run(["token", "-p", "p"]).fails(4);
}

#[test]
fn whatever_the_server_says() {
    for (scenario, codes) in [
        ("honest", [0]),
        ("revoke.access-unsupported", [0]),
        ("revoke.busy-retry-after-1.1", [0]),
        ("revoke.status-503", [9]),
        ("revoke.status-500", [9]),
        ("revoke.reset-before", [9]),
        ("revoke.redirect-302", [8]),
        ("revoke.redirect-307", [8]),
        ("revoke.invalid-client", [8]),
    ] {
        let scene = Scene::logged_in(scenario, 3600);
        let output = scene.home.run(["logout", "p"]);
        assert!(codes.contains(&output.status), "{scenario}: {} {}", output.status, output.stderr);
        if output.status != 0 {
            assert!(output.stderr.contains("could not be revoked"), "{}", output.stderr);
        }
        scene.server.assert_canary_untouched();
        forgotten(&scene);
    }
}

#[test]
fn token_that_is_already_gone_is_no_failure() {
    for code in ["invalid_token", "invalid_grant", "token_revoked", "bad_refresh_token", "message"]
    {
        let scene = Scene::logged_in(&format!("revoke.gone-{code}"), 3600);
        let output = scene.home.run(["logout", "p"]).ok();
        assert!(output.stderr.contains("are revoked and removed"), "{code}: {}", output.stderr);
        assert!(!output.stderr.contains("warning"), "{code}: {}", output.stderr);
        let at = format!(" at {}: ", scene.server.bases["http"].as_deref().unwrap());
        assert!(output.stderr.contains(&at), "who was asked: {}", output.stderr);
        forgotten(&scene);
    }
}

#[test]
fn refused_refresh_token_does_not_spare_the_other() {
    for (behaviour, said) in [
        ("unsupported-token-type.1", "the access token is revoked: the revocation request was"),
        ("refused.1", "the access token is revoked: the revocation request was refused"),
        ("refused", "could not be revoked at BASE: the revocation request was refused"),
    ] {
        let scenario = format!("revoke.{behaviour}");
        let scene = Scene::logged_in(&scenario, 3600);
        let output = scene.home.run(["logout", "p"]).fails(8);
        let said = said.replace("BASE", scene.server.bases["http"].as_deref().unwrap());
        assert!(output.stderr.contains(&said), "{behaviour}: {}", output.stderr);
        let asked = scene.server.requests(&scenario, "revoke");
        let hints: Vec<&str> = asked.iter().map(|r| r["body"].as_str().unwrap()).collect();
        assert_eq!(hints.len(), 2, "{hints:?}");
        assert!(hints[0].contains("token_type_hint=refresh_token"), "{hints:?}");
        assert!(hints[1].contains("token_type_hint=access_token"), "{hints:?}");
        forgotten(&scene);
    }
}

#[test]
fn without_a_known_endpoint_the_key_to_set_is_named() {
    let scene = Scene::logged_in("discovery.no-revocation", 3600);
    let output = scene.home.run(["logout", "p"]).ok();
    for said in [
        "Logged out of `p`: the tokens are removed locally, but not revoked.",
        "warning: no revocation endpoint is known for `p`",
        "hint: set `revocation_endpoint` in the profile",
    ] {
        assert!(output.stderr.contains(said), "{}", output.stderr);
    }
    assert!(!output.stderr.contains("cannot revoke"), "{}", output.stderr);
    forgotten(&scene);
}

#[test]
fn only_here() {
    let scene = Scene::logged_in("honest", 3600);
    scene.home.run(["logout", "p", "--local"]).ok();
    assert!(scene.server.requests("honest", "revoke").is_empty());
    forgotten(&scene);
    // Once more is no error.
    scene.home.run(["logout", "p"]).ok();
}

#[test]
fn server_no_longer_takes_what_was_revoked() {
    let scene = Scene::logged_in("honest", 3600);
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    scene.home.run(["logout", "p"]).ok();
    forgotten_but_for_import(&scene, &line);
}

fn forgotten_but_for_import(scene: &Scene, line: &str) {
    scene.home.run_with(["import", "-"], line).ok();
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(4);
    assert_eq!(scene.refreshes(), 1);
    let refused = scene.server.requests("honest", "token");
    assert_eq!(refused.last().unwrap()["status"], 400);
}

#[test]
fn all_accounts() {
    let mut scene = Scene::logged_in("honest", 3600);
    let browser = json!({ "mode": "honest" });
    for account in ["work", "home"] {
        scene.home.browser(&browser);
        scene.home.run(["login", "p", "--account", account]).ok();
    }
    let issuer = scene.server.issuer("tag.q");
    scene.home.profile("q", &issuer, "cli", "");
    scene.home.login("q");
    scene.home.run(["logout", "p", "--account", "work"]).ok();
    assert_eq!(scene.home.run(["status", "p", "--json"]).ok().json().as_array().unwrap().len(), 2);
    scene.home.run(["logout", "p", "--all"]).ok();
    assert_eq!(scene.home.run(["status", "--json"]).ok().json().as_array().unwrap().len(), 1);
    scene.home.run(["token", "-p", "q"]).ok();
    scene.home.run(["logout", "--all"]).ok();
    forgotten(&scene);
}

#[test]
fn damaged_record_kept_aside_goes_too() {
    let mut scene = Scene::logged_in("honest", 3600);
    let record = scene.record();
    let mut bytes = std::fs::read(&record).unwrap();
    bytes.pop();
    std::fs::write(&record, bytes).unwrap();
    scene.home.login("p");
    assert_eq!(files_like(&scene.home, ".damaged-1").len(), 1);
    scene.home.run(["logout", "p"]).ok();
    assert!(files_like(&scene.home, ".damaged-1").is_empty());
    forgotten(&scene);
}

#[test]
fn during_a_stalled_refresh_it_stays_logged_out() {
    let scene = Scene::logged_in("honest", 30);
    scene.server.hold("token-answer", 1);
    let slow = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    let mut logout = scene.home.spawn(["logout", "p"]);
    await_turn(&mut logout);
    scene.server.release("token-answer");
    slow.wait().ok();
    logout.wait().ok();
    // What the refresh brought was revoked.
    let newest = scene.newest("refresh_token");
    let revoked = scene.server.requests("honest", "revoke");
    assert!(revoked.iter().any(|r| r["body"].as_str().unwrap().contains(&newest)), "{revoked:?}");
    forgotten(&scene);
}

#[test]
fn login_during_a_stalled_refresh_is_what_stays() {
    let mut scene = Scene::logged_in("honest", 30);
    let first = scene.stored()["id"].clone();
    scene.server.hold("token-answer", 1);
    let slow = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    let browser = scene.home.browser(&json!({ "mode": "honest" }));
    let mut login = scene.home.spawn(["login", "p"]);
    browser.await_callback();
    await_turn(&mut login);
    scene.server.release("token-answer");
    slow.wait().ok();
    login.wait().ok();
    assert_ne!(scene.stored()["id"], first);
    assert_eq!(scene.stored()["tokens"]["refresh_token"], scene.newest("refresh_token"));
    scene.works();
}
