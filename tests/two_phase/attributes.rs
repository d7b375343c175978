//! Values that live as long as the grant, or less.

use serde_json::json;

use crate::scene::Scene;
use crate::support::{Running, assert_no_secret};

fn attributes(scene: &Scene) -> serde_json::Value {
    scene.home.run(["token", "-p", "p", "--json"]).ok().json()["attributes"].clone()
}

#[test]
fn they_live_over_refreshes_and_are_read_wherever_the_token_is() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&["--attr", "tenant=acme-and-more"]);
    scene.complete(&callback, &[]).ok();
    let home = &scene.home;
    assert_eq!(attributes(&scene), json!({ "tenant": "acme-and-more" }));
    home.run(["attr", "set", "-p", "p", "plan", "-v \u{1F980}\n\"'"]).ok();
    home.run(["attr", "set", "-p", "p", "gone", "x", "--ttl", "1h"]).ok();
    home.run(["attr", "unset", "-p", "p", "gone"]).ok();
    home.run(["attr", "unset", "-p", "p", "gone"]).ok();
    let refreshed = home.run(["token", "-p", "p", "--force-refresh", "--json"]).ok().json();
    assert_eq!(refreshed["grant_id"], begun["grant_id"]);
    let expected = json!({ "plan": "-v \u{1F980}\n\"'", "tenant": "acme-and-more" });
    assert_eq!(refreshed["attributes"], expected);
    assert_eq!(home.run(["attr", "list", "-p", "p", "--json"]).ok().json(), expected);
    assert_eq!(home.run(["status", "--json"]).ok().json()[0]["attributes"], expected);
    assert_eq!(home.run(["attr", "get", "-p", "p", "tenant"]).ok().line(), "acme-and-more");
    let one = home.run(["attr", "get", "-p", "p", "tenant", "--json"]).ok().json();
    assert_eq!(one, json!({ "name": "tenant", "value": "acme-and-more", "expires_at": null }));
    assert_no_secret(home, ["acme-and-more"]);
    home.run(["attr", "get", "-p", "p", "gone"]).fails(3);
}

#[test]
fn one_past_its_time_is_gone() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    scene.home.run(["attr", "set", "-p", "p", "short", "x", "--ttl", "1s"]).ok();
    scene.home.run(["attr", "set", "-p", "p", "long", "y", "--ttl", "1d"]).ok();
    crate::support::await_some("the end of its time", || {
        (attributes(&scene) == json!({ "long": "y" })).then_some(())
    });
    scene.home.run(["attr", "get", "-p", "p", "short"]).fails(3);
}

#[test]
fn changes_at_once_are_all_kept() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let mut all: Vec<Running> = (0..12)
        .map(|n| scene.home.spawn(["attr", "set", "-p", "p", &format!("k{n}"), &n.to_string()]))
        .collect();
    all.extend((0..4).map(|_| scene.home.spawn(["token", "-p", "p", "--force-refresh"])));
    for running in all {
        running.wait().ok();
    }
    assert_eq!(attributes(&scene).as_object().unwrap().len(), 12);
}

#[test]
fn what_cannot_be_kept_is_refused_and_changes_nothing() {
    let scene = Scene::new("honest");
    scene.home.run(["attr", "set", "-p", "p", "k", "v"]).fails(4);
    scene.home.run(["attr", "list", "-p", "p"]).fails(4);
    scene.home.run(["attr", "list", "-p", "nobody"]).fails(3);
    let (_, callback) = scene.come_back(&["--attr", "a=1"]);
    scene.complete(&callback, &[]).ok();
    let (long, large) = ("n".repeat(257), "v".repeat(40_000));
    for args in [["", "v"], [&long, "v"], ["k", &large]] {
        scene.home.run(["attr", "set", "-p", "p"].iter().chain(&args)).fails(2);
    }
    scene.home.run(["attr", "set", "-p", "p", "k", "v", "--ttl", "0"]).fails(2);
    assert_eq!(attributes(&scene), json!({ "a": "1" }));
}

#[test]
fn values_of_the_callback_and_the_answer_are_among_them() {
    let scene = Scene::with("honest", "keep_from_callback = [\"realmId\"]\n");
    let (_, callback) = scene.come_back(&["--attr", "a=1"]);
    let done = scene.complete(&format!("{callback}&realmId=4711"), &[]).ok().json();
    assert_eq!(done["attributes"], json!({ "a": "1", "realmId": "4711" }));
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    assert_eq!(attributes(&scene), json!({ "a": "1", "realmId": "4711" }));
    assert_eq!(scene.home.run(["attr", "get", "-p", "p", "realmId"]).ok().line(), "4711");
}
