//! From the URL to the authorization server: challenges and metadata.

use serde_json::{Value, json};

use super::Scene;

#[test]
fn discover_resource_shows_its_server() {
    let scene = Scene::new();
    let metadata = json!({
        "resource": scene.url, "authorization_servers": ["$/a"], "scopes_supported": ["read", "write"],
    });
    let challenge =
        "Bearer resource_metadata=\"$/.well-known/oauth-protected-resource/mcp\", scope=\"read\"";
    scene.server.set(&json!({ "resource": metadata, "challenge": challenge }));
    let found = scene.home.run(["discover", &scene.url, "--json"]).ok().json();
    assert_eq!(
        (&found["kind"], &found["resource"]),
        (&json!("protected_resource"), &json!(scene.url))
    );
    assert_eq!(found["scopes"], json!(["read"]));
    assert_eq!(found["issuer"], found["metadata"]["issuer"]);
    let text = scene.home.run(["discover", &scene.url]).ok();
    assert!(text.stdout.contains(&format!("Protected resource {}", scene.url)), "{}", text.stdout);
    let rows =
        ["scopes of its challenge       read (", "scopes supported              read write ("];
    assert!(rows.iter().all(|row| text.stdout.contains(row)), "{}", text.stdout);
    assert_eq!(found["challenge_scopes"], json!(["read"]));
    assert_eq!(found["scopes_supported"], json!(["read", "write"]));
    // Nothing was registered or asked of the user, and the hint works.
    assert_eq!((scene.count("/a/authorize"), scene.count("/a/token")), (0, 0));
    let command = text.stderr.split('`').nth(1).unwrap();
    scene.home.run(command.split(' ').skip(1)).ok();
}

#[test]
fn challenge_is_found_among_several() {
    for challenge in [
        json!("Basic realm=\"a, Bearer x\", Bearer scope=\"write\", resource_metadata=\"$/other\""),
        json!([
            "Negotiate abc==",
            "DPoP algs=\"ES256\", Bearer resource_metadata=\"$/other\", scope=write"
        ]),
    ] {
        let scene = Scene::with(&json!({ "challenge": challenge, "resource": null }));
        let document = json!({ "resource": scene.url, "authorization_servers": ["$/a"], "scopes_supported": ["read"] });
        let raw = json!({ "/other": { "status": 200, "body": document.to_string() } });
        let raw = raw.to_string().replace("$/", &format!("{}/", scene.server.base));
        scene.server.set(&json!({ "raw": serde_json::from_str::<Value>(&raw).unwrap() }));
        scene.login().ok();
        assert_eq!(scene.one("/a/authorize")["query"]["scope"], "write offline_access");
    }
}

#[test]
fn malformed_challenge_leaves_the_well_known_location() {
    let long = format!("Bearer x=\"{}\"", "y".repeat(65 * 1024));
    for challenge in ["Bearer resource_metadata=\"", "Bearer resource_metadata=$/x y", &long] {
        let scene = Scene::with(&json!({ "challenge": challenge }));
        scene.login().ok();
    }
}

#[test]
fn hostile_value_of_the_flag_is_a_usage_error() {
    let scene = Scene::new();
    let long = format!("Bearer x=\"{}\"", "y".repeat(65 * 1024));
    for (value, why) in [
        (long.as_str(), "longer than 64 KiB"),
        ("Bearer scope=\"a\u{1}b\"", "a control character"),
        ("Bearer scope=\"a\nb\"", "a control character"),
        ("Bearer scope=\"a", "does not end"),
        ("Bearer scope=\"a\", scope=\"b\"", "twice"),
        ("Basic realm=\"Bearer scope=x\"", "no `Bearer` challenge"),
        ("", "no `Bearer` challenge"),
    ] {
        let refused = scene.home.run(["login", &scene.url, "--challenge", value]).fails(2);
        assert!(refused.stderr.contains(why), "{value:.40}: {}", refused.stderr);
        assert!(!refused.stderr.contains('\u{1}') && refused.stderr.len() < 400, "{value:.40}");
    }
    assert!(scene.server.paths().is_empty());
}

#[test]
fn pkce_that_is_not_advertised_ends_the_login() {
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        let scene =
            Scene::with(&json!({ "metadata": { "code_challenge_methods_supported": methods } }));
        let url = scene.url.as_str();
        let failed = scene.home.run(["login", url, "--param", "x=S256"]).fails(7);
        assert!(failed.stderr.contains("S256"), "{}", failed.stderr);
        assert_eq!((scene.count("/a/register"), scene.count("/a/authorize")), (0, 0));
    }
}

#[test]
fn hostile_metadata_ends_the_login_at_once() {
    let evil = "https://evil.example";
    let cases = [
        (json!({ "resource": { "resource": evil, "authorization_servers": ["$/a"] } }), 7),
        (json!({ "resource": { "resource": "$/mc", "authorization_servers": ["$/a"] } }), 7),
        (json!({ "resource": { "resource": "$/mcp", "authorization_servers": [] } }), 7),
        (
            json!({ "resource": { "resource": "$/mcp", "authorization_servers": ["http://evil.example"] } }),
            7,
        ),
        (
            json!({ "resource": { "resource": "$/mcp", "authorization_servers": ["file:///etc/passwd"] } }),
            7,
        ),
        (json!({ "metadata": { "issuer": evil } }), 7),
        (json!({ "metadata": { "authorization_endpoint": "javascript:alert(1)" } }), 7),
        (json!({ "metadata": { "token_endpoint": "http://evil.example/token" } }), 7),
        (json!({ "metadata": { "registration_endpoint": "http://evil.example/register" } }), 3),
        (json!({ "challenge": "Bearer resource_metadata=\"http://evil.example/\"" }), 7),
        (json!({ "challenge": "Bearer resource_metadata=\"$/nothing\"" }), 7),
        (json!({ "challenge": null, "resource": null }), 3),
        (json!({ "registration": { "status": 201, "body": "<html>" } }), 7),
        (json!({ "registration": { "status": 201, "body": "{\"client_id\":\"a\\nb\"}" } }), 7),
        (json!({ "registration": { "status": 503, "body": "" } }), 9),
        (
            json!({ "raw": { "/.well-known/oauth-protected-resource/mcp":
            { "status": 302, "headers": { "location": evil }, "body": "" } } }),
            7,
        ),
        (
            json!({ "raw": { "/.well-known/oauth-protected-resource/mcp": { "status": 503, "body": "" } } }),
            9,
        ),
        (
            json!({ "raw": { "/.well-known/oauth-protected-resource/mcp":
            { "status": 200, "body": "{\"resource\":1,\"resource\":2}" } } }),
            7,
        ),
        (
            json!({ "raw": { "/a/register": { "status": 307, "headers": { "location": "$/b/register" }, "body": "" } } }),
            8,
        ),
    ];
    for (change, code) in cases {
        let scene = Scene::with(&change);
        let failed = scene.login().code(code);
        assert_eq!(failed.stdout, "", "{change}");
        assert!(failed.stderr.contains("error: "), "{change}: {}", failed.stderr);
        assert_eq!((scene.count("/a/authorize"), scene.count("/b/register")), (0, 0), "{change}");
    }
}

#[test]
fn root_metadata_serves_only_without_that_of_the_path() {
    let root = json!({ "resource": "$/", "authorization_servers": ["$/b"] });
    let scene = Scene::with(&json!({ "challenge": null, "root": root }));
    scene.login().ok();
    assert_eq!((scene.count("/a/authorize"), scene.count("/b/authorize")), (1, 0));
    scene.server.set(&json!({ "resource": null }));
    scene.login().ok();
    assert_eq!(scene.count("/b/authorize"), 1);
    assert_eq!(scene.one("/b/authorize")["query"]["resource"], format!("{}/", scene.server.base));
}

#[test]
fn issuer_is_a_url_too() {
    let scene = Scene::new();
    let issuer = format!("{}/a", scene.server.base);
    scene.home.run(["login", &issuer]).ok();
    let asked = scene.one("/a/authorize");
    assert_eq!(
        (&asked["query"]["resource"], &asked["query"]["scope"]),
        (&Value::Null, &json!("offline_access"))
    );
    scene.home.run(["token", "-p", &issuer]).ok();
}
