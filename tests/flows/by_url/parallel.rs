//! Logins by URL that run at the same time.

use serde_json::json;

use super::Scene;
use super::registration::{deleted, stored};
use crate::support::{Browser, Running, program};

impl Scene {
    /// A scene where every path of the host is a resource of the first server.
    fn of_many_resources() -> Self {
        let root = json!({ "resource": "$/", "authorization_servers": ["$/a"] });
        Self::with(&json!({ "challenge": null, "root": root }))
    }

    fn resource(&self, path: &str) -> String {
        format!("{}/{path}", self.server.base)
    }

    /// Starts a login whose user waits at the server until the file `go` exists.
    #[track_caller]
    fn begin_login(&mut self, args: &[&str]) -> Running {
        let browser = self.waiting_browser();
        let running = self.home.spawn([&["login"], args].concat());
        browser.await_callback();
        self.home.browser(&json!({ "mode": "honest" }));
        running
    }

    fn waiting_browser(&mut self) -> Browser {
        let go = self.home.path("go");
        self.home.browser(&json!({ "mode": "honest", "after": go }))
    }

    fn go(&self) {
        self.home.write(&self.home.path("go"), "");
    }
}

#[test]
fn client_of_a_login_in_progress_is_not_deleted() {
    let mut scene = Scene::of_many_resources();
    let [one, two] = ["one", "two"].map(|path| scene.resource(path));
    scene.home.run(["login", &one]).ok();
    let login = scene.begin_login(&[&two]);
    assert_eq!(scene.count("/a/register"), 1);
    scene.home.run(["logout", &one]).ok();
    assert!(deleted(&scene).is_empty());
    scene.go();
    login.wait().ok();
    scene.home.run(["token", "-p", &two, "--force-refresh"]).ok();
    let logout = scene.home.run(["logout", &two, "--json"]).ok().json();
    assert_eq!(logout[0]["registration"], "deleted", "{logout}");
    assert_eq!((deleted(&scene), stored(&scene)), (vec!["client-1".to_owned()], 0));
}

#[test]
fn accounts_that_log_in_at_once_are_both_kept() {
    let mut scene = Scene::new();
    let url = scene.url.clone();
    // The port of the first is taken as long as it runs.
    let first = scene.begin_login(&[&url, "--account", "one"]);
    scene.home.run(["login", &url, "--account", "two"]).ok();
    scene.go();
    first.wait().ok();
    assert_eq!(scene.count("/a/register"), 2);
    for account in ["one", "two"] {
        scene.token(&["--account", account, "--force-refresh"]).ok();
    }
    scene.home.run(["logout", &url, "--all"]).ok();
    assert_eq!((deleted(&scene).len(), stored(&scene)), (2, 0));
}

#[test]
fn account_logged_out_during_a_login_leaves_its_url() {
    let mut scene = Scene::new();
    let url = scene.url.clone();
    scene.home.run(["login", &url, "--account", "one"]).ok();
    let login = scene.begin_login(&[&url, "--account", "two"]);
    scene.home.run(["logout", &url, "--account", "one"]).ok();
    scene.go();
    login.wait().ok();
    scene.token(&["--account", "two", "--force-refresh"]).ok();
    assert_eq!((scene.count("/a/register"), deleted(&scene).len()), (1, 0));
}

#[test]
fn registrations_at_the_same_time_are_all_kept() {
    const COUNT: usize = 6;
    let scene = Scene::of_many_resources();
    scene.server.set(&json!({ "callback": { "error": "access_denied" } }));
    let urls: Vec<String> = (0..COUNT).map(|n| scene.resource(&format!("x{n}"))).collect();
    let all: Vec<Running> = urls.iter().map(|url| scene.home.spawn(["login", url])).collect();
    for login in all {
        login.wait().fails(5);
    }
    let registered = scene.count("/a/register");
    scene.server.set(&json!({ "callback": null }));
    // What no login uses is deleted with the last one.
    scene.home.run(["login", &urls[0]]).ok();
    scene.home.run(["logout", &urls[0]]).ok();
    assert_eq!(scene.count("/a/register"), registered);
    assert_eq!((deleted(&scene).len(), stored(&scene)), (registered, 0));
}

#[test]
fn logout_while_tokens_are_stored_leaves_the_url() {
    let (scene, records) = Scene::new().with_scripted_store();
    let (url, program) = (scene.url.as_str(), program());
    scene.home.run(["login", url, "--account", "one"]).ok();
    let before = records.join("before");
    let logout = format!(
        "rm \"$0/before\"; {program:?} logout {url} --account one --json >\"$0/logout\" </dev/null || exit 2"
    );
    scene.home.write(&before, &logout);
    scene.home.run(["login", url, "--account", "two"]).ok();
    let logout = std::fs::read_to_string(records.join("logout")).unwrap();
    assert!(logout.contains("\"forgotten\": true"), "{logout}");
    scene.token(&["--account", "two", "--force-refresh"]).ok();
    scene.home.run(["logout", url, "--account", "two"]).ok();
    assert_eq!(deleted(&scene), ["client-1"]);
}
