//! Several accounts of one URL, each with the client that it was logged in with.

use std::net::TcpListener;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Scene;
use super::registration::{deleted, stored};
use crate::support::{Home, Output, assert_no_secret, consent, http};

impl Scene {
    /// A scene whose servers register confidential clients, each with a secret of its own.
    pub fn confidential() -> Self {
        let members = json!({
            "client_secret": "cs-ID-canary", "token_endpoint_auth_method": "client_secret_basic",
        });
        Self::with(&json!({
            "registration": { "status": 201, "body": null, "members": members },
            "metadata": {
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "introspection_endpoint": "$/a/introspect",
                "userinfo_endpoint": "$/a/userinfo",
            },
            "raw": { "/a/userinfo": { "status": 200, "body": "{\"sub\":\"person-1\"}" } },
        }))
    }

    /// The same scene with a store of scripts, and the directory of its records. Before a grant is stored there, the
    /// script `before` runs, if it exists.
    pub fn with_scripted_store(self) -> (Self, PathBuf) {
        let Self { server, mut home, url } = self;
        let records = home.path("records");
        std::fs::create_dir_all(&records).unwrap();
        let before = "[ ! -e \"$0/before\" ] || . \"$0/before\"";
        let set = format!("case \"$1\" in probe-*|item-*) ;; *) {before} ;; esac; cat >\"$0/$1\"");
        let shell = |script: &str| json!(["sh", "-c", script, records.to_str().unwrap()]);
        home.config(&format!(
            "[defaults]\nstore = \"command\"\n[store.command]\nget = {}\nset = {}\ndelete = {}\n",
            shell("cat \"$0/$1\""),
            shell(&set),
            shell("rm \"$0/$1\""),
        ));
        home.unset("OAUTHCTL_STORE");
        (Self { server, home, url }, records)
    }

    #[track_caller]
    pub fn login_as(&self, account: &str) -> Output {
        self.home.run(["login", &self.url, "--account", account])
    }

    /// Occupies the port of the client that was registered last: the next login needs another client.
    #[track_caller]
    pub fn take_port(&self) -> TcpListener {
        let last = self.server.requests("/a/register").pop().unwrap();
        let uri = last["form"]["redirect_uris"][0].as_str().unwrap().to_owned();
        TcpListener::bind(("127.0.0.1", url::Url::parse(&uri).unwrap().port().unwrap())).unwrap()
    }

    #[track_caller]
    pub fn refresh_as(&self, account: &str) -> Output {
        self.token(&["--account", account, "--force-refresh"])
    }

    /// The client of the last request at this path, by its credentials or by its id.
    #[track_caller]
    pub fn last_client(&self, path: &str) -> String {
        let request = self.server.requests(path).pop().unwrap();
        client_of(&request)
    }
}

fn client_of(request: &Value) -> String {
    let Some(basic) = request["authorization"].as_str() else {
        return request["form"]["client_id"].as_str().unwrap().to_owned();
    };
    let decoded = STANDARD.decode(basic.strip_prefix("Basic ").unwrap()).unwrap();
    let decoded = String::from_utf8(decoded).unwrap();
    let (id, secret) = decoded.split_once(':').unwrap();
    assert_eq!(secret, format!("cs-{id}-canary"));
    id.to_owned()
}

#[test]
fn each_account_continues_with_its_own_client() {
    let scene = Scene::confidential();
    scene.login_as("one").ok();
    let taken = scene.take_port();
    scene.login_as("two").ok();
    drop(taken);
    let clients = scene.server.requests("/a/authorize");
    let [one, two] = [0, 1].map(|n| clients[n]["query"]["client_id"].as_str().unwrap().to_owned());
    assert_ne!(one, two);
    let revocations = || scene.server.requests("/a/revoke").len();
    for (account, client) in [("one", &one), ("two", &two), ("one", &one)] {
        let token = scene.refresh_as(account).ok();
        assert_eq!((&token.stderr, &scene.last_client("/a/token")), (&String::new(), client));
        let cached = scene.token(&["--account", account]).ok();
        assert_eq!((cached.line(), &cached.stderr), (token.line(), &String::new()));
        for more in [&[][..], &["--refresh-token"]] {
            let args = ["introspect", &scene.url, "--account", account];
            scene.home.run([&args[..], more].concat()).ok();
            assert_eq!(&scene.last_client("/a/introspect"), client);
        }
        scene.home.run(["userinfo", &scene.url, "--account", account]).ok();
    }
    // A copy of a login is used with the client of the login.
    let line = scene.home.run(["export", "-p", &scene.url, "--account", "one"]).ok().stdout;
    scene.home.run_with(["import", "--replace"], &line).ok();
    scene.refresh_as("one").ok();
    assert_eq!((scene.last_client("/a/token"), revocations()), (one.clone(), 0));
    let logout = |account: &str| {
        let logout = scene.home.run(["logout", &scene.url, "--account", account, "--json"]).ok();
        logout.json()[0]["registration"].clone()
    };
    assert_eq!(logout("one"), "deleted");
    assert_eq!((deleted(&scene), stored(&scene)), (vec![one.clone()], 3));
    let clients: Vec<String> = scene.server.requests("/a/revoke").iter().map(client_of).collect();
    assert_eq!(clients, [one.as_str(), &one]);
    scene.refresh_as("two").ok();
    assert_no_secret(&scene.home, [format!("cs-{one}-canary"), format!("cs-{two}-canary")]);
    assert_eq!(logout("two"), "deleted");
    assert_eq!(scene.last_client("/a/revoke"), two);
    assert_eq!((deleted(&scene), stored(&scene)), (vec![one, two], 0));
}

#[test]
fn refused_scopes_leave_the_other_account_its_client() {
    let scene = Scene::with(&json!({ "strict_scopes": true }));
    scene.login_as("one").ok();
    let more = ["login", &scene.url, "--account", "two", "--scope", "read write"];
    let more = scene.home.run(more).ok();
    assert!(more.stderr.contains("registering another one"), "{}", more.stderr);
    assert_eq!((scene.count("/a/register"), deleted(&scene).len()), (2, 0));
    for account in ["one", "two", "one"] {
        scene.refresh_as(account).ok();
    }
    let clients: Vec<String> = scene.server.requests("/a/token").iter().map(client_of).collect();
    let (one, two) = (&clients[0], &clients[1]);
    assert_ne!(one, two);
    assert_eq!(clients[2..], [one.clone(), two.clone(), one.clone()]);
}

#[test]
fn login_that_is_not_stored_leaves_the_old_one() {
    let (scene, records) = Scene::confidential().with_scripted_store();
    scene.login().ok();
    let first = scene.last_client("/a/token");
    let _first_port = scene.take_port();
    let mut taken = None;
    for (how, status) in [("kill -9 $PPID; exit 2", 128 + 9), ("exit 2", 10)] {
        scene.home.write(&records.join("before"), how);
        let codes = scene.count("/a/token");
        let login = scene.login().fails(status);
        assert_eq!(scene.count("/a/token"), codes + 1, "{how}: {}", login.stderr);
        assert_ne!(scene.last_client("/a/token"), first, "{how}");
        taken.get_or_insert_with(|| scene.take_port());
        std::fs::remove_file(records.join("before")).unwrap();
        let token = scene.token(&["--force-refresh"]).ok();
        assert_eq!((scene.last_client("/a/token"), token.stderr), (first.clone(), String::new()));
    }
    scene.home.run(["logout", &scene.url]).ok();
    assert_eq!(scene.last_client("/a/revoke"), first);
    assert_eq!(deleted(&scene).len(), 3);
    assert_eq!(std::fs::read_dir(&records).unwrap().count(), 0);
}

#[test]
fn account_of_a_metadata_document_keeps_it() {
    let scene =
        Scene::with(&json!({ "metadata": { "client_id_metadata_document_supported": true } }));
    let document = "https://client.example/oauthctl.json";
    scene.home.config(&format!("[defaults]\nclient_id_metadata_url = {document:?}\n"));
    scene.login_as("one").ok();
    scene.server.set(&json!({ "metadata": {} }));
    scene.login_as("two").ok();
    assert_eq!(scene.count("/a/register"), 1);
    scene.refresh_as("one").ok();
    assert_eq!(scene.last_client("/a/token"), document);
    scene.refresh_as("two").ok();
    assert_ne!(scene.last_client("/a/token"), document);
}

#[test]
fn newest_account_leaves_the_client_of_the_other() {
    let scene = Scene::new();
    scene.login_as("one").ok();
    let taken = scene.take_port();
    scene.login_as("two").ok();
    drop(taken);
    let one = client_of(&scene.server.requests("/a/token")[0]);
    scene.home.run(["logout", &scene.url, "--account", "two"]).ok();
    assert_eq!(deleted(&scene), [scene.last_client("/a/revoke")]);
    scene.refresh_as("one").ok();
    // The client that is left serves the next login too.
    scene.login_as("three").ok();
    assert_eq!((scene.count("/a/register"), scene.last_client("/a/token")), (2, one));
    assert_eq!(deleted(&scene).len(), 1);
}

#[test]
fn client_of_an_account_is_kept_among_many() {
    let scene = Scene::new();
    scene.login_as("one").ok();
    for _ in 0..18 {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        scene.home.run(["login", &scene.url, "--account", "two", "--port", &port]).ok();
    }
    let used: Vec<String> = scene.server.requests("/a/token").iter().map(client_of).collect();
    assert_eq!(deleted(&scene), used[1..2]);
    scene.refresh_as("one").ok();
    assert_eq!(scene.last_client("/a/token"), used[0]);
    scene.home.run(["logout", &scene.url, "--account", "one"]).ok();
    assert_eq!(deleted(&scene), [used[1].clone(), used[0].clone()]);
}

#[test]
fn account_of_the_former_issuer_ends_there() {
    let scene = Scene::confidential();
    scene.login_as("one").ok();
    scene
        .server
        .set(&json!({ "resource": { "resource": "$/mcp", "authorization_servers": ["$/b"] } }));
    scene.login_as("two").ok();
    // Another authorization server needs another login.
    let refused = scene.refresh_as("one").fails(4);
    assert!(refused.stderr.contains("the issuer was"), "{}", refused.stderr);
    assert_eq!((scene.count("/a/token"), scene.count("/b/token")), (1, 1));
    let logout = ["logout", &scene.url, "--account", "one", "--json"];
    let logout = scene.home.run(logout).ok().json();
    assert_eq!(logout[0]["registration"], "deleted", "{logout}");
    assert_eq!(scene.last_client("/a/revoke"), deleted(&scene)[0]);
    assert_eq!(scene.count("/b/revoke"), 0);
    scene.refresh_as("two").ok();
}

#[test]
fn named_client_is_not_sent_to_another_issuer() {
    let scene = Scene::new();
    let login = ["login", &scene.url, "--client-id", "mine", "--client-secret-stdin"];
    let said = scene.home.run_with(login, "cs-mine-canary\n").ok().stderr;
    assert!(
        said.contains(&format!("Using the client `mine` at {}/a.", scene.server.base)),
        "{said}"
    );
    // Not with another resource that leads there, and not if only the resource is new.
    let other = format!("{}/mcp/other", scene.server.base);
    let challenge = format!(
        "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource\"",
        scene.server.base
    );
    let named = ["--client-id", "mine", "--client-secret-stdin", "--challenge", &challenge];
    let named = [&["login", &other], &named[..]].concat();
    let root = |name: &str| {
        let root = json!({ "resource": "$/", "authorization_servers": [name] });
        scene.server.set(&json!({ "root": root }));
    };
    root("$/b");
    let refused = scene.home.run_with(&named, "cs-mine-canary\n").fails(3).stderr;
    assert!(refused.contains(&format!("logout {} --all", scene.url)), "{refused}");
    scene.home.run_with(&named, "cs-other-canary\n").ok();
    scene.home.run(["logout", &other]).ok();
    root("$/a");
    scene.home.run_with(&named, "cs-mine-canary\n").ok();
    scene.home.run(["logout", &other]).ok();
    let asked = || scene.server.paths().iter().filter(|path| path.starts_with("/b/")).count();
    let before = asked();
    scene
        .server
        .set(&json!({ "resource": { "resource": "$/mcp", "authorization_servers": ["$/b"] } }));
    let refused = scene.home.run_with(login, "cs-mine-canary\n").fails(3);
    assert!(refused.stderr.contains("belongs to"), "{}", refused.stderr);
    // Nothing but the metadata was requested there.
    assert_eq!(asked(), before);
    scene.token(&["--force-refresh"]).ok();
    // As the hint says.
    scene.home.run(["logout", &scene.url, "--all"]).ok();
    scene.home.run_with(login, "cs-mine-canary\n").ok();
    assert_eq!(scene.count("/b/token"), 2);
}

#[test]
fn flow_is_completed_with_the_client_that_began_it() {
    let scene = Scene::confidential();
    scene.login_as("one").ok();
    let started = scene.home.run(["start", &scene.url, "--user", "u"]).ok().json();
    let taken = scene.take_port();
    scene.login_as("two").ok();
    drop(taken);
    let answer = consent(started["authorization_url"].as_str().unwrap());
    scene.home.run_with(["complete", "-"], &answer).ok();
    assert_eq!(scene.last_client("/a/token"), "client-1");
    scene.refresh_as("u").ok();
}

#[test]
fn proxy_learns_of_the_client_of_a_new_login() {
    // The request is refused, which refreshes the token.
    let refused = json!({ "/mcp/": { "status": 401, "body": "{}" } });
    let scene = Scene::with(&json!({ "raw": refused }));
    scene.login().ok();
    let first = scene.last_client("/a/token");
    let mut proxy = scene.home.spawn(["proxy", "-p", &scene.url]);
    let at: Value = proxy
        .await_stdout(|text| text.ends_with('\n').then(|| serde_json::from_str(text).unwrap()));
    let (address, key) =
        at["url"].as_str().unwrap().strip_prefix("http://").unwrap().split_once('/').unwrap();
    let request = format!("GET /{key} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let taken = scene.take_port();
    scene.login().ok();
    drop(taken);
    assert_eq!(http::exchange(address, &request).unwrap().status, 401);
    assert_eq!(scene.count("/a/token"), 3);
    assert_ne!(scene.last_client("/a/token"), first);
    let last = scene.server.requests("/a/token").pop().unwrap();
    assert_eq!(last["form"]["grant_type"], "refresh_token");
}

#[test]
fn import_elsewhere_says_that_a_login_is_needed() {
    let scene = Scene::new();
    scene.login().ok();
    let line = scene.home.run(["export", "-p", &scene.url]).ok().stdout;
    let mut other = Home::new();
    other.browser(&json!({ "mode": "honest" }));
    let said = other.run_with(["import"], &line).ok().stderr;
    let login = format!("run `oauthctl login {}` to log in here", scene.url);
    assert!(said.contains(&login), "{said}");
    other.run(["token", "-p", &scene.url]).fails(4);
    // As told.
    other.run(["login", &scene.url]).ok();
    other.run(["token", "-p", &scene.url, "--force-refresh"]).ok();
}

#[test]
fn login_at_an_issuer_says_what_it_requests() {
    let scene = Scene::new();
    let issuer = format!("{}/a", scene.server.base);
    let said = |url: &str, args: &[&str]| {
        let output = scene.home.run([&["login", url], args].concat()).ok();
        let sentences = output.stderr.lines().filter(|line| line.contains("with `--scope`"));
        sentences.map(str::to_owned).collect::<Vec<_>>()
    };
    let [only] = &said(&issuer, &[])[..] else { panic!("no or several sentences") };
    assert!(only.starts_with("Only `offline_access` is requested:"), "{only}");
    scene.server.set(&json!({ "metadata": { "scopes_supported": null } }));
    let [none] = &said(&issuer, &["--account", "other"])[..] else { panic!("the same") };
    assert!(none.starts_with("No scopes are requested:"), "{none}");
    assert!(none.contains("may issue no refresh token"), "{none}");
    assert_eq!(said(&issuer, &["--account", "third", "--scope", "read"]), [""; 0]);
    assert_eq!(said(&scene.url, &[]), [""; 0]);
}
