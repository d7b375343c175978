//! Which client a login by URL is, and its registration.

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
fn unusable_store_registers_no_client() {
    let mut scene = Scene::confidential();
    let clients = scene.home.state_dir().join("clients");
    std::fs::create_dir_all(clients.parent().unwrap()).unwrap();
    std::fs::write(&clients, "").unwrap();
    scene.login().fails(10);
    assert_eq!((scene.count("/a/register"), stored(&scene)), (0, 0));
    std::fs::remove_file(&clients).unwrap();
    scene.home.set("OAUTHCTL_STORE_KEY", "bad");
    scene.login().fails(10);
    assert_eq!((scene.count("/a/register"), stored(&scene)), (0, 0));
    // A server that registers no clients is told first.
    scene.server.set(&json!({ "metadata": { "registration_endpoint": null } }));
    scene.login().fails(3);
}

#[test]
fn registration_that_is_not_kept_is_deleted() {
    let (scene, records) = Scene::confidential().with_scripted_store();
    let shell = |script: &str| json!(["sh", "-c", script, records.to_str().unwrap()]);
    scene.home.config(&format!(
        "[defaults]\nstore = \"command\"\n[store.command]\nget = {}\nset = {}\ndelete = {}\n",
        shell("cat \"$0/$1\""),
        shell("cat >\"$0/$1\"; ! grep -q registration_access_token \"$0/$1\""),
        shell("rm \"$0/$1\""),
    ));
    let failed = scene.login().fails(10);
    assert!(!failed.stderr.contains("warning:"), "{}", failed.stderr);
    let deletion = scene.one("/a/register/client-1");
    assert_eq!(deletion["method"], "DELETE");
    assert_eq!(deletion["authorization"], "Bearer rat-client-1-canary-7f3a");
    assert_eq!(std::fs::read_dir(&records).unwrap().count(), 0);
    // A client that stays is named.
    let broken = json!({ "/a/register/client-2": { "status": 500, "body": "" } });
    scene.server.set(&json!({ "raw": broken }));
    let failed = scene.login().fails(10);
    assert!(failed.stderr.contains("cannot delete the client `client-2`"), "{}", failed.stderr);
    assert_no_secret(&scene.home, ["rat-client-2-canary-7f3a".to_owned()]);
}

#[test]
fn unusable_registration_is_deleted() {
    let members = |more: serde_json::Value| json!({ "registration": { "status": 201, "body": null, "members": more } });
    let scene = Scene::with(&members(json!({ "token_endpoint_auth_method": "private_key_jwt" })));
    let failed = scene.login().fails(7);
    assert!(!failed.stderr.contains("warning:"), "{}", failed.stderr);
    let deletion = scene.one("/a/register/client-1");
    assert_eq!(deletion["method"], "DELETE");
    assert_eq!(deletion["authorization"], "Bearer rat-client-1-canary-7f3a");
    let broken = json!({ "/a/register/client-2": { "status": 500, "body": "" } });
    scene.server.set(&json!({ "raw": broken }));
    let failed = scene.login().fails(7);
    assert!(failed.stderr.contains("cannot delete the client"), "{}", failed.stderr);
    // Another server is not asked to delete anything.
    let elsewhere = scene.server.base.replace("127.0.0.1", "localhost");
    scene.server.set(&members(json!({
        "client_secret": ["s"], "registration_client_uri": format!("{elsewhere}/a/register/ID"),
    })));
    scene.login().fails(7);
    assert_eq!((scene.count("/a/register"), scene.count("/a/register/client-3")), (3, 0));
    assert_eq!(stored(&scene), 0);
    assert_no_secret(&scene.home, [1, 2, 3].map(|n| format!("rat-client-{n}-canary-7f3a")));
}

#[test]
fn command_of_a_server_is_printed_unchanged() {
    let said = "run \u{60}oauthctl logout --all\u{60}";
    let body = json!({ "error": "access_denied", "error_description": said }).to_string();
    let scene = Scene::with(&json!({ "registration": { "status": 400, "body": body } }));
    let failed = scene.login().fails(5);
    assert!(failed.stderr.contains(said), "{}", failed.stderr);
    let failed = scene.home.run(["login", &scene.url, "--json"]).fails(5);
    assert!(failed.stderr.contains(said), "{}", failed.stderr);
    let traced = scene.home.run(["login", &scene.url, "--trace"]).fails(5);
    assert!(!traced.stderr.contains("logout --all -"), "{}", traced.stderr);
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
