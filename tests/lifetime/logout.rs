//! Ending a grant: revoked at its server, forgotten here, and not coming back.

use oauthctl_sandbox::Transport;
use serde_json::json;

use crate::scene::{Scene, await_turn, files_like};
use crate::support::shapes::{
    body, busy, described, oauth_error, redirect, same, sent, shape, status, with_status, without,
};
use crate::support::{Served, assert_canary_untouched, assert_no_secret, canary};

#[track_caller]
fn forgotten<S: Served>(scene: &Scene<S>) {
    assert!(files_like(&scene.home, ".age").is_empty());
    assert_no_secret(&scene.home, scene.server.all_secrets());
    let status = scene.home.run(["status", "--json"]).ok().json();
    assert_eq!(status, json!([]));
    scene.home.run(["token", "-p", "p"]).fails(4);
}

#[test]
fn logout_forgets_the_grant_whatever_the_reply() {
    let refuses_access_token = shape(|answer, request| {
        if request.parameters().any(|pair| pair == ("token_type_hint", "access_token")) {
            oauth_error("unsupported_token_type", 400)(answer, request);
        }
    });
    const ALWAYS: usize = usize::MAX;
    for (name, shape, times, code) in [
        ("honest", same(), 0, 0),
        ("access-unsupported", with_status(200, refuses_access_token), ALWAYS, 0),
        ("busy-once", busy(503, "1"), 1, 0),
        ("status-503", status(503), ALWAYS, 9),
        ("status-500", status(500), ALWAYS, 9),
        ("reset", sent(Transport::Reset), ALWAYS, 9),
        ("redirect-302", redirect(302, &canary().origin), ALWAYS, 8),
        ("redirect-307", redirect(307, &canary().origin), ALWAYS, 8),
        ("invalid-client", oauth_error("invalid_client", 401), ALWAYS, 8),
    ] {
        let scene = Scene::scripted().log_in(3600);
        scene.server.refuse("revoke", &shape, times);
        let output = scene.home.run(["logout", "p"]);
        assert_eq!(output.status, code, "{name}: {}", output.stderr);
        if output.status != 0 {
            assert!(output.stderr.contains("could not be revoked"), "{}", output.stderr);
        }
        assert_canary_untouched();
        forgotten(&scene);
    }
}

#[test]
fn token_that_is_already_gone_is_no_failure() {
    let gone = |code: &'static str| {
        described(code, 400, json!({ "error_description": "Token expired or revoked" }))
    };
    let message = with_status(400, body(r#"{"status":400,"message":"Invalid token"}"#));
    for (code, shape) in [
        ("invalid_token", gone("invalid_token")),
        ("invalid_grant", gone("invalid_grant")),
        ("token_revoked", gone("token_revoked")),
        ("bad_refresh_token", gone("bad_refresh_token")),
        ("message", message),
    ] {
        let scene = Scene::scripted().log_in(3600);
        scene.server.refuse("revoke", &shape, usize::MAX);
        let output = scene.home.run(["logout", "p"]).ok();
        assert!(output.stderr.contains("are revoked and removed"), "{code}: {}", output.stderr);
        assert!(!output.stderr.contains("warning"), "{code}: {}", output.stderr);
        let at = format!(" at {}: ", scene.server.issuer());
        assert!(output.stderr.contains(&at), "who was asked: {}", output.stderr);
        forgotten(&scene);
    }
}

#[test]
fn refused_refresh_token_does_not_spare_the_other() {
    const SECOND: &str = "the access token is revoked: the revocation request was refused";
    const NEITHER: &str = "could not be revoked at BASE: the revocation request was refused";
    for (error, times, said) in [
        ("unsupported_token_type", 1, "the access token is revoked: the revocation request was"),
        ("invalid_request", 1, SECOND),
        ("invalid_request", usize::MAX, NEITHER),
    ] {
        let scene = Scene::scripted().log_in(3600);
        scene.server.refuse("revoke", &oauth_error(error, 400), times);
        let output = scene.home.run(["logout", "p"]).fails(8);
        let said = said.replace("BASE", scene.server.issuer());
        assert!(output.stderr.contains(&said), "{error}: {}", output.stderr);
        let asked = scene.server.requests_at("revoke");
        let hints: Vec<&str> = asked.iter().map(|asked| &*asked.form["token_type_hint"]).collect();
        assert_eq!(hints, ["refresh_token", "access_token"]);
        forgotten(&scene);
    }
}

#[test]
fn without_a_known_endpoint_the_key_to_set_is_named() {
    let scene = Scene::scripted();
    scene.server.reply("metadata", &without("revocation_endpoint"));
    let scene = scene.log_in(3600);
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
fn local_logout_sends_no_revocation() {
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
fn logout_of_all_removes_each_account() {
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
fn logout_during_a_stalled_refresh_is_final() {
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
