//! The PKCE flows of many users, each step in a separate process.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::port::{GrantStore, PendingRecord, PendingStore};
use oauthctl_core::{GrantKey, Timestamp};
use serde_json::json;
use stores::{Flows, Grants};

use crate::support::{
    Home, OidcProvider, Output, Servers, assert_no_secret, assert_not_shown, consent, mode,
};
use crate::walk::{shared_directory, spawn, spawn_under_umask};

#[path = "../../examples/pkce_manager/stores.rs"]
#[allow(dead_code)]
mod stores;

/// A GitLab-like server, and the directory in which the example keeps everything.
struct Scene {
    server: OidcProvider,
    home: Home,
    dir: String,
}

impl Scene {
    fn new() -> Self {
        let server = Servers::oidc_provider_with(&["--gitlab", "1"]);
        let home = Home::new();
        let dir = home.path("desk");
        let profile = format!(
            "[profiles.gitlab]\nprovider = \"gitlab\"\nroot_url = \"{}/oauth/\"\n\
             client_id = \"cli\"\nredirect_uri = \"http://127.0.0.1:8080/callback\"\n\
             scopes = [\"api\"]\n",
            server.issuer
        );
        home.write(&dir.join("gitlab.toml"), &profile);
        let dir = dir.to_str().unwrap().to_owned();
        Self { server, home, dir }
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Output {
        let args: Vec<&str> = [&self.dir as &str].iter().chain(args).copied().collect();
        spawn(&self.home, "pkce_manager", &args).wait()
    }

    /// The authorization URL of a new flow.
    #[track_caller]
    fn start(&self, user: &str, account: &str) -> String {
        self.run(&["start", user, account]).ok().line().to_owned()
    }

    #[track_caller]
    fn complete(&self, user: &str, callback: &str) -> Output {
        let mut running = spawn(&self.home, "pkce_manager", &[&self.dir, "complete", user]);
        running.write(callback);
        running.wait()
    }

    /// It is refused, and no code is spent.
    #[track_caller]
    fn refuses(&self, user: &str, callback: &str) {
        let before = self.server.count("authorization_code");
        let output = self.complete(user, callback).fails(7);
        assert!(output.stderr.contains("no flow of this user"), "{}", output.stderr);
        assert_eq!(self.server.count("authorization_code"), before, "a code was spent");
    }

    #[track_caller]
    fn flows(&self, user: &str) -> String {
        self.run(&["flows", user]).ok().stdout
    }

    /// What is in the files of the example, and how they are called.
    fn files(&self) -> Vec<String> {
        let below = self.home.path("desk/users");
        let files = self.home.files().into_iter().filter(|file| file.starts_with(&below));
        files.map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }
}

/// A parameter of a URL.
#[track_caller]
fn param<'u>(url: &'u str, name: &str) -> &'u str {
    let pairs = url.split_once('?').unwrap().1.split('&');
    let mut found = pairs.filter_map(|pair| pair.split_once('=')).filter(|(n, _)| *n == name);
    found.next().unwrap_or_else(|| panic!("no {name}: {url}")).1
}

#[test]
fn example_runs_without_any_setup() {
    let output = spawn(&Home::new(), "pkce_manager", &[]).wait().ok();
    for line in [
        "open flows of ada: 2",
        "brook with ada's response: refused",
        "server of ada, granted by ada@sandbox.example\nlaptop of ada, granted by ada@sandbox.example",
        "the same response again: refused",
        "an unknown user: refused, unknown user `nobody`",
        "a Bearer token, stored, of grant ",
        "a Bearer token, refreshed, of grant ",
        "too late: refused",
        "open flows of ada: 0",
    ] {
        assert!(output.stdout.contains(line), "{line}\n---\n{}", output.stdout);
    }
}

#[test]
fn flows_of_users_complete_in_any_order() {
    let scene = Scene::new();
    let begun = [("zoë/../x", "laptop"), ("zoë/../x", "server"), ("brook", "laptop")];
    let urls = begun.map(|(user, account)| scene.start(user, account));
    let root = format!("{}/oauth/authorize?", scene.server.issuer);
    assert!(urls.iter().all(|url| url.starts_with(&root)), "{urls:?}");
    let listed = scene.flows("zoë/../x");
    assert!(listed.contains("open flows of zoë/../x: 2\n"), "{listed}");
    for (number, url) in urls.iter().enumerate() {
        let challenge = param(url, "code_challenge");
        assert_eq!(listed.contains(challenge), number < 2, "{challenge}: {listed}");
        assert_not_shown(&listed, [param(url, "state")]);
    }

    let callbacks = urls.each_ref().map(|url| consent(url));
    scene.refuses("brook", &callbacks[0]);
    scene.refuses("zoë/../x", &callbacks[2]);
    for number in [1, 2, 0] {
        let (user, account) = begun[number];
        let output = scene.complete(user, &callbacks[number]).ok();
        assert!(
            output.stdout.ends_with(&format!("{account} of {user}, granted by an unnamed user\n"))
        );
        scene.refuses(user, &callbacks[number]);
    }
    assert_eq!(scene.server.count("authorization_code"), 3);
    assert!(scene.flows("zoë/../x").ends_with(": 0\n"));
    let left = scene.files();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.iter().all(|name| name.ends_with(".used")), "only a mark is left: {left:?}");
}

#[test]
fn grants_outlive_the_process_and_are_kept_encrypted() {
    let scene = Scene::new();
    let callback = consent(&scene.start("ada", "laptop"));
    scene.complete("ada", &callback).ok();
    let token = |command| scene.run(&[command, "ada", "laptop"]).ok().stdout;
    let stored = token("token");
    assert!(stored.starts_with("a Bearer token, stored, of grant g_"), "{stored}");
    // Each refresh ends the refresh token before: what was saved is what the next process sends.
    let refreshed = stored.replace("stored", "refreshed");
    let later = ["refresh", "refresh", "token"].map(token);
    assert_eq!(later, [refreshed.clone(), refreshed, stored]);
    assert_eq!(scene.server.count("refresh_token"), 2);
    let output = scene.run(&["token", "ada", "server"]).fails(4);
    assert!(output.stderr.contains("server of ada"), "{}", output.stderr);
    let requests = scene.server.control.get("/journal")["requests"].clone();
    let secrets =
        requests.as_array().unwrap().iter().flat_map(|r| r["secrets"].as_array().unwrap());
    let secrets: Vec<&str> = secrets.map(|secret| secret.as_str().unwrap()).collect();
    assert_eq!(secrets.len(), 7, "a verifier, and three times two tokens");
    assert_no_secret(&scene.home, secrets);
    // A grant that cannot be read is an error, and does not count as missing.
    let grants = fs::read_dir(scene.home.path("desk/grants")).unwrap().map(|e| e.unwrap().path());
    let grant = grants.filter(|path| !path.ends_with("key")).collect::<Vec<_>>();
    assert_eq!(grant.len(), 1);
    let mut bytes = fs::read(&grant[0]).unwrap();
    bytes[40] ^= 1;
    fs::write(&grant[0], bytes).unwrap();
    scene.run(&["token", "ada", "laptop"]).fails(10);
}

#[test]
fn directory_that_was_there_stays_as_it_is() {
    let scene = Scene::new();
    let before = shared_directory(&scene.home, "before");
    fs::copy(scene.home.path("desk/gitlab.toml"), before.join("gitlab.toml")).unwrap();
    let scene = Scene { dir: before.to_str().unwrap().to_owned(), ..scene };
    let callback = consent(&scene.start("ada", "laptop"));
    scene.complete("ada", &callback).ok();
    assert_eq!(mode(&before), 0o755);
    let below = fs::read_dir(&before).unwrap().map(|entry| entry.unwrap().path());
    let others: Vec<_> = below.filter(|path| !path.ends_with("gitlab.toml")).collect();
    assert_eq!(others.len(), 4, "{others:?}");
    assert!(others.iter().all(|path| path.is_dir() && mode(path) == 0o700), "{others:?}");
}

#[tokio::test]
async fn damaged_grant_is_kept_aside_by_the_next_flow() {
    let scene = Scene::new();
    let complete = || scene.complete("ada", &consent(&scene.start("ada", "laptop"))).ok().stdout;
    let grants = || -> Vec<PathBuf> {
        let files = fs::read_dir(scene.home.path("desk/grants")).unwrap();
        files.map(|e| e.unwrap().path()).filter(|path| !path.ends_with("key")).collect()
    };
    assert!(!complete().contains("kept as"));
    let [grant] = &grants()[..] else { panic!("{:?}", grants()) };
    let mut damaged = Vec::new();
    for number in 1..3_u8 {
        damaged.push([number; 50]);
        fs::write(grant, [number; 50]).unwrap();
        let failed = scene.run(&["token", "ada", "laptop"]).fails(10);
        assert!(failed.stderr.contains("is damaged\n"), "{failed:?}");
        let advice = "start and complete a new flow, which moves the record aside\n";
        assert!(failed.stderr.ends_with(advice), "{failed:?}");
        let said = complete();
        let place = grants().into_iter().find(|path| fs::read(path).unwrap() == [number; 50]);
        let noted = format!("is kept as {}: ", place.unwrap().display());
        assert!(said.contains(&noted), "{said}");
        scene.run(&["token", "ada", "laptop"]).ok();
    }
    // Both are kept, until the grant is removed with every copy. Another's stays.
    let found = |bytes: &[u8]| grants().iter().any(|path| fs::read(path).unwrap() == bytes);
    assert!(damaged.iter().all(|bytes| found(bytes)));
    scene.complete("brook", &consent(&scene.start("brook", "laptop"))).ok();
    assert_eq!(grants().len(), 4);
    let store = Grants::open(scene.home.path("desk/grants")).unwrap();
    let key = GrantKey::new("gitlab", "laptop of ada");
    assert!(store.remove(&key).await.unwrap());
    assert_eq!(grants().len(), 1);
    assert!(!store.remove(&key).await.unwrap());
    assert_eq!(store.set_aside(&key).await.unwrap(), None);
    scene.run(&["token", "brook", "laptop"]).ok();
}

#[test]
fn files_are_private_under_any_umask() {
    let scene = Scene::new();
    // The one that the test has made; what is in it is the example's.
    fs::set_permissions(&scene.dir, fs::Permissions::from_mode(0o700)).unwrap();
    let run = |args: &[&str]| {
        let args = [&[&scene.dir as &str], args].concat();
        spawn_under_umask(&scene.home, "000", "pkce_manager", &args)
    };
    let url = run(&["start", "ada", "laptop"]).wait().ok().line().to_owned();
    // Of a second user, whose flow stays open.
    run(&["start", "brook", "laptop"]).wait().ok();
    scene.home.assert_private();
    let mut completing = run(&["complete", "ada"]);
    completing.write(&consent(&url));
    completing.wait().ok();
    run(&["refresh", "ada", "laptop"]).wait().ok();
    scene.home.assert_private();
    let mut dirs = vec![scene.home.path("desk")];
    let mut found = Vec::new();
    while let Some(dir) = dirs.pop() {
        let below = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        dirs.extend(below.filter(|path| path.is_dir()));
        found.push((mode(&dir), dir));
    }
    assert!(found.iter().all(|(mode, _)| *mode == 0o700), "{found:?}");
    for name in ["users", "grants", "locks", "state-keys"] {
        let is_there = found.iter().any(|(_, dir)| dir.ends_with(name));
        assert!(is_there, "{name}: {found:?}");
    }
}

#[test]
fn forged_altered_and_denied_responses_give_nothing() {
    let scene = Scene::new();
    let url = scene.start("ada", "laptop");
    let callback = consent(&url);
    let state = param(&callback, "state");
    let (head, signature) = state.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let altered = format!("{head}.{other}{}", &signature[1..]);
    for forged in ["another", &altered] {
        scene.refuses("ada", &callback.replace(state, forged));
    }
    scene.complete("ada", &callback.replace("8080", "8081")).fails(7);
    assert!(scene.flows("ada").contains("ada: 1\n"), "it still waits for its own response");

    scene.server.control.post("/deny", &json!({ "deny": true }));
    let denied = consent(&scene.start("ada", "server"));
    let output = scene.complete("ada", &denied).fails(5);
    assert!(output.stderr.contains("the user denied the request"), "{}", output.stderr);
    scene.refuses("ada", &denied);
    scene.run(&["token", "ada", "server"]).fails(4);
    assert_eq!(scene.server.count("authorization_code"), 0);
    scene.complete("ada", &callback).ok();
}

#[test]
fn unknown_user_differs_from_a_foreign_response() {
    let scene = Scene::new();
    let callback = consent(&scene.start("ada", "laptop"));
    for output in [
        scene.complete("brook", &callback),
        scene.run(&["flows", "brook"]),
        scene.run(&["token", "brook", "laptop"]),
    ] {
        let output = output.fails(3);
        assert!(output.stderr.starts_with("unknown user `brook`\n"), "{output:?}");
    }
    scene.start("brook", "laptop");
    scene.refuses("brook", &callback);
    scene.complete("ada", &callback).ok();
    // "laptop of ada" of "brook" would be "laptop" of "ada of brook".
    for account in ["laptop of ada", ""] {
        scene.run(&["start", "brook", account]).fails(2);
        scene.run(&["token", "brook", account]).fails(2);
    }
}

#[test]
fn flow_past_its_time_is_refused_and_collected() {
    let scene = Scene::new();
    let short = scene.run(&["start", "ada", "laptop", "1"]).ok().line().to_owned();
    scene.start("ada", "server");
    let callback = consent(&short);
    crate::support::await_some("the end of the flow", || {
        scene.flows("ada").contains("ada: 1\n").then_some(())
    });
    scene.refuses("ada", &callback);
    assert_eq!(scene.files().len(), 2, "{:?}: the challenge and the seal of one", scene.files());
}

#[test]
fn store_has_a_limit_and_response_is_redeemed_once() {
    let scene = Scene::new();
    let urls: Vec<String> = (0..8).map(|n| scene.start("ada", &format!("a{n}"))).collect();
    let output = scene.run(&["start", "ada", "more"]).fails(10);
    assert!(output.stderr.contains("already has 8 open flows"), "{}", output.stderr);
    scene.start("brook", "laptop");
    let callback = consent(&urls[3]);
    let all: Vec<_> = (0..4)
        .map(|_| {
            let mut running = spawn(&scene.home, "pkce_manager", &[&scene.dir, "complete", "ada"]);
            running.write(&callback);
            running.close_stdin();
            running
        })
        .collect();
    let mut codes: Vec<i32> = all.into_iter().map(|running| running.wait().status).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 7, 7, 7]);
    assert_eq!(scene.server.count("authorization_code"), 1);
    scene.start("ada", "more");
}

#[tokio::test]
async fn flow_is_claimed_by_one_and_marked_once() {
    let dir = tempfile::tempdir().unwrap();
    let flows = Flows::new(dir.path().to_owned(), Arc::new(SystemClock));
    let (until, past) = (Timestamp::from_unix(u64::from(u32::MAX)), Timestamp::from_unix(1));
    let record = |expires_at| PendingRecord { id: "a-_1".into(), expires_at, sealed: vec![0, 255] };
    flows.put(&record(until)).await.unwrap();
    flows.put(&record(until)).await.unwrap_err();
    let file = dir.path().join(format!("a-_1.{}.sealed", until.unix()));
    let copy = std::fs::read(&file).unwrap();
    assert_eq!(flows.get("a-_1", until).await.unwrap(), Some(record(until)));
    assert_eq!(flows.get("a-_1", past).await.unwrap(), None, "a time is part of the name");
    assert!(!flows.claim("a-_1", past).await.unwrap());
    assert_eq!(flows.list().await.unwrap(), [record(until)]);
    let claims: Vec<bool> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(flows.claim("a-_1", until)).unwrap()
                })
            })
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(claims.into_iter().filter(|taken| *taken).count(), 1);
    assert_eq!(flows.get("a-_1", until).await.unwrap(), None);
    std::fs::write(&file, copy).unwrap();
    assert_eq!(flows.get("a-_1", until).await.unwrap(), None, "an old copy is of no use");
    assert_eq!(flows.list().await.unwrap(), []);
    assert!(!flows.claim("a-_1", until).await.unwrap());
    flows.put(&record(until)).await.unwrap_err();
    assert!(flows.mark_used("b", until).await.unwrap());
    assert!(!flows.mark_used("b", until).await.unwrap());
    flows.put(&record(past)).await.unwrap();
    assert_eq!(flows.list().await.unwrap(), [], "one past its time is not listed");
    assert!(!flows.claim("a-_1", past).await.unwrap(), "and was collected");
}
