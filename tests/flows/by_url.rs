//! Logins by URL, against a resource and authorization servers that do what the conformance suite leaves out.

mod client_records;
mod clients;
mod discovery;
mod interrupted;
mod names;
mod parallel;
mod real;
mod registration;
mod stores;

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

/// The command of a hint to log in, without the program.
#[track_caller]
fn login_of(output: &Output) -> Vec<String> {
    let mut spans = output.stderr.split('`').filter(|span| span.starts_with("oauthctl login "));
    let login = spans.next().unwrap_or_else(|| panic!("{}", output.stderr));
    login.split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn url_login_without_its_scopes_says_how_to_get_them() {
    let scene = Scene::new();
    scene.home.run(["login", &scene.url, "--scope", "write admin"]).ok();
    let wanted = ["login", &scene.url, "--add-scope", "write", "--add-scope", "admin"];
    // The hint of a login that ended, and the warning of one that lost scopes.
    let refused = json!({ "status": 400, "body": "{\"error\":\"invalid_grant\"}" });
    scene.server.set(&json!({ "raw": { "/a/token": refused } }));
    assert_eq!(login_of(&scene.token(&["--force-refresh"]).fails(4)), wanted);
    let status = scene.home.run(["status"]).ok();
    assert!(status.stdout.contains("--add-scope write"), "{}", status.stdout);
    scene.server.set(&json!({ "raw": {} }));
    let login = scene.login().ok();
    assert!(login.stderr.contains("lacks: write admin\n"), "{}", login.stderr);
    assert_eq!(login_of(&login), wanted);
    scene.home.run(login_of(&login)).ok();
    let scopes = scene.home.run(["status", "--json"]).ok().json()[0]["scopes"].clone();
    assert_eq!(scopes, json!(["read", "offline_access", "write", "admin"]));
    // It stays known that the user named them.
    scene.server.set(&json!({ "raw": { "/a/token": refused } }));
    assert_eq!(login_of(&scene.token(&["--force-refresh"]).fails(4)), wanted);
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
fn repeated_login_writes_no_state_of_its_own() {
    use std::os::unix::fs::MetadataExt;
    let scene = Scene::new();
    // Each write makes a new file.
    let files = || {
        let all = ["urls", "clients"].map(|name| scene.home.state_dir().join(name));
        let all = all.iter().flat_map(|dir| std::fs::read_dir(dir).unwrap()).map(Result::unwrap);
        let mut all: Vec<_> =
            all.map(|file| (file.path(), file.metadata().unwrap().ino())).collect();
        all.sort();
        all
    };
    scene.home.run(["login", &scene.url, "--client-id", "mine"]).ok();
    let before = files();
    scene.login().ok();
    assert_eq!((before.len(), files()), (2, before));
    scene.home.run(["login", &scene.url, "--scope", "write"]).ok();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    for _ in 0..2 {
        scene.token(&["--challenge", challenge]).ok();
    }
    scene.token(&["--challenge", challenge]).fails(5);
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
fn document_of_another_host_names_no_parent_resource() {
    for (resource, is_accepted) in [("$/", false), ("$/mcp", true)] {
        let scene = Scene::with(&json!({
            "resource": { "resource": resource, "authorization_servers": ["$/a"] },
        }));
        let elsewhere = scene.server.base.replace("127.0.0.1", "localhost");
        let challenge = format!(
            "Bearer resource_metadata=\"{elsewhere}/.well-known/oauth-protected-resource/mcp\""
        );
        let login = scene.home.run(["login", &scene.url, "--challenge", &challenge]);
        if is_accepted {
            login.ok();
        } else {
            login.fails(7);
        }
        assert_eq!(scene.count("/a/authorize"), usize::from(is_accepted));
    }
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
fn error_of_another_issuer_is_not_shown() {
    let callback = json!({ "error": "access_denied", "error_description": "canary-88aa" });
    let scene = Scene::with(&json!({ "callback": callback, "iss": "https://evil.example" }));
    let failed = scene.login().fails(7);
    assert!(!failed.stderr.contains("canary") && !failed.stderr.contains("access_denied"));
    scene.server.set(&json!({ "iss": "own" }));
    scene.login().fails(5);
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
fn logout_is_repeated_without_an_error() {
    let scene = Scene::new();
    scene.login().ok();
    scene.home.run(["logout", &scene.url]).ok();
    let again = scene.home.run(["logout", &scene.url]).ok();
    assert!(again.stderr.contains("Not logged in to"), "{}", again.stderr);
    let named = scene.home.run(["logout", &scene.url, "--account", "work"]).fails(3);
    assert!(named.stderr.contains("work"), "{}", named.stderr);
}

#[test]
fn step_up_without_the_user_says_what_to_run() {
    let scene = Scene::new();
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"write admin\"";
    let refused = |account: &[&str]| {
        let call = ["--no-input", "token", "-p", &scene.url, "--challenge", challenge];
        scene.home.run([&call[..], account].concat()).fails(4).stderr
    };
    let before = refused(&[]);
    assert!(before.contains(&format!("`oauthctl login {}`", scene.url)), "{before}");
    scene.login().ok();
    let told = refused(&[]);
    assert!(told.contains("write admin"), "{told}");
    let command = format!("`oauthctl login {} --add-scope write --add-scope admin`", scene.url);
    assert!(told.contains(&command), "{told}");
    assert!(refused(&["--account", "x"]).contains("--account x"));
    let words = command.trim_matches('`').split(' ').skip(1);
    scene.home.run(words).ok();
    let scopes = |index: usize| {
        scene.server.requests("/a/authorize")[index]["query"]["scope"].as_str().unwrap().to_owned()
    };
    assert_eq!(scopes(1), "read offline_access write admin");
    // The scopes that were added count as requested.
    scene.token(&["--challenge", "Bearer error=\"insufficient_scope\", scope=\"more\""]).ok();
    assert_eq!(scopes(2), "read offline_access write admin more");
}
