//! Logins by URL that move to another store.

use serde_json::json;

use super::Scene;
use super::registration::{deleted, stored};

const FILES: &str = "[defaults]\nstore = \"file\"\n";

impl Scene {
    /// The same scene, where the configuration determines the store.
    fn with_configured_store(self) -> Self {
        let Self { server, mut home, url } = self;
        home.unset("OAUTHCTL_STORE");
        home.config(FILES);
        Self { server, home, url }
    }
}

#[test]
fn login_moves_to_another_store_with_its_clients() {
    let scene = Scene::confidential().with_configured_store();
    let other = format!("{}/mcp/other", scene.server.base);
    scene.server.set(&json!({ "root": { "resource": "$/", "authorization_servers": ["$/a"] } }));
    let challenge = format!(
        "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource\"",
        scene.server.base
    );
    scene.login_as("one").ok();
    let taken = scene.take_port();
    scene.login_as("two").ok();
    drop(taken);
    // Another login uses the second client, and stays.
    scene.home.run(["login", &other, "--challenge", &challenge]).ok();
    assert_eq!(scene.count("/a/register"), 2);
    let place = scene.home.path("elsewhere");
    let to = format!("file:{}", place.display());
    let moved = scene.home.run(["store", "migrate", &scene.url, "--to", &to, "--write"]).ok();
    assert!(!moved.stderr.contains("profiles."), "{}", moved.stderr);
    assert_eq!(std::fs::read_to_string(scene.home.config_path()).unwrap(), FILES);
    for account in ["one", "two"] {
        scene.refresh_as(account).ok();
    }
    scene.home.run(["token", "-p", &other, "--force-refresh"]).ok();
    // Two grants with two secrets each there; one with two here.
    let there = || std::fs::read_dir(&place).unwrap().count();
    assert_eq!((stored(&scene), there()), (6 + 3, 6));
    scene.home.run(["logout", &other]).ok();
    assert_eq!((deleted(&scene).len(), stored(&scene)), (0, 6));
    // The next login uses the client that has moved.
    scene.home.run(["login", &scene.url, "--account", "three"]).ok();
    assert_eq!(scene.count("/a/register"), 2);
    scene.home.run(["logout", &scene.url, "--all"]).ok();
    assert_eq!((deleted(&scene).len(), stored(&scene)), (2, 0));
}

/// A login to another store leaves the accounts of the one before their client.
#[test]
fn accounts_of_two_stores_keep_their_clients() {
    for first in ["one", "two"] {
        let scene = Scene::confidential().with_configured_store();
        let place = scene.home.path("elsewhere");
        let elsewhere = format!("file:{}", place.display());
        let there = |args: &[&str]| scene.home.run([&["--store", &elsewhere], args].concat());
        scene.login_as("one").ok();
        there(&["login", &scene.url, "--account", "two"]).ok();
        assert_eq!((scene.count("/a/register"), deleted(&scene).len()), (2, 0));
        let asked = scene.server.requests("/a/authorize");
        let [one, two] =
            [0, 1].map(|n| asked[n]["query"]["client_id"].as_str().unwrap().to_owned());
        let refresh = ["token", "-p", &scene.url, "--force-refresh", "--account"];
        let here = |args: &[&str]| scene.home.run([&["--store", "file"], args].concat());
        for _ in 0..2 {
            let token = here(&[&refresh[..], &["one"]].concat()).ok();
            assert_eq!((token.stderr, scene.last_client("/a/token")), (String::new(), one.clone()));
            there(&[&refresh[..], &["two"]].concat()).ok();
            assert_eq!(scene.last_client("/a/token"), two);
        }
        // Each logout finds the store of its account.
        let second = if first == "one" { "two" } else { "one" };
        for account in [first, second] {
            scene.home.run(["logout", &scene.url, "--account", account]).ok();
        }
        let deleted = deleted(&scene);
        let all = [&one, &two].map(|client| deleted.contains(client));
        assert_eq!((deleted.len(), all), (2, [true, true]), "{first}: {deleted:?}");
        let left = std::fs::read_dir(&place).unwrap().count();
        assert_eq!((stored(&scene), left), (0, 0), "{first}");
    }
}

#[test]
fn profiles_of_the_file_move_beside_logins_by_url() {
    let scene = Scene::new().with_configured_store();
    scene.login().ok();
    let issuer = format!("{}/a", scene.server.base);
    scene.home.profile("p", &issuer, "c", "");
    scene.home.run(["login", "p"]).ok();
    let to = format!("file:{}", scene.home.path("elsewhere").display());
    scene.home.run(["store", "migrate", "--to", &to, "--write"]).ok();
    let config = std::fs::read_to_string(scene.home.config_path()).unwrap();
    assert!(config.contains(&format!("store = \"{to}\"")), "{config}");
    assert!(!config.contains("/mcp"), "{config}");
    for profile in ["p", &scene.url] {
        scene.home.run(["token", "-p", profile, "--force-refresh"]).ok();
    }
}
