//! Whoever holds the lock may die or freeze: it does no harm to the others.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::scene::{Scene, await_turn, files_like};
use crate::support::{Running, await_some};

/// Starts a refresh, and kills it when a request is held there.
fn killed_at(scene: &Scene, at: &str) {
    scene.server.hold(at, 1);
    let holder = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held(at, 1);
    holder.signal(Signal::KILL);
    holder.wait().fails(137);
    scene.server.release(at);
}

/// Starts a refresh into a black hole, and kills it when the server has its request.
fn killed_unheard(scene: &Scene) {
    let before = scene.refreshes();
    let holder = scene.home.spawn(["token", "-p", "p"]);
    await_some("the request", || (scene.refreshes() > before).then_some(()));
    holder.signal(Signal::KILL);
    holder.wait().fails(137);
}

#[test]
fn kill_before_the_request_spends_nothing() {
    let scene = Scene::logged_in("honest", 30);
    scene.forget_metadata();
    killed_at(&scene, "discovery");
    assert_eq!(scene.refreshes(), 0);
    scene.works();
    assert_eq!(scene.refreshes(), 1);
}

#[test]
fn kill_before_the_server_acted_is_recovered() {
    let scene = Scene::logged_in("refresh.black-hole.1", 30);
    killed_unheard(&scene);
    scene.works();
    assert_eq!(scene.refreshes(), 2);
    assert!(intents(&scene).is_empty());
    let second = scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    assert_eq!(second.line(), scene.newest("access_token"));
}

#[test]
fn kill_after_rotation_with_grace_is_recovered() {
    let scene = Scene::logged_in("honest", 30);
    scene.server.set(&serde_json::json!({ "grace": 1 }));
    killed_at(&scene, "token-answer");
    scene.works();
    assert_eq!(scene.refreshes(), 2);
}

#[test]
fn kill_after_rotation_without_grace_needs_a_login() {
    let mut scene = Scene::logged_in("honest", 30);
    killed_at(&scene, "token-answer");
    // One more try, refused: the login is over, and says so; nothing more is sent.
    let error = scene.home.run(["--json", "token", "-p", "p"]).fails(4).error_json();
    assert_eq!(error["oauth_error"], "invalid_grant");
    assert!(error["message"].as_str().unwrap().contains("was refused: invalid_grant"), "{error}");
    scene.home.run(["token", "-p", "p"]).fails(4);
    assert_eq!(scene.refreshes(), 2);
    scene.home.login("p");
    scene.works();
}

#[test]
fn token_sent_twice_unanswered_is_not_sent_again() {
    let mut scene = Scene::logged_in("refresh.black-hole.3", 30);
    killed_unheard(&scene);
    killed_unheard(&scene);
    // The stored token still works, and nothing is sent.
    let output = scene.home.run(["token", "-p", "p"]).ok();
    assert_eq!(output.line(), scene.stored()["tokens"]["access_token"].as_str().unwrap());
    assert!(output.stderr.contains("may already have been used"), "{}", output.stderr);
    scene.expire();
    let error = scene.home.run(["--json", "token", "-p", "p"]).fails(4).error_json();
    assert_eq!(scene.refreshes(), 2);
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("oauthctl refresh") && hint.contains("oauthctl login p"), "{hint}");
    // The user may force the refresh.
    let insisting = scene.home.spawn(["refresh", "p"]);
    await_some("the request", || (scene.refreshes() > 2).then_some(()));
    insisting.signal(Signal::KILL);
    insisting.wait().fails(137);
    scene.home.run(["token", "-p", "p"]).fails(4);
    scene.home.run(["refresh", "p"]).ok();
    scene.works();
    scene.expire();
    scene.works();
    scene.home.login("p");
    scene.works();
}

#[test]
fn pause_after_unanswered_requests_ends_by_itself() {
    let scene = Scene::logged_in("refresh.black-hole.2", 30);
    killed_unheard(&scene);
    killed_unheard(&scene);
    scene.expire();
    scene.home.run(["token", "-p", "p"]).fails(4);
    let [intent] = intents(&scene).try_into().unwrap();
    let mut value: Value = serde_json::from_slice(&std::fs::read(&intent).unwrap()).unwrap();
    value["at"] = (value["at"].as_u64().unwrap() - 4_000).into();
    std::fs::write(&intent, value.to_string()).unwrap();
    scene.works();
    assert_eq!(scene.refreshes(), 3);
}

#[test]
fn lock_file_that_a_crash_tore_costs_nothing() {
    let scene = Scene::logged_in("refresh.black-hole.1", 30);
    killed_unheard(&scene);
    let [lock] = intents(&scene).try_into().unwrap();
    let whole = std::fs::read(&lock).unwrap();
    for torn in [vec![0; whole.len()], whole[..100].to_vec()] {
        std::fs::write(&lock, torn).unwrap();
        scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
        scene.works();
    }
}

#[test]
fn import_ends_the_pause_of_what_it_replaces() {
    let scene = Scene::logged_in("refresh.black-hole.2", 30);
    killed_unheard(&scene);
    killed_unheard(&scene);
    scene.expire();
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    scene.home.run(["token", "-p", "p"]).fails(4);
    scene.home.run_with(["import", "--replace", "-"], &line).ok();
    scene.works();
    assert_eq!(scene.refreshes(), 3);
}

#[test]
fn waiter_behind_frozen_holder_uses_the_stored_token() {
    let mut scene = Scene::logged_in("honest", 50);
    scene.home.deadline(Duration::from_secs(150));
    scene.server.hold("token-answer", 1);
    let holder = scene.home.spawn(["token", "-p", "p", "--force-refresh"]);
    scene.server.await_held("token-answer", 1);
    holder.signal(Signal::STOP);
    // Whatever the wait is, the token must outlive it.
    crate::scene::rewrite(&scene.home, |record| {
        let at = record["tokens"]["expires_at"].as_u64().unwrap();
        record["tokens"]["expires_at"] = (at + 3_600).into();
    });
    let mut lucky: Vec<Running> =
        (0..4).map(|_| scene.home.spawn(["token", "-p", "p", "--min-ttl", "2h"])).collect();
    let mut forced = scene.home.spawn(["token", "-p", "p", "--force-refresh"]);
    lucky.iter_mut().for_each(await_turn);
    await_turn(&mut forced);
    let old = scene.stored()["tokens"]["access_token"].as_str().unwrap().to_owned();
    for running in lucky {
        let output = running.wait().ok();
        assert_eq!(output.line(), old);
        assert!(output.stderr.contains("warning:"), "{}", output.stderr);
    }
    forced.wait().fails(9);
    assert_eq!(scene.refreshes(), 1);
    // The answer comes; it thaws, and what it got is saved, however late.
    scene.server.release("token-answer");
    await_some("the answer", || {
        let all = scene.server.requests("honest", "token");
        all.iter().any(|r| r["grant_type"] == "refresh_token" && r["status"] == 200).then_some(())
    });
    holder.signal(Signal::CONT);
    assert_eq!(holder.wait().ok().line(), scene.newest("access_token"));
    scene.works();
}

/// The files of locks that say that something was about to be sent.
fn intents(scene: &Scene) -> Vec<std::path::PathBuf> {
    let says_something =
        |path: &std::path::PathBuf| !std::fs::read(path).unwrap().trim_ascii().is_empty();
    files_like(&scene.home, ".lock").into_iter().filter(says_something).collect()
}
