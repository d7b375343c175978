//! What a tenant may have, how often it may ask, and its keys.

pub mod parallel;

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_broker::cache::Caches;
use oauthctl_broker::keys::MasterKey;
use oauthctl_broker::storage::{Location, Usage, open};
use oauthctl_broker::tenants;
use oauthctl_broker::vault::Vault;
use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Home, Scene, provider, start_broker, token_requests};

#[tokio::test]
async fn quota_that_is_used_up_is_a_problem_of_its_own() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let set = home.json(&[
        "tenant",
        "quota",
        "acme",
        "--connections",
        "1",
        "--providers",
        "2",
        "--pending",
        "2",
    ]);
    assert_eq!(set["quota"]["connections"], 1);
    let listed = home.json(&["tenant", "list"]);
    assert_eq!(
        listed[0]["quota"],
        json!({ "connections": 1, "providers": 2, "pending": 2, "requests": null })
    );
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    api.provide("sandbox", sandbox.issuer()).await;
    api.provide("other", sandbox.issuer()).await;
    let body = json!({ "issuer": sandbox.issuer(), "client_id": "app" });
    assert_eq!(api.put("/v1/providers/third", &body).await.problem(403)["error"], "quota_exceeded");
    api.put("/v1/providers/other", &body).await.json(200);

    let link = |user: &str| json!({ "provider": "sandbox", "user": user });
    let (first, second) = (api.link(&link("u-1")).await, api.link(&link("u-2")).await);
    let refused = api.post("/v1/connections", &link("u-3")).await;
    assert_eq!(refused.problem(429)["error"], "too_many_requests");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(Browser::default().follow(&first).await.status, 200);
    // A link from before the quota was used up connects nobody beyond it.
    assert_eq!(Browser::default().follow(&second).await.status, 403);
    api.token("sandbox", "u-2").await.problem(404);
    let refused = api.post("/v1/connections", &link("u-3")).await;
    assert_eq!(refused.problem(403)["error"], "quota_exceeded");
    // Whoever is connected may connect again.
    api.post("/v1/connections", &link("u-1")).await.json(201);
    home.json(&["tenant", "quota", "acme", "--connections", "none", "--pending", "none"]);
    let until = Instant::now() + Duration::from_secs(5);
    while api.post("/v1/connections", &link("u-3")).await.status != 201 {
        assert!(Instant::now() < until, "still refused");
    }
}

#[tokio::test]
async fn quota_holds_for_users_who_come_back_later() {
    let scene = Scene::new().await;
    let Scene { api, home, .. } = &scene;
    home.json(&["tenant", "quota", "acme", "--connections", "1"]);
    let mut users = Vec::new();
    for user in ["u-1", "u-2"] {
        let link = api.link(&json!({ "provider": "sandbox", "user": user })).await;
        let mut browser = Browser::default();
        let callback = browser.callback_of(&link).await;
        users.push((browser, callback));
    }
    let mut answers = Vec::new();
    for (browser, callback) in &mut users {
        answers.push(browser.open(callback).await);
    }
    assert_eq!(answers[0].status, 200, "{}", answers[0].text);
    assert_eq!(answers[1].status, 403, "{}", answers[1].text);
    assert!(answers[1].text.contains("limit of connected accounts"), "{}", answers[1].text);
    api.token("sandbox", "u-2").await.problem(404);
    assert_eq!(token_requests(&scene.sandbox), 1, "the code is not redeemed");
}

#[tokio::test(flavor = "multi_thread")]
async fn quota_holds_for_confirmations() {
    let back = "https://app.example/connected";
    let scene = Scene::with(Default::default(), &[back], &[]).await;
    let Scene { api, home, .. } = &scene;
    home.json(&["tenant", "quota", "acme", "--connections", "1"]);
    let mut confirmations = Vec::new();
    for user in (0..8).map(|n| format!("u-{n}")) {
        let body = json!({ "provider": "sandbox", "user": user, "binding": "application", "redirect_to": back });
        let sent = Browser::default().follow(&api.link(&body).await).await;
        let confirmation = sent.header("location").split_once("confirmation=").unwrap().1;
        confirmations.push(json!({ "confirmation": confirmation, "user": user }));
    }
    let tasks: Vec<_> = confirmations
        .into_iter()
        .map(|body| {
            let api = api.clone();
            tokio::spawn(async move { (api.post("/v1/confirmations", &body).await, body) })
        })
        .collect();
    let mut refused = Vec::new();
    for task in tasks {
        let (answer, body) = task.await.unwrap();
        if answer.status != 200 {
            assert_eq!(answer.problem(403)["error"], "quota_exceeded");
            refused.push(body);
        }
    }
    assert_eq!(refused.len(), 7);
    let user = refused[0]["user"].as_str().unwrap();
    api.token("sandbox", user).await.problem(404);
    home.json(&["tenant", "quota", "acme", "--connections", "none"]);
    let until = Instant::now() + Duration::from_secs(5);
    while api.post("/v1/confirmations", &refused[0]).await.status != 200 {
        assert!(Instant::now() < until, "still refused");
    }
    api.token("sandbox", user).await.json(200);
}

#[tokio::test]
async fn flows_to_be_confirmed_are_limited() {
    let back = "https://app.example/connected";
    let scene = Scene::with(Default::default(), &[back], &[]).await;
    let Scene { api, home, .. } = &scene;
    home.json(&["tenant", "quota", "acme", "--pending", "2"]);
    let come_back = async |user: &str| {
        let body = json!({ "provider": "sandbox", "user": user, "binding": "application", "redirect_to": back });
        let sent = Browser::default().follow(&api.link(&body).await).await;
        sent.header("location").strip_prefix(back).unwrap().to_owned()
    };
    let first = come_back("u-1").await;
    come_back("u-2").await;
    let before = token_requests(&scene.sandbox);
    assert_eq!(come_back("u-3").await, "?error=quota_exceeded");
    assert_eq!(token_requests(&scene.sandbox), before, "the code is not redeemed");
    let confirmation = first.strip_prefix("?confirmation=").unwrap();
    let confirmed = json!({ "confirmation": confirmation, "user": "u-1" });
    api.post("/v1/confirmations", &confirmed).await.json(200);
    assert!(come_back("u-3").await.starts_with("?confirmation="));
}

#[tokio::test]
async fn link_that_is_opened_too_often_starts_no_flow() {
    let scene = Scene::new().await;
    let link = scene.link().await;
    let mut statuses = Vec::new();
    for _ in 0..41 {
        let answer = Browser::default().open(&link).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 900);
            assert!(answer.text.contains("opened too often"), "{}", answer.text);
            break;
        }
        assert_eq!(answer.status, 302, "{}", answer.text);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    // Another link of the same user is not affected.
    assert_eq!(Browser::default().follow(&scene.link().await).await.status, 200);
}

#[tokio::test]
async fn place_of_a_flow_that_failed_is_free() {
    let sandbox = provider().await;
    let (home, _broker, api) = start_broker();
    home.json(&["tenant", "quota", "acme", "--connections", "1"]);
    api.provide("sandbox", sandbox.issuer()).await;
    api.provide("broken", &sandbox.issuer_with("token-500")).await;
    let link = api.link(&json!({ "provider": "broken", "user": "u-1" })).await;
    assert_eq!(Browser::default().follow(&link).await.status, 502);
    api.connect("sandbox", "u-2").await;
}

#[tokio::test]
async fn flows_of_a_tenant_are_limited_over_its_links() {
    let scene = Scene::new().await;
    let Scene { api, home, .. } = &scene;
    home.json(&["tenant", "quota", "acme", "--pending", "7"]);
    let mut links = Vec::new();
    for _ in 0..7 {
        links.push(scene.link().await);
    }
    let last = links.pop().unwrap();
    // Nobody uses up the quota with one link: three flows of it count.
    for _ in 0..15 {
        assert_eq!(Browser::default().open(&links[0]).await.status, 302);
    }
    let mut browsers = Vec::new();
    for link in &links[1..] {
        for _ in 0..3 {
            let mut browser = Browser::default();
            let callback = browser.callback_of(link).await;
            browsers.push((browser, callback));
        }
    }
    for _ in 0..2 {
        assert_eq!(Browser::default().open(&last).await.status, 302);
    }
    let refused = Browser::default().open(&last).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(refused.header("retry-after"), "60");
    assert!(refused.text.contains("Too many users"), "{}", refused.text);
    // A flow that ends makes room for another.
    let (mut browser, callback) = browsers.pop().unwrap();
    assert_eq!(browser.open(&callback).await.status, 200);
    assert_eq!(Browser::default().follow(&last).await.status, 200);
    api.token("sandbox", "u-1").await.json(200);
}

#[test]
fn quota_of_nobody_or_nonsense_is_refused() {
    let home = Home::new();
    home.tenant("acme", &[]);
    for (arguments, code) in [
        (&["tenant", "quota", "nobody"][..], 3),
        (&["tenant", "quota", "nobody", "--connections", "1"], 3),
        (&["tenant", "quota", "acme", "--connections", "-1"], 2),
        (&["tenant", "quota", "acme", "--requests", "many"], 2),
        (&["tenant", "key", "acme", "--grace", "1h"], 2),
        (&["tenant", "key", "acme", "--rotate", "none"], 3),
    ] {
        assert_eq!(home.run(arguments).status, code, "{arguments:?}");
    }
}

#[tokio::test]
async fn key_that_was_rotated_ends_after_its_grace() {
    let home = Home::new();
    let old = home.tenant("acme", &[]);
    let broker = home.serve(&[]);
    let id =
        home.json(&["tenant", "key", "acme", "--list"])[0]["key_id"].as_str().unwrap().to_owned();
    let old = broker.api(&old);
    old.get("/v1/connections").await.json(200);
    let rotated = home.json(&["tenant", "key", "acme", "--rotate", &id, "--grace", "3s"]);
    let begun = Instant::now();
    let listed = home.json(&["tenant", "key", "acme", "--list"]);
    let ending = |key: &serde_json::Value| !key["expires_at"].is_null();
    assert_eq!(listed.as_array().unwrap().iter().filter(|key| ending(key)).count(), 1, "{listed}");
    let lines = home.run(&["tenant", "key", "acme", "--list"]).ok().stdout;
    for line in lines.lines() {
        assert_eq!(line, line.split_whitespace().collect::<Vec<_>>().join(" "), "{lines}");
    }
    let new = broker.api(rotated["api_key"].as_str().unwrap());
    new.get("/v1/connections").await.json(200);
    // Nobody changes anything any more: a key in memory ends too.
    while old.get("/v1/connections").await.status == 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "still accepted");
    }
    assert!(begun.elapsed() > Duration::from_secs(1), "no grace");
    old.get("/v1/connections").await.problem(401);
    new.get("/v1/connections").await.json(200);
    assert_eq!(home.json(&["tenant", "key", "acme", "--list"]).as_array().unwrap().len(), 1);
}

/// A store with a tenant, and the directory that holds it.
async fn with_tenant() -> (Arc<Vault>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::parse("sqlite:broker.db", directory.path()).unwrap();
    let storage = open(&location, Usage::Administer).await.unwrap();
    let vault = Arc::new(Vault::open(storage, MasterKey::generate().unwrap()).await.unwrap());
    tenants::create(&vault, "acme", &[], None).await.unwrap();
    (vault, directory)
}

#[tokio::test]
async fn slow_rotation_does_not_prolong_a_key() {
    let (vault, _directory) = with_tenant().await;
    let (key, _) = tenants::issue_key(&vault, "acme", "ci").await.unwrap();
    // Both have read the key before the other one ends it.
    tenants::end_key(&vault, &key, Duration::from_secs(60)).await.unwrap();
    let ends = || async {
        let found = tenants::find_key(&vault, "acme", &key.id).await.unwrap();
        found.unwrap().expires_at
    };
    let first = ends().await;
    tenants::end_key(&vault, &key, Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(ends().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_is_revoked_during_its_rotation_ends() {
    let (vault, _directory) = with_tenant().await;
    for round in 0..100 {
        let (key, secret) = tenants::issue_key(&vault, "acme", "ci").await.unwrap();
        let (rotating, revoking) = (Arc::clone(&vault), Arc::clone(&vault));
        let (id, other) = (key.id.clone(), key.id.clone());
        let rotation = tokio::spawn(async move {
            if let Some(old) = tenants::find_key(&rotating, "acme", &id).await.unwrap() {
                tenants::end_key(&rotating, &old, Duration::from_secs(3_600)).await.unwrap();
            }
        });
        let revoked =
            tokio::spawn(
                async move { tenants::revoke_key(&revoking, "acme", &other).await.unwrap() },
            );
        rotation.await.unwrap();
        assert!(revoked.await.unwrap());
        let found = tenants::authenticate(&vault, &Caches::default(), secret.expose()).await;
        assert!(found.unwrap().is_none(), "accepted after round {round}");
        let listed = tenants::list_keys(&vault, "acme").await.unwrap();
        assert!(listed.iter().all(|listed| listed.id != key.id), "listed after round {round}");
    }
}

#[tokio::test]
async fn tenant_that_asks_too_often_is_slowed_down_alone() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    home.json(&["tenant", "quota", "acme", "--requests", "20"]);
    let other = home.tenant("other", &[]);
    let broker = home.serve(&[]);
    let (api, other) = (broker.api(&key), broker.api(&other));
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    for path in ["/v1/connections", "/v1/connections/sandbox/u-1/token", "/v1/nothing"] {
        let mut limited = None;
        for _ in 0..200 {
            let answer = api.send(Method::GET, path, None).await;
            if answer.status == 429 {
                limited = Some(answer);
                break;
            }
        }
        let limited = limited.unwrap_or_else(|| panic!("{path}: no limit"));
        assert_eq!(limited.problem(429)["error"], "too_many_requests");
        assert_eq!(limited.header("retry-after"), "1");
        other.get("/v1/connections").await.json(200);
    }
    let until = Instant::now() + Duration::from_secs(5);
    while api.token("sandbox", "u-1").await.status != 200 {
        assert!(Instant::now() < until, "limited for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn too_many_requests_of_an_address_get_429() {
    let home = Home::new();
    let broker = home.serve(&["--requests-per-address", "5"]);
    let api = broker.api("none");
    let statuses = async |path: &str| {
        let mut seen = Vec::new();
        for _ in 0..40 {
            seen.push(api.get(path).await.status);
        }
        seen
    };
    for path in ["/v1/connections", "/callback", "/openapi.json"] {
        assert!(statuses(path).await.contains(&429), "{path}");
    }
    assert!(statuses("/healthz").await.iter().all(|status| *status == 200));
    let more = ["--behind-proxy", "--public-url", "https://broker.example"];
    let proxied =
        [&["serve", "--listen", "127.0.0.1:0", "--requests-per-address", "5"], &more[..]].concat();
    assert_eq!(home.run(&proxied).status, 3);
}
