//! Running it.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use oauthctl_broker::storage::{Key, Space};
use oauthctl_broker::vault::Terms;
use oauthctl_sandbox::SandboxOptions;
use serde_json::{Value, json};

use crate::fairness::vault_of;
use crate::process::Output;
use crate::support::{Broker, Home, Scene, run, token_requests};

#[tokio::test]
async fn health_needs_no_key_and_tells_nothing() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let api = broker.api("");
    for path in ["/healthz", "/readyz"] {
        let answer = api.get(path).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "ok\n"), "{path}");
    }
    api.get("/v1/unknown").await.problem(401);
    api.get("/unknown").await.problem(404);
    api.post("/healthz", &serde_json::json!({})).await.problem(405);
}

#[test]
fn tenant_that_exists_is_refused_with_a_command() {
    let home = Home::new();
    home.tenant("acme", &[]);
    let refused = home.run(&["tenant", "create", "acme"]).fails(3).stderr;
    assert!(refused.contains("hint: run `oauthctl tenant key acme`"), "{refused}");
    home.run(&["tenant", "key", "acme"]).ok();
}

#[test]
fn redirect_with_a_wildcard_is_refused() {
    let home = Home::new();
    for url in ["https://*.example/done", "https://*/", "https://%2a.example/"] {
        home.run(&["tenant", "create", "acme", "--allow-redirect", url]).fails(2);
    }
    home.tenant("acme", &["https://app.example/*"]);
}

#[tokio::test]
async fn restart_keeps_connections_and_log_has_no_secret() {
    let scene = Scene::with(SandboxOptions::default(), &[], &["-v"]).await;
    let token = scene.connect().await;
    let Scene { mut broker, key, home, sandbox: _sandbox, .. } = scene;
    broker.process.signal(rustix::process::Signal::TERM);
    let log = broker.process.await_end().ok().stderr;
    for secret in [key.as_str(), token["access_token"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{log}");
        for file in ["broker.db", "broker.db-wal"] {
            let bytes = std::fs::read(home.path().join("state").join(file)).unwrap_or_default();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{file}");
        }
    }
    let again = home.serve(&[]);
    assert_eq!(again.api(&key).token("sandbox", "u-1").await.json(200), token);
}

#[tokio::test]
async fn expired_token_is_refreshed_once_for_many_clients() {
    let options = SandboxOptions { access_ttl: Duration::from_secs(30), ..Default::default() };
    let Scene { sandbox, api, .. } = &Scene::with(options, &[], &[]).await;
    api.provide("rotating", &sandbox.issuer_with("rotate")).await;
    api.connect("rotating", "u-1").await;
    let path = "/v1/connections/rotating/u-1/token?min_ttl=27s";
    let first = api.get(path).await.json(200)["access_token"].clone();
    // The clock has to move on: more than three of the thirty seconds are used up then.
    let until = std::time::Instant::now() + Duration::from_secs(4);
    tokio::time::sleep_until(until.into()).await;
    let before = token_requests(sandbox);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { api.get(path).await.json(200)["access_token"].clone() })
        })
        .collect();
    for task in tasks {
        assert_ne!(task.await.unwrap(), first);
    }
    assert_eq!(token_requests(sandbox) - before, 1);
}

#[tokio::test]
async fn key_is_rotated_while_the_broker_runs() {
    let scene = Scene::new().await;
    let token = scene.connect().await;
    let Scene { sandbox: _sandbox, broker, api, key, home } = scene;
    let file = home.path().join("config/broker.key");
    let (old, new) = (std::fs::read_to_string(&file).unwrap(), "A".repeat(43));
    let mut rotate = home.command(&["serve", "rotate-key", "--json"]);
    run(rotate.env("OAUTHCTL_NEW_MASTER_KEY", &new)).ok();
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), new);
    // The running one has both keys; what it writes has the new one.
    assert_eq!(api.token("sandbox", "u-1").await.json(200), token);
    api.connect("sandbox", "u-2").await;
    drop(broker);
    let broker = home.serve_with_key(&new);
    let api = broker.api(&key);
    assert_eq!(api.token("sandbox", "u-1").await.json(200), token);
    api.token("sandbox", "u-2").await.json(200);
    drop(broker);
    let mut refused = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    run(refused.env("OAUTHCTL_MASTER_KEY", old.trim())).fails(10);
}

/// Runs `rotate-key` from one key to another.
fn rotate(home: &Home, from: &str, to: &str) -> Output {
    let mut rotate = home.command(&["serve", "rotate-key", "--json"]);
    run(rotate.env("OAUTHCTL_MASTER_KEY", from).env("OAUTHCTL_NEW_MASTER_KEY", to))
}

#[tokio::test]
async fn rotation_that_failed_is_finished_with_either_key() {
    let scene = Scene::new().await;
    let token = scene.connect().await;
    let Scene { sandbox: _sandbox, broker, key, home, .. } = scene;
    drop(broker);
    let old = std::fs::read_to_string(home.path().join("config/broker.key")).unwrap();
    let (old, new, other) = (old.trim(), "A".repeat(43), "B".repeat(42) + "A");
    let store = home.database();
    let space = oauthctl_broker::storage::Space::Grants.number();
    let grant = "SELECT value FROM records WHERE space = ?1";
    let intact = store.query_row(grant, [space], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let write = |value: &[u8]| {
        let update = "UPDATE records SET value = ?1 WHERE space = ?2";
        assert_eq!(store.execute(update, rusqlite::params![value, space]).unwrap(), 1);
    };
    // It fails at the grant, after it has sealed what comes before with the new key.
    write(&intact[..intact.len() - 1]);
    rotate(&home, old, &new).fails(10);
    rotate(&home, &new, &new).fails(10);
    rotate(&home, old, &new).fails(10);
    write(&intact);
    let start = |store: &str, key: &str| {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--store", store]);
        command.env("OAUTHCTL_MASTER_KEY", key);
        command
    };
    // It is finished with either key, and can go on to a third one.
    let attempts = [(old, &new), (&new, &new), (old, &other), (&new, &other)];
    for (n, (from, to)) in attempts.into_iter().enumerate() {
        let copy = home.path().join(format!("copy-{n}.db"));
        let mut backup = home.command(&["serve", "backup", copy.to_str().unwrap()]);
        run(backup.env("OAUTHCTL_MASTER_KEY", from)).ok();
        let copy = format!("sqlite:{}", copy.display());
        let before = Broker::start(&mut start(&copy, from));
        assert_eq!(before.api(&key).token("sandbox", "u-1").await.json(200), token);
        let mut rotate = home.command(&["--store", &copy, "serve", "rotate-key"]);
        rotate.env("OAUTHCTL_MASTER_KEY", from).env("OAUTHCTL_NEW_MASTER_KEY", to);
        run(&mut rotate).ok();
        // The running one has the new key as well.
        assert_eq!(before.api(&key).token("sandbox", "u-1").await.json(200), token);
        drop(before);
        let after = Broker::start(&mut start(&copy, to));
        assert_eq!(after.api(&key).token("sandbox", "u-1").await.json(200), token);
        drop(after);
        run(&mut start(&copy, old)).fails(10);
    }
}

#[tokio::test]
async fn rotation_that_stops_anywhere_locks_nobody_out() {
    let scene = Scene::new().await;
    let token = scene.connect().await;
    let Scene { sandbox: _sandbox, broker, key, home, .. } = scene;
    drop(broker);
    let old = std::fs::read_to_string(home.path().join("config/broker.key")).unwrap();
    let (first, second, third) = (old.trim(), "A".repeat(43), "B".repeat(42) + "A");
    let store = home.database();
    // The store fails at this change of a record, as if the process ended there.
    let fail_at = |change: &str| {
        let trigger = format!(
            "DROP TRIGGER IF EXISTS stop;
             CREATE TRIGGER stop BEFORE {change} BEGIN SELECT RAISE(ABORT, 'stop'); END;"
        );
        store.execute_batch(&trigger).unwrap();
    };
    let opens = |master_key: &str| {
        let mut backup = home.command(&["serve", "backup", "/dev/null/nowhere"]);
        let tried = run(backup.env("OAUTHCTL_MASTER_KEY", master_key));
        !tried.stderr.contains("different master key")
    };
    let grants = oauthctl_broker::storage::Space::Grants.number();
    let reseal = format!("UPDATE ON records WHEN NEW.space = {grants}");
    // The first rotation begins, and another one goes on to a third key.
    fail_at(&reseal);
    rotate(&home, first, &second).fails(10);
    for change in [
        reseal.as_str(),
        "INSERT ON records WHEN NEW.id LIKE 'earlier-%'",
        "INSERT ON records WHEN NEW.id = 'successor'",
        &reseal,
        "DELETE ON records WHEN OLD.id = 'successor'",
    ] {
        fail_at(change);
        let from = if opens(first) { first } else { &third };
        rotate(&home, from, &third).fails(10);
        assert!(opens(first) || opens(&third), "nobody after a failed {change}");
    }
    store.execute_batch("DROP TRIGGER stop").unwrap();
    rotate(&home, &third, &third).ok();
    assert!(!opens(first) && !opens(&second));
    let broker = home.serve_with_key(&third);
    assert_eq!(broker.api(&key).token("sandbox", "u-1").await.json(200), token);
}

#[tokio::test]
async fn copy_of_a_running_store_serves_elsewhere() {
    let scene = Scene::new().await;
    let token = scene.connect().await;
    let Scene { key, home, .. } = &scene;
    let copy = home.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    home.run(&["serve", "backup", copy]).ok();
    let mode = std::fs::metadata(copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What is there is not replaced.
    let again = home.run(&["serve", "backup", copy]).fails(10).stderr;
    assert!(again.contains("File exists"), "{again}");
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let restored = Broker::start(command.args(["--store", &format!("sqlite:{copy}")]));
    assert_eq!(restored.api(key).token("sandbox", "u-1").await.json(200), token);
}

#[tokio::test]
async fn token_is_refreshed_before_anybody_asks() {
    let options = SandboxOptions { access_ttl: Duration::from_secs(5), ..Default::default() };
    let scene = Scene::with(options, &[], &[]).await;
    scene.connect().await;
    let until = std::time::Instant::now() + Duration::from_secs(15);
    while !scene.sandbox.journal().iter().any(|entry| entry.grant_type == Some("refresh_token")) {
        assert!(std::time::Instant::now() < until, "never refreshed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn certificate_of_the_operator_serves_https() {
    let home = Home::new();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (chain, key) = (file("chain.pem"), file("key.pem"));
    std::fs::write(&chain, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let set = |mode| std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
    set(0o644);
    let flags = ["serve", "--tls-certificate", &chain, "--tls-private-key", &key];
    let refused = home.run(&flags).fails(3).stderr;
    assert!(refused.contains(&format!("other users can read {key}")), "{refused}");
    set(0o600);
    let broker = home.serve(&["--tls-certificate", &chain, "--tls-private-key", &key]);
    assert!(broker.url.starts_with("https://"), "{}", broker.url);
    let authority = reqwest::Certificate::from_pem(own.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).no_proxy().build().unwrap();
    let answer = client.get(format!("{}/healthz", broker.url)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    home.run(&["serve", "--listen", "127.0.0.1:0", "--tls-certificate", &chain]).fails(3);
}

#[test]
fn limit_of_open_files_is_raised() {
    let home = Home::new();
    let serve = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut command = std::process::Command::new("prlimit");
    command.arg("--nofile=300:600").arg(serve.get_program()).args(serve.get_args()).env_clear();
    for (name, value) in serve.get_envs() {
        command.env(name, value.unwrap());
    }
    let broker = Broker::start(command.env("PATH", "/usr/bin:/bin"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", broker.process.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<_> = line.split_whitespace().skip(3).take(2).collect();
    assert_eq!(words, ["600", "600"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_provider_does_not_hide_the_others() {
    let Scene { broker, key, home, sandbox, api } = Scene::new().await;
    api.connect("sandbox", "u-1").await;
    api.provide("other", sandbox.issuer()).await;
    drop(broker);
    // A version that allowed this key has written it.
    let vault = vault_of(&home).await;
    let record = Key::new(Space::Providers, "acme", "sandbox");
    let mut provider = vault.get::<Value>(&record).await.unwrap().unwrap().document;
    provider["keys"]["password"] = "a-secret".into();
    vault.put(record, &provider, Terms::default()).await.unwrap();
    drop(vault);
    let mut broker = home.serve(&[]);
    let api = broker.api(&key);
    let listed = api.get("/v1/providers").await;
    let providers = listed.json(200)["providers"].clone();
    assert_eq!(providers[0]["provider"], "other");
    assert_eq!(providers[1], json!({ "provider": "sandbox", "error": "invalid_provider" }));
    assert!(!listed.text.contains("a-secret"), "{}", listed.text);
    api.get("/v1/providers/sandbox").await.problem(422);
    let start = json!({ "provider": "sandbox", "user": "u-2" });
    api.post("/v1/connections", &start).await.problem(422);
    api.get("/v1/connections/sandbox/u-1/token?min_ttl=24h").await.problem(422);
    let document = api.get("/openapi.json").await.json(200);
    for (method, path) in [
        ("get", "/v1/providers/{provider}"),
        ("post", "/v1/connections"),
        ("get", "/v1/connections/{provider}/{user}/token"),
    ] {
        let responses = &document["paths"][path][method]["responses"];
        assert!(responses["422"].is_object(), "{method} {path}: {responses}");
    }
    // Its connection can be removed, although nobody can revoke it.
    let deleted = api.delete("/v1/connections/sandbox/u-1").await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    let line = "not revoked at the provider";
    broker.process.await_stderr(|log| log.contains(line).then_some(()));
    api.get("/v1/connections/sandbox/u-1").await.problem(404);
}
