//! Logins by URL, against a resource and authorization servers that do what the conformance suite leaves out.

use serde_json::{Value, json};

use crate::support::{Home, Output, Resource, Servers, assert_no_secret};

/// A resource, and a home whose browser lets the user in.
struct Scene {
    server: Resource,
    home: Home,
    url: String,
}

impl Scene {
    fn new() -> Self {
        let server = Servers::resource();
        let mut home = Home::new();
        home.browser(&json!({ "mode": "honest" }));
        let url = format!("{}/mcp", server.base);
        Self { server, home, url }
    }

    fn with(change: &Value) -> Self {
        let scene = Self::new();
        scene.server.set(change);
        scene
    }

    #[track_caller]
    fn login(&self) -> Output {
        self.home.run(["login", &self.url])
    }

    #[track_caller]
    fn token(&self, more: &[&str]) -> Output {
        self.home.run([&["token", "-p", &self.url], more].concat())
    }

    /// The only request at this path.
    #[track_caller]
    fn one(&self, path: &str) -> Value {
        let all = self.server.requests(path);
        assert_eq!(all.len(), 1, "{path}: {all:?}");
        all[0].clone()
    }

    fn count(&self, path: &str) -> usize {
        self.server.requests(path).len()
    }
}

#[test]
fn discover_resource_shows_its_server() {
    let scene = Scene::new();
    let found = scene.home.run(["discover", &scene.url, "--json"]).ok().json();
    assert_eq!(
        (&found["kind"], &found["resource"]),
        (&json!("protected_resource"), &json!(scene.url))
    );
    assert_eq!(found["scopes"], json!(["read"]));
    assert_eq!(found["issuer"], found["metadata"]["issuer"]);
    let text = scene.home.run(["discover", &scene.url]).ok();
    assert!(text.stdout.contains(&format!("Protected resource {}", scene.url)), "{}", text.stdout);
    // Nothing was registered or asked of the user, and the hint works.
    assert_eq!((scene.count("/a/authorize"), scene.count("/a/token")), (0, 0));
    let command = text.stderr.split('`').nth(1).unwrap();
    scene.home.run(command.split(' ').skip(1)).ok();
}

#[test]
fn url_login_is_a_profile_of_every_command() {
    let scene = Scene::new();
    let url = scene.url.as_str();
    let summary = scene.home.run(["login", url, "--json"]).ok().json();
    assert_eq!((&summary["profile"], &summary["has_refresh_token"]), (&json!(url), &json!(true)));
    let asked = scene.one("/a/authorize");
    assert_eq!(asked["query"]["resource"], url);
    assert_eq!(asked["query"]["scope"], "read offline_access");
    assert_eq!(scene.one("/a/token")["form"]["resource"], url);

    let token = scene.token(&[]).ok().line().to_owned();
    let headers = scene.token(&["--format", "headers"]).ok().json();
    assert_eq!(headers, json!({ "Authorization": format!("Bearer {token}") }));
    // However it is written, and without a name if there is no other profile.
    let loud = url.replacen("http://", "HTTP://", 1);
    assert_eq!(scene.home.run(["token", "-p", &loud]).ok().line(), token);
    assert_eq!(scene.home.run(["token"]).ok().line(), token);
    let exec = ["exec", "-p", url, "--", "sh", "-c", "printf %s $OAUTH_ACCESS_TOKEN"];
    assert_eq!(scene.home.run(exec).ok().stdout, token);
    let status = scene.home.run(["status", url, "--json"]).ok().json();
    assert_eq!(status[0]["profile"], url);
    let list = scene.home.run(["profile", "list", "--json"]).ok().json();
    assert_eq!((&list[0]["name"], &list[0]["default"]), (&json!(url), &json!(true)));
    let shown = scene.home.run(["profile", "show", url, "--json"]).ok().json();
    assert_eq!((&shown["resource"], &shown["client_id"]), (&json!([url]), &json!("client-1")));
    let names = scene.home.run(["__names", "profiles"]).ok().stdout;
    assert_eq!(names, format!("{url}\n"));
    scene.home.assert_private();
    assert_no_secret(&scene.home, ["rat-client-1-canary-7f3a".to_owned(), token]);
}

#[test]
fn refresh_sends_the_resource_byte_for_byte() {
    let scene = Scene::with(&json!({
        "resource": { "resource": "$/", "authorization_servers": ["$/a"] },
        "metadata": { "scopes_supported": null },
    }));
    // No slash where the metadata has none.
    let bare = scene.server.base.clone();
    scene
        .server
        .set(&json!({ "resource": { "resource": bare, "authorization_servers": ["$/a"] } }));
    scene.login().ok();
    scene.token(&["--force-refresh"]).ok();
    let requests = scene.server.requests("/a/token");
    assert_eq!(requests[1]["form"]["grant_type"], "refresh_token");
    for request in requests {
        assert_eq!(request["form"]["resource"], bare, "{request}");
    }
    let asked = scene.one("/a/authorize");
    assert_eq!(
        (&asked["query"]["resource"], &asked["query"]["scope"]),
        (&json!(bare), &Value::Null)
    );
}

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
fn resource_that_moves_needs_a_new_login() {
    let scene = Scene::new();
    scene.login().ok();
    let old = scene.token(&[]).ok().line().to_owned();
    scene
        .server
        .set(&json!({ "resource": { "resource": "$/mcp", "authorization_servers": ["$/b"] } }));
    let challenge = format!(
        "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"",
        scene.server.base
    );
    scene.home.run(["--no-input", "token", "-p", &scene.url, "--challenge", &challenge]).fails(4);
    assert_eq!(scene.token(&[]).ok().line(), old);
    let new = scene.token(&["--challenge", &challenge]).ok().line().to_owned();
    assert_ne!(new, old);
    assert_eq!(scene.one("/b/authorize")["query"]["client_id"], "client-4");
    let sent: Vec<String> = ["/b/register", "/b/authorize", "/b/token"]
        .iter()
        .map(|path| scene.one(path).to_string())
        .collect();
    assert!(
        !sent.iter().any(|request| request.contains("client-1\"") || request.contains("rt-")),
        "{sent:?}"
    );
    // The old server's grant is gone, and nothing of it is sent to the new one.
    scene.token(&["--force-refresh"]).ok();
    assert_eq!(scene.server.requests("/b/token").len(), 2);
}

#[test]
fn user_prefers_the_server_of_the_login_among_several() {
    let scene = Scene::with(&json!({
        "resource": { "resource": "$/mcp", "authorization_servers": ["$/a", "$/b"] },
        "raw": { "/.well-known/oauth-authorization-server/a": { "status": 404, "body": "" } },
    }));
    scene.login().ok();
    assert_eq!((scene.count("/a/register"), scene.count("/b/register")), (0, 1));
    // The one that works is kept, whichever comes first.
    scene.server.set(&json!({ "raw": {} }));
    scene.login().ok();
    assert_eq!((scene.count("/a/authorize"), scene.count("/b/authorize")), (0, 2));
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
    let long = format!("Bearer x=\"{}\"", "y".repeat(12 * 1024));
    for challenge in ["Bearer resource_metadata=\"", "Bearer resource_metadata=$/x y", &long] {
        let scene = Scene::with(&json!({ "challenge": challenge }));
        scene.login().ok();
    }
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
fn error_of_another_issuer_is_not_shown() {
    let callback = json!({ "error": "access_denied", "error_description": "canary-88aa" });
    let scene = Scene::with(&json!({ "callback": callback, "iss": "https://evil.example" }));
    let failed = scene.login().fails(7);
    assert!(!failed.stderr.contains("canary") && !failed.stderr.contains("access_denied"));
    scene.server.set(&json!({ "iss": "own" }));
    scene.login().fails(5);
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
fn metadata_document_is_the_client_where_it_is_accepted() {
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

#[test]
fn step_up_asks_for_the_union_three_times_in_a_row() {
    let scene = Scene::new();
    scene.login().ok();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    for _ in 0..3 {
        scene.token(&["--challenge", challenge]).ok();
    }
    let failed = scene.token(&["--challenge", challenge]).fails(5);
    assert!(failed.stderr.contains("3 logins"), "{}", failed.stderr);
    let scopes: Vec<String> = scene
        .server
        .requests("/a/authorize")
        .iter()
        .map(|r| r["query"]["scope"].as_str().unwrap().to_owned())
        .collect();
    let union = "read offline_access write";
    assert_eq!(scopes, ["read offline_access", union, union, union]);
    // Other scopes are another matter, and so is a login that the user asks for.
    scene.token(&["--challenge", "Bearer scope=\"more\""]).ok();
    scene.login().ok();
    scene.home.run(["--no-input", "token", "-p", &scene.url, "--challenge", challenge]).fails(4);
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

#[test]
fn url_can_be_the_default_profile() {
    let scene = Scene::new();
    scene.home.run(["profile", "default", &scene.url]).ok();
    let config = std::fs::read_to_string(scene.home.config_path()).unwrap();
    assert!(config.contains(&format!("profile = \"{}\"", scene.url)), "{config}");
    scene.home.run(["token"]).fails(4);
    let login = scene.home.run(["login", "--json"]).ok().json();
    assert_eq!(login["profile"], scene.url);
    // The same URL in another spelling, and a rule instead of the default.
    let token = scene.home.run(["token"]).ok().line().to_owned();
    let other = scene.url.replace("http:", "HTTP:");
    let directory = scene.home.path("").display().to_string();
    for config in [
        format!("[defaults]\nprofile = \"{other}\"\n"),
        format!("[[rules]]\ndirectory = \"{directory}\"\nprofile = \"{other}\"\n"),
    ] {
        scene.home.config(&config);
        assert_eq!(scene.home.run(["token"]).ok().line(), token, "{config}");
        assert_eq!(scene.home.run(["status", "--json"]).ok().json()[0]["profile"], scene.url);
    }
    // The account of a rule too, whichever way the URL is selected.
    scene.home.run(["login", "--account", "work"]).ok();
    scene.home.config(&format!("[[rules]]\ndirectory = \"{directory}\"\naccount = \"work\"\n"));
    let work = scene.home.run(["token", "-p", &scene.url]).ok().line().to_owned();
    assert_ne!(work, token);
    assert_eq!(scene.home.run(["token"]).ok().line(), work);
    scene.home.config(&format!("[defaults]\nprofile = \"{other}\"\n"));
    scene.home.run(["logout", "--all"]).ok();
    assert_eq!(scene.home.run(["login", "--json"]).ok().json()["profile"], other);
}
