//! The example `signed_state`: processes that share a directory, and one that does everything.

use std::fs;

use crate::support::{
    Home, OidcProvider, Output, Servers, assert_no_secret, assert_not_shown, consent, mode,
};
use crate::walk::{let_a_second_pass, shared_directory, spawn};

struct Scene {
    server: OidcProvider,
    home: Home,
}

impl Scene {
    fn new() -> Self {
        Self { server: Servers::oidc_provider(), home: Home::new() }
    }

    fn spawn(&self, args: &[&str]) -> crate::support::Running {
        let dir = self.home.path("signed");
        let common =
            ["--issuer", &self.server.issuer, "--client-id", "cli", "--dir", dir.to_str().unwrap()];
        spawn(&self.home, "signed_state", &[&args[..1], &common, &args[1..]].concat())
    }

    #[track_caller]
    fn start(&self, args: &[&str]) -> String {
        self.spawn(&[&["start"], args].concat()).wait().ok().line().to_owned()
    }

    /// With the callback on stdin.
    #[track_caller]
    fn complete(&self, callback: &str, args: &[&str]) -> Output {
        let mut running = self.spawn(&[&["complete", "-"], args].concat());
        running.write(&format!("{callback}\n"));
        running.wait()
    }

    #[track_caller]
    fn refuses(&self, callback: &str, args: &[&str]) {
        let before = self.server.count("authorization_code");
        let refused = self.complete(callback, args).fails(7);
        assert!(
            refused.stderr.starts_with("This response completes no authorization."),
            "{refused:?}"
        );
        assert_eq!(self.server.count("authorization_code"), before, "redeemed: {callback}");
    }
}

/// The callback with another state: its signature begins otherwise.
fn forged(callback: &str) -> String {
    let state = callback.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let (signed, signature) = state.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    callback.replace(state, &format!("{signed}.{other}{}", &signature[1..]))
}

/// The value of a line of the output.
#[track_caller]
fn value<'a>(output: &'a str, name: &str) -> &'a str {
    let line = output.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name}: {output}")).trim()
}

#[test]
fn one_process_starts_and_another_completes() {
    let scene = Scene::new();
    for more in [&[][..], &["--sealed"]] {
        let url = scene.start(&[&["user-4711"], more].concat());
        let callback = consent(&url);
        scene.refuses(&forged(&callback), &[]);
        scene.refuses(&callback, &["--user", "user-4712"]);
        let done = scene.complete(&callback, &["--user", "user-4711"]).ok().stdout;
        assert_eq!(value(&done, "user "), "user-4711");
        assert_eq!(value(&done, "subject "), "user-4711");
        assert_eq!(value(&done, "scopes "), "openid email offline_access");
        assert!(value(&done, "expires ").ends_with('Z'), "{done}");
        assert_eq!(value(&done, "token "), "works: userinfo returned the subject user-4711");
        scene.refuses(&callback, &[]);
    }
    assert_eq!(scene.server.count("authorization_code"), 2);
}

#[test]
fn completion_shows_and_leaves_no_secret() {
    let scene = Scene::new();
    let url = scene.start(&["user-4711"]);
    let callback = consent(&url);
    let query = |name: &str| {
        let url = url::Url::parse(&callback).unwrap();
        url.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned()
    };
    let (code, state) = (query("code"), query("state"));
    let done = scene.complete(&callback, &[]).ok();
    let said = format!("{}{}", done.stdout, done.stderr);
    assert_not_shown(&said, [&code, &state]);
    assert_no_secret(&scene.home, [code, state]);
    let dir = scene.home.path("signed/signed_state");
    assert!(fs::read_dir(dir.join("grants")).unwrap().count() > 0);
    scene.home.assert_private();
}

#[test]
fn directory_that_was_there_stays_as_it_is() {
    let scene = Scene::new();
    let dir = shared_directory(&scene.home, "signed");
    let callback = consent(&scene.start(&["user-4711"]));
    scene.complete(&callback, &[]).ok();
    assert_eq!(mode(&dir), 0o755);
    assert_eq!(mode(&dir.join("signed_state")), 0o700);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
}

#[test]
fn sealed_state_needs_no_record_and_signed_one_does() {
    let scene = Scene::new();
    let forgotten = |more: &[&str]| {
        let callback = consent(&scene.start(&[&["user-4711"], more].concat()));
        let _ = fs::remove_dir_all(scene.home.path("signed/signed_state/pending"));
        callback
    };
    let signed = forgotten(&[]);
    scene.refuses(&signed, &[]);
    let sealed = forgotten(&["--sealed"]);
    scene.complete(&sealed, &[]).ok();
    scene.refuses(&sealed, &[]);
}

#[test]
fn state_of_another_key_is_forged() {
    let (scene, other) = (Scene::new(), Scene::new());
    other.start(&["user-4711"]);
    let callback = consent(&scene.start(&["user-4711"]));
    other.refuses(&callback, &[]);
    // So is one where there was never a key.
    let never = Scene::new();
    never.refuses(&callback, &[]);
    scene.complete(&callback, &[]).ok();
}

#[test]
fn answer_that_comes_too_late_is_refused() {
    let scene = Scene::new();
    for more in [&[][..], &["--sealed"]] {
        let callback = consent(&scene.start(&[&["user-4711", "--ttl", "1s"], more].concat()));
        let_a_second_pass();
        scene.refuses(&callback, &[]);
    }
}

#[test]
fn forged_denied_and_failed_are_told_apart() {
    let scene = Scene::new();
    scene.server.control.post("/deny", &serde_json::json!({ "deny": true }));
    let denied = consent(&scene.start(&["user-4711"]));
    scene.server.control.post("/deny", &serde_json::json!({ "deny": false }));
    scene.refuses(&forged(&denied), &[]);
    let refused = scene.complete(&denied, &[]).fails(5);
    assert!(refused.stderr.starts_with("The user denied access."), "{refused:?}");
    scene.refuses(&denied, &[]);

    let failing = consent(&scene.start(&["user-4711"]));
    let Scene { server, home } = scene;
    let gone = server.issuer.clone();
    drop(server);
    let dir = home.path("signed");
    let args = ["complete", "-", "--issuer", &gone, "--client-id", "cli", "--dir"];
    let args = [&args[..], &[dir.to_str().unwrap()]].concat();
    let mut running = spawn(&home, "signed_state", &args);
    running.write(&format!("{failing}\n"));
    let failed = running.wait().fails(9);
    assert!(failed.stderr.starts_with("The server is unreachable."), "{failed:?}");
    let mut running = spawn(&home, "signed_state", &args);
    running.write("nonsense\n");
    let nonsense = running.wait().fails(7);
    assert!(nonsense.stderr.starts_with("It failed."), "{nonsense:?}");
}

#[test]
fn one_process_does_both_for_many_at_once() {
    let scene = Scene::new();
    for more in [&[][..], &["--sealed"]] {
        let users = ["user-1", "user-2", "user-3"];
        let mut running = scene.spawn(&[&["both"], &users[..], more].concat());
        let urls = users.map(|user| {
            running.await_stdout(|text| {
                let line = text.lines().find_map(|line| line.strip_prefix(&format!("{user}: ")));
                line.filter(|_| text.matches(": http").count() == 3).map(str::to_owned)
            })
        });
        let [first, second, third] = urls.map(|url| consent(&url));
        // Backwards, and all at once.
        let all = format!("{}\n{third}\n{second}\n{first}\n", forged(&third));
        running.write(&all);
        let done = running.wait().code(7);
        assert_eq!(
            done.stderr.matches("This response completes no authorization").count(),
            1,
            "{done:?}"
        );
        for user in users {
            assert_eq!(done.stdout.matches(&format!("user     {user}\n")).count(), 1, "{done:?}");
            let works = format!("token    works: userinfo returned the subject {user}\n");
            assert_eq!(done.stdout.matches(&works).count(), 1, "{done:?}");
        }
    }
    assert_eq!(scene.server.count("authorization_code"), 6);
}

#[test]
fn denial_among_many_ends_its_own_flow_alone() {
    let scene = Scene::new();
    let mut running = scene.spawn(&["both", "user-1", "user-2"]);
    let url = |text: &str, user: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{user}: ")));
        line.filter(|url| text.contains(&format!("{url}\n"))).map(str::to_owned)
    };
    let first = consent(&running.await_stdout(|text| url(text, "user-1")));
    scene.server.control.post("/deny", &serde_json::json!({ "deny": true }));
    let second = consent(&running.await_stdout(|text| url(text, "user-2")));
    running.write(&format!("{second}\n{first}\n"));
    let done = running.wait().code(5);
    assert!(done.stderr.contains("The user denied access."), "{done:?}");
    assert!(done.stdout.contains("user     user-1\n"), "{done:?}");
    assert!(!done.stdout.contains("user     user-2\n"), "{done:?}");
}

#[test]
fn example_runs_without_any_setup() {
    let home = Home::new();
    let done = spawn(&home, "signed_state", &[]).wait().ok();
    for user in ["ada", "brook", "chen"] {
        assert_eq!(done.stdout.matches(&format!("user     {user}\n")).count(), 1, "{done:?}");
    }
    assert_eq!(done.stdout.matches("token    works").count(), 3, "{done:?}");
    assert!(
        done.stdout.contains("And a forged state:\nThis response completes no authorization"),
        "{done:?}"
    );
    assert_not_shown(&done.stdout, ["sandbox-code", "sandbox-access"]);
    assert_eq!((done.stderr.as_str(), home.files().len()), ("", 0));
}
