//! Keyrings: locked, absent, and through the life of a grant.

use serde_json::json;

use crate::scene::{Scene, files_like};
use crate::support::{SecretService, assert_no_secret};

#[test]
fn locked_keyring_is_store_without_a_fallback() {
    let service = SecretService::start_locked();
    let mut scene = Scene::new("honest");
    scene.home.keyring(&service);
    let browser = scene.home.browser(&json!({ "mode": "honest" }));
    let error = scene.home.run(["--json", "login", "p"]).fails(10).error_json();
    assert_eq!(error["error"], "store");
    assert!(error["hint"].as_str().unwrap().contains("file"), "{error}");
    assert!(browser.openings().is_empty());
    scene.home.run(["token", "-p", "p"]).fails(10);
    assert_eq!(scene.redemptions() + scene.refreshes(), 0);
    assert!(files_like(&scene.home, ".age").is_empty(), "no silent fall back");
}

#[test]
fn missing_bus_prevents_every_request() {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STORE", "keyring");
    scene.home.set(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", scene.home.path("run/none").display()),
    );
    scene.home.browser(&json!({ "mode": "honest" }));
    scene.home.run(["login", "p"]).fails(10);
    scene.home.run(["token", "-p", "p"]).fails(10);
    assert_eq!(scene.redemptions(), 0);
}

#[test]
fn keyring_holds_a_grant_through_its_life() {
    let service = SecretService::start();
    holds_a_grant_through_its_life(&service);
}

#[test]
fn keepassxc_holds_a_grant_through_its_life() {
    let service = SecretService::keepassxc();
    holds_a_grant_through_its_life(&service);
}

#[test]
fn keepassxc_locked_fails_in_time() {
    let service = SecretService::keepassxc_locked();
    let mut scene = Scene::new("honest");
    scene.home.keyring(&service);
    let browser = scene.home.browser(&json!({ "mode": "honest" }));
    let begun = std::time::Instant::now();
    let error = scene.home.run(["--json", "login", "p"]).fails(10).error_json();
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(error["message"], "the keyring is locked");
    assert!(browser.openings().is_empty());
}

fn holds_a_grant_through_its_life(service: &SecretService) {
    let mut scene = Scene::new("honest");
    scene.home.keyring(service);
    scene.server.set(&json!({ "expires_in": 30 }));
    scene.home.login("p");
    scene.server.set(&json!({ "expires_in": 3600 }));
    crate::scene::same_token(scene.home.run_many(32, &["token", "-p", "p", "--min-ttl", "5m"]));
    assert_eq!(scene.refreshes(), 1);
    scene.works();
    assert_no_secret(&scene.home, scene.server.secrets_minted());
    // To the file store and back.
    scene.home.run(["store", "migrate", "--to", "file"]).ok();
    scene.home.run(["token", "-p", "p"]).fails(4);
    scene.home.set("OAUTHCTL_STORE", "file");
    scene.works();
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    scene.home.run(["store", "migrate", "--to", "keyring"]).ok();
    assert!(files_like(&scene.home, ".age").is_empty());
    scene.home.set("OAUTHCTL_STORE", "keyring");
    scene.works();
    assert_eq!(scene.refreshes(), 2);
    scene.home.run(["logout", "p"]).ok();
    scene.home.run(["token", "-p", "p"]).fails(4);
    assert_no_secret(&scene.home, scene.server.secrets_minted());
}
