//! However many ask at once, one request is made, and all get its result.

use std::collections::BTreeSet;

use oauthctl_sandbox::Moment;
use serde_json::json;

use crate::scene::{Scene, await_turn, same_token, strict};
use crate::support::shapes::{raw, status};
use crate::support::{Output, REFRESH_GRANT, Running, Servers};

const MANY: usize = 128;

#[test]
fn one_of_128_processes_refreshes_at_expiry() {
    let (server, home) = strict();
    let token = same_token(home.run_many(MANY, &["token", "-p", "p"]));
    assert_eq!(server.count("refresh_token"), 1);
    // The strict server would have revoked the grant had the old refresh token been seen twice.
    let forced = home.run(["token", "-p", "p", "--force-refresh"]).ok();
    assert_ne!(forced.line(), token);
    assert_eq!(server.count("refresh_token"), 2);
}

#[test]
fn waiters_share_a_token_shorter_than_min_ttl() {
    let (server, home) = strict();
    server.ttl(30);
    server.hold(1);
    let mut all: Vec<Running> = vec![home.spawn(["token", "-p", "p"])];
    server.await_held(1);
    all.extend((1..MANY).map(|_| home.spawn(["token", "-p", "p"])));
    all.iter_mut().skip(1).for_each(await_turn);
    server.release();
    same_token(all.into_iter().map(Running::wait).collect());
    assert_eq!(server.count("refresh_token"), 1);
}

#[test]
fn forced_at_once_is_forced_once() {
    let scene = Scene::logged_in("honest", 3600);
    scene.server.hold("token-answer", 1);
    let mut all = vec![scene.home.spawn(["token", "-p", "p", "--force-refresh"])];
    scene.server.await_held("token-answer", 1);
    all.extend((1..MANY).map(|_| scene.home.spawn(["token", "-p", "p", "--force-refresh"])));
    all.iter_mut().skip(1).for_each(await_turn);
    scene.server.release("token-answer");
    let token = same_token(all.into_iter().map(Running::wait).collect());
    assert_eq!(token, scene.newest("access_token"));
    assert_eq!(scene.refreshes(), 1);
}

#[test]
fn one_failure_is_shared_by_all_waiters() {
    let scene = Scene::scripted().log_in(30);
    scene.server.refuse(REFRESH_GRANT, &status(500), usize::MAX);
    scene.expire();
    scene.server.hold(REFRESH_GRANT, Moment::Received, 1);
    let mut all = vec![scene.home.spawn(["token", "-p", "p"])];
    scene.server.await_held(1);
    all.extend((1..32).map(|_| scene.home.spawn(["token", "-p", "p"])));
    all.iter_mut().skip(1).for_each(await_turn);
    scene.server.release();
    for running in all {
        running.wait().fails(9);
    }
    assert_eq!(scene.refreshes(), 1);
    // Whoever asks later asks anew.
    scene.home.run(["token", "-p", "p"]).fails(9);
    assert_eq!(scene.refreshes(), 2);
}

#[test]
fn answer_that_nobody_can_read_is_asked_for_once() {
    let scene = Scene::scripted().log_in(30);
    scene.server.reply(REFRESH_GRANT, &raw(|body| body[..20].to_owned()));
    scene.expire();
    scene.server.hold(REFRESH_GRANT, Moment::Received, 1);
    let mut all = vec![scene.home.spawn(["token", "-p", "p"])];
    scene.server.await_held(1);
    all.extend((1..16).map(|_| scene.home.spawn(["token", "-p", "p"])));
    all.iter_mut().skip(1).for_each(await_turn);
    scene.server.release();
    for running in all {
        running.wait().fails(7);
    }
    assert_eq!(scene.refreshes(), 1);
}

#[test]
fn dead_grant_is_asked_for_once() {
    let scene = Scene::logged_in("honest", 30);
    scene.server.revoke_all("honest");
    let outputs = scene.home.run_many(MANY, &["--json", "token", "-p", "p"]);
    for output in outputs {
        let error = output.fails(4).error_json();
        assert_eq!(error["error"], "login_required");
        assert_eq!(error["exit_code"], 4);
        assert!(error["hint"].as_str().unwrap().contains("oauthctl login p"), "{error}");
    }
    assert_eq!(scene.refreshes(), 1);
    // The record is kept until a login replaces it.
    assert_eq!(scene.stored()["tokens"]["refresh_token"], scene.newest("refresh_token"));
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(4);
    assert_eq!(scene.refreshes(), 1);
    let mut scene = scene;
    scene.home.login("p");
    assert_eq!(scene.home.run(["token", "-p", "p"]).ok().line(), scene.newest("access_token"));
}

#[test]
fn two_profiles_do_not_wait_for_each_other() {
    let scene = Scene::logged_in("honest", 30);
    let mut home = scene.home;
    home.profile("q", &scene.server.issuer("tag.q"), "cli", "");
    home.login("q");
    scene.server.hold("token-answer", 1);
    let stalled = home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    home.run(["token", "-p", "q"]).ok();
    home.run(["token", "-p", "q", "--force-refresh"]).ok();
    scene.server.release("token-answer");
    stalled.wait().ok();
}

#[test]
fn token_can_be_had_while_a_login_waits() {
    let mut scene = Scene::logged_in("honest", 30);
    let browser = scene.home.browser(&json!({ "mode": "never" }));
    let login = scene.home.spawn(["login", "p"]);
    browser.await_opening();
    // Refreshed, and then from the store.
    let token = scene.home.run(["token", "-p", "p"]).ok();
    assert_eq!(token.line(), scene.newest("access_token"));
    assert_eq!(scene.home.run(["token", "-p", "p"]).ok().line(), token.line());
    assert_eq!(scene.refreshes(), 1);
    login.signal(rustix::process::Signal::INT);
    login.wait().fails(130);
}

#[test]
fn client_of_its_own_asks_once_for_all() {
    let server = Servers::oidc_provider();
    let mut home = crate::support::Home::new();
    home.set("CLIENT_SECRET", &server.secret);
    home.profile(
        "s",
        &server.issuer,
        "service",
        "grant = \"client_credentials\"\nscopes = [\"api\"]\nresource = [\"https://api.example\"]\n\
         client_secret = { env = \"CLIENT_SECRET\" }",
    );
    same_token(home.run_many(32, &["token", "-p", "s"]));
    assert_eq!(server.count("client_credentials"), 1);
}

#[test]
fn rotation_by_a_sibling_outweighs_invalid_grant() {
    let mut scene = Scene::logged_in("honest", 30);
    let here = scene.home.state_dir();
    let elsewhere = scene.home.path("other-state");
    scene.server.hold("token", 1);
    let slow = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token", 1);
    // Another machine with the same store but its own locks is faster.
    scene.home.set("OAUTHCTL_STATE_DIR", &elsewhere);
    let fast = scene.home.run(["token", "-p", "p"]).ok();
    scene.home.set("OAUTHCTL_STATE_DIR", &here);
    scene.server.release("token");
    // The server has refused the old token, and revoked nothing that we still believe in.
    let output = slow.wait().ok();
    assert_eq!(output.line(), fast.line());
    assert_eq!(scene.refreshes(), 2);
    assert!(scene.stored()["dead"].is_null());
}

#[test]
fn late_tokens_after_a_new_login_are_revoked() {
    let mut scene = Scene::logged_in("honest", 30);
    let here = scene.home.state_dir();
    scene.server.hold("token-answer", 1);
    let slow = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    scene.home.set("OAUTHCTL_STATE_DIR", scene.home.path("other-state"));
    scene.home.login("p");
    let login = scene.stored();
    scene.home.set("OAUTHCTL_STATE_DIR", &here);
    scene.server.release("token-answer");
    // It prints what the login brought.
    assert_eq!(slow.wait().ok().line(), login["tokens"]["access_token"].as_str().unwrap());
    assert_eq!(scene.stored(), login);
    let revoked = scene.server.requests("honest", "revoke");
    assert_eq!(revoked.len(), 1, "the late refresh token is revoked");
}

#[test]
fn refresh_in_flight_does_not_undo_a_logout() {
    let mut scene = Scene::logged_in("honest", 30);
    let here = scene.home.state_dir();
    scene.server.hold("token-answer", 1);
    let slow = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    scene.home.set("OAUTHCTL_STATE_DIR", scene.home.path("other-state"));
    scene.home.run(["logout", "p"]).ok();
    scene.home.set("OAUTHCTL_STATE_DIR", &here);
    scene.server.release("token-answer");
    slow.wait().fails(4);
    assert!(crate::scene::files_like(&scene.home, ".age").is_empty());
    crate::support::assert_no_secret(&scene.home, scene.server.secrets_minted());
}

#[test]
fn every_process_gets_the_whole_line() {
    let scene = Scene::logged_in("honest", 3600);
    let outputs = scene.home.run_many(MANY, &["token", "-p", "p"]);
    let lines: BTreeSet<String> = outputs.into_iter().map(|o: Output| o.ok().stdout).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(scene.refreshes(), 0);
}
