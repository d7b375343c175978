//! What is stored of the clients of logins by URL: secrets, and records that cannot be read or written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Scene;
use super::registration::{deleted, stored};
use crate::support::assert_no_secret;

#[test]
fn login_that_cannot_be_kept_leaves_no_tokens() {
    let scene = Scene::new();
    let login = ["login", &scene.url, "--client-id", "mine"];
    scene.home.run(login).ok();
    let records = std::fs::read_dir(scene.home.state_dir().join("urls")).unwrap();
    let record = records.map(|file| file.unwrap().path()).next().unwrap();
    scene.home.run(["logout", &scene.url]).ok();
    std::fs::create_dir(&record).unwrap();
    let revoked = scene.count("/a/revoke");
    scene.home.run(login).fails(10);
    assert_eq!(scene.count("/a/token"), 2);
    assert!(scene.count("/a/revoke") > revoked, "{:?}", scene.server.paths());
    assert_eq!((stored(&scene), scene.home.run(["status", "--json"]).json()), (0, json!([])));
    std::fs::remove_dir(&record).unwrap();
    scene.home.run(login).ok();
    scene.token(&[]).ok();
}

/// The client secret of the last token request.
#[track_caller]
fn last_secret(scene: &Scene) -> String {
    let request = scene.server.requests("/a/token").pop().unwrap();
    let basic = request["authorization"].as_str().unwrap().strip_prefix("Basic ").unwrap();
    let decoded = String::from_utf8(STANDARD.decode(basic).unwrap()).unwrap();
    decoded.strip_prefix("mine:").unwrap().to_owned()
}

#[test]
fn secret_of_a_failed_login_replaces_nothing() {
    let scene = Scene::new();
    let login = ["login", &scene.url, "--client-id", "mine", "--client-secret-stdin"];
    scene.home.run_with(login, "right-canary-31\n").ok();
    let refused =
        json!({ "/a/token": { "status": 401, "body": "{\"error\":\"invalid_client\"}" } });
    for (change, code) in
        [(json!({ "raw": refused }), 8), (json!({ "callback": { "error": "access_denied" } }), 5)]
    {
        scene.server.set(&change);
        scene.home.run_with(login, "mistyped-canary-31\n").fails(code);
        scene.server.set(&json!({ "raw": {}, "callback": null }));
        scene.token(&["--force-refresh"]).ok();
        assert_eq!(last_secret(&scene), "right-canary-31", "{change}");
    }
    scene.home.run_with(login, "new-canary-31\n").ok();
    assert_eq!(last_secret(&scene), "new-canary-31");
    scene.token(&["--force-refresh"]).ok();
    assert_eq!(last_secret(&scene), "new-canary-31");
    let secrets = ["right-canary-31", "mistyped-canary-31", "new-canary-31"];
    assert_no_secret(&scene.home, secrets.map(str::to_owned));
}

#[test]
fn client_that_becomes_public_leaves_no_secret() {
    let scene = Scene::with(&json!({ "challenge": null, "root": {
        "resource": "$/", "authorization_servers": ["$/a"],
    } }));
    let (one, other) = (scene.url.as_str(), format!("{}/other", scene.server.base));
    let public = ["login", one, "--client-id", "mine"];
    for url in [one, &other] {
        let confidential = ["login", url, "--client-id", "mine", "--client-secret-stdin"];
        scene.home.run_with(confidential, "canary-used-77\n").ok();
    }
    // Two grants, and the secret that the other login still uses.
    scene.home.run(public).ok();
    assert_eq!(stored(&scene), 3);
    scene.home.run(["token", "-p", &other, "--force-refresh"]).ok();
    assert_eq!(last_secret(&scene), "canary-used-77");
    scene.home.run(["logout", &other]).ok();
    assert_eq!(stored(&scene), 1);
    scene.home.run_with([&public[..], &["--client-secret-stdin"]].concat(), "canary-again\n").ok();
    assert_eq!(stored(&scene), 2);
    scene.home.run(public).ok();
    assert_eq!(stored(&scene), 1);
}

#[test]
fn client_of_another_store_does_not_keep_this_one() {
    let scene = Scene::with(&json!({ "challenge": null, "root": {
        "resource": "$/", "authorization_servers": ["$/a"],
    } }));
    let (here, there) = (scene.url.as_str(), format!("{}/other", scene.server.base));
    let elsewhere = format!("file:{}", scene.home.path("elsewhere").display());
    let secret = ["--client-id", "mine", "--client-secret-stdin"];
    scene.home.run_with([&["login", here], &secret[..]].concat(), "canary-here-52\n").ok();
    let login = ["--store", &elsewhere, "login", &there];
    scene.home.run_with([&login, &secret[..]].concat(), "canary-there-52\n").ok();
    scene.home.run(["logout", here]).ok();
    // The client of the other store is not one of this store.
    scene.login().ok();
    assert_eq!(scene.count("/a/register"), 1);
    let refresh = ["--store", &elsewhere, "token", "-p", &there, "--force-refresh"];
    scene.home.run(refresh).ok();
    assert_eq!(last_secret(&scene), "canary-there-52");
}

/// The only file in a directory of the state.
fn only_file(scene: &Scene, directory: &str) -> std::path::PathBuf {
    let files = std::fs::read_dir(scene.home.state_dir().join(directory)).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn client_of_an_unreadable_login_is_kept() {
    let scene = Scene::with(&json!({ "challenge": null, "root": {
        "resource": "$/", "authorization_servers": ["$/a"],
    } }));
    let other = format!("{}/other", scene.server.base);
    scene.home.run(["login", &other]).ok();
    let record = only_file(&scene, "urls");
    scene.login().ok();
    assert_eq!(scene.count("/a/register"), 1);
    let kept = std::fs::read_to_string(&record).unwrap();
    for damaged in ["{", &kept.replacen("\"version\":1", "\"version\":2", 1)] {
        assert_ne!(damaged, kept);
        scene.home.write(&record, damaged);
        let said = scene.home.run(["logout", &scene.url]).ok().stderr;
        assert!(said.contains("the client is kept"), "{said}");
        assert_eq!(deleted(&scene).len(), 0, "{damaged}");
        scene.home.write(&record, &kept);
        scene.home.run(["token", "-p", &other, "--force-refresh"]).ok();
        scene.login().ok();
        assert_eq!(scene.count("/a/register"), 1, "{damaged}");
    }
    // With all of them readable, the last logout deletes it.
    scene.home.run(["logout", &scene.url]).ok();
    assert_eq!(deleted(&scene).len(), 0);
    scene.home.run(["logout", &other]).ok();
    assert_eq!((deleted(&scene).len(), stored(&scene)), (1, 0));
}

#[test]
fn unreadable_clients_are_not_overwritten() {
    let scene = Scene::new();
    scene.login().ok();
    let clients = only_file(&scene, "clients");
    let kept = std::fs::read_to_string(&clients).unwrap();
    let newer = kept.replacen("\"version\":1", "\"version\":2", 1);
    assert_ne!(newer, kept);
    scene.home.write(&clients, &newer);
    scene.login().fails(10);
    assert_eq!(std::fs::read_to_string(&clients).unwrap(), newer);
    assert_eq!(scene.count("/a/register"), 1);
    scene.home.write(&clients, &kept);
    scene.login().ok();
    assert_eq!(scene.count("/a/register"), 1);
}
