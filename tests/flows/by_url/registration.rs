//! Which client a login by URL is, and its registration.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Scene;
use crate::support::assert_no_secret;

#[test]
fn second_login_does_not_register_again() {
    let secret = json!({
        "client_secret": "cs-canary-55d1", "token_endpoint_auth_method": "client_secret_basic",
    });
    let scene = Scene::with(&json!({
        "registration": { "status": 201, "body": null, "members": secret },
        "metadata": { "token_endpoint_auth_methods_supported": ["client_secret_basic"] },
    }));
    scene.login().ok();
    scene.token(&["--force-refresh"]).ok();
    scene.login().ok();
    assert_eq!(scene.count("/a/register"), 1);
    let sent = scene.one("/a/register")["form"].clone();
    assert_eq!(
        (&sent["application_type"], &sent["scope"]),
        (&json!("native"), &json!("read offline_access"))
    );
    let redirects: Vec<Value> = scene
        .server
        .requests("/a/authorize")
        .iter()
        .map(|r| r["query"]["redirect_uri"].clone())
        .collect();
    // Servers that compare the port find the one that is registered.
    assert!(redirects.iter().all(|uri| *uri == sent["redirect_uris"][0]), "{redirects:?}");
    for request in scene.server.requests("/a/token") {
        assert!(request["authorization"].as_str().unwrap().starts_with("Basic "), "{request}");
    }
    assert_no_secret(&scene.home, ["cs-canary-55d1".to_owned()]);
}

#[test]
fn taken_port_is_registered_anew() {
    let scene = Scene::new();
    scene.login().ok();
    let uri = scene.one("/a/register")["form"]["redirect_uris"][0].as_str().unwrap().to_owned();
    let port: u16 = uri.split(':').nth(2).unwrap().split('/').next().unwrap().parse().unwrap();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    scene.login().ok();
    assert_eq!(scene.count("/a/register"), 2);
}

#[test]
fn logout_deletes_the_registration() {
    let scene = Scene::new();
    scene.login().ok();
    let result = scene.home.run(["logout", &scene.url, "--json"]).ok().json();
    assert_eq!(result[0]["registration"], "deleted", "{result}");
    let deletion = scene.one("/a/register/client-1");
    assert_eq!(deletion["method"], "DELETE");
    assert_eq!(deletion["authorization"], "Bearer rat-client-1-canary-7f3a");
    scene.token(&[]).fails(4);
    assert_eq!(scene.home.run(["profile", "list", "--json"]).ok().json(), json!([]));
    scene.login().ok();
    assert_eq!(scene.count("/a/register"), 2);
    scene.home.run(["logout", &scene.url, "--local"]).ok();
    assert_eq!(scene.count("/a/register/client-2"), 0);
}

#[test]
fn logout_deletes_earlier_registrations_too() {
    let scene = Scene::new();
    scene.login().ok();
    let uri = scene.one("/a/register")["form"]["redirect_uris"][0].as_str().unwrap().to_owned();
    let port = url::Url::parse(&uri).unwrap().port().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    scene.login().ok();
    drop(taken);
    // Then the resource moves to another server.
    scene
        .server
        .set(&json!({ "resource": { "resource": "$/mcp", "authorization_servers": ["$/b"] } }));
    scene.login().ok();
    let mut ids: Vec<String> = scene
        .server
        .requests("/a/authorize")
        .iter()
        .map(|request| format!("/a/register/{}", request["query"]["client_id"].as_str().unwrap()))
        .collect();
    let last = scene.one("/b/authorize")["query"]["client_id"].as_str().unwrap().to_owned();
    ids.push(format!("/b/register/{last}"));
    assert_eq!(scene.count("/a/register"), 2);
    let result = scene.home.run(["logout", &scene.url, "--json"]).ok().json();
    assert_eq!(result[0]["registration"], "deleted", "{result}");
    for path in ids {
        let deletion = scene.one(&path);
        let id = path.split('/').next_back().unwrap();
        assert_eq!(deletion["method"], "DELETE", "{path}");
        assert_eq!(deletion["authorization"], format!("Bearer rat-{id}-canary-7f3a"), "{path}");
    }
    // Nothing of them is used again.
    scene
        .server
        .set(&json!({ "resource": { "resource": "$/mcp", "authorization_servers": ["$/a"] } }));
    scene.login().ok();
    assert_eq!(scene.count("/a/register"), 3);
}

/// The number of records and secrets in the store.
pub fn stored(scene: &Scene) -> usize {
    let is_stored = |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == "age");
    scene.home.files().into_iter().filter(is_stored).count()
}

/// The clients whose registrations were deleted at the first server, in their order.
pub fn deleted(scene: &Scene) -> Vec<String> {
    let paths = scene.server.paths();
    paths.iter().filter_map(|path| path.strip_prefix("/a/register/")).map(str::to_owned).collect()
}

#[test]
fn client_of_a_failed_first_login_is_deleted_too() {
    let scene = Scene::with(&json!({ "callback": { "error": "access_denied" } }));
    scene.login().fails(5);
    let uri = scene.one("/a/register")["form"]["redirect_uris"][0].as_str().unwrap().to_owned();
    let port = url::Url::parse(&uri).unwrap().port().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    scene.server.set(&json!({ "callback": null }));
    scene.login().ok();
    assert_eq!((scene.count("/a/register"), deleted(&scene).len()), (2, 0));
    let result = scene.home.run(["logout", &scene.url, "--json"]).ok().json();
    assert_eq!(result[0]["registration"], "deleted", "{result}");
    drop(taken);
    let mut ids = deleted(&scene);
    ids.sort();
    assert_eq!((ids, stored(&scene)), (vec!["client-1".to_owned(), "client-2".to_owned()], 0));
}

#[test]
fn client_that_its_server_forgot_leaves_no_secret() {
    let unknown =
        json!({ "/a/token": { "status": 401, "body": "{\"error\":\"invalid_client\"}" } });
    let scene = Scene::with(&json!({ "raw": unknown }));
    scene.login().fails(8);
    assert_eq!((deleted(&scene), stored(&scene)), (vec!["client-1".to_owned()], 0));
}

#[test]
fn oldest_clients_of_many_are_deleted() {
    let scene = Scene::new();
    for _ in 0..19 {
        // Another port needs another client.
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        scene.home.run(["login", &scene.url, "--port", &port]).ok();
    }
    let used: Vec<String> = scene
        .server
        .requests("/a/authorize")
        .iter()
        .map(|request| request["query"]["client_id"].as_str().unwrap().to_owned())
        .collect();
    // The last one is in use, and 16 before it are kept.
    assert_eq!(deleted(&scene), used[..2]);
    assert_eq!(stored(&scene), 1 + 17);
    scene.home.run(["logout", &scene.url]).ok();
    assert_eq!((deleted(&scene).len(), stored(&scene)), (19, 0));
}

#[test]
fn refused_registration_says_what_to_do() {
    let scene = Scene::with(
        &json!({ "registration": { "status": 400, "body": "{\"error\":\"invalid_client_metadata\"}" } }),
    );
    let failed = scene.login().fails(8);
    assert!(failed.stderr.contains("--client-id ID"), "{}", failed.stderr);
    scene.server.set(&json!({ "metadata": { "registration_endpoint": null } }));
    let failed = scene.login().fails(3);
    assert!(failed.stderr.contains("--client-id ID"), "{}", failed.stderr);
    // As told.
    scene.home.run(["login", &scene.url, "--client-id", "mine"]).ok();
    assert_eq!(scene.one("/a/authorize")["query"]["client_id"], "mine");
    scene.login().ok();
    assert_eq!(scene.server.requests("/a/authorize")[1]["query"]["client_id"], "mine");
}

#[test]
fn server_that_knows_only_localhost_gets_it() {
    let scene = Scene::with(
        &json!({ "registration": { "status": 400, "body": "{\"error\":\"invalid_redirect_uri\"}" } }),
    );
    scene.login().fails(8);
    let uris: Vec<String> = scene
        .server
        .requests("/a/register")
        .iter()
        .map(|r| r["form"]["redirect_uris"][0].to_string())
        .collect();
    assert!(uris[0].contains("127.0.0.1") && uris[1].contains("localhost"), "{uris:?}");
}

#[test]
fn client_secret_from_stdin_authenticates() {
    let scene = Scene::new();
    let args = ["login", &scene.url, "--client-id", "mine", "--client-secret-stdin"];
    scene.home.run_with(args, "cs-canary-0aa1\n").ok();
    assert_eq!(scene.count("/a/register"), 0);
    scene.token(&["--force-refresh"]).ok();
    for request in scene.server.requests("/a/token") {
        assert!(request["authorization"].as_str().unwrap().starts_with("Basic "), "{request}");
    }
    assert_no_secret(&scene.home, ["cs-canary-0aa1".to_owned()]);
    // It belongs to this server.
    scene
        .server
        .set(&json!({ "resource": { "resource": "$/mcp", "authorization_servers": ["$/b"] } }));
    scene.login().ok();
    assert_ne!(scene.one("/b/authorize")["query"]["client_id"], "mine");
}

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

#[test]
fn client_of_another_resource_is_announced() {
    let scene = Scene::new();
    let said = "Using the client `mine` of an earlier login";
    let given = scene.home.run(["login", &scene.url, "--client-id", "mine"]).ok();
    assert!(!given.stderr.contains(said), "{}", given.stderr);
    let again = scene.login().ok();
    assert!(!again.stderr.contains(said), "{}", again.stderr);
    scene
        .server
        .set(&json!({ "resource": { "resource": "$/", "authorization_servers": ["$/a"] } }));
    let base = &scene.server.base;
    let challenge =
        format!("Bearer resource_metadata=\"{base}/.well-known/oauth-protected-resource/mcp\"");
    let other = format!("{base}/other");
    let other = scene.home.run(["login", &other, "--challenge", &challenge]).ok();
    assert!(other.stderr.contains(said), "{}", other.stderr);
    assert!(other.stderr.contains(&format!("{base}/a")), "{}", other.stderr);
}

#[test]
fn accepted_metadata_document_is_the_client() {
    let scene =
        Scene::with(&json!({ "metadata": { "client_id_metadata_document_supported": true } }));
    let document = "https://client.example/oauthctl.json";
    scene.home.config(&format!("[defaults]\nclient_id_metadata_url = {document:?}\n"));
    scene.login().ok();
    assert_eq!(scene.one("/a/authorize")["query"]["client_id"], document);
    assert_eq!(scene.count("/a/register"), 0);
    scene.server.set(&json!({ "metadata": {} }));
    scene.login().ok();
    assert_eq!(scene.count("/a/register"), 1);
}
